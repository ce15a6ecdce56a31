//! The sessions this node reaches: opened, found, listed, closed, and reaped some time after their program's end.
//!
//! Owns every session's task, and has each written down (`archive`). Knows nothing of who may do what: the edge has
//! asked before it calls.

mod archive;
mod index;
mod takeover;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::session::{
    Exit, Opened, Opening, Record, Session, SessionId, Settings, SpawnError, Spawner, State, Whose, kill_all_now, until,
};
use crate::store::Store;
use archive::Archive;
use index::Index;

/// How long a session that was lost with the machine or its keepers stays listed: a week's absence. It takes its user to
/// learn of it, and a screen is all it costs.
const LOST_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long who closes a session waits for the store to forget it.
const FORGET_PATIENCE: Duration = Duration::from_secs(2);

/// How many sessions there may be and how long those that ended are kept.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Most sessions at once, ended ones that are still listed included.
    pub sessions_max: usize,
    /// Most ended sessions kept; beyond, the one that ended first goes.
    pub exited_max: usize,
    /// How long an ended session stays readable.
    pub exited_ttl: Duration,
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are as many as there may be.
    #[error("there are {max} sessions already, as many as this server may have")]
    TooMany {
        /// [`Limits::sessions_max`].
        max: usize,
    },
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// The program could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// Why a session could not be opened again.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// Its program has not ended.
    #[error("the session's program has not ended")]
    StillRunning,
    /// It is not there any more: closed, reaped, or opened again by somebody else.
    #[error("the session is gone")]
    Gone,
    /// As for any other.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A session was not closed: this server left it first, and it is the next one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server is shutting down")]
pub struct Left;

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    sessions: Index,
    /// Sessions listed or being opened: what the limit counts.
    places: AtomicUsize,
    limits: Limits,
    settings: Settings,
    spawner: Arc<dyn Spawner>,
    archive: Archive,
    /// Held by whoever opens a session in place of another.
    reopening: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    draining: CancellationToken,
    /// Sessions go on without this server, until it takes them up again.
    leaving: parking_lot::Mutex<CancellationToken>,
    exited: parking_lot::Mutex<VecDeque<(Instant, Arc<Session>)>>,
    exited_changed: Notify,
}

impl Registry {
    /// An empty registry, whose sessions are written down in `store` as running in `boot`, which names the time since
    /// the machine was started. Must be called within the runtime, where its reaper lives until [`Registry::drain`].
    #[must_use]
    pub fn new(
        limits: Limits,
        settings: Settings,
        spawner: Arc<dyn Spawner>,
        store: Arc<dyn Store>,
        boot: String,
    ) -> Self {
        let archive = Archive::new(store, boot, settings.now);
        let registry = Self {
            shared: Arc::new(Shared {
                sessions: Index::default(),
                places: AtomicUsize::new(0),
                limits,
                settings,
                spawner,
                archive,
                reopening: tokio::sync::Mutex::default(),
                tasks: TaskTracker::new(),
                draining: CancellationToken::new(),
                leaving: parking_lot::Mutex::default(),
                exited: parking_lot::Mutex::default(),
                exited_changed: Notify::new(),
            }),
        };
        registry.begin_reaping();
        registry
    }

    fn begin_reaping(&self) {
        let reaper = self.clone();
        self.shared.tasks.spawn(async move { reaper.reap().await });
    }

    fn leaving(&self) -> CancellationToken {
        self.shared.leaving.lock().clone()
    }

    /// For a session that is made now.
    fn settings(&self) -> Settings {
        let (closing, leaving) = (self.shared.draining.clone(), self.leaving());
        Settings { closing, leaving, ..self.shared.settings.clone() }
    }

    /// Opens a session. It is listed once its program has started; when it cannot be started nothing is left behind.
    ///
    /// # Errors
    /// At the limit, while shutting down, or when the program cannot be started.
    pub async fn open(&self, opening: Opening) -> Result<Arc<Session>, OpenError> {
        let max = self.shared.limits.sessions_max;
        let place = self.take_place(max)?;
        self.open_at(place, opening).await
    }

