//! Ending everything that runs in a session's POSIX session (law 9), whoever started it and whatever it ignores.
//!
//! A program that called setsid(2) itself has left on purpose (a daemon, a tmux server) and is not followed.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::posix;
use super::proc_stat::ProcStat;
use super::pty::Child;
use super::task::Life;

/// How long programs have to end by themselves after HUP, as at a terminal that went away: shells save their history,
/// editors their files.
const HANGUP_GRACE: Duration = Duration::from_secs(1);
/// How long the leader, told first, has before all others are told, too. Most leaders are gone at once, and often it is
/// known then that there is nobody else; to look for the others takes longer than all else about a session's end.
const LEADER_PATIENCE: Duration = Duration::from_millis(100);
/// How long what ignored HUP has after TERM. With the above three seconds, which VibeTunnel's clients expect as well.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end what was killed; only a process stuck in a driver takes longer.
const KILL_WAIT: Duration = Duration::from_secs(2);
/// Rounds of looking again after a KILL: a process may have forked between the look and the signal.
const SWEEPS: usize = 3;

/// A process, held by a descriptor so that a reused id is never signalled.
struct Held {
    pid: Pid,
    pidfd: OwnedFd,
}

/// The end of every process in a POSIX session.
pub(super) struct Ending {
    life: Life,
    leader_ended: Arc<Notify>,
}

impl Ending {
    /// Begins it with the leader, which must not be reaped before it is done, or its id might already name another
    /// session.
    pub(super) fn begin(leader: &dyn Child) -> Self {
        for signal in [Signal::HUP, Signal::CONT] {
            // It may have ended.
            let _ = pidfd_send_signal(leader.handle().get_ref(), signal);
        }
        let leader_ended = Arc::new(Notify::new());
        Self { life: Box::pin(end_session(leader.pid(), Arc::clone(&leader_ended))), leader_ended }
    }

    /// The leader has ended: the others' turn has come.
    pub(super) fn leader_has_ended(&self) {
        self.leader_ended.notify_one();
    }

    /// Waits until all have ended. May be dropped and called again until then.
    pub(super) async fn done(&mut self) {
        (&mut self.life).await;
    }
}

/// HUP, TERM, KILL, each with its grace.
async fn end_session(leader: Pid, leader_ended: Arc<Notify>) {
    let began = Instant::now();
    let _ = timeout(LEADER_PATIENCE, leader_ended.notified()).await;
    let hangup = (Signal::HUP, HANGUP_GRACE.saturating_sub(began.elapsed()));
    let kills = std::iter::repeat_n((Signal::KILL, KILL_WAIT), SWEEPS);
    for (signal, grace) in [hangup, (Signal::TERM, TERM_GRACE)].into_iter().chain(kills) {
        let left = members_of(leader).await;
        if left.is_empty() {
            return;
        }
        // The leader has heard of the hangup: a program may take a second one for impatience.
        send(left.iter().filter(|held| signal != Signal::HUP || held.pid != leader), signal);
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
            held.push(Held { pid, pidfd });
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

fn send<'a>(processes: impl IntoIterator<Item = &'a Held>, signal: Signal) {
    for process in processes {
        // It may have ended since; that is what we want.
        let _ = pidfd_send_signal(&process.pidfd, signal);
    }
}

/// Waits for the end of each: a pidfd becomes readable then, also one of a process that is not our child.
async fn all_ended(processes: Vec<Held>) {
    for process in processes {
        if let Ok(watched) = posix::watch(process.pidfd, Interest::READABLE) {
            let _ = watched.readable().await;
        }
    }
}
