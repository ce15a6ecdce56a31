//! Attaching to a session and leaving it. Changes nothing of the session but who follows it (law 6), except where its
//! size is everybody's by policy.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use super::handle::Session;
use super::line::PORTION;
use super::task::Order;
use super::viewer::{Parts, Viewer};
use super::viewers::{Telling, Viewers};
use super::{ClientId, Pace, Principal, Standing, State, Status, ViewerId};
use crate::terminal::log::NotHeld;
use crate::terminal::{Offset, Size};

/// How long viewers have to let go of a session that was left. None of them waits for its client with that.
const UNREAD_MAX: Duration = Duration::from_secs(2);
/// How often a crowd is told how many it is, at most: told of each that comes, a crowd of n would be woken n times by a
/// crowd arriving.
const COUNTS_EVERY: Duration = Duration::from_secs(1);
/// And how often for each in it: to tell one takes about a hundredth of this, so all of it a hundredth of a core.
const COUNTS_EACH: Duration = Duration::from_millis(1);

/// How a connection attaches.
pub struct Attach {
    /// Who.
    pub principal: Principal,
    /// The client id it had before, if it has one.
    pub client: Option<ClientId>,
    /// An id to give it otherwise, random.
    pub fresh: ClientId,
    /// Where to begin.
    pub from: Begin,
    /// Bytes it is sent past what it says it has drawn.
    pub window: u64,
    /// Its window's size, where it has one.
    pub size: Option<Size>,
    /// What it may do: only if it may type does its window count.
    pub standing: Standing,
}

/// Where a viewer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With the screen as it is now.
    Screen {
        /// Most lines above it.
        scrollback: usize,
    },
    /// At the oldest byte held.
    Start,
    /// At this byte; when it is no longer held, with the screen and after being told of the gap.
    At(Offset),
}

/// Why a connection cannot attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// It wants bytes that were never printed.
    #[error("from: lies past the end, {}", .0.end)]
    PastTheEnd(NotHeld),
    /// The session has as many viewers as it may.
    #[error("the session has too many viewers")]
    TooManyViewers,
    /// The session has been closed.
    #[error("the session has been closed")]
    Closed,
}

/// What an attaching client is told, now and later.
pub struct Attached {
    /// The highest seq already taken from this client.
    pub input_seq: u64,
    /// Where its output starts.
    pub offset: Offset,
    /// The size in force there.
    pub size: Size,
    /// The session's latest values when it attached.
    pub known: Arc<Status>,
    /// And from then on. The viewer is woken when they change.
    pub status: watch::Receiver<Arc<Status>>,
    /// The highest seq of this client's input that was written to the PTY. The viewer is woken when that changes.
    pub written: Arc<AtomicU64>,
}

