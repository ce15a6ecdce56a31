//! Starting programs from this process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use async_trait::async_trait;
use rustix::process::{
    Pid, PidfdFlags, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, pidfd_open, pidfd_send_signal, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

use super::launch::Launch;
use super::leaders::Leader;
use super::posix::{self, Others};
use super::program::{self, Started};
use super::pty::{Child, Pty, SpawnError, Spawned, Spawner};
use super::{Exit, SessionId};
use crate::terminal::Size;

/// Starts programs as children of this process. Keeps nothing: sessions end with it.
pub struct LocalSpawner {
    /// The descriptor limit a program starts with: the one this process was started with, not the one it raised
    /// for its own sockets (programs that use select(2) break with a large one).
    pub descriptors: Option<Rlimit>,
}

#[async_trait]
impl Spawner for LocalSpawner {
    async fn spawn(
        &self,
        _session: SessionId,
        _memory: BorrowedFd<'_>,
        launch: &Launch,
        size: Size,
    ) -> Result<Spawned, SpawnError> {
        let launch = launch.clone();
        let descriptors = self.descriptors;
        // About a millisecond in the kernel: too long for a runtime thread.
        let started = spawn_blocking(move || program::start(&launch, size, descriptors, Others::CloseThem)).await;
        let Started { pid, master, slave, input } =
            started.map_err(|stopped| SpawnError::Other(io::Error::other(stopped)))??;
        // Killed should what follows fail.
        let child = Box::new(Process::watch(pid).map_err(SpawnError::OutOfResources)?);
        let pty = Pty::new(master, input, Some(slave)).map_err(SpawnError::OutOfResources)?;
        Ok(Spawned { pty, child })
    }

    async fn keep(&self, _session: SessionId, _memory: BorrowedFd<'_>) -> Result<(), SpawnError> {
        Ok(())
    }

    async fn forget(&self, _session: SessionId) {}
}

/// A child of this process. One that is dropped unreaped (its session's task failed) is killed.
struct Process {
    pid: Pid,
    pidfd: AsyncFd<OwnedFd>,
    reaped: bool,
    _known: Leader,
}

impl Process {
    /// Watches `pid`, which was just started. Kills it when it cannot be watched, so that nothing is left behind.
    fn watch(pid: Pid) -> io::Result<Self> {
        let watched = pidfd_open(pid, PidfdFlags::NONBLOCK)
            .map_err(io::Error::from)
            .and_then(|pidfd| posix::watch(pidfd, Interest::READABLE));
        match watched {
            Ok(pidfd) => Ok(Self { pid, pidfd, reaped: false, _known: Leader::known(pid) }),
            Err(error) => {
                let _ = kill_process(pid, Signal::KILL);
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
                Err(error)
            }
        }
    }

    fn wait(&self, options: WaitIdOptions) -> io::Result<Option<Exit>> {
        let status =
            waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | options)?;
        Ok(status.map(|status| Exit::from_status(&status)))
    }
}

#[async_trait]
impl Child for Process {
    fn pid(&self) -> Pid {
        self.pid
    }

    fn handle(&self) -> &AsyncFd<OwnedFd> {
        &self.pidfd
    }

    async fn exited(&mut self) -> Exit {
        loop {
            // Left a zombie, so that its process id, which names its POSIX session, is not reused while that
            // session's other processes are being ended.
            match self.wait(WaitIdOptions::NOWAIT) {
                Ok(Some(exit)) => return exit,
                Ok(None) => {}
                Err(error) => {
                    // Nobody else reaps our children, so the kernel has no reason to refuse; say it and end.
                    tracing::error!(pid = self.pid.as_raw_nonzero(), %error, "cannot learn how a program ended");
                    return Exit::Code(-1);
                }
            }
            match self.pidfd.readable().await {
                Ok(mut ready) => ready.clear_ready(),
                Err(_) => std::future::pending().await, // the runtime is shutting down and drops us
            }
        }
    }

    async fn reap(&mut self) {
        self.reaped = true;
        if let Err(error) = self.wait(WaitIdOptions::empty()) {
            tracing::error!(pid = self.pid.as_raw_nonzero(), %error, "cannot reap a program");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = pidfd_send_signal(self.pidfd.get_ref(), Signal::KILL);
            let _ = self.wait(WaitIdOptions::empty());
        }
    }
}
