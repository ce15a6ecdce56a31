//! The process in which a confined program begins: our own program once more, which becomes the program.
//!
//! posix_spawn(3) sets no limits and changes no account, and what is set from outside a moment later may come too late.
//! Between fork and exec in a server with threads nothing of the like is safe. So this process is spawned on the
//! terminal, with an empty environment (what the program is to get may name libraries to load), reads on descriptor 3
//! what to start, and says on descriptor 4 why it could not. When its exec succeeds that one closes in silence.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::unistd::{Group, User, initgroups, setresgid, setresuid};
use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};
use rustix::process::{Resource, Rlimit, chdir, getcwd, setrlimit};

use super::launch::Launch;
use super::posix;
use super::pty::SpawnError;
use super::{ENCODED_MAX, program};

/// Who may write to a terminal: its account, and by group `tty` programs such as write(1).
const TERMINAL_MODE: u32 = 0o620;
/// The same where there is no such group.
const TERMINAL_MODE_ALONE: u32 = 0o600;

/// Becomes the program that descriptor 3 tells of, which gets these limits of descriptors unless it has its own.
/// Returns only when it cannot, and then that has been told.
#[must_use]
pub fn begin(descriptors: Option<Rlimit>) -> i32 {
    let Ok((launch, mut report)) = posix::handed_over() else {
        // Not started by us: nobody listens.
        return SpawnError::NoSuchProgram.exit_code();
    };
    let Err(error) = become_program(launch, descriptors);
    let (word, errno) = (error.word(), error.cause().and_then(io::Error::raw_os_error).unwrap_or(0));
    // Who started us may have gone.
    let _ = report.write_all(format!("{word} {errno}").as_bytes());
    error.exit_code()
}

/// What [`begin`] reported; none when the program has begun.
pub(super) fn reported(mut report: File) -> Option<SpawnError> {
    let mut said = String::new();
    // Nothing can be read only when there is nothing.
    let _ = report.read_to_string(&mut said);
    let (word, errno) = said.split_once(' ')?;
    let errno = errno.parse().ok().filter(|errno| *errno != 0);
    Some(SpawnError::from_word(word, errno, "the program could not be started".into()))
}

fn become_program(launch: OwnedFd, descriptors: Option<Rlimit>) -> Result<std::convert::Infallible, SpawnError> {
    let launch = read(launch).map_err(SpawnError::Other)?;
    let confinement = launch.confinement();
    // While we may: afterwards the files of our own process are another account's.
    program::offer_to_the_oom_killer("self");
    if let Some(limit) = descriptors.filter(|_| confinement.limits.descriptors.is_none()) {
        setrlimit(Resource::Nofile, limit).map_err(other)?;
    }
    confinement.limits.apply().map_err(SpawnError::Other)?;
    if let Some(user) = &confinement.user {
        become_user(user)?;
    }
    if confinement.no_new_privs {
        rustix::thread::set_no_new_privs(true).map_err(other)?;
    }
    // From here on the file system is seen as the program's account sees it.
    chdir(launch.dir()).map_err(|error| launch.resolve().err().unwrap_or_else(|| other(error)))?;
    let here = getcwd(Vec::new()).map_err(other)?;
    if !confinement.allows(Path::new(OsStr::from_bytes(here.as_bytes()))) {
        return Err(SpawnError::DirectoryOutside);
    }
    let file = launch.resolve()?;
    let file = CString::new(file.as_os_str().as_bytes()).map_err(|nul| SpawnError::Other(nul.into()))?;
    let program = posix::Executable::new(&file, launch.command(), launch.environment());
    confinement.limits.apply_memory().map_err(SpawnError::Other)?;
    Err(program::refused(&launch, program.become_it()))
}

fn read(launch: OwnedFd) -> io::Result<Launch> {
    let mut bytes = Vec::new();
    File::from(launch).take(ENCODED_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Launch::decode(&bytes).map_err(io::Error::other)
}

/// Takes on an account, its groups included, and gives it the terminal.
fn become_user(name: &str) -> Result<(), SpawnError> {
    let user = User::from_name(name).map_err(system)?.ok_or(SpawnError::NoSuchUser)?;
    let is_already = rustix::process::geteuid().as_raw() == user.uid.as_raw();
    if is_already && !user.uid.is_root() {
        return Ok(());
    }
    let c_name = CString::new(name).map_err(|nul| SpawnError::Other(nul.into()))?;
    give_terminal(&user)?;
    let forbidden = |_| SpawnError::UserForbidden;
    initgroups(&c_name, user.gid).map_err(forbidden)?;
    setresgid(user.gid, user.gid, user.gid).map_err(forbidden)?;
    setresuid(user.uid, user.uid, user.uid).map_err(forbidden)
}

fn give_terminal(user: &User) -> Result<(), SpawnError> {
    let tty = Group::from_name("tty").map_err(system)?;
    let mode = if tty.is_some() { TERMINAL_MODE } else { TERMINAL_MODE_ALONE };
    let group = tty.map_or(user.gid, |tty| tty.gid);
    let terminal = rustix::stdio::stdin();
    let owner = (Uid::from_raw(user.uid.as_raw()), Gid::from_raw(group.as_raw()));
    fchown(terminal.as_fd(), Some(owner.0), Some(owner.1)).map_err(|_| SpawnError::UserForbidden)?;
    fchmod(terminal, Mode::from_raw_mode(mode)).map_err(other)
}

fn other(error: rustix::io::Errno) -> SpawnError {
    SpawnError::Other(error.into())
}

fn system(error: nix::Error) -> SpawnError {
    SpawnError::Other(error.into())
}
