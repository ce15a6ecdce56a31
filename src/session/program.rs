//! Starting a program on a new terminal. Knows no runtime: who keeps sessions has none.

use std::ffi::{CStr, CString};
use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use portable_pty::{PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Resource, Rlimit, WaitId, WaitIdOptions, prlimit, waitid};

use super::confined;
use super::launch::Launch;
use super::limits::limit_to;
use super::posix::{self, Others, Start};
use super::pty::SpawnError;
use crate::terminal::Size;

/// A program that was just started, and its terminal. Its process id is also that of its process group and its POSIX
/// session.
pub struct Started {
    /// The program, a child of this process.
    pub pid: Pid,
    /// The terminal's master, non-blocking.
    pub master: OwnedFd,
    /// Its slave.
    pub slave: OwnedFd,
    /// The pipe its input goes through, open for reading and writing, non-blocking.
    pub input: OwnedFd,
}

/// Where this program itself lies, also after its file was replaced.
const OURSELVES: &CStr = c"/proc/self/exe";
/// The command by which it becomes a confined program: [`super::begin_confined`].
pub const BEGIN: &str = "begin-program";
/// What programs are rather killed than servers and holders when the machine has no memory left (proc(5)): more than
/// anything that was not asked for it, less than what a program says of itself.
const OOM_SCORE: &str = "500";

/// Starts `launch` on a new terminal of `size`, with this limit of open descriptors if there is one.
///
/// # Errors
/// When it cannot be started. Nothing is left behind then.
pub fn start(launch: &Launch, size: Size, descriptors: Option<Rlimit>, others: Others) -> Result<Started, SpawnError> {
    if launch.confinement().is_none() {
        start_plainly(launch, size, descriptors, others)
    } else {
        start_confined(launch, size, descriptors, others)
    }
}

fn start_plainly(
    launch: &Launch,
    size: Size,
    descriptors: Option<Rlimit>,
    others: Others,
) -> Result<Started, SpawnError> {
    let file = launch.resolve()?;
    let input = open_input().map_err(SpawnError::OutOfResources)?;
    let (master, slave, slave_path) = open_terminal(size)?;
    let (file, dir) = (c_string(&file)?, c_string(launch.dir())?);
    let start = Start {
        program: &file,
        argv: launch.command(),
        environment: launch.environment(),
        dir: &dir,
        slave: &slave_path,
        handed: &[],
        others,
    };
    let pid = posix::spawn(&start).map_err(|error| refused(launch, error))?;
    offer_to_the_oom_killer(pid.as_raw_nonzero());
    if let Some(limit) = descriptors {
        // Not worth failing for: the program merely keeps the higher limit.
        let _ = prlimit(Some(pid), Resource::Nofile, limit);
    }
    Ok(Started { pid, master, slave, input })
}

/// By way of a process of our own, which becomes the program once it is confined.
fn start_confined(
    launch: &Launch,
    size: Size,
    descriptors: Option<Rlimit>,
    others: Others,
) -> Result<Started, SpawnError> {
    let input = open_input().map_err(SpawnError::OutOfResources)?;
    let (master, slave, slave_path) = open_terminal(size)?;
    let (report, says) = io::pipe().map_err(SpawnError::OutOfResources)?;
    let handed = {
        // Gone behind this block: as long as an end to speak into is open here, what is read of the other never ends.
        let (written, says) = (launch.written().map_err(SpawnError::OutOfResources)?, says);
        let to_hand_over = |descriptor| posix::to_hand_over(descriptor).map_err(SpawnError::OutOfResources);
        [to_hand_over(written.as_fd())?, to_hand_over(says.as_fd())?]
    };
    let words = ["fantail".to_owned(), BEGIN.to_owned()].into_iter().chain(descriptors.map(limit_to));
    let argv: Result<Vec<_>, _> = words.map(CString::new).collect();
    let argv = argv.map_err(|nul| SpawnError::Other(nul.into()))?;
    let start = Start {
        program: OURSELVES,
        argv: &argv,
        environment: &[],
        dir: c"/",
        slave: &slave_path,
        handed: &handed,
        others,
    };
    let pid = posix::spawn(&start).map_err(|error| match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => SpawnError::OutOfResources(error),
        _ => SpawnError::Other(error),
    })?;
    // Only that process has the other end now: it closes when the program begins.
    drop(handed);
    match confined::reported(OwnedFd::from(report).into()) {
        None => Ok(Started { pid, master, slave, input }),
        Some(error) => {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
            Err(error)
        }
    }
}

/// Has the kernel kill the process `pid` (or `self`) rather than a server, should memory run out.
pub(super) fn offer_to_the_oom_killer(pid: impl Display) {
    // Nothing that a program needs.
    let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), OOM_SCORE);
}

/// A pipe behind one descriptor: half of what two would cost thousands of sessions.
fn open_input() -> io::Result<OwnedFd> {
    let (read, _write) = pipe_with(PipeFlags::CLOEXEC)?;
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(open(format!("/proc/self/fd/{}", read.as_raw_fd()), flags, Mode::empty())?)
}

fn open_terminal(size: Size) -> Result<(OwnedFd, OwnedFd, CString), SpawnError> {
    let size = PtySize { rows: size.rows(), cols: size.cols(), pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).map_err(|error| {
        let cause = io::Error::last_os_error();
        match cause.raw_os_error() {
            Some(libc::ENOSPC) => SpawnError::NoTerminalsLeft,
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EAGAIN) => SpawnError::OutOfResources(cause),
            _ => SpawnError::Other(io::Error::other(error)),
        }
    })?;
    let path = pair.master.tty_name().ok_or_else(|| SpawnError::Other(io::Error::other("the terminal has no name")))?;
    let master = posix::duplicate(pair.master.as_ref()).map_err(SpawnError::OutOfResources)?;
    fcntl_setfl(&master, OFlags::NONBLOCK).map_err(|error| SpawnError::Other(error.into()))?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = open(&path, flags, Mode::empty()).map_err(|error| SpawnError::OutOfResources(error.into()))?;
    Ok((master, slave, c_string(&path)?))
}

fn c_string(path: &Path) -> Result<CString, SpawnError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|nul| SpawnError::Other(nul.into()))
}

/// What posix_spawn's error means. Opening the terminal, changing directory and exec all report through it, so the
/// checks are made again: the file system may have changed since.
pub(super) fn refused(launch: &Launch, error: io::Error) -> SpawnError {
    if let Err(changed) = launch.resolve() {
        return changed;
    }
    match error.raw_os_error() {
        Some(libc::ENOENT) => SpawnError::NoSuchProgram,
        Some(libc::EACCES | libc::EPERM | libc::ENOEXEC | libc::ELIBBAD | libc::ETXTBSY) => SpawnError::NotExecutable,
        Some(libc::E2BIG) => SpawnError::TooLong,
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => SpawnError::OutOfResources(error),
        _ => SpawnError::Other(error),
    }
}
