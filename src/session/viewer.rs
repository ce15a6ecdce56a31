//! One connection attached to one session: a position in its log that pulls.
//!
//! Being slow is a position, not an error: a viewer has no queue, and what it did not take costs nobody anything. One
//! that cannot follow is shown the screen and goes on there.

use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;

use super::deadline::until;
use super::handle::Session;
use super::input::Numbered;
use super::lag::{Lag, Step};
use super::screen::{ScreenGone, Snapshotted};
use super::viewers::Progress;
use super::{ClientId, InputRefused, Pace, Standing, ViewerId};
use crate::terminal::Offset;
use crate::terminal::log::{Chunk, LogReader, Pull};

/// One attachment. Dropping it detaches.
pub struct Viewer {
    session: Arc<Session>,
    client: ClientId,
    standing: Standing,
    is_attached: bool,
    reader: LogReader,
    progress: Arc<Progress>,
    lag: Lag,
    snapshot: Wanted,
}

/// A snapshot this viewer is to be sent.
enum Wanted {
    No,
    /// The screen's owner has been asked.
    Asked(Asking),
    Ready(Arc<Snapshotted>),
    /// There is nothing to go on with: see [`Next::ScreenGone`].
    Gone,
}

type Asking = Pin<Box<dyn Future<Output = Result<Arc<Snapshotted>, ScreenGone>> + Send>>;

/// What a viewer is to send next.
pub enum Next {
    /// Whole frames, to be sent as they are.
    Frames(Chunk),
    /// The screen, to be sent as it is; output goes on behind it.
    Snapshot {
        /// Bytes that are skipped, which the client must be told of before: from the first one on.
        skipped: Option<Offset>,
        /// What to send.
        snapshot: Arc<Snapshotted>,
    },
    /// Nothing before the client has drawn more.
    WindowFull,
    /// A snapshot is being made.
    Minting,
    /// Nothing before the session prints more.
    CaughtUp,
    /// Nothing any more: there is no screen to go on from. The session was closed, or its screen could not be read.
    ScreenGone,
}

/// The parts of an attachment, made under the session's locks.
pub(super) struct Parts {
    pub(super) session: Arc<Session>,
    pub(super) client: ClientId,
    pub(super) standing: Standing,
    pub(super) reader: LogReader,
    pub(super) progress: Arc<Progress>,
    pub(super) window: u64,
}