impl Session {
    /// Attaches a viewer.
    ///
    /// # Errors
    /// When it asks for bytes never printed, there are too many viewers, or the session has been closed.
    pub async fn attach(self: &Arc<Self>, attach: &Attach, now: Instant) -> Result<(Viewer, Attached), AttachError> {
        let held = self.log.held();
        let from = match attach.from {
            Begin::Screen { .. } => held.end,
            Begin::Start => held.start,
            Begin::At(offset) => offset,
        };
        let reader = self.log.reader(from).map_err(AttachError::PastTheEnd)?;
        let progress = {
            let mut viewers = self.viewers.lock();
            let joined =
                viewers.join(from, matches!(attach.from, Begin::Screen { .. })).ok_or(AttachError::TooManyViewers)?;
            self.count_viewers(&mut viewers);
            joined
        };
        let identity = self.input.lock().clients.attach(
            attach.client,
            attach.fresh,
            attach.principal,
            Arc::clone(&progress.place),
            now,
        );
        let mut viewer = Viewer::new(Parts {
            session: Arc::clone(self),
            client: identity.id,
            standing: attach.standing,
            reader,
            progress,
            window: attach.window,
        });
        // Behind the joining: whoever leaves the session waits for those that have joined.
        if self.leaving().is_cancelled() {
            return Err(AttachError::Closed);
        }
        // Before anything that attaching sets off, so that it is told.
        let known = self.status();
        if known.state == State::Starting {
            // Dropped when another viewer came first: the program is started once.
            let _ = self.orders.try_send(Order::Start(attach.size.filter(|_| attach.standing.may_type())));
            self.bell.ring();
        }
        if attach.standing.may_type() {
            let wanted = self.sizing.lock().join(viewer.id(), attach.size, attach.principal == self.owner);
            // Where nothing runs there is nothing to resize.
            let _ = self.fit(wanted).await;
        }
        let mut attached = Attached {
            input_seq: identity.taken,
            offset: from,
            size: self.log.size_at(from),
            known,
            status: self.status_changes(),
            written: identity.written,
        };
        if let Begin::Screen { scrollback } = attach.from {
            let snapshot = viewer.begin_with_screen(scrollback).await.map_err(|_| AttachError::Closed)?;
            (attached.offset, attached.size) = (snapshot.at.offset, snapshot.at.size);
        }
        Ok((viewer, attached))
    }

    pub(super) fn detach(self: &Arc<Self>, id: ViewerId, client: ClientId, now: Instant) {
        {
            let mut viewers = self.viewers.lock();
            if let Some(progress) = viewers.leave(id) {
                self.line.leave(&progress.place);
            }
            self.count_viewers(&mut viewers);
        }
        if self.sizing.lock().leave(id) {
            self.bell.ring();
        }
        self.screen.unwatched.notify_one();
        self.follower_moved.notify_one();
        if self.input.lock().clients.detach(client, id, now) {
            self.release_control(client);
        }
    }

    /// Waits until no viewer reads the memory of a session that was left. The next server gives parts of it back to the
    /// system, and what is sent of those would be zeroes.
    pub(super) async fn until_unread(&self) {
        let unread = async {
            while !self.viewers.lock().is_empty() {
                self.screen.unwatched.notified().await;
            }
        };
        if timeout(UNREAD_MAX, unread).await.is_err() {
            tracing::error!(session = %self.id(), "viewers still read what is the next server's");
        }
    }

    /// How far whoever the program is paced for has come; that of the log, which is at `end`, when it is for nobody.
    pub(super) fn leader(&self, end: Offset) -> Offset {
        match self.pace {
            Pace::Free => end,
            Pace::Fastest | Pace::Lossless => self.viewers.lock().fastest().unwrap_or(end),
        }
    }

    /// How far a viewer may fall behind before it skips.
    pub(super) const fn resync_bytes(&self) -> u64 {
        self.resync_bytes
    }

    fn count_viewers(self: &Arc<Self>, viewers: &mut Viewers) {
        let (count, telling) = viewers.count();
        self.status.send_if_modified(|status| {
            Arc::make_mut(status).viewers = count;
            telling == Telling::Now
        });
        self.count_change();
        match telling {
            Telling::Now => viewers.wake_all(),
            Telling::Later => {
                let wait = COUNTS_EVERY.max(COUNTS_EACH * u32::try_from(count).unwrap_or(u32::MAX));
                let session = Arc::downgrade(self);
                self.lane().spawn(async move {
                    sleep(wait).await;
                    if let Some(session) = session.upgrade() {
                        session.tell_count().await;
                    }
                });
            }
            Telling::IsDue => {}
        }
    }

    /// Tells a crowd how many viewers there are by now, some at a time: whoever types or comes is not kept waiting.
    async fn tell_count(&self) {
        let places = {
            let mut viewers = self.viewers.lock();
            viewers.count_is_told();
            self.status.send_if_modified(|_| true);
            viewers.places()
        };
        for some in places.chunks(PORTION) {
            some.iter().for_each(|place| place.wake());
            yield_now().await;
        }
    }
}
