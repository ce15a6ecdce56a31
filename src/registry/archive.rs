//! Writes sessions down in the store, so that they can be listed and opened again when nothing else is left of them.
//!
//! Each session has a task here from its opening until it is forgotten. One of them writes at a time, and whoever
//! waits writes what is true when its turn comes. Nobody waits for any of this: with the store away sessions live as
//! ever, and what they came to is written when it is back.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::session::{Record, ScreenAt, Session, SessionId, State, Status};
use crate::store::{LastScreen, SCREEN_BYTES_MAX, SessionRow, Store, StoreError};

/// How often one session's screen is written while it changes. What a program shows is lost only with the machine or
/// with both processes, and then up to this long of it.
const SCREEN_EVERY: Duration = Duration::from_secs(10);
/// How far apart screens are written, whatever number of sessions is busy: 20 a second, or a megabyte of ordinary ones.
const SCREENS_APART: Duration = Duration::from_millis(50);
/// Lines above the screen that are kept, and how many when that is too large for the store: those that say what led
/// to what is seen.
const SCROLLBACK_LINES: [usize; 3] = [200, 50, 0];
/// How long a screen may take to show what its session printed before others are written first.
const SCREEN_WAIT: Duration = Duration::from_secs(5);
/// How long a session is open before it is first written down. Many live for a moment only, and would be written and
/// forgotten again: two waits for the disk, of which nothing is left. Whoever keeps a session does so from the start.
const SETTLES_AFTER: Duration = Duration::from_millis(100);
/// How long until a store that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long the last writes may take when the server ends.
const FINISH_DEADLINE: Duration = Duration::from_secs(5);

/// The archive of a registry. Cheap to clone.
#[derive(Clone)]
pub(super) struct Archive {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    boot: String,
    now: fn() -> Timestamp,
    /// Whose turn it is to write.
    turn: Mutex<Standing>,
    screens: Spacing,
    /// Sessions of which nothing is to be kept any more, until whoever's turn comes first forgets them all at once.
    unwanted: parking_lot::Mutex<Vec<Uuid>>,
    /// Where its tasks run: not on the lanes of their sessions.
    runtime: Handle,
    tasks: TaskTracker,
    end: parking_lot::Mutex<End>,
}

/// How it ends, until it begins again.
#[derive(Clone, Default)]
struct End {
    /// Sessions go on without this server: what is not pending is not written any more.
    leaving: CancellationToken,
    /// The last writes have had their time.
    giving_up: CancellationToken,
}

/// How the store did last.
#[derive(Default)]
struct Standing {
    is_away: bool,
}

/// What is written of a session, and when more may be.
struct Keeper {
    archive: Archive,
    session: Arc<Session>,
    /// As the store has it.
    written: Option<Record>,
    /// The revision of the screen that the store has. A new session's is blank, which need not be kept.
    revision: u64,
    /// The store has the screen that the program left behind.
    has_last_screen: bool,
    next_screen: Instant,
}

/// Why a session is not followed any more.
enum Outcome {
    /// It was forgotten; what is written of it is to be, too.
    Forgotten,
    /// The server leaves it, or the store will never take it.
    Left,
}

/// What was written.
struct Wrote {
    record: Record,
    seen: Option<Seen>,
}

/// What a session showed.
struct Seen {
    revision: u64,
    /// Its program had ended.
    is_last: bool,
    /// None when it is too large to be kept, however little is above it.
    screen: Option<LastScreen>,
}

