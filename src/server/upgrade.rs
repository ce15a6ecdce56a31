//! Replacing this server by its next version while it serves: one after the other, and never none.
//!
//! Until the new server serves nothing is done that cannot be undone: one that does not start, does not get ready or
//! dies leaves this one serving as before, with its sessions, its listening sockets and its lock.

use std::convert::Infallible;
use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::Shutdown;
use super::announcement::Announcement;
use super::listeners::Listeners;
use super::lock::Lock;
use super::origin::Origin;
use super::sessions::{LeaveError, Sessions};
use super::successor::{Successor, SuccessorError};
use super::supervisor::Supervisor;
use super::verdict::{self, Verdict};
use crate::http::App;
use crate::store::DataDir;

/// How long answers that were begun may take to be read once another server serves: a log of the usual size over a
/// slow link. Who reads nothing is given up earlier.
const LAST_ANSWERS_MAX: Duration = Duration::from_secs(60);

/// Why there is no new server.
#[derive(Debug, thiserror::Error)]
enum UpgradeError {
    /// It is not known what to start.
    #[error("how this server was started is not known")]
    NoOrigin,
    /// Sessions would be lost.
    #[error(transparent)]
    Leave(#[from] LeaveError),
    /// The new one does not take over.
    #[error(transparent)]
    Successor(#[from] SuccessorError),
}

/// Who asks for an upgrade, and is told what became of it.
pub(super) struct Requests {
    dir: DataDir,
    signals: io::Result<Signal>,
}

impl Requests {
    pub(super) fn new(dir: DataDir, signals: io::Result<Signal>) -> Self {
        if let Err(error) = &signals {
            tracing::error!(%error, "no signals: this server cannot be upgraded");
        }
        Self { dir, signals }
    }

    async fn next(&mut self) {
        let heard = match &mut self.signals {
            Ok(signals) => signals.recv().await,
            Err(_) => None,
        };
        if heard.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Refuses all that come.
    pub(super) async fn refuse(&mut self, reason: &str) -> Infallible {
        loop {
            self.next().await;
            self.tell(&Verdict::Refused { reason: reason.into() });
        }
    }

    fn tell(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Serving { pid, version } => tracing::info!(pid, version, "another server has taken over"),
            Verdict::Failed { reason } => tracing::error!(reason, "the upgrade failed, this server goes on"),
            Verdict::Refused { reason } => tracing::warn!(reason, "an upgrade was refused"),
        }
        verdict::tell(&self.dir, verdict);
    }
}

/// What this server hands over.
pub(super) struct Upgrading<'a> {
    pub(super) origin: Option<&'a Origin>,
    pub(super) app: &'a App,
    pub(super) sessions: &'a Sessions,
    pub(super) lock: &'a Lock,
    pub(super) listeners: &'a Listeners,
    pub(super) announcement: &'a Announcement,
    pub(super) supervisor: &'a Supervisor,
    /// The limit of descriptors that programs get.
    pub(super) descriptors: Option<u64>,
}

impl Upgrading<'_> {
    /// Tries whenever it is asked for; returns the process that serves in our place. When this is dropped, a new server
    /// that does not serve yet ends.
    pub(super) async fn until_replaced(&self, requests: &mut Requests) -> u32 {
        loop {
            requests.next().await;
            let refusal = match (self.origin, self.sessions.could_be_left().await) {
                (None, _) => Some(UpgradeError::NoOrigin),
                (_, Err(lost)) => Some(lost.into()),
                (Some(_), Ok(())) => None,
            };
            if let Some(refusal) = refusal {
                requests.tell(&Verdict::Refused { reason: refusal.to_string() });
                continue;
            }
            let tried = tokio::select! {
                tried = self.try_once() => tried,
                never = requests.refuse("an upgrade is under way already") => match never {},
            };
            match tried {
                Ok((successor, version)) => {
                    let pid = successor.pid();
                    successor.let_go();
                    requests.tell(&Verdict::Serving { pid, version });
                    return pid;
                }
                Err(error) => requests.tell(&Verdict::Failed { reason: error.to_string() }),
            }
        }
    }

    async fn try_once(&self) -> Result<(Successor, String), UpgradeError> {
        let origin = self.origin.ok_or(UpgradeError::NoOrigin)?;
        tracing::info!(program = %origin.program.display(), "starting the server that takes over");
        self.supervisor.upgrading();
        let listeners = self.listeners.handed_over();
        let started = Successor::start(origin, &listeners, self.lock.as_fd(), self.descriptors).await;
        let (mut successor, version) = started.inspect_err(|_| self.supervisor.stays())?;
        tracing::info!(pid = successor.pid(), version, "it is ready");
        match self.hand_over(&mut successor).await {
            Ok(()) => Ok((successor, version)),
            Err(error) => {
                // Gone before anything is taken back, with its copies of the sessions.
                successor.end().await;
                self.take_back().await;
                Err(error)
            }
        }
    }

    async fn hand_over(&self, successor: &mut Successor) -> Result<(), UpgradeError> {
        tokio::select! {
            () = self.app.door().close() => {}
            error = successor.ended() => return Err(error.into()),
        }
        // Looked at again before anyone is told: sessions were opened meanwhile.
        self.sessions.could_be_left().await?;
        self.app.leave();
        self.sessions.leave().await?;
        Ok(successor.go().await?)
    }

    /// As if nothing had been, but for connections that were told to come anew.
    async fn take_back(&self) {
        let left = self.app.draining().is_cancelled();
        if left && let Err(error) = self.sessions.take_back().await {
            tracing::error!(%error, "not all sessions were taken back");
        }
        if let Err(error) = self.lock.claim() {
            tracing::error!(%error, "commands on this machine do not find this server");
        }
        if let Err(error) = self.announcement.write() {
            tracing::error!(%error, "commands on this machine do not find this server");
        }
        self.app.stay();
        self.app.door().open();
        self.supervisor.stays();
    }
}

/// Waits for the last requests that this server, now replaced by another, has begun to answer.
pub(super) async fn fade(tracker: &TaskTracker, requests: &mut Requests, successor: u32, shutdown: &Shutdown) {
    tracker.close();
    let refusal = format!("process {successor} has taken over already");
    tokio::select! {
        answered = timeout(LAST_ANSWERS_MAX, tracker.wait()) => {
            if answered.is_err() {
                tracing::warn!(tasks = tracker.len(), "some answers were not read in time");
            }
        }
        () = shutdown.drain.cancelled() => tracing::warn!("ending before the last answers were read"),
        never = requests.refuse(&refusal) => match never {},
    }
    tracing::info!(successor, "gone");
}
