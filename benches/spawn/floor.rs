//! The floor: a terminal, posix_spawn(3) of a program on it, SIGKILL and waitpid(2), and nothing else.
#![expect(unsafe_code, reason = "libc's posix_spawn family; each block is one with its reason")]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

/// Starts `program` as the leader of its own session, with a new terminal as its standard streams, and ends it.
pub(crate) fn open_and_end(program: &str, argument: &str) -> io::Result<()> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = ptsname(&master, Vec::new())?;
    let (program, argument) = (CString::new(program)?, CString::new(argument)?);
    let argv = [program.as_ptr().cast_mut(), argument.as_ptr().cast_mut(), ptr::null_mut()];
    let environment = [ptr::null_mut()];
    let (mut actions, mut attributes) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    let (actions, attributes) = (actions.as_mut_ptr(), attributes.as_mut_ptr());
    let flags = libc::c_short::try_from(libc::POSIX_SPAWN_SETSID).map_err(io::Error::other)?;
    let mut pid = 0;
    // SAFETY: both are initialised before they are used, and destroyed once; every string outlives the calls; both
    // arrays end with a null pointer, and execve(2) does not write through them.
    let spawned = unsafe {
        check(libc::posix_spawn_file_actions_init(actions))?;
        check(libc::posix_spawnattr_init(attributes))?;
        check(libc::posix_spawn_file_actions_addopen(actions, 0, slave.as_ptr(), libc::O_RDWR, 0))?;
        check(libc::posix_spawn_file_actions_adddup2(actions, 0, 1))?;
        check(libc::posix_spawn_file_actions_adddup2(actions, 0, 2))?;
        check(libc::posix_spawnattr_setflags(attributes, flags))?;
        let (argv, environment) = (argv.as_ptr(), environment.as_ptr());
        let spawned = libc::posix_spawn(&raw mut pid, program.as_ptr(), actions, attributes, argv, environment);
        libc::posix_spawn_file_actions_destroy(actions);
        libc::posix_spawnattr_destroy(attributes);
        spawned
    };
    check(spawned)?;
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("posix_spawn gave no process id"))?;
    kill_process(pid, Signal::KILL)?;
    let ended = waitpid(Some(pid), WaitOptions::empty())?;
    if ended.is_some_and(|(_, status)| status.signaled()) { Ok(()) } else { Err(io::Error::other("not killed")) }
}
