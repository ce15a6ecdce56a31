//! Whether the kernel killed a program for want of memory. It says so in its log only, which root may read, and others
//! where the system lets them (dmesg_restrict); who may not learns nothing.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::process::Pid;

/// Where the kernel's log is read, a record a read.
const LOG: &str = "/dev/kmsg";
/// The longest record (`PRINTKRB_RECORD_MAX`), with room.
const RECORD_MAX: usize = 8192;
/// Most records looked at: more than the log usually holds.
const RECORDS_MAX: usize = 100_000;

/// Whether the log says so of a process that has ended by SIGKILL and is not reaped. Blocks for some milliseconds.
pub(super) fn has_killed(pid: Pid) -> bool {
    // The name, too: the log may still tell of one that had this id before.
    let Ok(name) = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero())) else { return false };
    let wanted = told(pid, name.trim_end_matches('\n'));
    let Ok(mut log) = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(LOG) else { return false };
    let mut record = [0; RECORD_MAX];
    for _ in 0..RECORDS_MAX {
        match log.read(&mut record) {
            Ok(read) if String::from_utf8_lossy(&record[..read]).contains(&wanted) => return true,
            Ok(1..) => {}
            // What was to be read next has been written over.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted) => {}
            Ok(0) | Err(_) => return false,
        }
    }
    false
}

/// How the kernel tells of it, in or outside of a cgroup.
fn told(pid: Pid, name: &str) -> String {
    format!("ut of memory: Killed process {} ({name})", pid.as_raw_nonzero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_either_kind_tells_of_its_process_and_of_no_other() {
        let pid = |pid| Pid::from_raw(pid).expect("positive");
        for record in [
            "3,1201,5104,-;Memory cgroup out of memory: Killed process 12 (eat it) total-vm:9kB, anon-rss:8kB",
            "3,1201,5104,-;Out of memory: Killed process 12 (eat it) total-vm:9kB",
        ] {
            assert!(record.contains(&told(pid(12), "eat it")));
            assert!(!record.contains(&told(pid(2), "eat it")) && !record.contains(&told(pid(12), "eat")));
        }
    }

    #[test]
    fn a_process_that_lives_was_not_killed() {
        assert!(!has_killed(rustix::process::getpid()));
    }
}
