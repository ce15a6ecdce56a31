//! A program whose parent is the holder: its end is seen on its pidfd, and how it ended is learned from whoever knows.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::exit_info;
use super::message::{Id, Reply, Request, process};
use super::spawner::Requests;
use crate::session::{Child, Exit, Leader, ProcStat, SessionId, Signaller, Whom, watch};

/// The program of a session. Dropping it changes nothing for the program.
pub(super) struct Program {
    session: SessionId,
    pid: Pid,
    pidfd: AsyncFd<OwnedFd>,
    requests: Requests,
    /// Whether it was the last of its session, as the holder says with its exit. None where it has not, or is not its
    /// parent.
    was_last: Option<bool>,
    /// Should the holder die, this process may become the parent.
    _known: Leader,
}

impl Program {
    pub(super) fn new(session: SessionId, pid: Pid, pidfd: OwnedFd, requests: Requests) -> io::Result<Self> {
        let pidfd = watch(pidfd, Interest::READABLE)?;
        Ok(Self { session, pid, pidfd, requests, was_last: None, _known: Leader::known(pid) })
    }

    /// How it ended, if we are its parent.
    fn wait(&self, options: WaitIdOptions) -> Option<Exit> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | options;
        waitid(WaitId::PidFd(self.pidfd.as_fd()), options).ok()?.map(|status| Exit::from_status(&status))
    }

    /// How it ended that has ended.
    async fn exit(&mut self) -> Exit {
        if let Some(exit) = self.wait(WaitIdOptions::NOWAIT) {
            return exit;
        }
        match self.requests.ask(Request::Exit { session: Id(self.session) }, Vec::new()).await.map(|got| got.reply) {
            Ok(Reply::Ended { code, signal, last }) => {
                self.was_last = Some(last);
                if let Some(exit) = code.map(Exit::Code).or(signal.map(Exit::Signal)) {
                    return exit;
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(session = %self.session, %error, "the holder does not say how a program ended");
            }
        }
        // The holder died while it was asked, or long ago: then its children are ours, or of whoever reaps orphans.
        self.wait(WaitIdOptions::NOWAIT).or_else(|| self.told_by_kernel()).unwrap_or(Exit::Unknown)
    }

    /// Asked twice, because it may be reaped in between.
    fn told_by_kernel(&self) -> Option<Exit> {
        let reaped = || exit_info::wait_status(self.pidfd.as_fd());
        let status = reaped().or_else(|| self.status_of_zombie()).or_else(reaped)?;
        Some(from_wait_status(status))
    }

    /// What proc(5) says of one that nobody has reaped.
    fn status_of_zombie(&self) -> Option<i32> {
        let ended = ProcStat::of(self.pid).filter(|stat| stat.has_ended)?;
        // Was that still it? While it can be named by its pidfd its id is nobody else's.
        is_unreaped(self.pidfd.as_fd()).then_some(ended.wait_status)
    }
}

/// Signals by the holder, which may signal what it started as whoever.
struct ByHolder {
    session: SessionId,
    pid: Pid,
    requests: Requests,
}

#[async_trait]
impl Signaller for ByHolder {
    async fn signal(&self, signal: Signal, to: Whom) -> Vec<Pid> {
        let request = Request::Signal { session: Id(self.session), signal: signal.as_raw(), all: to == Whom::All };
        match self.requests.ask(request, Vec::new()).await.map(|got| got.reply) {
            Ok(Reply::Signalled { processes }) => processes.into_iter().filter_map(process).collect(),
            other => {
                let error = other.err().map_or_else(|| "it makes no sense".to_owned(), |error| error.to_string());
                tracing::error!(session = %self.session, error, "the holder does not signal a session's processes");
                // For all that is known it is still there.
                vec![self.pid]
            }
        }
    }
}

/// Whether the process of a pidfd has not been reaped: fdinfo names it until then.
fn is_unreaped(pidfd: BorrowedFd<'_>) -> bool {
    let Ok(info) = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())) else { return false };
    info.lines().filter_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok()).any(|pid: i32| pid > 0)
}

/// What wait(2)'s status word says.
const fn from_wait_status(status: i32) -> Exit {
    match status & 0x7f {
        0 => Exit::Code(status >> 8 & 0xff),
        signal => Exit::Signal(signal),
    }
}

#[async_trait]
impl Child for Program {
    fn pid(&self) -> Pid {
        self.pid
    }

    fn handle(&self) -> &AsyncFd<OwnedFd> {
        &self.pidfd
    }

    async fn exited(&mut self) -> Exit {
        match self.pidfd.readable().await {
            // Stays readable: it does not live again.
            Ok(mut ready) => ready.retain_ready(),
            Err(_) => std::future::pending().await, // the runtime is shutting down and drops us
        }
        self.exit().await
    }

    fn was_last(&self) -> bool {
        self.was_last == Some(true)
    }

    fn signaller(&self) -> Option<Arc<dyn Signaller>> {
        Some(Arc::new(ByHolder { session: self.session, pid: self.pid, requests: self.requests.clone() }))
    }

    fn is_reaped_with_session(&self) -> bool {
        self.was_last.is_some()
    }

    async fn reap(&mut self) {
        // The holder is told in any case: it drops the terminal.
        let told = self.requests.ask(Request::Reap { session: Id(self.session) }, Vec::new()).await;
        if !matches!(told.map(|told| told.reply), Ok(Reply::Ended { .. })) {
            self.wait(WaitIdOptions::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_word_is_a_code_or_a_signal() {
        assert_eq!(from_wait_status(3 << 8), Exit::Code(3));
        assert_eq!(from_wait_status(9), Exit::Signal(9));
        assert_eq!(from_wait_status(0x80 | 11), Exit::Signal(11), "with a core");
    }

    #[tokio::test]
    async fn the_kernel_tells_of_a_process_that_was_reaped_by_another() {
        let mut child = std::process::Command::new("/bin/sh").args(["-c", "exit 7"]).spawn().expect("started");
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::NONBLOCK).expect("a pidfd");
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("ended");
        let zombie = ProcStat::of(pid).expect("a zombie");
        assert_eq!((zombie.has_ended, from_wait_status(zombie.wait_status)), (true, Exit::Code(7)));
        assert!(is_unreaped(pidfd.as_fd()));
        child.wait().expect("reaped");
        assert!(!is_unreaped(pidfd.as_fd()));
        // An older kernel knows nothing, and then nothing is said.
        let told = exit_info::wait_status(pidfd.as_fd()).map(from_wait_status);
        assert!(matches!(told, None | Some(Exit::Code(7))), "{told:?}");
    }
}
