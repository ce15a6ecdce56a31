//! What becomes of the sessions when this server goes: they end with it, or they are left to who keeps them and taken
//! up again.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Rlimit;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerError;
use crate::config::Config;
use crate::holder::{HolderError, HolderSpawner, Options, Place, Systemd};
use crate::registry::Registry;
use crate::session::{Exit, Kept, LocalSpawner, Session, SessionId, Spawner, State, until};

/// How long it may take to leave the sessions: what they came to is written down, and the store may be away.
const LEAVE_DEADLINE: Duration = Duration::from_secs(10);

/// How long it may take before they are left until the holder has them all: a new one is there in a fraction of a second,
/// after two where they keep dying, and takes a thousand sessions a second.
const ENTRUST_DEADLINE: Duration = Duration::from_secs(5);
/// How long a session's task may take to say what is to be kept: it does at once, unless it is busy with a program's end.
const HANDLES_DEADLINE: Duration = Duration::from_secs(1);
/// How long until it is looked at again what a new holder does not have: a session that was being opened through the
/// last one is listed by then, and what it had no room for it may have room for.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How often it is tried to take back what was left, and how long after the last time: the holder may answer again.
/// Nobody is served meanwhile.
const TAKE_BACK_TRIES: usize = 3;
const TAKE_BACK_AGAIN: Duration = Duration::from_secs(1);

/// Why sessions cannot be left.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaveError {
    /// Nobody else keeps them.
    #[error("this server keeps its sessions itself, and {0} would be lost")]
    WouldBeLost(usize),
    /// The holder does not have them all and does not take them.
    #[error("{0} sessions are not kept, and would be lost")]
    NotKept(usize),
    /// The holder does not say what it has.
    #[error("it is not known whether the sessions are kept: {0}")]
    Unknown(#[from] HolderError),
}

/// Why a session is not kept.
#[derive(Debug, thiserror::Error)]
enum HandOverError {
    #[error("its task is busy")]
    Busy,
    #[error(transparent)]
    Holder(#[from] HolderError),
}

/// Who keeps the sessions.
#[derive(Clone)]
pub(super) enum Keeping {
    /// Nobody: they end with this process.
    Nobody(Arc<LocalSpawner>),
    /// The holder.
    Holder(Arc<HolderSpawner>),
}

impl Keeping {
    /// Finds the holder, or starts it, unless the settings want none; it is talked to from this lane, because sessions
    /// ask. `descriptors` is the limit programs start with.
    pub(super) async fn begin(config: &Config, descriptors: Rlimit, lane: &Handle) -> Result<Self, ServerError> {
        if !config.holder {
            return Ok(Self::Nobody(Arc::new(LocalSpawner { descriptors: Some(descriptors) })));
        }
        let place = Place {
            data_dir: config.data_dir.canonicalize()?,
            program: std::env::current_exe()?,
            descriptors,
            of_root: config.root_holder,
            debuggable: config.debuggable,
            systemd: config.systemd.clone().map(|environment| Systemd { environment }),
        };
        // Its task ends with the last program, which may be after everything else.
        let tracker = TaskTracker::new();
        let connecting = HolderSpawner::connect(Options { place, tracker: tracker.clone() });
        let connected = tracker.spawn_on(connecting, lane).await;
        let spawner = connected.map_err(|failed| HolderError::System(io::Error::other(failed)))??;
        Ok(Self::Holder(spawner))
    }

    pub(super) fn spawner(&self) -> Arc<dyn Spawner> {
        match self {
            Self::Nobody(spawner) => Arc::clone(spawner) as Arc<dyn Spawner>,
            Self::Holder(spawner) => Arc::clone(spawner) as Arc<dyn Spawner>,
        }
    }
}

/// The sessions of this server, and who keeps them.
#[derive(Clone)]
pub(super) struct Sessions {
    registry: Registry,
    keeping: Keeping,
}

impl Sessions {
    pub(super) const fn new(registry: Registry, keeping: Keeping) -> Self {
        Self { registry, keeping }
    }

