//! Children that nobody waits for: what programs left behind and the kernel gave to us. They are reaped when they end,
//! or they would fill the process table.

use std::collections::HashSet;
use std::fs;

use parking_lot::Mutex;
use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, waitid};

use crate::session::ProcStat;

/// Leaders of sessions that may be this process's children now or later. Children are the process's, so this is too.
static LEADERS: Mutex<Option<HashSet<Pid>>> = Mutex::new(None);

/// A session's leader that is not reaped as a stray while this lives.
pub(super) struct Kept(Pid);

impl Kept {
    pub(super) fn new(leader: Pid) -> Self {
        LEADERS.lock().get_or_insert_default().insert(leader);
        Self(leader)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(leaders) = LEADERS.lock().as_mut() {
            leaders.remove(&self.0);
        }
    }
}

/// Reaps every child that has ended, but for kept leaders and what runs in our own POSIX session: that was started by
/// ourselves and is waited for elsewhere.
///
/// waitid(2) for any child would always show the same kept one first, so each is asked for by its id. Where the kernel
/// does not list them (CONFIG_PROC_CHILDREN, which every distribution has), ended ones stay until we end.
pub(super) fn reap() {
    let session = |pid| ProcStat::of(pid).map(|stat| stat.session);
    let ours = session(getpid());
    for child in children() {
        let is_kept = || LEADERS.lock().as_ref().is_some_and(|leaders| leaders.contains(&child));
        if session(child) != ours && !is_kept() {
            let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }
}

/// Whether this process, which must have one thread and be a child subreaper, is the parent of nobody but kept leaders.
///
/// Then nothing is left in the POSIX session of one that has ended. Who is in it was forked by its leader or by another
/// in it, or by one who has left it since, and so on; whom a parent leaves behind, the kernel gives to us, because
/// between us and a leader there is nobody. So each of them is below a child of ours, which is no leader that lives,
/// because whatever is below that was forked by it.
pub(super) fn are_none() -> bool {
    // Nobody but ourselves takes a child off the list, so it holds still while it is read.
    let Ok(list) = fs::read_to_string("/proc/thread-self/children") else { return false };
    let leaders = LEADERS.lock();
    let is_leader = |pid: &str| {
        let pid = pid.parse().ok().and_then(Pid::from_raw);
        pid.zip(leaders.as_ref()).is_some_and(|(pid, leaders)| leaders.contains(&pid))
    };
    list.split_whitespace().all(is_leader)
}

/// The children of all threads.
fn children() -> Vec<Pid> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>())
        .collect()
}
