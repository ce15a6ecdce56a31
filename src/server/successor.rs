//! The server that takes over from this one, while it is our child: started, heard, and ended when it does not come up.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use super::handover::{FromNew, FromOld, Line, Listening};
use super::origin::{Origin, TAKE_OVER};
use crate::session::watch;

/// How long a new server may take to get ready, while the old one serves: settings, the store and its migrations.
const READY_MAX: Duration = Duration::from_secs(15);
/// How long it may take to serve once it was told to. Nobody serves meanwhile, but taking up thousands of sessions
/// takes its time.
const SERVING_MAX: Duration = Duration::from_secs(15);
/// How long one that ends, or is killed, takes to be gone.
const END_MAX: Duration = Duration::from_secs(5);

/// Why the new server does not take over.
#[derive(Debug, thiserror::Error)]
pub(super) enum SuccessorError {
    /// It cannot be started.
    #[error("{program} cannot be started: {error}")]
    Start {
        /// What was to be started.
        program: String,
        /// Why not.
        error: io::Error,
    },
    /// It is gone.
    #[error("the new server ended by itself ({0}); the log may say why")]
    Ended(ExitStatus),
    /// It says itself.
    #[error("the new server says: {0}")]
    Failed(String),
    /// It says nothing.
    #[error("the new server was not heard of for {} s", .0.as_secs())]
    Late(Duration),
    /// It says something else, or does not listen.
    #[error("the new server is not understood: {0}")]
    Line(#[from] io::Error),
}

/// The new server. Killed when it is dropped before it was let go.
pub(super) struct Successor {
    line: Line,
    process: Child,
    pid: u32,
    ended: AsyncFd<OwnedFd>,
    /// How it ended, once it was waited for.
    status: Option<ExitStatus>,
    let_go: bool,
}

impl Successor {
    /// Starts it and waits until it is ready; returns its version as well. Nothing has changed for anyone then.
    pub(super) async fn start(
        origin: &Origin,
        listeners: &[(Listening, BorrowedFd<'_>)],
        lock: BorrowedFd<'_>,
        descriptors: Option<u64>,
    ) -> Result<(Self, String), SuccessorError> {
        let cannot = |error| SuccessorError::Start { program: origin.program.display().to_string(), error };
        let (line, theirs) = Line::pair().map_err(cannot)?;
        let mut command = Command::new(&origin.program);
        command.args(&origin.arguments).arg(TAKE_OVER).stdin(Stdio::from(theirs));
        // A group of its own, so that whatever it has started by then is killed with it if it does not come up.
        let process = command.process_group(0).spawn().map_err(cannot)?;
        // Ours is the only other copy of its end of the line.
        drop(command);
        let pid = process.id();
        let held = as_pid(pid).ok_or(Errno::SRCH).and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK));
        let ended = match held.map_err(io::Error::from).and_then(|held| watch(held, Interest::READABLE)) {
            Ok(ended) => ended,
            Err(error) => {
                kill(pid);
                return Err(cannot(error));
            }
        };
        let mut successor = Self { line, process, pid, ended, status: None, let_go: false };
        let take = FromOld::take(listeners.iter().map(|(kind, _)| *kind).collect(), descriptors);
        let inherited: Vec<_> = listeners.iter().map(|(_, socket)| *socket).chain([lock]).collect();
        let error = match successor.talk(&take, &inherited, READY_MAX).await {
            Ok(FromNew::Ready { version }) => return Ok((successor, version)),
            Ok(other) => unexpected(other),
            Err(error) => error,
        };
        successor.end().await;
        Err(error)
    }

    /// Has it take over; returns when it serves.
    pub(super) async fn go(&mut self) -> Result<(), SuccessorError> {
        match self.talk(&FromOld::Go, &[], SERVING_MAX).await? {
            FromNew::Serving => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Resolves when it has ended.
    pub(super) async fn ended(&mut self) -> SuccessorError {
        if let Err(error) = self.ended.readable().await {
            return error.into();
        }
        // What it has started goes too.
        self.kill();
        match self.process.try_wait() {
            Ok(Some(status)) => {
                self.status = Some(status);
                SuccessorError::Ended(status)
            }
            Ok(None) => io::Error::other("it has ended without an end").into(),
            Err(error) => error.into(),
        }
    }

    /// Lets it live without us.
    pub(super) fn let_go(mut self) {
        self.let_go = true;
    }

    /// Ends it; returns when it is gone, with all it holds.
    pub(super) async fn end(mut self) {
        self.kill();
        if timeout(END_MAX, self.ended()).await.is_err() {
            tracing::error!(pid = self.pid, "the new server outlived SIGKILL");
        }
    }

    /// Kills it and all it has started, unless it was waited for already: its id may be another's then.
    fn kill(&self) {
        if self.status.is_none() {
            kill(self.pid);
        }
    }

    /// Says a word and waits for the answer.
    async fn talk(
        &mut self,
        word: &FromOld,
        descriptors: &[BorrowedFd<'_>],
        patience: Duration,
    ) -> Result<FromNew, SuccessorError> {
        let answer = async {
            self.line.say(word, descriptors).await?;
            Ok(self.line.hear::<FromNew>().await?.0)
        };
        match timeout(patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Err(_) => Err(SuccessorError::Late(patience)),
            // One that hangs up has ended as a rule, and how says more.
            Ok(Err(error)) if is_hangup(&error) => match timeout(END_MAX, self.ended()).await {
                Ok(ended) => Err(ended),
                Err(_) => Err(SuccessorError::Line(error)),
            },
            Ok(Err(error)) => Err(SuccessorError::Line(error)),
        }
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if !self.let_go {
            self.kill();
            // Not waited for: that would hold up a runtime that is going down.
            let _ = self.process.try_wait();
        }
    }
}

fn unexpected(word: FromNew) -> SuccessorError {
    match word {
        FromNew::Failed { reason } => SuccessorError::Failed(reason),
        FromNew::Ready { .. } | FromNew::Serving => io::Error::other("a word out of turn").into(),
    }
}

fn is_hangup(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// Kills the group of a child that was not waited for.
fn kill(pid: u32) {
    if let Some(pid) = as_pid(pid)
        && let Err(error) = kill_process_group(pid, Signal::KILL)
    {
        tracing::debug!(%error, "a new server could not be killed");
    }
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
