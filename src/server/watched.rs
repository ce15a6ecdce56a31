//! Handing a descriptor to the runtime. Holds the one unsafe call that takes, and nothing else.
#![expect(unsafe_code, reason = "tokio's safe constructors of AsyncFd are deprecated")]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// `descriptor`, so that the runtime says when it is ready. Must be called within one.
pub(super) fn watched(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open, is always the same descriptor, and stays open as long as the AsyncFd that owns it.
    unsafe { AsyncFd::register_with_interest(descriptor, interest) }.map_err(|refused| refused.into_parts().1)
}