    /// Whether they outlive this server.
    pub(super) const fn outlive_us(&self) -> bool {
        matches!(self.keeping, Keeping::Holder(_))
    }

    /// Sees to it that another server could take them up: the holder has them all.
    pub(super) async fn could_be_left(&self) -> Result<(), LeaveError> {
        match &self.keeping {
            Keeping::Nobody(_) => self.none_would_be_lost(),
            Keeping::Holder(spawner) => {
                let entrusted = timeout(ENTRUST_DEADLINE, self.entrust(spawner)).await;
                entrusted.unwrap_or(Err(HolderError::Silent.into()))
            }
        }
    }

    fn none_would_be_lost(&self) -> Result<(), LeaveError> {
        match self.registry.count() {
            0 => Ok(()),
            _ if self.outlive_us() => Ok(()),
            sessions => Err(LeaveError::WouldBeLost(sessions)),
        }
    }

    /// Has the holder keep every session whose program runs or is to be started: what nobody keeps ends with this server.
    async fn entrust(&self, spawner: &HolderSpawner) -> Result<(), LeaveError> {
        let not_kept = self.hand_over_missing(spawner).await?.not_kept;
        match not_kept.iter().filter(|session| !matches!(session.status().state, State::Exited { .. })).count() {
            0 => Ok(()),
            sessions => Err(LeaveError::NotKept(sessions)),
        }
    }

    /// Lets go of them: nothing of them is read or written by this server from then on. Viewers have been told.
    pub(super) async fn leave(&self) -> Result<(), LeaveError> {
        self.none_would_be_lost()?;
        // Nobody serves meanwhile. A task that does not end holds nothing that the next server does not have as well.
        if timeout(LEAVE_DEADLINE, self.registry.leave()).await.is_err() {
            tracing::error!("some sessions were not left in time");
        }
        Ok(())
    }

    /// Leaves those that outlive this server, and ends the others.
    pub(super) async fn part(&self) {
        if !self.outlive_us() {
            return self.registry.drain().await;
        }
        let sessions = self.registry.count();
        if sessions > 0 {
            tracing::info!(
                sessions,
                "they go on, and the next server takes them up (fantail stop --sessions ends them)"
            );
        }
        if let Err(error) = self.could_be_left().await {
            tracing::error!(%error, "programs may end with this server");
        }
        self.registry.leave().await;
    }

    /// For an operator who does not want to wait.
    pub(super) fn kill_what_would_end(&self) {
        if !self.outlive_us() {
            self.registry.kill_all();
        }
    }

    /// Takes up what is kept, at a start, and lists what was lost.
    pub(super) async fn adopt(&self) -> Result<(), ServerError> {
        let taken = self.take().await?;
        self.take_up(taken).await
    }

    /// Takes up again what was left for a server that did not take over.
    pub(super) async fn take_back(&self) -> Result<(), ServerError> {
        for _ in 1..TAKE_BACK_TRIES {
            match self.take().await {
                Ok(taken) => return self.take_up(taken).await,
                Err(error) => tracing::error!(%error, "the sessions are not given back yet"),
            }
            sleep(TAKE_BACK_AGAIN).await;
        }
        self.adopt().await
    }

    /// Takes what is kept from the holder.
    async fn take(&self) -> Result<Taken, HolderError> {
        let Keeping::Holder(spawner) = &self.keeping else { return Ok(Taken::default()) };
        let (listed, kept) = (spawner.list().await?, spawner.kept().await?);
        let given: HashSet<_> = kept.iter().map(|kept| kept.session).collect();
        let not_given = listed.into_iter().filter(|session| !given.contains(session)).collect();
        Ok(Taken { kept, not_given })
    }

