//! The sessions this node reaches: opened, found, listed, closed, and reaped some time after their program's end.
//!
//! Owns every session's task, and has each written down (`archive`). Knows nothing of who may do what: the edge has
//! asked before it calls.

mod archive;
mod takeover;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::session::{
    Exit, Opened, Opening, Record, Session, SessionId, Settings, SpawnError, Spawner, State, kill_all_now,
};
use crate::store::Store;
use archive::Archive;

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

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    sessions: DashMap<SessionId, Arc<Session>>,
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
    exited: parking_lot::Mutex<VecDeque<(Instant, SessionId)>>,
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
                sessions: DashMap::new(),
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
            registry.close(&old).await;
            Ok(session)
        });
        // A task that failed has said so in the log.
        reopened.await.unwrap_or(Err(ReopenError::Gone))
    }

    async fn open_at(&self, place: Place, opening: Opening) -> Result<Arc<Session>, OpenError> {
        let opened = Session::open(opening, &self.shared.settings, Arc::clone(&self.shared.spawner))?;
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
        self.shared.tasks.spawn(async move {
            let life = registry.shared.tasks.spawn(life);
            let outcome = match started.await {
                Ok(outcome) => outcome,
                Err(_) => Err(SpawnError::Other(std::io::Error::other("the session's task failed"))),
            };
            let is_open = outcome.is_ok();
            let mut archived = None;
            if is_open {
                registry.shared.sessions.insert(opened.id(), Arc::clone(&opened));
                place.keep();
                archived = Some(registry.shared.archive.keep(&opened, written));
                // Looked at after it is listed: whoever drains or leaves either finds it in the list or is seen here.
                if registry.shared.draining.is_cancelled() {
                    opened.begin_closing();
                }
                if registry.leaving().is_cancelled() {
                    opened.leave();
                }
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
        });
        match is_listed.await {
            Ok(outcome) => outcome.map(|()| session).map_err(OpenError::Spawn),
            Err(_) => Err(OpenError::Draining),
        }
    }

    /// The session with this id.
    #[must_use]
    pub fn find(&self, id: SessionId) -> Option<Arc<Session>> {
        self.shared.sessions.get(&id).map(|entry| Arc::clone(entry.value()))
    }

    /// All sessions, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Session>> {
        let mut sessions: Vec<_> = self.shared.sessions.iter().map(|entry| Arc::clone(entry.value())).collect();
        sessions.sort_by_key(|session| (std::cmp::Reverse(session.opened_at()), session.id()));
        sessions
    }

    /// Ends the session's program and everything in its POSIX session, waits for that, and forgets it: when this returns
    /// no later server will list it again.
    pub async fn close(&self, session: &Arc<Session>) {
        session.begin_closing();
        session.ended().await;
        self.forget(session.id());
        tokio::select! {
            () = session.gone().cancelled() => {}
            // Who asked is told that it is closed, and it may be listed again.
            () = self.leaving().cancelled_owned() => {}
        }
    }

    /// Closes every session and waits until they are gone, and from the store too. No session can be opened any more.
    pub async fn drain(&self) {
        self.shared.draining.cancel();
        for session in self.list() {
            session.begin_closing();
        }
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.archive.leave().await;
    }

    /// Kills at once whatever still runs in any session, for an operator who does not want to wait.
    pub fn kill_all(&self) {
        let leaders: Vec<_> = self.list().iter().filter_map(|session| session.session_leader()).collect();
        kill_all_now(&leaders);
    }

    /// A place, if fewer than `max` are taken.
    fn take_place(&self, max: usize) -> Result<Place, OpenError> {
        let shared = &self.shared;
        if shared.draining.is_cancelled() || self.leaving().is_cancelled() {
            return Err(OpenError::Draining);
        }
        let place = Place(Arc::clone(shared));
        // Counted first: the place gives itself back when it is dropped.
        if shared.places.fetch_add(1, Ordering::AcqRel) >= max { Err(OpenError::TooMany { max }) } else { Ok(place) }
    }

    /// What happens to a session whose program, with all it started, has ended: it stays readable until it is closed
    /// or reaped. Breaks when it is forgotten; another server goes on with it otherwise.
    async fn after_end(&self, session: &Session) -> ControlFlow<()> {
        let leaving = self.leaving();
        if leaving.is_cancelled() {
            return ControlFlow::Continue(());
        }
        if session.is_closing() || self.shared.draining.is_cancelled() {
            self.forget(session.id());
        } else {
            self.keep_for_a_while(session);
            tokio::select! {
                () = session.closed().cancelled() => {}
                () = self.shared.draining.cancelled() => self.forget(session.id()),
                () = leaving.cancelled() => return ControlFlow::Continue(()),
            }
        }
        self.shared.spawner.forget(session.id()).await;
        ControlFlow::Break(())
    }

    /// Has an ended session reaped in its time, unless it was closed meanwhile.
    fn keep_for_a_while(&self, session: &Session) {
        let id = session.id();
        let is_lost = matches!(session.status().state, State::Exited { exit: Exit::Lost { .. }, .. });
        let ttl = if is_lost { LOST_TTL } else { self.shared.limits.exited_ttl };
        let mut exited = self.shared.exited.lock();
        // What is forgotten leaves the list of sessions first and this one then.
        if self.shared.sessions.contains_key(&id) {
            let deadline = Instant::now() + ttl;
            let at = exited.partition_point(|(earlier, _)| *earlier <= deadline);
            exited.insert(at, (deadline, id));
            self.shared.exited_changed.notify_one();
        }
    }

    fn forget(&self, id: SessionId) {
        if let Entry::Occupied(entry) = self.shared.sessions.entry(id) {
            let session = entry.remove();
            self.shared.places.fetch_sub(1, Ordering::AcqRel);
            self.shared.exited.lock().retain(|(_, exited)| *exited != id);
            session.mark_closed();
        }
    }

    /// Forgets ended sessions when their time has come or there are too many.
    async fn reap(&self) {
        let leaving = self.leaving();
        loop {
            let due = {
                let exited = self.shared.exited.lock();
                let over = exited.len() > self.shared.limits.exited_max;
                exited.front().map(|(deadline, id)| (if over { Instant::now() } else { *deadline }, *id))
            };
            tokio::select! {
                () = self.shared.draining.cancelled() => return,
                () = leaving.cancelled() => return,
                () = self.shared.exited_changed.notified() => {}
                () = async {
                    match due {
                        Some((deadline, id)) => {
                            sleep_until(deadline).await;
                            self.forget(id);
                        }
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    }
}

/// The place of a session that is being opened, given back when it is dropped.
struct Place(Arc<Shared>);

impl Place {
    /// The session is listed: from now on its place is given back when it is forgotten.
    fn keep(self) {
        self.0.places.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.places.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
