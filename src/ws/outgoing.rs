//! What a connection still has to send: shared frames from the log, and a few of its own between them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite;

use super::frame;
use crate::protocol::{CloseCode, Event, ServerMessage};
use crate::terminal::Offset;
use crate::terminal::log::Chunk;

/// Own bytes waiting beyond which the connection stops reading its client, whose messages cause most of them.
const OWN_MAX: usize = 64 * 1024;

/// Bytes to send. Own frames never cut into shared ones: those that were begun are finished first.
#[derive(Default)]
pub(super) struct Outgoing {
    own: Vec<u8>,
    own_sent: usize,
    shared: Option<Shared>,
    shared_is_begun: bool,
    /// The socket took less than it was offered.
    was_cut: bool,
    /// What the socket took may still lie in it: one that encrypts has taken more than it has sent.
    unflushed: bool,
}

/// Frames that others are sent too.
enum Shared {
    /// Out of the log.
    Chunk(Chunk),
    /// What is left of a snapshot's frame, or of a chunk that was copied.
    Bytes(Bytes),
}

impl Shared {
    fn unsent(&self) -> [&[u8]; 2] {
        match self {
            Self::Chunk(chunk) => chunk.unsent(),
            Self::Bytes(rest) => [rest, &[]],
        }
    }

    fn advance(&mut self, bytes: usize) {
        match self {
            Self::Chunk(chunk) => chunk.advance(bytes),
            Self::Bytes(rest) => rest.advance(bytes),
        }
    }
}

impl Outgoing {
    /// Nothing is waiting.
    pub(super) fn is_idle(&self) -> bool {
        self.shared.is_none() && self.own.is_empty()
    }

    /// Too much of its own is waiting to take on more.
    pub(super) fn is_full(&self) -> bool {
        self.own.len() - self.own_sent > OWN_MAX
    }

    /// Whether the last of what comes from the session has gone, so that the next may come.
    pub(super) fn wants_more(&self) -> bool {
        self.shared.is_none()
    }

    pub(super) fn chunk(&mut self, chunk: Chunk) {
        self.shared(Shared::Chunk(chunk));
    }

    /// Whether the socket has not taken all that was offered since this was last asked: its link is slower than its
    /// session.
    pub(super) const fn was_cut(&mut self) -> bool {
        std::mem::replace(&mut self.was_cut, false)
    }

    /// A whole SNAPSHOT frame.
    pub(super) fn snapshot(&mut self, frame: Bytes) {
        self.shared(Shared::Bytes(frame));
    }

    /// Holds nothing of the log any more: what was begun of it is copied, the rest is not sent.
    pub(super) fn keep_begun(&mut self) {
        let begun = self.shared.take().filter(|_| self.shared_is_begun);
        self.shared = begun.map(|shared| match shared {
            Shared::Chunk(chunk) => Shared::Bytes(chunk.unsent().concat().into()),
            bytes @ Shared::Bytes(_) => bytes,
        });
    }

    fn shared(&mut self, shared: Shared) {
        self.shared = Some(shared);
        self.shared_is_begun = false;
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
        if !self.shared_is_begun {
            self.shared = None;
        }
        frame::closing(code.as_u16(), code.reason(), &mut self.own);
    }

    /// Writes once, what the socket takes: its own and the shared in one call, so that a client that is told of two
    /// things is woken once.
    pub(super) fn poll_write(
        &mut self,
        socket: Pin<&mut impl AsyncWrite>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let own = &self.own[self.own_sent..];
        let [head, body] = self.shared.as_ref().map_or([&[][..]; 2], Shared::unsent);
        let parts = if self.shared_is_begun { [head, body, own] } else { [own, head, body] };
        let (own, shared) = (own.len(), head.len() + body.len());
        let mut slices = [IoSlice::new(&[]); 3];
        let mut used = 0;
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            slices[used] = IoSlice::new(part);
            used += 1;
        }
        let written = match &slices[..used] {
            [only] => ready!(socket.poll_write(context, only))?,
            several => ready!(socket.poll_write_vectored(context, several))?,
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.unflushed = true;
        let first = if self.shared_is_begun { shared.min(written) } else { written - own.min(written) };
        self.sent_of_shared(first, shared);
        self.sent_of_own(written - first);
        Poll::Ready(Ok(written))
    }

    /// Has the socket send what it took, if it may not have.
    pub(super) fn poll_flush(
        &mut self,
        socket: Pin<&mut impl AsyncWrite>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(socket.poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// So many bytes went of the shared, of which there were `all`.
    fn sent_of_shared(&mut self, sent: usize, all: usize) {
        if let Some(shared) = &mut self.shared {
            shared.advance(sent);
            self.shared_is_begun |= sent > 0;
        }
        if sent == all {
            self.shared = None;
            self.shared_is_begun = false;
        } else {
            self.was_cut = true;
        }
    }

    fn sent_of_own(&mut self, sent: usize) {
        self.own_sent += sent;
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

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
            poll_fn(|context| outgoing.poll_write(Pin::new(&mut writer), context)).await.unwrap();
            assert_ne!(reader.read(&mut received).await.unwrap(), 0);
        }
        assert!(outgoing.own.len() <= 3 * OWN_MAX, "{} bytes are held", outgoing.own.len());
    }
}
