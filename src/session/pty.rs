//! The terminal's server side, and the door through which every program is started.
//!
//! Only [`Spawner`] starts programs and only [`Pty`] touches a master, so that both can move to another process.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::io::ioctl_fionread;
use rustix::pipe::{SpliceFlags, splice};
use rustix::process::Pid;
use rustix::termios::{Winsize, tcgetpgrp, tcgetwinsize, tcsetwinsize};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::runtime::Handle;

use super::launch::Launch;
use super::posix;
use super::processes::Signaller;
use super::{Exit, SessionId};
use crate::terminal::Size;

/// Starts programs on new terminals, and keeps what a session needs to outlive this process, where something does.
#[async_trait]
pub trait Spawner: Send + Sync {
    /// Starts `launch` on a new terminal of `size` for the session whose memory this is, which is kept from then on.
    /// When it fails nothing is left behind.
    async fn spawn(
        &self,
        session: SessionId,
        memory: BorrowedFd<'_>,
        launch: &Launch,
        size: Size,
    ) -> Result<Spawned, SpawnError>;
    /// Keeps the memory of a session whose program is started later, or never.
    async fn keep(&self, session: SessionId, memory: BorrowedFd<'_>) -> Result<(), SpawnError>;
    /// The session is no more: nothing of it is kept any longer.
    async fn forget(&self, session: SessionId);
}

/// A program that has been started.
pub struct Spawned {
    /// Its terminal.
    pub pty: Pty,
    /// The program.
    pub child: Box<dyn Child>,
}

/// A session that another process kept for us.
pub struct Kept {
    /// Whose.
    pub session: SessionId,
    /// Its memory.
    pub memory: OwnedFd,
    /// Its program, if one was started: running, or ended and not reaped.
    pub spawned: Option<Spawned>,
}

/// A started program. Its process id is also the id of its process group and its POSIX session.
#[async_trait]
pub trait Child: Send {
    /// Its process id, which is not reused before [`Child::reap`].
    fn pid(&self) -> Pid;
    /// Its pidfd, which names it for ever and becomes readable at its end.
    fn handle(&self) -> &AsyncFd<OwnedFd>;
    /// Waits for its end, and learns how that was. May be dropped and called again.
    async fn exited(&mut self) -> Exit;
    /// Whether it is known since its end that it left nothing in its POSIX session. Otherwise that is to be looked for.
    fn was_last(&self) -> bool {
        false
    }
    /// Who may signal its processes where this process may not.
    fn signaller(&self) -> Option<Arc<dyn Signaller>> {
        None
    }
    /// Whether [`Spawner::forget`] gives the process id back, too.
    fn is_reaped_with_session(&self) -> bool {
        false
    }
    /// Gives the process id back to the system. Call it after its end.
    async fn reap(&mut self);
}

impl dyn Child + '_ {
    /// Waits for its end. May be dropped and called again, at less cost than [`Child::exited`]. One task at a time may
    /// wait.
    pub(super) async fn has_ended(&mut self) {
        let handle = self.handle();
        match poll_fn(|context| handle.poll_read_ready(context)).await {
            // Stays readable: it does not live again.
            Ok(mut ready) => ready.retain_ready(),
            Err(_) => std::future::pending().await, // the runtime is shutting down and drops us
        }
    }
}

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// Not in the `PATH`, or no such file; also a script whose interpreter is missing.
    #[error("command: no such program")]
    NoSuchProgram,
    /// There, but not a file we may execute.
    #[error("command: not an executable program")]
    NotExecutable,
    /// The kernel's limit on arguments and environment.
    #[error("command: too long for this system, with its environment")]
    TooLong,
    /// The working directory does not exist.
    #[error("workingDir: no such directory")]
    NoSuchDirectory,
    /// The working directory is something else.
    #[error("workingDir: not a directory")]
    NotADirectory,
    /// The working directory may not be entered.
    #[error("workingDir: permission denied")]
    DirectoryForbidden,
    /// The working directory lies nowhere the profile allows.
    #[error("workingDir: not below a directory that the profile allows")]
    DirectoryOutside,
    /// There is no account of the name the profile says.
    #[error("profile: the account it runs as does not exist")]
    NoSuchUser,
    /// Whoever starts programs may not start them as this account.
    #[error("profile: programs cannot be started as the account it names")]
    UserForbidden,
    /// The process that starts programs is too old to know what confines this one.
    #[error(
        "profile: the process that keeps sessions is of an older version, which cannot confine programs; it ends with its last session"
    )]
    HolderTooOld,
    /// The system is out of pseudo-terminals (it says ENOSPC, which is not about disks).
    #[error("no terminals left on this system")]
    NoTerminalsLeft,
    /// Out of processes, memory or descriptors.
    #[error("out of processes, memory or descriptors")]
    OutOfResources(#[source] io::Error),
    /// Anything else.
    #[error("the program could not be started")]
    Other(#[source] io::Error),
}

impl SpawnError {
    /// The request's field at fault, if it is the request's fault.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchProgram | Self::NotExecutable | Self::TooLong => Some("command"),
            Self::NoSuchDirectory | Self::NotADirectory | Self::DirectoryForbidden | Self::DirectoryOutside => {
                Some("workingDir")
            }
            Self::NoSuchUser | Self::UserForbidden | Self::HolderTooOld => Some("profile"),
            Self::NoTerminalsLeft | Self::OutOfResources(_) | Self::Other(_) => None,
        }
    }

    /// The exit code a shell would give: 126 for a program that cannot be executed, else 127.
    #[must_use]
    pub const fn exit_code(&self) -> i32 {
        if matches!(self, Self::NotExecutable | Self::TooLong) { 126 } else { 127 }
    }

    /// What it is called between our processes: frozen (docs/HOLDER.md).
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoSuchProgram => "no_such_program",
            Self::NotExecutable => "not_executable",
            Self::TooLong => "too_long",
            Self::NoSuchDirectory => "no_such_directory",
            Self::NotADirectory => "not_a_directory",
            Self::DirectoryForbidden => "directory_forbidden",
            Self::DirectoryOutside => "directory_outside",
            Self::NoSuchUser => "no_such_user",
            Self::UserForbidden => "user_forbidden",
            Self::HolderTooOld => "holder_too_old",
            Self::NoTerminalsLeft => "no_terminals_left",
            Self::OutOfResources(_) => "out_of_resources",
            Self::Other(_) => "other",
        }
    }

    /// The other direction of [`SpawnError::word`], with the system's error where there was one; a word that is not
    /// known is an error of another kind.
    #[must_use]
    pub fn from_word(word: &str, errno: Option<i32>, message: String) -> Self {
        let cause = |message| errno.map_or_else(|| io::Error::other(message), io::Error::from_raw_os_error);
        match word {
            "no_such_program" => Self::NoSuchProgram,
            "not_executable" => Self::NotExecutable,
            "too_long" => Self::TooLong,
            "no_such_directory" => Self::NoSuchDirectory,
            "not_a_directory" => Self::NotADirectory,
            "directory_forbidden" => Self::DirectoryForbidden,
            "directory_outside" => Self::DirectoryOutside,
            "no_such_user" => Self::NoSuchUser,
            "user_forbidden" => Self::UserForbidden,
            "holder_too_old" => Self::HolderTooOld,
            "no_terminals_left" => Self::NoTerminalsLeft,
            "out_of_resources" => Self::OutOfResources(cause(message)),
            _ => Self::Other(cause(message)),
        }
    }

    /// What the system said, where that is why.
    #[must_use]
    pub const fn cause(&self) -> Option<&io::Error> {
        match self {
            Self::OutOfResources(cause) | Self::Other(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Most bytes on their way into a terminal: what a pipe takes whole or not at all (`PIPE_BUF`, pipe(7)).
pub(super) const INPUT_MAX: usize = 4096;

/// A terminal's master, non-blocking on the runtime.
pub struct Pty {
    master: AsyncFd<OwnedFd>,
    /// What is on its way into the terminal: see [`Pty::put`]. A pipe, open for reading and writing.
    input: OwnedFd,
    /// Held open, here or by whoever keeps the session, so that the master never reports an end while a program has
    /// merely closed its terminal and may open it again. The end is learned from the process, not from the terminal.
    _slave: Option<OwnedFd>,
}

/// A terminal that may have output.
pub struct Readable<'a>(AsyncFdReadyGuard<'a, OwnedFd>);

impl Readable<'_> {
    /// A read since then found nothing more: the next wait is for what comes after it. Output that came since it was
    /// seen to be readable is not overlooked: the runtime knows whether it has heard of that.
    pub fn drained(mut self) {
        self.0.clear_ready();
    }
}

impl Pty {
    /// Takes a non-blocking master, the pipe of its input, and its slave where nobody else holds that. Must be called
    /// within the runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch the descriptor.
    pub fn new(master: OwnedFd, input: OwnedFd, slave: Option<OwnedFd>) -> io::Result<Self> {
        let master = posix::watch(master, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { master, input, _slave: slave })
    }

    /// The same, watched by `lane` instead.
    ///
    /// # Errors
    /// When that cannot watch it.
    pub(super) fn moved_to(self, lane: &Handle) -> io::Result<Self> {
        let Self { master, input, _slave: slave } = self;
        let _there = lane.enter();
        Self::new(master.into_inner(), input, slave)
    }

    /// The master and the pipe of its input, for whoever is to keep them.
    #[must_use]
    pub fn descriptors(&self) -> (BorrowedFd<'_>, BorrowedFd<'_>) {
        (self.master.get_ref().as_fd(), self.input.as_fd())
    }

    /// Waits until [`Pty::read`] may find output. One task at a time may wait. May be dropped and called again.
    pub async fn readable(&self) -> Readable<'_> {
        match poll_fn(|context| self.master.poll_read_ready(context)).await {
            Ok(ready) => Readable(ready),
            Err(_) => std::future::pending().await, // the runtime is shutting down and drops us
        }
    }

    /// Waits until [`Pty::push`] may move something. May be dropped and called again.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn writable(&self) -> io::Result<()> {
        self.master.writable().await.map(|mut ready| ready.retain_ready())
    }

    /// Reads what is there, without waiting. Asks the terminal itself: the runtime may not have heard yet of output
    /// that a program left when it ended.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing; EIO when the terminal has been hung up.
    pub fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.master, into)?)
    }

    /// Puts `bytes` on their way into the terminal, without waiting: at most 4 KiB, and only when
    /// nothing else is on its way. From here on they get there, whatever happens to this process.
    ///
    /// # Errors
    /// As write(2).
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        match rustix::io::write(&self.input, bytes)? {
            put if put == bytes.len() => Ok(()),
            _ => Err(io::Error::other("a pipe that was empty took only a part")),
        }
    }

    /// Bytes that [`Pty::put`] took and the terminal has not.
    ///
    /// # Errors
    /// As ioctl(2).
    pub fn on_its_way(&self) -> io::Result<usize> {
        usize::try_from(ioctl_fionread(&self.input)?).map_err(io::Error::other)
    }

    /// Moves what is on its way into the terminal, as far as that takes it, without waiting. What has been moved has
    /// left the pipe: the kernel does both or, if this process is killed, neither, for each byte.
    ///
    /// # Errors
    /// `WouldBlock` when the terminal takes nothing.
    pub fn push(&self) -> io::Result<usize> {
        self.master.try_io(Interest::WRITABLE, |master| {
            Ok(splice(&self.input, None, master, None, INPUT_MAX, SpliceFlags::NONBLOCK)?)
        })
    }

    /// Tells the kernel the terminal's size; the foreground processes get SIGWINCH.
    ///
    /// # Errors
    /// As ioctl(2).
    pub fn resize(&self, size: Size) -> io::Result<()> {
        let winsize = Winsize { ws_row: size.rows(), ws_col: size.cols(), ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(self.master.get_ref(), winsize)?)
    }

    /// The terminal's size as the kernel has it.
    ///
    /// # Errors
    /// As ioctl(2), or when that is no size a session can have.
    pub fn size(&self) -> io::Result<Size> {
        let found = tcgetwinsize(self.master.get_ref())?;
        Size::new(found.ws_col.into(), found.ws_row.into()).map_err(io::Error::other)
    }

    /// The process group in the foreground.
    ///
    /// # Errors
    /// As tcgetpgrp(3).
    pub fn foreground(&self) -> io::Result<Pid> {
        Ok(tcgetpgrp(self.master.get_ref())?)
    }
}