    /// Opens a session in place of `old`, whose program has ended: when the new one has started the old one is
    /// forgotten, and when it cannot be started the old one stays.
    ///
    /// # Errors
    /// When the program of `old` has not ended, `old` is gone, or as [`Registry::open`], but for the limit:
    /// there are not more sessions than before.
    pub async fn reopen(&self, old: &Arc<Session>, opening: Opening) -> Result<Arc<Session>, ReopenError> {
        if !matches!(old.status().state, State::Exited { .. }) {
            return Err(ReopenError::StillRunning);
        }
        let (registry, old) = (self.clone(), Arc::clone(old));
        // In a task of its own, so that who asked and goes away leaves one session, not both.
        let reopened = self.shared.tasks.spawn(async move {
            // One at a time: of two who ask for the same, the second finds the old one gone.
            let _turn = registry.shared.reopening.lock().await;
            if registry.find(old.id()).is_none() {
                return Err(ReopenError::Gone);
            }
            // For as long as there are both there is one more, however many there may be.
            let place = registry.take_place(usize::MAX)?;
            let session = registry.open_at(place, opening).await?;
            // One that was left first is listed beside the new one by the next server.
            let _ = registry.close(&old).await;
            Ok(session)
        });
        // A task that failed has said so in the log.
        reopened.await.unwrap_or(Err(ReopenError::Gone))
    }

    async fn open_at(&self, place: Place, opening: Opening) -> Result<Arc<Session>, OpenError> {
        let opened = Session::open(opening, &self.settings(), Arc::clone(&self.shared.spawner))?;
        self.admit(opened, place, None).await
    }

    /// Has a session live, and lists it once its program has started; `written` is what the store has of it.
    async fn admit(&self, opened: Opened, place: Place, written: Option<Record>) -> Result<Arc<Session>, OpenError> {
        let Opened { session, started, life, screen } = opened;
        self.shared.tasks.spawn_on(screen, &self.shared.settings.screens);
        let (registry, opened) = (self.clone(), Arc::clone(&session));
        // The session lives in a task of its own from the first moment, so that an opener that goes away while the
        // program starts leaves a whole session and not half of one.
        let (listed, is_listed) = tokio::sync::oneshot::channel();
        let lane = session.lane().clone();
        let admission = async move {
            let life = registry.shared.tasks.spawn_on(life, opened.lane());
            let outcome = match started.await {
                Ok(outcome) => outcome,
                Err(_) => Err(SpawnError::Other(std::io::Error::other("the session's task failed"))),
            };
            let is_open = outcome.is_ok();
            let mut archived = None;
            if is_open {
                registry.list_unless_left(&opened, place);
                archived = Some(registry.shared.archive.keep(&opened, written));
            }
            drop(listed.send(outcome));
            if let Err(failure) = life.await {
                tracing::error!(session = %opened.id(), %failure, "a session's task failed");
            }
            if let Some(archived) = archived
                && registry.after_end(&opened).await.is_break()
            {
                // With the store away it is forgotten later, or listed once more by the next server.
                let _ = timeout(FORGET_PATIENCE, archived).await;
                opened.mark_gone();
            }
        };
        // Where the session is: it wakes no other thread to tell how far it has come.
        self.shared.tasks.spawn_on(admission, &lane);
        match is_listed.await {
            Ok(outcome) => outcome.map(|()| session).map_err(OpenError::Spawn),
            Err(_) => Err(OpenError::Draining),
        }
    }

    fn list_unless_left(&self, session: &Arc<Session>, place: Place) {
        // Whoever leaves finds it in the list or is seen here.
        if self.shared.sessions.insert_if(session, || !session.leaving().is_cancelled()) {
            place.keep();
        }
    }

    /// The session with this id.
    #[must_use]
    pub fn find(&self, id: SessionId) -> Option<Arc<Session>> {
        self.shared.sessions.find(id)
    }

