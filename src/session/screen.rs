//! A session's screen as everyone but its follower sees it: asked through a bounded queue, answered by the one owner.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::handle::Session;
use crate::terminal::log::LogReader;
use crate::terminal::screen::Screen;
use crate::terminal::{Offset, Size};

/// Questions waiting for a screen's owner. All that wait are answered at once, so a storm only waits in line.
pub(super) const ASKED_MAX: usize = 256;

/// What a screen shows: all output before an offset, at a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenAt {
    /// The output before this is what it shows.
    pub offset: Offset,
    /// Counts its changes, resizes included. Only grows while the server runs.
    pub revision: u64,
    /// Its size.
    pub size: Size,
}

/// Bytes that redraw a screen, made once for all who ask for them before it changes.
pub struct Snapshotted {
    /// What it shows. Output goes on at this offset.
    pub at: ScreenAt,
    /// Lines of scrollback in it.
    pub scrollback: u32,
    /// The whole SNAPSHOT frame, as a WebSocket carries it.
    pub frame: Bytes,
    /// Where in the frame the bytes that redraw the screen begin.
    pub(super) payload: usize,
    /// Where output goes on behind it: after the resizes it shows, before an exit.
    pub(super) position: LogReader,
}

impl Snapshotted {
    /// What to feed to a blank terminal of its size.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.frame.slice(self.payload..)
    }
}

/// The screen cannot be asked any more: the session is closed, or the question made the engine fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session's screen is gone")]
pub struct ScreenGone;

/// A question for the screen's owner.
pub(super) struct Asked {
    /// Answered only once this is shown: what was published when it was asked.
    pub(super) upto: Offset,
    pub(super) question: Question,
}

pub(super) enum Question {
    Snapshot { scrollback: usize, answer: oneshot::Sender<Arc<Snapshotted>> },
    Read(Reading),
}

pub(super) type Reading = Box<dyn FnOnce(&Screen, ScreenAt) + Send>;

/// A session's way to its screen.
pub(super) struct ScreenDoor {
    pub(super) questions: mpsc::Sender<Asked>,
    pub(super) changes: watch::Receiver<ScreenAt>,
    /// The last viewer has left: what nobody looks at may be packed away.
    pub(super) unwatched: Arc<Notify>,
}

impl Session {
    /// Bytes that redraw the screen with at most `scrollback` lines above it, showing at least all that was published
    /// when this was called.
    ///
    /// # Errors
    /// When the session is closed.
    pub async fn snapshot(&self, scrollback: usize) -> Result<Arc<Snapshotted>, ScreenGone> {
        let (answer, told) = oneshot::channel();
        self.ask(Question::Snapshot { scrollback, answer }).await?;
        told.await.map_err(|_| ScreenGone)
    }

    /// What `read` makes of the screen, which shows at least all that was published when this was called. `read` runs
    /// on the screen's own thread and should be quick: the screen follows nothing meanwhile.
    ///
    /// # Errors
    /// When the session is closed, or `read` panicked.
    pub async fn read_screen<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Screen, ScreenAt) -> T + Send + 'static,
    ) -> Result<T, ScreenGone> {
        let (answer, told) = oneshot::channel();
        let read = move |screen: &Screen, at| {
            // Nobody waits for it any more: a rendering can take longer than all else a screen does.
            if !answer.is_closed() {
                drop(answer.send(read(screen, at)));
            }
        };
        self.ask(Question::Read(Box::new(read))).await?;
        told.await.map_err(|_| ScreenGone)
    }

    /// What the screen shows now, and a way to wait for its next change. It may trail the log by a moment.
    #[must_use]
    pub fn screen_changes(&self) -> watch::Receiver<ScreenAt> {
        self.screen.changes.clone()
    }

    async fn ask(&self, question: Question) -> Result<(), ScreenGone> {
        let asked = Asked { upto: self.log().held().end, question };
        self.screen.questions.send(asked).await.map_err(|_| ScreenGone)
    }
}
