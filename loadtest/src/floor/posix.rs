//! posix_spawn(3) on a terminal, for the floor. The file of this module's only `unsafe`.
#![expect(unsafe_code, reason = "libc's posix_spawn family has no safe binding")]

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{c_int, c_short};
use rustix::process::Pid;

/// Starts `program`, without arguments and environment, in a POSIX session of its own whose terminal is `slave`.
pub(super) fn spawn(program: &CStr, slave: &CStr) -> io::Result<Pid> {
    let (actions, attributes) = (Actions::onto(slave)?, Attributes::new()?);
    let argv = [program.as_ptr().cast_mut(), ptr::null_mut()];
    let environment = [ptr::null_mut()];
    let mut pid = 0;
    // SAFETY: all pointers are to initialised values that outlive the call; both arrays end with a null pointer, and
    // execve(2) does not write through them.
    check(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            &raw const actions.0,
            &raw const attributes.0,
            argv.as_ptr(),
            environment.as_ptr(),
        )
    })?;
    Pid::from_raw(pid).ok_or_else(|| io::Error::other("posix_spawn gave no process id"))
}

/// The posix_spawn family returns the error instead of setting errno.
fn check(code: c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    /// The slave is opened by the new session's leader, whose terminal it so becomes.
    fn onto(slave: &CStr) -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: init writes the whole value before it is assumed initialised.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: init succeeded.
        let mut actions = Self(unsafe { actions.assume_init() });
        let raw = &raw mut actions.0;
        // SAFETY: `raw` is initialised; glibc copies the string.
        check(unsafe { libc::posix_spawn_file_actions_addopen(raw, 0, slave.as_ptr(), libc::O_RDWR, 0) })?;
        for standard in [1, 2] {
            // SAFETY: `raw` is initialised.
            check(unsafe { libc::posix_spawn_file_actions_adddup2(raw, 0, standard) })?;
        }
        Ok(actions)
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `onto`, destroyed once.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: init writes the whole value before it is assumed initialised.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: init succeeded.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let flags =
            c_short::try_from(libc::POSIX_SPAWN_SETSIGDEF).map_err(io::Error::other)? | libc::POSIX_SPAWN_SETSID;
        // SAFETY: the value is initialised.
        check(unsafe { libc::posix_spawnattr_setflags(&raw mut attributes.0, flags) })?;
        let mut all = MaybeUninit::uninit();
        // SAFETY: sigfillset(3) writes the whole set before it is assumed initialised; glibc copies it.
        check(unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::posix_spawnattr_setsigdefault(&raw mut attributes.0, all.as_ptr())
        })?;
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}
