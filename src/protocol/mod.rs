//! The native wire, `fantail.v1`: its messages as values and as bytes, its close codes, its numbers.
//!
//! Pure: no I/O, no clock, and of this crate only `terminal`. Says what a message means, never whether it is allowed.
//!
//! Every message is one binary WebSocket message, big-endian, first byte the type:
//!
//! ```text
//! S→C  0x01 OUTPUT     u64 offset of the first byte · bytes
//!      0x02 SNAPSHOT   u64 offset · u16 cols · u16 rows · u32 scrollback lines · bytes
//!      0x03 GAP        u64 from · u64 to
//!      0x04 EVENT      u64 offset · JSON
//!      0x05 INPUT_ACK  u64 seq
//! C→S  0x01 INPUT      u64 seq · bytes
//!      0x02 RENDERED   u64 offset
//!      0x03 RESIZE     u16 cols · u16 rows
//!      0x04 COMMAND    JSON
//! ```
//!
//! The flow: `welcome` first, then output in order of its offsets, with events between the bytes they happened
//! between; a GAP is the only way an offset is ever skipped. Input flows back numbered, and is kept by the client
//! until INPUT_ACK covers it. The contract in full is `docs/PROTOCOL.md`.

mod client;
mod close;
mod event;
mod fields;
mod server;

#[cfg(test)]
mod golden;

pub use client::{ClientMessage, Command};
pub use close::{Advice, CloseCode};
pub use event::{Access, Asking, Event, Limits, RefusalCode, Welcome};
pub use fields::BadMessage;
pub use server::ServerMessage;

pub use crate::terminal::Offset;

/// The subprotocol a client offers and the server selects.
pub const SUBPROTOCOL: &str = "fantail.v1";

/// Before a ticket that is offered as a second subprotocol. Never selected, so never echoed.
pub const TICKET_PREFIX: &str = "ticket.";

/// Bytes of the largest message a client may send: a generous paste. Larger is refused (1009) before it is read, so
/// this bounds what one connection makes the server hold.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes sent past the last RENDERED of a client that sends them: enough for a full link at 40 ms, little enough that
/// Ctrl-C is seen at once.
pub const WINDOW_BYTES: u64 = 512 * 1024;

/// Bytes of INPUT a client may have unacknowledged: one largest message. Beyond it the connection is closed (4429).
pub const INPUT_BYTES: usize = 1024 * 1024;

/// Seconds between the server's pings: below the minute after which common proxies drop a silent connection.
pub const PING_SECONDS: u64 = 20;
