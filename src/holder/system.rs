//! What the holder asks of the kernel that no safe crate asks for us: to hear of ended children on a descriptor, and to
//! close what it inherited.
#![expect(unsafe_code, reason = "signalfd(2), signal(2) and close_range(2); each call is one line with its reason")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::ptr;

/// A descriptor that is readable when a child has ended. SIGCHLD does nothing else from then on.
pub(super) fn ended_children() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::zeroed();
    // SAFETY: sigemptyset writes the whole set and does not fail on a valid pointer; sigaddset gets a valid signal.
    let set: libc::sigset_t = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        set.assume_init()
    };
    // SAFETY: the set is initialised; the old mask is not asked for.
    if unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the set is initialised.
    let raw = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// A terminal that is hung up, and a reader that has gone, are no reason to end. Programs are started with signals as
/// after login all the same.
pub(super) fn ignore_hangups() {
    for signal in [libc::SIGHUP, libc::SIGPIPE] {
        // SAFETY: SIG_IGN is a valid disposition and both are valid signals.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Closes what whoever started this process left open; false when the system cannot. To be called before anything is
/// opened: the numbers must be nobody's.
pub(super) fn close_inherited() -> bool {
    // SAFETY: the caller has opened nothing beyond the standard three, so no owner's descriptor is closed. Only an old
    // kernel refuses, and then they stay open.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) == 0 }
}
