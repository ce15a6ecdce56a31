//! Handing a descriptor to the runtime. Holds the one unsafe call that takes, and nothing else.
#![expect(unsafe_code, reason = "tokio's safe constructors of AsyncFd are deprecated")]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::unix::AsyncFd;

/// `fd`, so that the runtime says when it is ready; or `fd` back, with the reason why it cannot.
pub(super) fn polled(fd: OwnedFd) -> Result<AsyncFd<OwnedFd>, (OwnedFd, io::Error)> {
    // SAFETY: an OwnedFd is open, is always the same descriptor, and stays open as long as the AsyncFd that owns it.
    unsafe { AsyncFd::register(fd) }.map_err(tokio::io::unix::AsyncFdRegisterError::into_parts)
}