impl Archive {
    /// An archive in `store` of sessions that run in `boot`, which names the time since the machine was started. Must be
    /// called within the runtime.
    pub(super) fn new(store: Arc<dyn Store>, boot: String, now: fn() -> Timestamp) -> Self {
        let shared = Shared {
            store,
            boot,
            now,
            turn: Mutex::default(),
            screens: Spacing::new(SCREENS_APART),
            unwanted: parking_lot::Mutex::default(),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            end: parking_lot::Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Keeps `session` written down until it is forgotten, and what is written of it too: then the handle ends. Of one that was made from what is `written` nothing is
    /// written, its screen neither, before it changes.
    pub(super) fn keep(&self, session: &Arc<Session>, written: Option<Record>) -> JoinHandle<()> {
        let is_new = written.is_none();
        let keeper = Keeper {
            archive: self.clone(),
            session: Arc::clone(session),
            written,
            revision: if is_new { 0 } else { session.screen_changes().borrow().revision },
            has_last_screen: !is_new && matches!(session.status().state, State::Exited { .. }),
            next_screen: Instant::now(),
        };
        let archive = self.clone();
        // It waits where it was made, which is where the session is, and wakes nobody for one that is gone by then.
        self.shared.tasks.spawn(async move {
            if keeper.has_settled().await {
                // A task that failed has said so in the log.
                let _ = archive.shared.tasks.spawn_on(keeper.keep(), &archive.shared.runtime).await;
            }
        })
    }

    /// What names the time since the machine was started.
    pub(super) fn boot(&self) -> &str {
        &self.shared.boot
    }

    /// A page of the sessions written down, behind this one.
    pub(super) async fn sessions(&self, after: Option<Uuid>) -> Result<Vec<SessionRow>, StoreError> {
        self.shared.store.sessions(after).await
    }

    /// Writes what is pending (ends of programs, sessions that were forgotten), as far as there is time, and ends.
    pub(super) async fn leave(&self) {
        let tasks = &self.shared.tasks;
        let End { leaving, giving_up } = self.end();
        leaving.cancel();
        tasks.close();
        if timeout(FINISH_DEADLINE, tasks.wait()).await.is_err() {
            tracing::warn!(sessions = tasks.len(), "not all that became of the sessions could be written down");
            giving_up.cancel();
            tasks.wait().await;
        }
    }

    /// Begins again after [`Archive::leave`], whether that came to its end or not.
    pub(super) fn resume(&self) {
        let End { leaving, giving_up } = std::mem::take(&mut *self.shared.end.lock());
        leaving.cancel();
        giving_up.cancel();
        self.shared.tasks.reopen();
    }

    fn end(&self) -> End {
        self.shared.end.lock().clone()
    }

    /// Has a session forgotten, with all others that are to be: a wait for the disk is as long for one as for all.
    async fn forget(&self, id: SessionId) {
        let giving_up = self.end().giving_up;
        self.shared.unwanted.lock().push(id.uuid());
        let Some(mut turn) = self.turn(&giving_up).await else { return };
        let unwanted = std::mem::take(&mut *self.shared.unwanted.lock());
        if unwanted.is_empty() {
            return; // one whose turn came before has had it forgotten
        }
        loop {
            let outcome = self.shared.store.forget_sessions(&unwanted, (self.shared.now)()).await;
            if turn.again(&outcome).await {
                continue;
            }
            if let Err(error) = outcome {
                tracing::warn!(sessions = ?unwanted, %error, "what is written of sessions was not forgotten");
            }
            return;
        }
    }

    /// Waits for a turn to write what is of no use any more once `unwanted` is cancelled. None when it is, or when
    /// there is no time left.
    async fn turn<'a>(&'a self, unwanted: &'a CancellationToken) -> Option<Turn<'a>> {
        let giving_up = self.end().giving_up;
        tokio::select! {
            biased;
            () = unwanted.cancelled() => None,
            () = giving_up.cancelled() => None,
            standing = self.shared.turn.lock() => Some(Turn { standing, unwanted, giving_up: giving_up.clone() }),
        }
    }
}

/// The right to write. What was begun is never broken off: it must be done before what follows it.
struct Turn<'a> {
    standing: MutexGuard<'a, Standing>,
    unwanted: &'a CancellationToken,
    giving_up: CancellationToken,
}

impl Turn<'_> {
    /// Whether it is time to try again: after a while when the store was away, and not when that is of no use.
    async fn again<T>(&mut self, outcome: &Result<T, StoreError>) -> bool {
        let Err(StoreError::Unavailable(reason)) = outcome else {
            if outcome.is_ok() && std::mem::take(&mut self.standing.is_away) {
                tracing::info!("sessions are written down again");
            }
            return false;
        };
        if !std::mem::replace(&mut self.standing.is_away, true) {
            tracing::warn!(reason, "sessions are not written down until the store is back");
        }
        tokio::select! {
            () = self.unwanted.cancelled() => false,
            () = self.giving_up.cancelled() => false,
            () = sleep(RETRY_AFTER) => true,
        }
    }
}

impl Keeper {
    async fn keep(mut self) {
        let outcome = self.follow().await;
        let Self { archive, session, written, .. } = self;
        let id = session.id();
        // Its log and its screen do not wait for the store.
        drop(session);
        if let (Outcome::Forgotten, Some(_)) = (outcome, written) {
            archive.forget(id).await;
        }
    }

    /// Waits until there is something to keep; false when the session is forgotten before.
    async fn has_settled(&self) -> bool {
        if self.written.is_some() {
            return true;
        }
        let leaving = self.archive.end().leaving;
        tokio::select! {
            () = self.session.closed().cancelled() => false,
            () = leaving.cancelled() => true,
            () = sleep(SETTLES_AFTER) => true,
        }
    }

    async fn follow(&mut self) -> Outcome {
        let session = Arc::clone(&self.session);
        let (mut status, mut changes) = (session.status_changes(), session.screen_changes());
        let leaving = self.archive.end().leaving;
        loop {
            let has_news = self.is_news(&status.borrow_and_update());
            if !has_news {
                tokio::select! {
                    biased;
                    () = session.closed().cancelled() => return Outcome::Forgotten,
                    () = leaving.cancelled() => return Outcome::Left,
                    _ = status.wait_for(|status| self.is_news(status)) => continue,
                    () = self.screen_is_due(&mut changes) => {}
                }
            }
            if !self.write(!has_news).await {
                return if session.closed().is_cancelled() { Outcome::Forgotten } else { Outcome::Left };
            }
        }
    }

