//! The clients: what they are told, whatever dialect the server speaks.
//!
//! They are our own, on raw sockets, and not tokio-tungstenite's. They share the machine with the server, and what a
//! client costs is taken from it: one that copies every payload into a message and wakes a task for each hides what the
//! server costs behind what it costs itself. Here a crowd is one thread, and bytes are compared where the kernel has put
//! them. What they make of frames is held against tungstenite in the tests.

pub(crate) mod connection;
pub(crate) mod crowd;
pub(crate) mod expected;
pub(crate) mod frames;
pub(crate) mod handshake;
pub(crate) mod joiner;
mod native;
mod sse;
pub(crate) mod stream;
mod ttyd;
pub(crate) mod typist;

use std::net::SocketAddr;

use fantail::protocol::ClientMessage;

/// What a server tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// The connection is one to a session, whose output begins at that address, where the dialect has addresses.
    Welcome { offset: u64 },
    /// Output, in order.
    Output(&'a [u8]),
    /// A screen to go on from at that address.
    Snapshot { offset: u64, bytes: u64 },
    /// Output that is skipped.
    Gap { from: u64, to: u64 },
    /// Input up to that number is written.
    Ack(u64),
    /// The program has ended.
    Exit,
    /// To be answered with the same.
    Ping(&'a [u8]),
    /// A message to be sent before anything else.
    Greet(Vec<u8>),
    /// The server closes, with this code.
    Closed(u16),
}

/// How a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `fantail.v1`.
    Native,
    /// ttyd's `tty`.
    Ttyd,
    /// VibeTunnel's server-sent events, and a WebSocket beside them for input.
    VibeTunnel,
}

/// Where and how a session is attached to.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) address: SocketAddr,
    /// The request, as it is sent.
    pub(crate) request: Vec<u8>,
    pub(crate) dialect: Dialect,
    /// The request for a WebSocket that only takes what is typed, where that is another connection.
    pub(crate) keyboard: Option<Vec<u8>>,
}

impl Dialect {
    /// Typed `bytes` as a message: its opcode and its payload. `seq` numbers it, from 1.
    pub(crate) fn input(self, seq: u64, bytes: &[u8]) -> (u8, Vec<u8>) {
        match self {
            Self::Native => (frames::BINARY, ClientMessage::Input { seq, bytes }.encode()),
            Self::Ttyd => (frames::BINARY, ttyd::input(bytes)),
            Self::VibeTunnel => (frames::TEXT, bytes.to_vec()),
        }
    }
}
