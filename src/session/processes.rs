//! Ending everything that runs in a session's POSIX session (law 9), whoever started it and whatever it ignores.
//!
//! A program that called setsid(2) itself has left on purpose (a daemon, a tmux server) and is not followed.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::posix;
use super::proc_stat::ProcStat;

/// How long programs have to end by themselves after HUP, as at a terminal that went away: shells save their history,
/// editors their files.
const HANGUP_GRACE: Duration = Duration::from_secs(1);
/// How long what ignored HUP has after TERM. With the above three seconds, which VibeTunnel's clients expect as well.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end what was killed; only a process stuck in a driver takes longer.
const KILL_WAIT: Duration = Duration::from_secs(2);
/// Rounds of looking again after a KILL: a process may have forked between the look and the signal.
const SWEEPS: usize = 3;

/// A process, held by a descriptor so that a reused id is never signalled.
type Held = OwnedFd;

/// Ends every process in the POSIX session of `leader`: HUP, TERM, KILL, each with its grace. The leader must not be
/// reaped before this is done, or its id might already name another session.
pub(super) async fn end_session(leader: Pid) {
    let kills = std::iter::repeat_n((Signal::KILL, KILL_WAIT), SWEEPS);
    for (signal, grace) in [(Signal::HUP, HANGUP_GRACE), (Signal::TERM, TERM_GRACE)].into_iter().chain(kills) {
        let left = members_of(leader).await;
        if left.is_empty() {
            return;
        }
        send(&left, signal);
        send(&left, Signal::CONT); // a stopped process hears nothing else
        let _ = timeout(grace, all_ended(left)).await;
    }
    if members_of(leader).await.is_empty() {
        return;
    }
    tracing::error!(session = leader.as_raw_nonzero(), "processes outlived SIGKILL");
}

/// Kills at once, without grace, every process in the POSIX sessions of `leaders`. For a second signal to the server.
pub fn kill_all_now(leaders: &[Pid]) {
    // One look for all of them: with thousands of sessions a look for each would take minutes.
    let leaders: HashSet<_> = leaders.iter().copied().collect();
    for _ in 0..SWEEPS {
        send(&held_members(&leaders), Signal::KILL);
    }
}

async fn members_of(leader: Pid) -> Vec<Held> {
    // With thousands of processes it takes milliseconds: not for a runtime thread. A failed join is a runtime going
    // down.
    spawn_blocking(move || held_members(&HashSet::from([leader]))).await.unwrap_or_default()
}

fn held_members(leaders: &HashSet<Pid>) -> Vec<Held> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Pid::from_raw);
    let mut held = Vec::new();
    for pid in pids.filter(|&pid| is_member(pid, leaders)) {
        // Looked at again once it is held: the id might have been reused in between.
        if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::NONBLOCK)
            && is_member(pid, leaders)
        {
            held.push(pidfd);
        }
    }
    held
}

/// Whether `pid` is alive and in the POSIX session of one of `leaders`. Nearly none is, and to learn that takes a
/// fiftieth of the time that a look at its /proc/PID/stat does.
fn is_member(pid: Pid, leaders: &HashSet<Pid>) -> bool {
    posix::posix_session_of(pid).is_some_and(|session| leaders.contains(&session))
        && ProcStat::of(pid).is_some_and(|stat| !stat.has_ended)
}

fn send(processes: &[Held], signal: Signal) {
    for process in processes {
        // It may have ended since; that is what we want.
        let _ = pidfd_send_signal(process, signal);
    }
}

/// Waits for the end of each: a pidfd becomes readable then, also one of a process that is not our child.
async fn all_ended(processes: Vec<Held>) {
    for process in processes {
        if let Ok(watched) = posix::watch(process, Interest::READABLE) {
            let _ = watched.readable().await;
        }
    }
}
