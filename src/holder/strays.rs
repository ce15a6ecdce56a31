//! Children that nobody waits for: what programs left behind and the kernel gave to us. They are reaped when they end,
//! or they would fill the process table.

use std::fs;

use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, waitid};

use crate::session::{Leader, ProcStat};

/// Reaps every child that has ended, but for kept leaders and what runs in our own POSIX session: that was started by
/// ourselves and is waited for elsewhere.
///
/// waitid(2) for any child would always show the same kept one first, so each is asked for by its id. Where the kernel
/// does not list them (CONFIG_PROC_CHILDREN, which every distribution has), ended ones stay until we end.
pub(super) fn reap() {
    let session = |pid| ProcStat::of(pid).map(|stat| stat.session);
    let ours = session(getpid());
    for child in children() {
        if session(child) != ours && !Leader::is_known(child) {
            let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }
}

/// Whether this process, which must have one thread and be a child subreaper, is the parent of nobody but kept leaders.
///
/// Then nothing is left of the session of one that has ended, also not outside of its POSIX session. Each of its
/// processes was forked by its leader or by another of them, and so on; whom a parent leaves behind, the kernel gives to
/// us, because between us and a leader there is nobody. So each of them is below a child of ours, which is no leader that
/// lives, because whatever is below that was forked by it.
pub(super) fn are_none() -> bool {
    // Nobody but ourselves takes a child off the list, so it holds still while it is read.
    let Ok(list) = fs::read_to_string("/proc/thread-self/children") else { return false };
    let is_leader = |pid: &str| pid.parse().ok().and_then(Pid::from_raw).is_some_and(Leader::is_known);
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
