//! A process's CPU clock. The file of this module's only `unsafe`.
#![expect(unsafe_code, reason = "clock_getcpuclockid(3) has no safe binding")]

use std::io;
use std::time::Duration;

/// CPU time process `pid` has taken, in user and kernel, of threads that have ended too. To the nanosecond, where
/// `/proc/PID/stat` counts hundredths of a second.
pub(super) fn cpu(pid: u32) -> io::Result<Duration> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    let mut clock: libc::clockid_t = 0;
    // SAFETY: `clock` is a place to write to.
    match unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } {
        0 => {}
        error => return Err(io::Error::from_raw_os_error(error)),
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as above.
    match unsafe { libc::clock_gettime(clock, &raw mut time) } {
        0 => Ok(Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))),
        _ => Err(io::Error::last_os_error()),
    }
}
