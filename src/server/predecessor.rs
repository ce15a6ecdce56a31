//! The server that we take over from: what it has handed us, and what we tell it.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, sockopt};
use rustix::stdio::dup2_stdin;
use tokio::time::timeout;

use super::handover::{FromNew, FromOld, Line, Listening, ONE_LISTENER, PROTOCOL};
use super::supervisor::Supervisor;
use super::{Server, ServerError, Shutdown};
use crate::config::Config;

/// How long the old server may take to say its first word, which it says before it waits for anything.
const FIRST_WORD_MAX: Duration = Duration::from_secs(5);
/// How long it may take to leave its sessions: it lingers, and has requests answered.
const GO_MAX: Duration = Duration::from_secs(60);

/// Why nothing is taken over.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// Nobody hands anything over.
    #[error("--take-over is for servers that an upgrade starts")]
    NotAsked,
    /// The old server is newer, or much older.
    #[error("the running server speaks version {0} of the handover, this one {PROTOCOL}: stop it and start this one")]
    Protocol(u32),
    /// It does not say what it should.
    #[error("the running server is not understood: {0}")]
    Line(#[from] io::Error),
    /// It says nothing.
    #[error("the running server was not heard of for {} s", .0.as_secs())]
    Late(Duration),
    /// Told to end before it took over.
    #[error("told to end before it took over")]
    Unwanted,
    /// What was handed over is not what these settings ask for.
    #[error("{0}: stop the running server and start this one")]
    Elsewhere(String),
}

/// What is handed over.
pub struct Inherited {
    pub(super) listening: Sockets,
    pub(super) lock: File,
    /// The limit of descriptors that programs get, when it is not ours.
    pub(super) descriptors: Option<u64>,
}

/// The listening sockets that are handed over.
pub(super) struct Sockets {
    pub(super) tcp: TcpListener,
    pub(super) unix: Option<UnixListener>,
}

impl Sockets {
    /// Of these kinds. `None` when that is not one for TCP and at most one other.
    fn of(kinds: &[Listening], passed: Vec<OwnedFd>) -> Option<Self> {
        let mut passed = passed.into_iter();
        match kinds {
            [Listening::Tcp] => Some(Self { tcp: passed.next()?.into(), unix: None }),
            [Listening::Tcp, Listening::Unix] => {
                Some(Self { tcp: passed.next()?.into(), unix: Some(passed.next()?.into()) })
            }
            _ => None,
        }
    }
}

/// The old server, at the other end of the line.
pub struct Predecessor(Line);

impl Predecessor {
    /// The one that started this process with its line as stdin, and what it hands over. Stdin is empty from then on.
    ///
    /// # Errors
    /// When there is none, or it is not understood.
    pub async fn on_stdin() -> Result<(Self, Inherited), TakeOverError> {
        let stdin = io::stdin();
        let is_line = sockopt::socket_domain(&stdin).is_ok_and(|domain| domain == AddressFamily::UNIX)
            && sockopt::socket_type(&stdin).is_ok_and(|kind| kind == SocketType::SEQPACKET);
        if !is_line {
            return Err(TakeOverError::NotAsked);
        }
        let line = stdin.as_fd().try_clone_to_owned()?;
        dup2_stdin(File::open("/dev/null")?).map_err(io::Error::from)?;
        let line = Line::new(line)?;
        let first = timeout(FIRST_WORD_MAX, line.hear()).await;
        let (word, mut passed) = first.map_err(|_| TakeOverError::Late(FIRST_WORD_MAX))??;
        let FromOld::Take { protocol, descriptors, listeners } = word else { return Err(out_of_turn()) };
        if !(ONE_LISTENER..=PROTOCOL).contains(&protocol) {
            return Err(TakeOverError::Protocol(protocol));
        }
        if passed.len() != listeners.len() + 1 {
            return Err(out_of_turn());
        }
        let lock = passed.pop().ok_or_else(out_of_turn)?;
        let listening = Sockets::of(&listeners, passed).ok_or_else(out_of_turn)?;
        let inherited = Inherited { listening, lock: lock.into(), descriptors };
        Ok((Self(line), inherited))
    }

    /// Says that everything is prepared, and waits until the old server has left its sessions.
    ///
    /// # Errors
    /// When it goes on itself, which it says by hanging up.
    pub(super) async fn until_gone(&self) -> Result<(), TakeOverError> {
        self.0.say(&FromNew::Ready { version: env!("CARGO_PKG_VERSION").into() }, &[]).await?;
        match timeout(GO_MAX, self.0.hear()).await.map_err(|_| TakeOverError::Late(GO_MAX))?? {
            (FromOld::Go, _) => Ok(()),
            (FromOld::Take { .. }, _) => Err(out_of_turn()),
        }
    }

    /// Says that this server serves.
    pub(super) async fn serving(&self) {
        // One that was killed meanwhile need not know.
        if let Err(error) = self.0.say(&FromNew::Serving, &[]).await {
            tracing::warn!(%error, "the old server could not be told");
        }
    }

    /// Says why this server ends.
    pub async fn failed(&self, reason: &str) {
        if let Err(error) = self.0.say(&FromNew::failed(reason), &[]).await {
            tracing::debug!(%error, "the old server could not be told");
        }
    }
}

/// Tells the service manager that this process serves, and then the server it took over from, if any: that one may end
/// at once.
pub(super) async fn tell_who_serves(predecessor: Option<Predecessor>, supervisor: &Supervisor) {
    match predecessor {
        None => supervisor.serving(),
        Some(predecessor) => {
            supervisor.took_over();
            predecessor.serving().await;
        }
    }
}

fn out_of_turn() -> TakeOverError {
    io::Error::other("a word out of turn").into()
}

impl Server {
    /// Prepares everything with what another server hands over; that one goes on serving.
    ///
    /// # Errors
    /// When anything that is needed cannot be had.
    pub async fn bind_inherited(config: Config, inherited: Inherited) -> Result<Self, ServerError> {
        Self::prepare(config, Some(inherited)).await
    }

    /// Takes over as soon as the other server has left its sessions. Told to end before, it ends.
    ///
    /// # Errors
    /// When the other server goes on, or anything cannot be taken over; it has been told and takes everything back.
    pub async fn take_over(self, predecessor: Predecessor, shutdown: &Shutdown) -> Result<Self, ServerError> {
        tokio::select! {
            gone = predecessor.until_gone() => gone?,
            () = shutdown.drain.cancelled() => return Err(TakeOverError::Unwanted.into()),
        }
        match self.step_in().await {
            Ok(()) => Ok(Self { predecessor: Some(predecessor), ..self }),
            Err(error) => {
                predecessor.failed(&error.to_string()).await;
                Err(error)
            }
        }
    }

    async fn step_in(&self) -> Result<(), ServerError> {
        self.lock.claim()?;
        // The other server was told until now of logins that ended.
        self.app.learn_changes().await.map_err(|_| ServerError::NoSecrets)?;
        self.sessions.adopt().await?;
        Ok(self.announcement.write()?)
    }
}
