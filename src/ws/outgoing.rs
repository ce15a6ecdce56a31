//! What a connection still has to send: shared frames from the log, and a few of its own between them.

use std::io::{self, IoSlice};

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::frame;
use crate::protocol::{CloseCode, Event, ServerMessage};
use crate::terminal::Offset;
use crate::terminal::log::Chunk;

/// Own bytes waiting beyond which the connection stops reading its client, whose messages cause most of them.
const OWN_MAX: usize = 64 * 1024;

/// Bytes to send. Own frames never cut into a shared one: a chunk that was begun is finished first.
#[derive(Default)]
pub(super) struct Outgoing {
    own: Vec<u8>,
    own_sent: usize,
    chunk: Option<Chunk>,
    chunk_is_begun: bool,
}

impl Outgoing {
    /// Nothing is waiting.
    pub(super) fn is_idle(&self) -> bool {
        self.chunk.is_none() && self.own.is_empty()
    }

    /// Too much of its own is waiting to take on more.
    pub(super) fn is_full(&self) -> bool {
        self.own.len() - self.own_sent > OWN_MAX
    }

    /// Whether the last chunk has gone, so that the next may come.
    pub(super) fn wants_chunk(&self) -> bool {
        self.chunk.is_none()
    }

    pub(super) fn chunk(&mut self, chunk: Chunk) {
        self.chunk = Some(chunk);
        self.chunk_is_begun = false;
    }

    pub(super) fn message(&mut self, message: ServerMessage<'_>) {
        frame::binary(&message.encode(), &mut self.own);
    }

    pub(super) fn event(&mut self, offset: Offset, event: &Event) {
        self.message(ServerMessage::Event { offset, json: &event.to_json() });
    }

    pub(super) fn ping(&mut self) {
        frame::ping(&mut self.own);
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        frame::pong(payload, &mut self.own);
    }

    pub(super) fn close(&mut self, code: CloseCode) {
        // Whatever has not been begun is not sent any more.
        if !self.chunk_is_begun {
            self.chunk = None;
        }
        frame::closing(code.as_u16(), code.reason(), &mut self.own);
    }

    /// Writes once, what the socket takes. May be dropped and called again.
    pub(super) async fn write_some<W: AsyncWrite + Unpin>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.chunk.as_mut().filter(|_| self.chunk_is_begun || self.own.is_empty()) {
            Some(chunk) => {
                let written = writer.write_vectored(&chunk.unsent().map(IoSlice::new)).await?;
                nonzero(written)?;
                chunk.advance(written);
                self.chunk_is_begun = true;
                if chunk.is_sent() {
                    self.chunk = None;
                    self.chunk_is_begun = false;
                }
            }
            None => {
                let written = writer.write(&self.own[self.own_sent..]).await?;
                nonzero(written)?;
                self.own_sent += written;
                if self.own_sent == self.own.len() {
                    // Given back: most connections rarely say anything of their own.
                    self.own = Vec::new();
                    self.own_sent = 0;
                } else if self.own_sent > OWN_MAX {
                    // It may never be empty while a client asks faster than it reads.
                    self.own.drain(..self.own_sent);
                    self.own_sent = 0;
                }
            }
        }
        Ok(())
    }
}

fn nonzero(written: usize) -> io::Result<()> {
    if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn what_was_sent_is_not_kept_however_slowly_the_rest_goes() {
        let (mut writer, mut reader) = tokio::io::duplex(1024);
        let mut outgoing = Outgoing::default();
        let mut received = [0; 1024];
        // Never empty, as when a client asks faster than it reads.
        outgoing.pong(&[7; 125]);
        for _ in 0..10_000 {
            while !outgoing.is_full() {
                outgoing.pong(&[7; 125]);
            }
            outgoing.write_some(&mut writer).await.unwrap();
            assert_ne!(reader.read(&mut received).await.unwrap(), 0);
        }
        assert!(outgoing.own.len() <= 3 * OWN_MAX, "{} bytes are held", outgoing.own.len());
    }
}
