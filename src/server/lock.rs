//! One server to a data directory, and how a command finds the process to tell that something has changed.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::SignalKind;

use super::predecessor::TakeOverError;
use super::{ServerError, announcement};
use crate::session::watch;
use crate::store::DataDir;

/// The lock file. It stays when the server ends; the lock on it does not, however the server ends.
const FILE: &str = "server.lock";
/// Bytes of the longest process id there can be, with room.
const PID_BYTES: usize = 16;

/// The lock on a data directory, held for as long as this lives. Holds the process id of who has it.
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(dir: &DataDir) -> Result<Self, ServerError> {
        let (file, _) = dir.private_file(FILE)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(ServerError::AlreadyRunning(who(dir, &file)));
        }
        let lock = Self(file);
        lock.claim()?;
        Ok(lock)
    }

    /// The lock that another server has on this directory and shares with us. It is in that server's name until
    /// [`Self::claim`].
    pub(super) fn shared(dir: &DataDir, file: File) -> Result<Self, ServerError> {
        let (own, path) = dir.private_file(FILE)?;
        let (own, shared) = (own.metadata()?, file.metadata()?);
        if (own.dev(), own.ino()) != (shared.dev(), shared.ino()) {
            let other = format!("it does not use {}", path.display());
            return Err(TakeOverError::Elsewhere(other).into());
        }
        // Of one open file there is one lock: taking it again only shows that it is held.
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from)?;
        Ok(Self(file))
    }

    /// Puts the lock in the name of this process.
    pub(super) fn claim(&self) -> io::Result<()> {
        let pid = std::process::id().to_string();
        // In one write, with blanks over the rest of a longer one: whoever reads finds a process at every moment.
        let width = usize::try_from(self.0.metadata()?.len()).unwrap_or(PID_BYTES).min(PID_BYTES);
        self.0.write_all_at(format!("{pid:<width$}").as_bytes(), 0)?;
        self.0.set_len(pid.len() as u64)
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// "http://127.0.0.1:4020 (process 4711)", as far as known: a server that is just starting has no address yet.
fn who(dir: &DataDir, lock: &File) -> Option<String> {
    let pid = holder(lock)?.as_raw_pid();
    Some(announcement::url(dir).map_or_else(|| format!("process {pid}"), |url| format!("{url} (process {pid})")))
}

fn holder(lock: &File) -> Option<Pid> {
    let mut pid = [0; PID_BYTES];
    let length = lock.read_at(&mut pid, 0).ok()?;
    std::str::from_utf8(&pid[..length]).ok()?.trim().parse().ok().and_then(Pid::from_raw)
}

/// The signal that asks a running server to look at ended logins again.
pub(super) fn look_again_signal() -> SignalKind {
    SignalKind::user_defined1()
}

/// The signal that asks a running server to have the next one take over.
pub(super) fn upgrade_signal() -> SignalKind {
    SignalKind::user_defined2()
}

/// A server that runs, held so that no other process is ever signalled in its place.
pub struct Running {
    pid: Pid,
    process: AsyncFd<OwnedFd>,
}

impl Running {
    /// The one that runs on this data directory, if any. Must be called within a runtime.
    ///
    /// # Errors
    /// When the lock file cannot be read, or the process cannot be held.
    pub fn on(dir: &DataDir) -> Result<Option<Self>, ServerError> {
        loop {
            let Some(pid) = running(dir)? else { return Ok(None) };
            let process = match pidfd_open(pid, PidfdFlags::NONBLOCK) {
                Ok(process) => process,
                // The one in whose name the lock is has just ended, and another is about to claim it or to end.
                Err(Errno::SRCH) => return Ok(None),
                Err(error) => return Err(ServerError::Place(error.into())),
            };
            // Looked at again once it is held: it might have ended, and another might have taken over.
            if running(dir)? == Some(pid) {
                return Ok(Some(Self { pid, process: watch(process, Interest::READABLE)? }));
            }
        }
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    /// Asks it to have the program's next version take over.
    ///
    /// # Errors
    /// When it may not be signalled.
    pub fn ask_for_upgrade(&self) -> io::Result<()> {
        self.signal(Signal::USR2)
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// When it may not be signalled.
    pub fn ask_to_end(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Resolves when it has ended.
    ///
    /// # Errors
    /// When that cannot be waited for.
    pub async fn ended(&self) -> io::Result<()> {
        self.process.readable().await.map(|mut ready| ready.retain_ready())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(self.process.get_ref(), signal) {
            // It has ended, which is seen by waiting for that.
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The process in whose name the lock is, if it is held: only then is that a server.
fn running(dir: &DataDir) -> Result<Option<Pid>, ServerError> {
    let (file, _) = dir.private_file(FILE)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        return Ok(None);
    }
    Ok(holder(&file))
}

/// Tells the server that runs on this data directory, if any, that logins have been ended in the store.
///
/// # Errors
/// When the lock file cannot be read, or the server may not be signalled.
pub fn tell_running_server(dir: &DataDir) -> Result<(), ServerError> {
    match Running::on(dir)? {
        Some(running) => Ok(running.signal(Signal::USR1)?),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_second_server_is_told_who_has_the_directory() {
        let base = tempfile::tempdir().unwrap();
        let dir = DataDir::prepare(base.path()).unwrap();
        let first = Lock::take(&dir).unwrap();
        let refusal = Lock::take(&dir).err().unwrap().to_string();
        assert_eq!(refusal, format!("another server is running at process {}", std::process::id()));
        drop(first);
        assert!(Lock::take(&dir).is_ok(), "a lock left behind is no lock");
    }

    #[tokio::test]
    async fn a_lock_is_shared_with_who_takes_over_and_named_after_who_claims_it() {
        let base = tempfile::tempdir().unwrap();
        let dir = DataDir::prepare(base.path()).unwrap();
        assert!(Running::on(&dir).unwrap().is_none());
        fs::write(base.path().join(FILE), "123456789012").unwrap();
        let old = Lock::take(&dir).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(Running::on(&dir).unwrap().unwrap().pid(), own);
        let new = Lock::shared(&dir, File::from(old.as_fd().try_clone_to_owned().unwrap())).unwrap();
        drop(old);
        assert!(Lock::take(&dir).is_err(), "held by who took over");
        drop(new);
        assert!(Running::on(&dir).unwrap().is_none());
        let elsewhere = tempfile::tempdir().unwrap();
        let other = DataDir::prepare(elsewhere.path()).unwrap();
        let lock = Lock::take(&other).unwrap();
        let refusal = Lock::shared(&dir, lock.0).err().unwrap().to_string();
        assert!(refusal.starts_with("it does not use ") && refusal.contains("stop the running server"), "{refusal}");
    }
}
