//! Standard input and output that a runtime can wait for, without a thread blocked in a read.
//!
//! Never sets O_NONBLOCK on what it was given: that flag belongs to the open file, which the shell that started us
//! shares. A terminal or pipe is opened anew instead; where that cannot be, it is asked before every call.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fstat, open};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use super::polled::polled;

/// Bytes of one write that cannot block on a pipe said to be writable (PIPE_BUF), and hardly on a terminal.
const BLOCKING_WRITE_BYTES: usize = 4096;

/// One of standard input and output.
pub(super) struct Stdio {
    wait: Wait,
    /// Whether a call returns instead of blocking.
    nonblocking: bool,
}

enum Wait {
    /// The kernel says when.
    Polled(AsyncFd<OwnedFd>),
    /// A regular file, or /dev/null: always ready.
    Never(OwnedFd),
}

impl Stdio {
    /// To be read.
    pub(super) fn input(given: BorrowedFd<'_>) -> io::Result<Self> {
        Self::new(given, OFlags::RDONLY)
    }

    /// To be written.
    pub(super) fn output(given: BorrowedFd<'_>) -> io::Result<Self> {
        Self::new(given, OFlags::WRONLY)
    }

    fn new(given: BorrowedFd<'_>, direction: OFlags) -> io::Result<Self> {
        let fd = match reopen(given, direction) {
            Some(fd) => fd,
            None => given.try_clone_to_owned()?,
        };
        let nonblocking = fcntl_getfl(&fd)?.contains(OFlags::NONBLOCK);
        let wait = match polled(fd) {
            Ok(polled) => Wait::Polled(polled),
            Err((fd, cause)) if cause.raw_os_error() == Some(Errno::PERM.raw_os_error()) => Wait::Never(fd),
            Err((_, cause)) => return Err(cause),
        };
        Ok(Self { wait, nonblocking })
    }

    /// Reads once. Cancelled, it has read nothing.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Wait::Polled(polled) = &self.wait else { return Ok(rustix::io::read(self.as_fd(), buffer)?) };
        loop {
            let mut ready = polled.readable().await?;
            match self.attempt(PollFlags::IN, |fd| rustix::io::read(fd, &mut *buffer)) {
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Writes once, what it can. Cancelled, it has written nothing.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let Wait::Polled(polled) = &self.wait else { return Ok(rustix::io::write(self.as_fd(), bytes)?) };
        loop {
            let mut ready = polled.writable().await?;
            match self.write_now(bytes) {
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Writes what can be written without waiting.
    pub(super) fn write_now(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let most = if self.nonblocking { bytes.len() } else { bytes.len().min(BLOCKING_WRITE_BYTES) };
        self.attempt(PollFlags::OUT, |fd| rustix::io::write(fd, &bytes[..most]))
    }

    /// Does `call` if it will not block, and says AGAIN otherwise.
    fn attempt<T>(
        &self,
        readiness: PollFlags,
        call: impl FnOnce(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let fd = self.as_fd();
        if !self.nonblocking && poll(&mut [PollFd::new(&fd, readiness)], Some(&Timespec::default()))? == 0 {
            return Err(Errno::AGAIN);
        }
        call(fd)
    }
}

impl AsFd for Stdio {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.wait {
            Wait::Polled(polled) => polled.get_ref().as_fd(),
            Wait::Never(fd) => fd.as_fd(),
        }
    }
}

/// The same terminal or pipe under an open file of our own. Not a regular file: that would be written from its start.
fn reopen(given: BorrowedFd<'_>, direction: OFlags) -> Option<OwnedFd> {
    let kind = FileType::from_raw_mode(fstat(given).ok()?.st_mode);
    if !matches!(kind, FileType::CharacterDevice | FileType::Fifo) {
        return None;
    }
    let path = format!("/dev/fd/{}", given.as_raw_fd());
    open(path, direction | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_pipe_is_read_and_written_without_changing_the_open_file_it_came_from() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let input = Stdio::input(reader.as_fd()).expect("input");
        let output = Stdio::output(writer.as_fd()).expect("output");
        for shared in [reader.as_fd(), writer.as_fd()] {
            assert!(!fcntl_getfl(shared).expect("flags").contains(OFlags::NONBLOCK));
        }
        let mut buffer = [0; 8];
        let nothing = tokio::time::timeout(Duration::from_millis(10), input.read(&mut buffer)).await;
        assert!(nothing.is_err(), "waits");
        assert_eq!(output.write(b"hello").await.expect("written"), 5);
        assert_eq!(input.read(&mut buffer).await.expect("read"), 5);
        drop((output, writer));
        assert_eq!(input.read(&mut buffer).await.expect("read"), 0, "the end");
    }

    #[tokio::test]
    async fn a_full_pipe_makes_a_writer_wait_and_not_block() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let output = Stdio::output(writer.as_fd()).expect("output");
        let block = [0; 65_536];
        let flood = async {
            loop {
                output.write(&block).await.expect("written");
            }
        };
        assert!(tokio::time::timeout(Duration::from_millis(50), flood).await.is_err());
        assert_eq!(output.write_now(b"x"), Err(Errno::AGAIN));
        drop(reader);
    }

    #[tokio::test]
    async fn a_regular_file_is_read_from_where_it_is() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"abc").expect("written");
        let output = Stdio::output(file.as_fd()).expect("output");
        assert_eq!(output.write(b"def").await.expect("written"), 3);
        assert_eq!(file.metadata().expect("metadata").len(), 6, "appended, not from the start");
        assert_eq!(Stdio::input(file.as_fd()).expect("input").read(&mut [0; 4]).await.expect("read"), 0);
    }
}
