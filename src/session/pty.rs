//! The terminal's server side, and the door through which every program is started.
//!
//! Only [`Spawner`] starts programs and only [`Pty`] touches a master, so that both can move to another process.

use std::io;
use std::os::fd::OwnedFd;

use async_trait::async_trait;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::termios::{Winsize, tcgetpgrp, tcsetwinsize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Exit;
use super::launch::Launch;
use super::posix;
use crate::terminal::Size;

/// Starts programs on new terminals.
#[async_trait]
pub trait Spawner: Send + Sync {
    /// Starts `launch` on a new terminal of `size`. When it fails nothing is left behind.
    async fn spawn(&self, launch: &Launch, size: Size) -> Result<Spawned, SpawnError>;
}

/// A program that has been started.
pub struct Spawned {
    /// Its terminal.
    pub pty: Pty,
    /// The program.
    pub child: Box<dyn Child>,
}

/// A started program. Its process id is also the id of its process group and its POSIX session.
#[async_trait]
pub trait Child: Send {
    /// Its process id, which is not reused before [`Child::reap`].
    fn pid(&self) -> Pid;
    /// Waits for its end. May be dropped and called again.
    async fn exited(&mut self) -> Exit;
    /// Gives the process id back to the system. Call it after its end.
    fn reap(&mut self);
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
            Self::NoSuchDirectory | Self::NotADirectory | Self::DirectoryForbidden => Some("workingDir"),
            Self::NoTerminalsLeft | Self::OutOfResources(_) | Self::Other(_) => None,
        }
    }

    /// The exit code a shell would give: 126 for a program that cannot be executed, else 127.
    #[must_use]
    pub const fn exit_code(&self) -> i32 {
        if matches!(self, Self::NotExecutable | Self::TooLong) { 126 } else { 127 }
    }
}

/// A terminal's master, non-blocking on the runtime.
pub struct Pty {
    master: AsyncFd<OwnedFd>,
    /// Held open so that the master never reports an end while a program has merely closed its terminal and may
    /// open it again. The end is learned from the process, not from the terminal.
    _slave: OwnedFd,
}

impl Pty {
    /// Takes a non-blocking master and its slave. Must be called within the runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch the descriptor.
    pub fn new(master: OwnedFd, slave: OwnedFd) -> io::Result<Self> {
        let master = posix::watch(master, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { master, _slave: slave })
    }

    /// Waits until [`Pty::read`] may find output. May be dropped and called again.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        self.master.readable().await.map(|mut ready| ready.retain_ready())
    }

    /// Waits until [`Pty::write`] may be taken. May be dropped and called again.
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
        match rustix::io::read(&self.master, &mut *into) {
            // Asked again through the runtime, which thereby learns that it has to wait.
            Err(Errno::AGAIN) => self.master.try_io(Interest::READABLE, |master| Ok(rustix::io::read(master, into)?)),
            read => Ok(read?),
        }
    }

    /// Writes what the terminal takes, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.master.try_io(Interest::WRITABLE, |master| Ok(rustix::io::write(master, bytes)?))
    }

    /// Tells the kernel the terminal's size; the foreground processes get SIGWINCH.
    ///
    /// # Errors
    /// As ioctl(2).
    pub fn resize(&self, size: Size) -> io::Result<()> {
        let winsize = Winsize { ws_row: size.rows(), ws_col: size.cols(), ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(self.master.get_ref(), winsize)?)
    }

    /// The process group in the foreground.
    ///
    /// # Errors
    /// As tcgetpgrp(3).
    pub fn foreground(&self) -> io::Result<Pid> {
        Ok(tcgetpgrp(self.master.get_ref())?)
    }
}
