//! Ending everything that a session started (law 9), whoever started it and whatever it ignores.
//!
//! That is what runs in its POSIX session, and what left that one by setsid(2): a daemon keeps the session's id in its
//! environment, and whoever is below what belongs to a session belongs to it as well. What cleared its environment and
//! has no such parent any more is nobody's, and stays.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::leaders::Leader;
use super::proc_stat::ProcStat;
use super::pty::Child;
use super::task::Life;
use super::{SessionId, posix};

/// The variable that names a program's session.
pub const SESSION_VARIABLE: &str = "FANTAIL_SESSION_ID";
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
/// Looks at most before a KILL, each of which stops what is new: what forks without end is held still before it is
/// killed, or it would be there again.
const FREEZES: usize = 20;

/// A session as its processes show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whose {
    /// The leader of its POSIX session, not reaped, or its id might already name another one.
    pub leader: Pid,
    /// What its programs find in their environment.
    pub session: SessionId,
}

/// A process, held by a descriptor so that a reused id is never signalled.
struct Held {
    pid: Pid,
    pidfd: OwnedFd,
}

/// Someone who may signal a session's processes where this process may not: they run as another account.
#[async_trait]
pub trait Signaller: Send + Sync {
    /// Sends `signal` and tells who was there to get it, as far as is known.
    async fn signal(&self, signal: Signal, to: Whom) -> Vec<Pid>;
}

/// Who of a session is to get a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The process group in the foreground of its terminal.
    Foreground,
    /// All that it started.
    All,
}

/// The end of every process of a session.
pub(super) struct Ending {
    life: Life,
    leader_ended: Arc<Notify>,
}

