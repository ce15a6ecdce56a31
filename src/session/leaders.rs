//! The leaders of the sessions that this process knows. What runs in their POSIX sessions is theirs: it is neither a
//! stray to be reaped nor one that another session left behind.

use std::collections::HashSet;

use parking_lot::Mutex;
use rustix::process::Pid;

/// Processes are the machine's, so this is the process's.
static LEADERS: Mutex<Option<HashSet<Pid>>> = Mutex::new(None);

/// A leader that is known as one while this lives.
pub struct Leader(Pid);

impl Leader {
    /// From now on `leader` is known.
    #[must_use]
    pub fn known(leader: Pid) -> Self {
        LEADERS.lock().get_or_insert_default().insert(leader);
        Self(leader)
    }

    /// Whether a process is known as one.
    #[must_use]
    pub fn is_known(pid: Pid) -> bool {
        LEADERS.lock().as_ref().is_some_and(|leaders| leaders.contains(&pid))
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(leaders) = LEADERS.lock().as_mut() {
            leaders.remove(&self.0);
        }
    }
}
