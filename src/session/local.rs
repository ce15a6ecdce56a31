//! Starting programs from this process.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use async_trait::async_trait;
use portable_pty::{PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, pidfd_open, pidfd_send_signal,
    prlimit, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

use super::launch::Launch;
use super::pty::{Child, Pty, SpawnError, Spawned, Spawner};
use super::{Exit, posix};
use crate::terminal::Size;

/// Starts programs as children of this process.
pub struct LocalSpawner {
    /// The descriptor limit a program starts with: the one this process was started with, not the one it raised
    /// for its own sockets (programs that use select(2) break with a large one).
    pub descriptors: Option<Rlimit>,
}

#[async_trait]
impl Spawner for LocalSpawner {
    async fn spawn(&self, launch: &Launch, size: Size) -> Result<Spawned, SpawnError> {
        let launch = launch.clone();
        let descriptors = self.descriptors;
        // About a millisecond in the kernel: too long for a runtime thread.
        let started = spawn_blocking(move || start(&launch, size, descriptors)).await;
        started.map_err(|stopped| SpawnError::Other(io::Error::other(stopped)))?
    }
}

fn start(launch: &Launch, size: Size, descriptors: Option<Rlimit>) -> Result<Spawned, SpawnError> {
    let program = launch.resolve()?;
    let (master, slave, slave_path) = open_terminal(size)?;
    let pty = Pty::new(master, slave).map_err(SpawnError::OutOfResources)?;
    let (program, dir) = (c_string(&program)?, c_string(launch.dir())?);
    let pid = posix::spawn(&program, launch.command(), launch.environment(), &dir, &slave_path)
        .map_err(|error| refused(launch, error))?;
    let child = Box::new(Process::watch(pid).map_err(SpawnError::OutOfResources)?);
    if let Some(limit) = descriptors {
        // Not worth failing for: the program merely keeps the higher limit.
        let _ = prlimit(Some(pid), Resource::Nofile, limit);
    }
    Ok(Spawned { pty, child })
}

fn open_terminal(size: Size) -> Result<(OwnedFd, OwnedFd, CString), SpawnError> {
    let size = PtySize { rows: size.rows(), cols: size.cols(), pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).map_err(|error| {
        let cause = io::Error::last_os_error();
        match cause.raw_os_error() {
            Some(libc::ENOSPC) => SpawnError::NoTerminalsLeft,
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EAGAIN) => SpawnError::OutOfResources(cause),
            _ => SpawnError::Other(io::Error::other(error)),
        }
    })?;
    let path = pair.master.tty_name().ok_or_else(|| SpawnError::Other(io::Error::other("the terminal has no name")))?;
    let master = posix::duplicate(pair.master.as_ref()).map_err(SpawnError::OutOfResources)?;
    fcntl_setfl(&master, OFlags::NONBLOCK).map_err(|error| SpawnError::Other(error.into()))?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = open(&path, flags, Mode::empty()).map_err(|error| SpawnError::OutOfResources(error.into()))?;
    Ok((master, slave, c_string(&path)?))
}

fn c_string(path: &Path) -> Result<CString, SpawnError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|nul| SpawnError::Other(nul.into()))
}

/// What posix_spawn's error means. Opening the terminal, changing directory and exec all report through it, so the
/// checks are made again: the file system may have changed since.
fn refused(launch: &Launch, error: io::Error) -> SpawnError {
    if let Err(changed) = launch.resolve() {
        return changed;
    }
    match error.raw_os_error() {
        Some(libc::ENOENT) => SpawnError::NoSuchProgram,
        Some(libc::EACCES | libc::EPERM | libc::ENOEXEC | libc::ELIBBAD | libc::ETXTBSY) => SpawnError::NotExecutable,
        Some(libc::E2BIG) => SpawnError::TooLong,
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => SpawnError::OutOfResources(error),
        _ => SpawnError::Other(error),
    }
}

/// A child of this process. One that is dropped unreaped (its session's task failed) is killed.
struct Process {
    pid: Pid,
    pidfd: AsyncFd<OwnedFd>,
    reaped: bool,
}

impl Process {
    /// Watches `pid`, which was just started. Kills it when it cannot be watched, so that nothing is left behind.
    fn watch(pid: Pid) -> io::Result<Self> {
        let watched = pidfd_open(pid, PidfdFlags::NONBLOCK)
            .map_err(io::Error::from)
            .and_then(|pidfd| posix::watch(pidfd, Interest::READABLE));
        match watched {
            Ok(pidfd) => Ok(Self { pid, pidfd, reaped: false }),
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

    fn reap(&mut self) {
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
