//! A viewer that costs little: its socket is read in large pieces, and what is in them compared where it lies.

use std::sync::Arc;

use fantail::protocol::ServerMessage;
use fantail::terminal::Offset;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use crate::arrivals::Arrivals;
use crate::real::server::Server;
use crate::real::socket::connect;

/// Room for what is read at once: more than a message of the log can have.
pub(crate) const READ: usize = 128 << 10;
const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
/// A pong, and the header of a binary message of ten bytes; both masked with zeroes.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
const TEN_BYTES: [u8; 6] = [0x82, 0x8a, 0, 0, 0, 0];
/// An INPUT of a newline, not numbered.
const ENTER: [u8; 10] = [0x01, 0, 0, 0, 0, 0, 0, 0, 0, b'\n'];

/// A viewer's own direction. What it says is so short that a socket takes it whole.
pub(crate) struct Writer(Mutex<OwnedWriteHalf>);

impl Writer {
    async fn say(&self, frame: &[u8]) {
        // A connection that is gone is found where it is read.
        let _ = self.0.lock().await.write_all(frame).await;
    }

    pub(crate) async fn enter(&self) {
        self.say(&[&TEN_BYTES[..], &ENTER].concat()).await;
    }
}

pub(crate) struct Viewer {
    reader: OwnedReadHalf,
    writer: Arc<Writer>,
    /// What was read and is not a whole frame yet.
    held: Vec<u8>,
}

impl Viewer {
    pub(crate) async fn attach(server: &Server, session: &str) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("not attached: {error}");
        let mut stream = connect(server, None).await?;
        let request = format!(
            "GET /api/sessions/{session}/ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: fantail.v1\r\n\
             Authorization: Bearer {}\r\n\r\n",
            server.authority(),
            generate_key(),
            server.token()
        );
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut held = Vec::with_capacity(READ);
        let end = loop {
            if let Some(at) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut held).await.map_err(failed)? == 0 {
                return Err("closed in the handshake".into());
            }
        };
        if !held.starts_with(b"HTTP/1.1 101 ") {
            return Err(String::from_utf8_lossy(&held).into_owned());
        }
        held.drain(..end);
        let (reader, writer) = stream.into_split();
        Ok(Self { reader, writer: Arc::new(Writer(Mutex::new(writer))), held })
    }

    /// What types over its connection.
    pub(crate) fn writer(&self) -> Arc<Writer> {
        Arc::clone(&self.writer)
    }

    /// Reads for ever, and arrives after each `expected`, of which the first begins at `start`.
    pub(crate) async fn follow(
        mut self,
        start: usize,
        expected: &'static [u8],
        arrivals: Arc<Arrivals>,
    ) -> Result<(), String> {
        let mut at = start;
        loop {
            let mut taken = 0;
            while let Some((payload, end)) = frame(&self.held, taken) {
                match self.held[taken] {
                    BINARY => {
                        let before = at;
                        at = compare(&self.held[payload..end], at, start, expected)?;
                        arrivals.arrived((at - start) / expected.len() - (before - start) / expected.len());
                    }
                    PING => self.writer.say(&PONG).await,
                    other => return Err(format!("a frame that begins with {other:#04x}")),
                }
                taken = end;
            }
            self.held.drain(..taken);
            if self.reader.read_buf(&mut self.held).await.map_err(|error| error.to_string())? == 0 {
                return Err("closed".into());
            }
        }
    }
}

/// Where the payload of the frame at `at` begins and ends, when all of it is there.
fn frame(held: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = &held[at..];
    let (header, len) = match *rest.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(*rest.get(2..)?.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*rest.get(2..)?.first_chunk()?)).ok()?),
        short => (2, usize::from(short)),
    };
    (rest.len() >= header + len).then_some((at + header, at + header + len))
}

/// Compares what a message brings with what is printed again and again from `start` on. Returns where it ends.
fn compare(message: &[u8], mut at: usize, start: usize, expected: &[u8]) -> Result<usize, String> {
    match ServerMessage::decode(message).map_err(|error| error.to_string())? {
        ServerMessage::Output { offset, mut bytes } => {
            if offset != Offset(at as u64) {
                return Err(format!("output at {offset}, not at {at}"));
            }
            while !bytes.is_empty() {
                let wanted = &expected[(at - start) % expected.len()..];
                let (now, later) = bytes.split_at(bytes.len().min(wanted.len()));
                if now != &wanted[..now.len()] {
                    return Err(format!("other bytes than expected at {at}"));
                }
                at += now.len();
                bytes = later;
            }
            Ok(at)
        }
        ServerMessage::Gap { from, to } => Err(format!("a gap of {from}..{to}")),
        ServerMessage::Snapshot { offset, .. } if offset != Offset(at as u64) => Err(format!("a screen at {offset}")),
        ServerMessage::Snapshot { .. } | ServerMessage::Event { .. } | ServerMessage::InputAck(_) => Ok(at),
    }
}
