//! One connection attached to one session: a position in its log that pulls.
//!
//! Being slow is a position, not an error: a viewer has no queue, and what it did not take costs nobody anything.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::handle::Session;
use super::input::Numbered;
use super::viewers::Progress;
use super::{ClientId, InputRefused, ViewerId};
use crate::terminal::log::{Chunk, LogReader, Pull};
use crate::terminal::{Offset, Size};

/// One attachment. Dropping it detaches.
pub struct Viewer {
    session: Arc<Session>,
    id: ViewerId,
    client: ClientId,
    reader: LogReader,
    progress: Arc<Progress>,
    /// What the client has drawn, once it says so at all.
    rendered: Option<Offset>,
    /// How far past that it is sent more.
    window: u64,
    end: watch::Receiver<Offset>,
}

/// What a viewer is to send next.
pub enum Next {
    /// Whole frames, to be sent as they are.
    Frames(Chunk),
    /// Bytes that are no longer held, and the terminal's size where output goes on.
    Gap {
        /// First byte skipped.
        from: Offset,
        /// Where output goes on.
        to: Offset,
        /// A resize may have been among what was skipped.
        size: Size,
    },
    /// Nothing before the client has drawn more.
    WindowFull,
    /// Nothing before the session prints more.
    CaughtUp,
}

/// The parts of an attachment, made under the session's locks.
pub(super) struct Parts {
    pub(super) session: Arc<Session>,
    pub(super) id: ViewerId,
    pub(super) client: ClientId,
    pub(super) reader: LogReader,
    pub(super) progress: Arc<Progress>,
    pub(super) end: watch::Receiver<Offset>,
    pub(super) window: u64,
}

impl Viewer {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { session, id, client, reader, progress, window, end } = parts;
        Self { session, id, client, reader, progress, rendered: None, window, end }
    }

    /// The session attached to.
    #[must_use]
    pub const fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The client this viewer speaks for.
    #[must_use]
    pub const fn client(&self) -> ClientId {
        self.client
    }

    /// The offset after the last byte taken.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.reader.offset()
    }

    /// What is to be sent next.
    pub fn pull(&mut self) -> Next {
        // Interest before state: what is published after this line wakes `more`, whatever is found below.
        self.end.borrow_and_update();
        let limit = self.rendered.map_or(Offset(u64::MAX), |rendered| rendered + self.window);
        let next = match self.reader.pull(limit) {
            Pull::Chunk(chunk) => Next::Frames(chunk),
            Pull::Gap { from, to } => Next::Gap { from, to, size: self.session.log().size_at(to) },
            Pull::Limited => Next::WindowFull,
            Pull::CaughtUp => Next::CaughtUp,
        };
        if self.progress.taken() != self.reader.offset() {
            self.progress.has_taken(self.reader.offset());
            self.session.follower_moved();
        }
        next
    }

    /// Waits until [`Viewer::pull`] may find more.
    pub async fn more(&mut self) {
        tokio::select! {
            changed = self.end.changed() => if changed.is_err() {
                // The program has ended and everything it printed is there already.
                std::future::pending::<()>().await;
            },
            () = self.progress.echo.notified() => {}
        }
    }

    /// The client has drawn up to `offset`. One that claims more than it was sent gains nothing by it.
    pub fn rendered(&mut self, offset: Offset) {
        let offset = offset.min(self.reader.offset());
        self.rendered = Some(self.rendered.map_or(offset, |before| before.max(offset)));
    }

    /// Takes typed bytes. Access was checked by the caller; who holds control is checked here.
    ///
    /// # Errors
    /// When the session does not take input now. A refused numbered message counts as handled, except where its
    /// order or the queue's bound was broken.
    pub fn input(&self, seq: u64, bytes: bytes::Bytes) -> Result<(), InputRefused> {
        self.session.input_from(Some(Numbered { client: self.client, seq }), Some(self.id), bytes)
    }

    /// Counts a numbered message that this connection may not send as handled.
    ///
    /// # Errors
    /// When a number was skipped.
    pub fn skip_input(&self, seq: u64) -> Result<(), InputRefused> {
        self.session.skip_input(Numbered { client: self.client, seq })
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.session.detach(self.id, self.client, Instant::now());
    }
}
