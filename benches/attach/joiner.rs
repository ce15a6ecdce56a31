//! A late joiner: from the connection to the whole SNAPSHOT, and whether what it got is right.

use bytes::Bytes;
use fantail::protocol::ServerMessage;
use fantail::terminal::Offset;
use fantail::terminal::log::SNAPSHOT;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::real::server::Server;
use crate::real::socket::{Socket, connect, handshake, next};

/// One that has joined, and is still there.
pub(crate) struct Joined {
    /// All messages up to the snapshot.
    messages: Vec<Bytes>,
    _socket: Socket<TcpStream>,
}

/// Connects, upgrades and reads until the snapshot is there.
pub(crate) async fn join(server: Server, session: String) -> Result<Joined, String> {
    let stream = connect(&server, None).await?;
    let mut socket = handshake(&server, &session, stream).await?;
    let mut messages: Vec<Bytes> = Vec::with_capacity(2);
    while messages.last().is_none_or(|message| message.first() != Some(&SNAPSHOT)) {
        messages.push(next(&mut socket).await?);
    }
    Ok(Joined { messages, _socket: socket })
}

/// What a joiner must have been sent.
pub(crate) struct Expected<'a> {
    pub(crate) session: &'a str,
    /// The end of all that was printed.
    pub(crate) end: usize,
    pub(crate) scrollback: usize,
}

impl Joined {
    /// The snapshot's message.
    pub(crate) fn snapshot(&self) -> &Bytes {
        self.messages.last().expect("it has joined")
    }

    /// Everything it was sent.
    pub(crate) fn received(&self) -> Bytes {
        self.messages.concat().into()
    }

    /// What is wrong with it.
    pub(crate) fn judge(&self, expected: &Expected<'_>, first: &Self) -> Result<(), String> {
        let Some(Ok(ServerMessage::Event { json, .. })) = self.messages.first().map(|it| ServerMessage::decode(it))
        else {
            return Err("its first message is no event".into());
        };
        let event: Value = serde_json::from_slice(json).map_err(|error| format!("not JSON: {error}"))?;
        if event["event"] != "welcome" || event["session"]["id"] != expected.session {
            return Err(format!("no welcome to the session, but {event}"));
        }
        for message in &self.messages[1..self.messages.len() - 1] {
            if !matches!(ServerMessage::decode(message), Ok(ServerMessage::Event { .. })) {
                return Err("something else than events before the snapshot".into());
            }
        }
        let Ok(ServerMessage::Snapshot { offset, cols, rows, scrollback, .. }) = ServerMessage::decode(self.snapshot())
        else {
            return Err("a snapshot that cannot be read".into());
        };
        if (offset, cols, rows) != (Offset(expected.end as u64), 80, 24) {
            return Err(format!("a snapshot of {cols}x{rows} at {offset}, not of 80x24 at {}", expected.end));
        }
        if scrollback as usize != expected.scrollback {
            return Err(format!("{scrollback} lines of scrollback, not {}", expected.scrollback));
        }
        if self.snapshot() != first.snapshot() {
            return Err("a snapshot unlike the first one's".into());
        }
        Ok(())
    }
}