    /// What cannot be had or taken up stays where it is, and is not lost.
    async fn take_up(&self, Taken { kept, not_given }: Taken) -> Result<(), ServerError> {
        let given = kept.len();
        let mut left = self.registry.adopt(kept).await;
        let adopted = given - left.len();
        left.extend(not_given);
        let lost = self.registry.list_lost(&left).await?;
        if adopted + left.len() + lost > 0 {
            tracing::info!(adopted, left = left.len(), lost, "took up sessions");
        }
        Ok(())
    }

    /// Hands every session to the next holder whenever one has died, until it has them all.
    pub(super) async fn watch_over(self, closing: CancellationToken) {
        let Keeping::Holder(spawner) = &self.keeping else { return };
        let mut restarts = spawner.restarts();
        let mut look_at = None;
        loop {
            let is_new = tokio::select! {
                () = closing.cancelled() => return,
                changed = restarts.changed() => match changed {
                    Ok(()) => true,
                    Err(_) => return,
                },
                () = until(look_at) => false,
            };
            if is_new {
                let sessions = self.registry.count();
                tracing::warn!(sessions, "the process that keeps sessions ended: a new one gets them");
            }
            let has_all = match self.hand_over_missing(spawner).await {
                Ok(HandedOver { missing, .. }) => missing == 0,
                Err(error) => {
                    tracing::error!(%error, "it is not known which sessions are kept");
                    false
                }
            };
            look_at = (is_new || !has_all).then(|| Instant::now() + LOOK_AGAIN);
        }
    }

    /// Hands over what the holder does not have.
    async fn hand_over_missing(&self, spawner: &HolderSpawner) -> Result<HandedOver, HolderError> {
        // Listed here before there: what is opened meanwhile is not missing. What is lost is nowhere but in the store.
        let is_lost =
            |session: &Session| matches!(session.status().state, State::Exited { exit: Exit::Lost { .. }, .. });
        let mut missing: Vec<_> = self.registry.list().into_iter().filter(|session| !is_lost(session)).collect();
        if missing.is_empty() {
            return Ok(HandedOver::default());
        }
        let kept: HashSet<SessionId> = spawner.list().await?.into_iter().collect();
        missing.retain(|session| !kept.contains(&session.id()));
        let mut handed_over = HandedOver { missing: missing.len(), not_kept: Vec::new() };
        for session in missing {
            if let Err(error) = hand_over(spawner, &session).await {
                tracing::error!(session = %session.id(), %error, "a session is not kept: it would end with this server");
                handed_over.not_kept.push(session);
            }
        }
        Ok(handed_over)
    }
}

/// What was taken from the holder.
#[derive(Default)]
struct Taken {
    kept: Vec<Kept>,
    not_given: HashSet<SessionId>,
}

/// What became of the sessions that the holder did not have.
#[derive(Default)]
struct HandedOver {
    missing: usize,
    /// Those that it does not have now either.
    not_kept: Vec<Arc<Session>>,
}

async fn hand_over(spawner: &HolderSpawner, session: &Session) -> Result<(), HandOverError> {
    use std::os::fd::AsFd as _;
    let told = timeout(HANDLES_DEADLINE, session.handles()).await.map_err(|_| HandOverError::Busy)?;
    let (memory, program) = told.map_err(HolderError::from)?;
    if session.leaving().is_cancelled() {
        // It may not have told of its program, without which it could not be taken up. It was kept before it was left.
        return Ok(());
    }
    let running = program.as_ref().map(|its| (its.pid, its.master.as_fd(), its.input.as_fd(), its.pidfd.as_fd()));
    match spawner.hand_over(session.id(), memory, running).await {
        // Opened since the new one is there.
        Err(HolderError::Refused { word, .. }) if word == HolderError::SESSION_EXISTS => {}
        handed => handed?,
    }
    if session.closed().is_cancelled() {
        // Meanwhile: the holder may have been told to forget it before it was told of it.
        spawner.forget(session.id()).await;
    }
    Ok(())
}
