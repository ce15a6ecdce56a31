//! What becomes of the sessions when this server goes: they end with it, or they are left to who keeps them and taken
//! up again.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Rlimit;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerError;
use crate::config::Config;
use crate::holder::{HolderError, HolderSpawner, Options, Place, Systemd};
use crate::registry::Registry;
use crate::session::{LocalSpawner, Session, Spawner};

/// How long it may take to leave the sessions: what they came to is written down, and the store may be away.
const LEAVE_DEADLINE: Duration = Duration::from_secs(10);

/// Why sessions cannot be left.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaveError {
    /// Nobody else keeps them.
    #[error("this server keeps its sessions itself, and {0} would be lost")]
    WouldBeLost(usize),
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
    /// Finds the holder, or starts it, unless the settings want none. `descriptors` is the limit programs start with.
    pub(super) async fn begin(config: &Config, descriptors: Rlimit) -> Result<Self, ServerError> {
        if !config.holder {
            return Ok(Self::Nobody(Arc::new(LocalSpawner { descriptors: Some(descriptors) })));
        }
        let place = Place {
            data_dir: config.data_dir.canonicalize()?,
            program: std::env::current_exe()?,
            descriptors,
            systemd: config.systemd.clone().map(|environment| Systemd { environment }),
        };
        // Its task ends with the last program, which may be after everything else.
        let spawner = HolderSpawner::connect(Options { place, tracker: TaskTracker::new() }).await?;
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

    /// Whether another server could take them up.
    pub(super) fn could_be_left(&self) -> Result<(), LeaveError> {
        match self.registry.list().len() {
            0 => Ok(()),
            _ if self.outlive_us() => Ok(()),
            sessions => Err(LeaveError::WouldBeLost(sessions)),
        }
    }

    /// Lets go of them: nothing of them is read or written by this server from then on. Viewers have been told.
    pub(super) async fn leave(&self) -> Result<(), LeaveError> {
        self.could_be_left()?;
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
        let sessions = self.registry.list().len();
        if sessions > 0 {
            tracing::info!(
                sessions,
                "they go on, and the next server takes them up (fantail stop --sessions ends them)"
            );
        }
        self.registry.leave().await;
    }

    /// For an operator who does not want to wait.
    pub(super) fn kill_what_would_end(&self) {
        if !self.outlive_us() {
            self.registry.kill_all();
        }
    }

    /// Takes up what is kept, at a start or after [`Self::leave`], and lists what was lost.
    pub(super) async fn adopt(&self) -> Result<(), ServerError> {
        let kept = match &self.keeping {
            Keeping::Nobody(_) => Vec::new(),
            Keeping::Holder(spawner) => spawner.kept().await?,
        };
        let of = kept.len();
        let left = self.registry.adopt(kept).await;
        let lost = self.registry.list_lost(&left).await?;
        if of + lost > 0 {
            tracing::info!(adopted = of - left.len(), left = left.len(), lost, "took up sessions");
        }
        Ok(())
    }

    /// Hands every session to the next holder whenever one has died.
    pub(super) async fn watch_over(self, closing: CancellationToken) {
        let Keeping::Holder(spawner) = &self.keeping else { return };
        let mut restarts = spawner.restarts();
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                changed = restarts.changed() => if changed.is_err() {
                    return;
                },
            }
            let sessions = self.registry.list();
            tracing::warn!(sessions = sessions.len(), "the process that keeps sessions ended: a new one gets them");
            for session in sessions {
                if let Err(error) = hand_over(spawner, &session).await {
                    tracing::error!(session = %session.id(), %error, "a session is not kept: it will end with this server");
                }
            }
        }
    }
}

async fn hand_over(spawner: &HolderSpawner, session: &Session) -> Result<(), HolderError> {
    use std::os::fd::AsFd as _;
    let (memory, program) = session.handles().await?;
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