impl Ending {
    /// Begins it with the leader, which must not be reaped before it is done.
    pub(super) fn begin(leader: &dyn Child, session: SessionId) -> Self {
        let mut is_refused = false;
        for signal in [Signal::HUP, Signal::CONT] {
            // It may have ended.
            let sent = pidfd_send_signal(leader.handle().get_ref(), signal);
            is_refused |= sent == Err(rustix::io::Errno::PERM);
        }
        let leader_ended = Arc::new(Notify::new());
        let whose = Whose { leader: leader.pid(), session };
        let signaller = leader.signaller().filter(|_| is_refused);
        let life = match signaller {
            Some(signaller) => Box::pin(end_by(signaller)) as Life,
            None => Box::pin(end_session(whose, Arc::clone(&leader_ended))),
        };
        Self { life, leader_ended }
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
async fn end_session(whose: Whose, leader_ended: Arc<Notify>) {
    let began = Instant::now();
    let _ = timeout(LEADER_PATIENCE, leader_ended.notified()).await;
    let hangup = (Signal::HUP, HANGUP_GRACE.saturating_sub(began.elapsed()));
    for (signal, grace) in [hangup, (Signal::TERM, TERM_GRACE)] {
        let left = look_for(whose, held_of).await;
        if left.is_empty() {
            return;
        }
        // The leader has heard of the hangup: a program may take a second one for impatience.
        send(left.iter().filter(|held| signal != Signal::HUP || held.pid != whose.leader), signal);
        send(&left, Signal::CONT); // a stopped process hears nothing else
        let _ = timeout(grace, all_ended(left)).await;
    }
    for _ in 0..SWEEPS {
        let left = look_for(whose, frozen).await;
        if left.is_empty() {
            return;
        }
        send(&left, Signal::KILL);
        let _ = timeout(KILL_WAIT, all_ended(left)).await;
    }
    if look_for(whose, held_of).await.is_empty() {
        return;
    }
    tracing::error!(session = %whose.session, "processes outlived SIGKILL");
}

/// The same by someone else, who looks for them as well.
async fn end_by(signaller: Arc<dyn Signaller>) {
    let kills = std::iter::repeat_n((Signal::KILL, KILL_WAIT), SWEEPS);
    for (signal, grace) in [(Signal::HUP, HANGUP_GRACE), (Signal::TERM, TERM_GRACE)].into_iter().chain(kills) {
        let left = signaller.signal(signal, Whom::All).await;
        if left.is_empty() {
            return;
        }
        // What has been reaped meanwhile and has its id reused is only waited for, and not for long.
        let hold = |pid: &Pid| Some(Held { pid: *pid, pidfd: pidfd_open(*pid, PidfdFlags::NONBLOCK).ok()? });
        let _ = timeout(grace, all_ended(left.iter().filter_map(hold).collect())).await;
    }
    tracing::error!("processes may have outlived SIGKILL");
}

/// Kills at once, without grace, every process of these sessions. For a second signal to the server.
pub fn kill_all_now(sessions: &[Whose]) {
    // One look for all of them: with thousands of sessions a look for each would take minutes.
    for _ in 0..SWEEPS {
        send(&frozen(sessions), Signal::KILL);
    }
}

/// Sends `signal` to every process of a session; a KILL finds them held still. Tells who they were.
#[must_use]
pub fn signal_all(whose: Whose, signal: Signal) -> Vec<Pid> {
    let left = if signal == Signal::KILL { frozen(&[whose]) } else { held_of(&[whose]) };
    send(&left, signal);
    send(&left, Signal::CONT);
    left.into_iter().map(|held| held.pid).collect()
}

async fn look_for(whose: Whose, look: fn(&[Whose]) -> Vec<Held>) -> Vec<Held> {
    // With thousands of processes it takes milliseconds: not for a runtime thread. A failed join is a runtime going
    // down.
    spawn_blocking(move || look(&[whose])).await.unwrap_or_default()
}

/// All of them, stopped.
fn frozen(sessions: &[Whose]) -> Vec<Held> {
    let mut stopped: HashMap<Pid, Held> = HashMap::new();
    for _ in 0..FREEZES {
        let found: Vec<_> = held_of(sessions).into_iter().filter(|held| !stopped.contains_key(&held.pid)).collect();
        if found.is_empty() {
            break;
        }
        send(&found, Signal::STOP);
        stopped.extend(found.into_iter().map(|held| (held.pid, held)));
    }
    stopped.into_values().collect()
}

/// Every process of these sessions that lives.
fn held_of(sessions: &[Whose]) -> Vec<Held> {
    let leaders: HashSet<_> = sessions.iter().map(|whose| whose.leader).collect();
    let mut held = Vec::new();
    let mut outside = Vec::new();
    for pid in processes() {
        match posix::posix_session_of(pid) {
            Some(session) if leaders.contains(&session) => held.extend(hold(pid, |pid| is_member(pid, &leaders))),
            // In a session of ours that was not asked for: nearly all, and to learn that takes a fiftieth of the time
            // that a look at its environment does.
            Some(session) if Leader::is_known(session) => {}
            _ => outside.push(pid),
        }
    }
    held.extend(strays(sessions, &held, outside));
    held
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Pid::from_raw)
}

/// Holds a process that is what `is` says, which is looked at again once it is held: the id might have been reused in
/// between.
fn hold(pid: Pid, is: impl Fn(Pid) -> bool) -> Option<Held> {
    if !is(pid) {
        return None;
    }
    let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
    is(pid).then_some(Held { pid, pidfd })
}

/// Whether `pid` is alive and in the POSIX session of one of `leaders`.
fn is_member(pid: Pid, leaders: &HashSet<Pid>) -> bool {
    posix::posix_session_of(pid).is_some_and(|session| leaders.contains(&session))
        && ProcStat::of(pid).is_some_and(|stat| !stat.has_ended)
}

/// Those of `outside` that these sessions left there: they say so, or their parent is one of the session.
fn strays(sessions: &[Whose], members: &[Held], outside: Vec<Pid>) -> Vec<Held> {
    let marks: Vec<_> =
        sessions.iter().map(|whose| format!("{SESSION_VARIABLE}={}", whose.session).into_bytes()).collect();
    let mut known: HashSet<_> = members.iter().map(|held| held.pid).collect();
    let mut found = Vec::new();
    // Who takes the sessions up may itself have been started in one.
    let mut others: Vec<_> = outside.into_iter().filter(|pid| *pid != getpid() && *pid != Pid::INIT).collect();
    loop {
        let is_theirs = |pid| {
            ProcStat::of(pid).is_some_and(|stat| {
                let below = Pid::from_raw(stat.parent).is_some_and(|parent| known.contains(&parent));
                !stat.has_ended && (below || is_marked(pid, &marks))
            })
        };
        let (theirs, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|pid| is_theirs(*pid));
        let theirs: Vec<_> = theirs.into_iter().filter_map(|pid| hold(pid, is_theirs)).collect();
        if theirs.is_empty() {
            return found;
        }
        known.extend(theirs.iter().map(|held| held.pid));
        found.extend(theirs);
        others = rest;
    }
}

/// Whether a process was given one of these variables, as far as we may know.
fn is_marked(pid: Pid, marks: &[Vec<u8>]) -> bool {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| marks.iter().any(|mark| mark == variable))
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
