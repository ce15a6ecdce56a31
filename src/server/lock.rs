//! One server to a data directory, and how a command finds the process to tell that something has changed.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::SignalKind;

use super::ServerError;
use super::announcement;
use crate::store::DataDir;

/// The lock file. It stays when the server ends; the lock on it does not, however the server ends.
const FILE: &str = "server.lock";

/// The lock on a data directory, held for as long as this lives. Holds the process id of who has it.
pub(super) struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(dir: &DataDir) -> Result<Self, ServerError> {
        let (mut file, _) = dir.private_file(FILE)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(ServerError::AlreadyRunning(who(dir, &mut file)));
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        Ok(Self(file))
    }
}

/// "http://127.0.0.1:4020 (process 4711)", as far as known: a server that is just starting has no address yet.
fn who(dir: &DataDir, lock: &mut File) -> Option<String> {
    let pid = holder(lock)?.as_raw_pid();
    Some(announcement::url(dir).map_or_else(|| format!("process {pid}"), |url| format!("{url} (process {pid})")))
}

fn holder(lock: &mut File) -> Option<Pid> {
    let mut pid = String::new();
    lock.read_to_string(&mut pid).ok()?;
    pid.trim().parse().ok().and_then(Pid::from_raw)
}

/// The signal that asks a running server to look at ended logins again.
pub(super) fn look_again_signal() -> SignalKind {
    SignalKind::user_defined1()
}

/// Tells the server that runs on this data directory, if any, that logins have been ended in the store.
///
/// # Errors
/// When the lock file cannot be read, or the server may not be signalled.
pub fn tell_running_server(dir: &DataDir) -> Result<(), ServerError> {
    let (mut file, _) = dir.private_file(FILE)?;
    // Only while the lock is held is the process id in it that of a server.
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        return Ok(());
    }
    match holder(&mut file) {
        Some(pid) => kill_process(pid, Signal::USR1).map_err(|error| ServerError::Place(error.into())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
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
}
