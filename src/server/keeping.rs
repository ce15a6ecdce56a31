//! Who keeps this server's sessions: the holder, in which they outlive it, or nobody.

use std::sync::Arc;

use rustix::process::Rlimit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerError;
use crate::config::Config;
use crate::holder::{HolderError, HolderSpawner, Options, Place, Systemd};
use crate::registry::Registry;
use crate::session::{LocalSpawner, Session, Spawner};

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

    /// Whether sessions go on when this server ends.
    pub(super) const fn outlives_us(&self) -> bool {
        matches!(self, Self::Holder(_))
    }

    /// Takes up what is kept, and lists what was lost.
    pub(super) async fn take_up(&self, registry: &Registry) -> Result<(), ServerError> {
        let adopted = match self {
            Self::Nobody(_) => 0,
            Self::Holder(spawner) => registry.adopt(spawner.kept().await?).await,
        };
        let lost = registry.list_lost().await?;
        if adopted + lost > 0 {
            tracing::info!(adopted, lost, "took up sessions");
        }
        Ok(())
    }

    /// Hands every session to the next holder whenever one has died.
    pub(super) async fn watch_over(self, registry: Registry, closing: CancellationToken) {
        let Self::Holder(spawner) = self else { return };
        let mut restarts = spawner.restarts();
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                changed = restarts.changed() => if changed.is_err() {
                    return;
                },
            }
            let sessions = registry.list();
            tracing::warn!(sessions = sessions.len(), "the process that keeps sessions ended: a new one gets them");
            for session in sessions {
                if let Err(error) = hand_over(&spawner, &session).await {
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
        Err(HolderError::Refused { word, .. }) if word == HolderError::SESSION_EXISTS => Ok(()),
        handed => handed,
    }
}
