//! posix_spawn(3), execve(2), the descriptor of portable-pty's master, and watching descriptors: the calls no safe crate
//! makes for us.
//!
//! posix_spawn costs the same however large the server is (a fork of a process with 1 GiB takes 43 ms), and reports a
//! failing exec to the caller. The child gets its own POSIX session; opening the slave as its first terminal makes
//! that the controlling one; every descriptor but 0, 1 and 2 is closed; signals are as after login.
#![expect(unsafe_code, reason = "libc's posix_spawn family; each call is one line with its reason")]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr;

use libc::{c_char, c_int, c_short};
use portable_pty::MasterPty;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor of our own for `master`, closed on exec.
pub(super) fn duplicate(master: &dyn MasterPty) -> io::Result<OwnedFd> {
    let raw = master.as_raw_fd().ok_or_else(|| io::Error::other("the terminal has no descriptor"))?;
    // SAFETY: `master` is borrowed for the whole call and owns the open descriptor it just named.
    let borrowed = unsafe { BorrowedFd::borrow_raw(raw) };
    Ok(fcntl_dupfd_cloexec(borrowed, 3)?)
}

/// Watches `descriptor` on the runtime, within which it must be called.
///
/// # Errors
/// When the runtime cannot watch it.
pub fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` names the same open descriptor from here until the `AsyncFd` that owns it is dropped.
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    watched.map_err(|refused| refused.into_parts().1)
}

/// The POSIX session of `pid`, where there is such a process and its session's leader is in our PID namespace.
///
/// Not rustix's getsid, which takes the 0 that the kernel answers for one of another namespace for a process id.
pub(super) fn posix_session_of(pid: Pid) -> Option<Pid> {
    // SAFETY: a plain system call; it takes and gives a number.
    let session = unsafe { libc::getsid(pid.as_raw_nonzero().get()) };
    if session > 0 { Pid::from_raw(session) } else { None }
}

/// What keeps this process's other descriptors from a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are closed one by one before its exec, however many there are: some may be open for a moment without being
    /// closed on exec, where other threads open some.
    CloseThem,
    /// Each is closed on exec, which takes no time of ours. For a process of one thread that has none from before.
    CloseOnExec,
}

/// What a program is started with.
pub(super) struct Start<'a> {
    pub(super) program: &'a CStr,
    pub(super) argv: &'a [CString],
    pub(super) environment: &'a [CString],
    pub(super) dir: &'a CStr,
    /// Its terminal.
    pub(super) slave: &'a CStr,
    /// What it finds open behind the standard three, two at most: see [`to_hand_over`].
    pub(super) handed: &'a [OwnedFd],
    pub(super) others: Others,
}

/// Starts a program with `slave` as its controlling terminal. Returns when its exec has succeeded or failed.
pub(super) fn spawn(start: &Start<'_>) -> io::Result<Pid> {
    let actions = FileActions::new(start)?;
    let attributes = Attributes::new()?;
    let program = start.program;
    let argv = pointers(start.argv);
    let environment = pointers(start.environment);
    let mut pid = 0;
    // SAFETY: all pointers are to initialised values that outlive the call; both arrays end with a null pointer.
    // execve(2) does not write through its `*mut` arguments.
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

/// The number of the first descriptor that is handed to a program, and of the first behind two of them.
const FIRST_HANDED: c_int = 3;
const BEHIND_HANDED: c_int = 5;

/// A descriptor of our own for the same file, numbered above those that a program is handed.
pub(super) fn to_hand_over(descriptor: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(fcntl_dupfd_cloexec(descriptor, BEHIND_HANDED)?)
}

/// The descriptors that this process was handed by [`spawn`], from here on closed on exec. To be called once, and before
/// anything is opened.
pub(super) fn handed_over() -> io::Result<(OwnedFd, File)> {
    let take = |raw: c_int| {
        // SAFETY: plain system calls on a number; they fail where it is not open.
        if unsafe { libc::fcntl(raw, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is open, and by the caller's word nobody else in this process owns it.
        Ok(unsafe { OwnedFd::from_raw_fd(raw) })
    };
    Ok((take(FIRST_HANDED)?, take(FIRST_HANDED + 1)?.into()))
}

/// A program that this process can become, with all the memory that takes.
pub(super) struct Executable<'a> {
    file: &'a CStr,
    argv: Vec<*mut c_char>,
    environment: Vec<*mut c_char>,
}

impl<'a> Executable<'a> {
    pub(super) fn new(file: &'a CStr, argv: &'a [CString], environment: &'a [CString]) -> Self {
        Self { file, argv: pointers(argv), environment: pointers(environment) }
    }

    /// Becomes it; returns only when that fails. Takes no memory.
    pub(super) fn become_it(&self) -> io::Error {
        // SAFETY: SIG_DFL is valid for SIGPIPE, which Rust's start ignored; all other signals are as we were given them.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        // SAFETY: the strings live as long as `self`, and both arrays end with a null pointer.
        unsafe { libc::execve(self.file.as_ptr(), self.argv.as_ptr().cast(), self.environment.as_ptr().cast()) };
        io::Error::last_os_error()
    }
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// The posix_spawn family returns the error instead of setting errno.
fn check(code: c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

struct FileActions(libc::posix_spawn_file_actions_t);

impl FileActions {
    fn new(start: &Start<'_>) -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: init writes the whole value before it is assumed initialised.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: init succeeded.
        let mut actions = Self(unsafe { actions.assume_init() });
        let raw = &raw mut actions.0;
        // SAFETY: `raw` is initialised; glibc copies the strings.
        check(unsafe { libc::posix_spawn_file_actions_addopen(raw, 0, start.slave.as_ptr(), libc::O_RDWR, 0) })?;
        for standard in [1, 2] {
            // SAFETY: `raw` is initialised.
            check(unsafe { libc::posix_spawn_file_actions_adddup2(raw, 0, standard) })?;
        }
        // SAFETY: `raw` is initialised; glibc copies the string.
        check(unsafe { libc::posix_spawn_file_actions_addchdir_np(raw, start.dir.as_ptr()) })?;
        let mut next = FIRST_HANDED;
        for handed in start.handed {
            // SAFETY: `raw` is initialised.
            check(unsafe { libc::posix_spawn_file_actions_adddup2(raw, handed.as_raw_fd(), next) })?;
            next += 1;
        }
        if start.others == Others::CloseThem {
            // SAFETY: `raw` is initialised.
            check(unsafe { libc::posix_spawn_file_actions_addclosefrom_np(raw, next) })?;
        }
        Ok(actions)
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
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
        let raw = &raw mut attributes.0;
        let signals_too = c_short::try_from(libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK);
        let flags = libc::POSIX_SPAWN_SETSID | signals_too.map_err(io::Error::other)?;
        // SAFETY: `raw` is initialised.
        check(unsafe { libc::posix_spawnattr_setflags(raw, flags) })?;
        let (all, none) = (signals(libc::sigfillset), signals(libc::sigemptyset));
        // SAFETY: `raw` is initialised; glibc copies the set.
        check(unsafe { libc::posix_spawnattr_setsigdefault(raw, &raw const all) })?;
        // SAFETY: as above.
        check(unsafe { libc::posix_spawnattr_setsigmask(raw, &raw const none) })?;
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

/// A signal set filled by `fill`, which is sigfillset(3) or sigemptyset(3); neither fails on a valid pointer.
fn signals(fill: unsafe extern "C" fn(*mut libc::sigset_t) -> c_int) -> libc::sigset_t {
    let mut set = MaybeUninit::zeroed();
    // SAFETY: `fill` writes the whole set; all zeroes would be a valid one as well.
    unsafe {
        fill(set.as_mut_ptr());
        set.assume_init()
    }
}