    /// Whether something is to be written at once.
    fn is_news(&self, status: &Status) -> bool {
        self.written.as_ref().is_none_or(|written| {
            written.name != status.name || (written.ended.is_none() && matches!(status.state, State::Exited { .. }))
        })
    }

    /// Waits until the screen has changed and may be written.
    async fn screen_is_due(&self, changes: &mut watch::Receiver<ScreenAt>) {
        sleep_until(self.next_screen).await;
        let has_changed = |at: &ScreenAt| at.revision != self.revision;
        if self.has_last_screen || changes.wait_for(has_changed).await.is_err() {
            std::future::pending::<()>().await;
        }
        self.archive.shared.screens.turn().await;
    }

    /// Writes the session as it is, with its screen if that is wanted or the last there will be. False when no more is
    /// to be written of it.
    async fn write(&mut self, with_screen: bool) -> bool {
        let wrote = {
            let Some(mut turn) = self.archive.turn(self.session.closed()).await else { return false };
            loop {
                let outcome = self.attempt(with_screen).await;
                if !turn.again(&outcome).await {
                    break outcome;
                }
            }
        };
        match wrote {
            Ok(Wrote { record, seen }) => {
                self.written = Some(record);
                if let Some(Seen { revision, is_last, .. }) = seen {
                    (self.revision, self.has_last_screen) = (revision, is_last);
                }
                if with_screen {
                    self.next_screen = Instant::now() + SCREEN_EVERY;
                }
                true
            }
            // Told of already.
            Err(StoreError::Unavailable(_)) => false,
            Err(error) => {
                tracing::error!(session = %self.session.id(), %error, "a session cannot be written down");
                false
            }
        }
    }

    async fn attempt(&self, with_screen: bool) -> Result<Wrote, StoreError> {
        let Shared { store, boot, now, .. } = &*self.archive.shared;
        let session = &self.session;
        let record = session.record();
        // All that it printed is in the log when it is known that it has ended: what is shown then is the last.
        let has_ended = record.ended.is_some();
        let with_screen = with_screen || (has_ended && !self.has_last_screen);
        let mut seen = if with_screen { self.look(has_ended).await } else { None };
        let screen = seen.as_mut().and_then(|seen| seen.screen.take());
        if self.written.as_ref() != Some(&record) {
            let (id, owner) = (session.id().uuid(), session.owner().0);
            let row = SessionRow { id, owner, boot: boot.clone(), record: record.to_json(), screen, updated: now() };
            store.keep_session(&row).await?;
        } else if let Some(screen) = screen {
            store.keep_screen(session.id().uuid(), &screen, now()).await?;
        }
        Ok(Wrote { record, seen })
    }

    /// What the session shows, with as many lines above as can be kept. None when its screen is gone or too far
    /// behind.
    async fn look(&self, is_last: bool) -> Option<Seen> {
        let mut seen = None;
        for lines in SCROLLBACK_LINES {
            let shown = timeout(SCREEN_WAIT, self.session.snapshot(lines)).await.ok()?.ok()?;
            let (ScreenAt { offset, revision, size }, bytes) = (shown.at, shown.bytes());
            let screen = (bytes.len() <= SCREEN_BYTES_MAX).then(|| LastScreen {
                offset: offset.0,
                cols: size.cols(),
                rows: size.rows(),
                bytes: bytes.into(),
            });
            let is_enough = screen.is_some();
            seen = Some(Seen { revision, is_last, screen });
            if is_enough {
                break;
            }
        }
        seen
    }
}

/// Keeps things apart in time, first come first served.
struct Spacing {
    apart: Duration,
    next: parking_lot::Mutex<Instant>,
}

impl Spacing {
    fn new(apart: Duration) -> Self {
        Self { apart, next: parking_lot::Mutex::new(Instant::now()) }
    }

    /// Waits for one's turn. One that is not waited for to its end is lost to the others.
    async fn turn(&self) {
        sleep_until(self.take(Instant::now())).await;
    }

    /// When the next turn is.
    fn take(&self, now: Instant) -> Instant {
        let mut next = self.next.lock();
        let turn = (*next).max(now);
        *next = turn + self.apart;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_are_written_so_far_apart_whoever_wants_it_and_no_turn_is_saved_up() {
        let (spacing, now) = (Spacing::new(SCREENS_APART), Instant::now());
        let turns: Vec<_> = (0..41).map(|_| spacing.take(now)).collect();
        assert_eq!((turns[0], turns[40]), (now, now + Duration::from_secs(2)), "20 a second");
        let later = now + Duration::from_secs(60);
        assert_eq!((spacing.take(later), spacing.take(later)), (later, later + SCREENS_APART));
    }
}