impl Viewer {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { session, client, standing, reader, progress, window } = parts;
        let resync = (session.pace() != Pace::Lossless).then_some(session.resync_bytes());
        let lag = Lag::new(window, resync);
        Self { session, client, standing, is_attached: true, reader, progress, lag, snapshot: Wanted::No }
    }

    /// Has it begin with the screen as it is now.
    pub(super) async fn begin_with_screen(&mut self, scrollback: usize) -> Result<Arc<Snapshotted>, ScreenGone> {
        let snapshot = self.session.snapshot(scrollback).await?;
        self.reader = snapshot.position.clone();
        self.snapshot = Wanted::Ready(Arc::clone(&snapshot));
        Ok(snapshot)
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

    pub(super) const fn standing(&self) -> Standing {
        self.standing
    }

    pub(super) fn id(&self) -> ViewerId {
        self.progress.place.viewer
    }

    /// Whether another connection attached as the same client. The viewer is woken when that happens.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.progress.place.is_superseded()
    }

    /// Offset after the last byte taken.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.reader.offset()
    }

    /// What comes next. Call it when the last has been sent, and after [`Viewer::more`].
    pub fn pull(&mut self) -> Next {
        match std::mem::replace(&mut self.snapshot, Wanted::No) {
            Wanted::No => {}
            Wanted::Ready(snapshot) => return self.show(snapshot),
            Wanted::Asked(asking) => {
                self.snapshot = Wanted::Asked(asking);
                return Next::Minting;
            }
            Wanted::Gone => {
                self.snapshot = Wanted::Gone;
                return Next::ScreenGone;
            }
        }
        loop {
            // Before the log is looked at: what is published from here on is not overlooked.
            let seen = self.session.line.published();
            if let Some(next) = self.pull_what_is_there() {
                return next;
            }
            if self.session.line.stand(&self.progress.place, seen) {
                return Next::CaughtUp;
            }
        }
    }

    /// Nothing when all that is there has been taken.
    fn pull_what_is_there(&mut self) -> Option<Next> {
        let session = &self.session;
        let (taken, end) = (self.reader.offset(), session.line.end());
        let step = match self.lag.step(taken, end, || session.leader(end), Instant::now()) {
            Step::Send(limit) => match self.reader.pull(limit) {
                Pull::Chunk(chunk) => {
                    self.has_taken(false);
                    return Some(Next::Frames(chunk));
                }
                Pull::Gap { from, .. } => self.lag.skip(from),
                Pull::Limited => {
                    self.lag.is_full();
                    Step::Wait
                }
                Pull::CaughtUp => {
                    if self.progress.has_caught_up() {
                        // The program may be held for another, who was the fastest until now.
                        self.session.follower_moved();
                    }
                    return None;
                }
            },
            step => step,
        };
        if let Step::Skip(_) = step {
            let (session, lines) = (Arc::clone(&self.session), self.lag.lines());
            self.snapshot = Wanted::Asked(Box::pin(async move { session.snapshot(lines).await }));
            return Some(Next::Minting);
        }
        Some(Next::WindowFull)
    }

    fn show(&mut self, snapshot: Arc<Snapshotted>) -> Next {
        self.reader = snapshot.position.clone();
        let skipped = self.lag.shown(snapshot.at.offset, Instant::now()).filter(|from| *from < snapshot.at.offset);
        self.has_taken(skipped.is_some());
        Next::Snapshot { skipped, snapshot }
    }

    fn has_taken(&self, skipping: bool) {
        self.progress.has_taken(self.reader.offset(), skipping);
        self.session.follower_moved();
    }

    /// Waits until something besides output may be new (what was told of when it [attached](super::Attached), that it is
    /// superseded, that its session is closed), or, where it `takes_output`, [`Viewer::pull`] may find more, other than
    /// by what the client says. May be dropped and called again.
    pub async fn more(&mut self, takes_output: bool) {
        if !takes_output {
            return self.progress.place.woken().await;
        }
        let look = until(self.lag.looks_at());
        let asked = async {
            match &mut self.snapshot {
                Wanted::Asked(asking) => asking.await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.progress.place.woken() => {}
            made = asked => self.snapshot = made.map_or(Wanted::Gone, Wanted::Ready),
            () = look => {}
        }
    }

    /// The client has drawn up to `offset`. One that claims more than it was sent gains nothing by it.
    pub fn rendered(&mut self, offset: Offset) {
        let drawn = offset.min(self.reader.offset());
        self.lag.drawn(drawn, Instant::now());
        self.progress.has_drawn(drawn);
        self.session.follower_moved();
    }

    /// Its socket did not take all it was offered.
    pub const fn link_is_full(&mut self) {
        self.lag.link_is_full();
    }

    /// Counts a numbered message that this connection may not send as handled.
    ///
    /// # Errors
    /// When a number was skipped.
    pub fn skip_input(&self, seq: u64) -> Result<(), InputRefused> {
        self.session.skip_input(Numbered { client: self.client, seq })
    }

    /// Detaches, as when it is dropped. Nothing may be pulled or typed from then on.
    pub fn detach(&mut self) {
        if std::mem::take(&mut self.is_attached) {
            self.session.detach(self.id(), self.client, Instant::now());
        }
    }

    /// Its user has pressed what ends a flood: what was printed until now is not waited for.
    pub(super) fn interrupted(&mut self) {
        let end = self.session.line.end();
        self.lag.interrupted(self.reader.offset(), end, Instant::now());
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.detach();
    }
}