    /// All sessions, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Session>> {
        self.look_through(|oldest_first| oldest_first.iter().rev().map(Arc::clone).collect())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.sessions.count()
    }

    /// What `look` makes of all sessions, oldest first and those of a moment by their ids backwards. It is to be quick:
    /// none is opened or forgotten meanwhile.
    pub fn look_through<T>(&self, look: impl FnOnce(&[Arc<Session>]) -> T) -> T {
        self.shared.sessions.look_through(look)
    }

    /// Ends the session's program and everything in its POSIX session, and forgets it; waits for that. Then no later
    /// server will list it again.
    ///
    /// # Errors
    /// When it is left before that. Its program may have been told to end.
    pub async fn close(&self, session: &Session) -> Result<(), Left> {
        session.begin_closing();
        tokio::select! {
            biased;
            () = session.gone().cancelled() => Ok(()),
            () = session.leaving().cancelled() => Err(Left),
        }
    }

    /// Closes every session and waits until they are gone, and from the store too. No session can be opened any more.
    pub async fn drain(&self) {
        self.shared.draining.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.archive.leave().await;
    }

    /// Kills at once whatever still runs in any session, for an operator who does not want to wait.
    pub fn kill_all(&self) {
        let whose = |session: &Arc<Session>| Some(Whose { leader: session.session_leader()?, session: session.id() });
        kill_all_now(&self.list().iter().filter_map(whose).collect::<Vec<_>>());
    }

    /// A place, if fewer than `max` are taken.
    fn take_place(&self, max: usize) -> Result<Place, OpenError> {
        let shared = &self.shared;
        // Before it is looked at: whoever leaves waits for this one or is seen here.
        let opening = shared.tasks.token();
        if shared.draining.is_cancelled() || self.leaving().is_cancelled() {
            return Err(OpenError::Draining);
        }
        let place = Place { shared: Arc::clone(shared), _opening: opening };
        // Counted first: the place gives itself back when it is dropped.
        if shared.places.fetch_add(1, Ordering::AcqRel) >= max { Err(OpenError::TooMany { max }) } else { Ok(place) }
    }

    /// What happens to a session whose program, with all it started, has ended or was left: it stays readable until it
    /// is closed or reaped. Breaks when it is forgotten; another server goes on with it otherwise.
    async fn after_end(&self, session: &Arc<Session>) -> ControlFlow<()> {
        if !session.is_closing() {
            self.keep_for_a_while(session);
            tokio::select! {
                () = session.closed().cancelled() => {}
                () = session.closing().cancelled() => {}
                () = session.leaving().cancelled() => {}
            }
        }
        self.forget(session);
        if !session.closed().is_cancelled() {
            return ControlFlow::Continue(());
        }
        self.shared.spawner.forget(session.id()).await;
        ControlFlow::Break(())
    }

    /// Has an ended session reaped in its time, unless it was closed or left meanwhile.
    fn keep_for_a_while(&self, session: &Arc<Session>) {
        let is_lost = matches!(session.status().state, State::Exited { exit: Exit::Lost { .. }, .. });
        let ttl = if is_lost { LOST_TTL } else { self.shared.limits.exited_ttl };
        let mut exited = self.shared.exited.lock();
        // What is forgotten or left leaves the list of sessions first and this one then.
        if self.find(session.id()).is_some_and(|listed| Arc::ptr_eq(&listed, session)) {
            let deadline = Instant::now() + ttl;
            let at = exited.partition_point(|(earlier, _)| *earlier <= deadline);
            exited.insert(at, (deadline, Arc::clone(session)));
            self.shared.exited_changed.notify_one();
        }
    }

    /// Forgets a session, unless it was left: of the two, what comes first is done, and only that. Another that has its
    /// id, because it was taken up again, stays.
    fn forget(&self, session: &Arc<Session>) {
        if self.shared.sessions.remove_if(session, || !session.leaving().is_cancelled()) {
            self.shared.places.fetch_sub(1, Ordering::AcqRel);
            self.shared.exited.lock().retain(|(_, exited)| !Arc::ptr_eq(exited, session));
            session.mark_closed();
        }
    }

    /// Forgets ended sessions when their time has come or there are too many.
    async fn reap(&self) {
        let leaving = self.leaving();
        loop {
            if let Some(due) = self.take_due() {
                self.forget(&due);
                continue;
            }
            let next = self.shared.exited.lock().front().map(|(deadline, _)| *deadline);
            tokio::select! {
                () = self.shared.draining.cancelled() => return,
                () = leaving.cancelled() => return,
                () = self.shared.exited_changed.notified() => {}
                () = until(next) => {}
            }
        }
    }

    /// Takes an ended session that is to go now off the list of those that will.
    fn take_due(&self) -> Option<Arc<Session>> {
        let mut exited = self.shared.exited.lock();
        let over = exited.len() > self.shared.limits.exited_max;
        let (deadline, _) = exited.front()?;
        let is_due = over || *deadline <= Instant::now();
        is_due.then(|| exited.pop_front()).flatten().map(|(_, session)| session)
    }
}

/// The place of a session that is being opened, given back when it is dropped.
struct Place {
    shared: Arc<Shared>,
    /// Whoever drains or leaves waits for what is being opened.
    _opening: TaskTrackerToken,
}

impl Place {
    /// The session is listed: from now on its place is given back when it is forgotten.
    fn keep(self) {
        self.shared.places.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.places.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
