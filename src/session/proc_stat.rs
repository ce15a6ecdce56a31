//! What the kernel says of a process in `/proc/PID/stat` (proc(5)).
//!
//! Not asked of getsid(2): it answers 0 where a session's leader is in another PID namespace, as in many containers, and
//! where the process is being reaped; rustix takes that for a process id.

use std::fs;

use rustix::process::Pid;

/// What is said of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcStat {
    /// It has ended; perhaps nobody has reaped it yet.
    pub has_ended: bool,
    /// Its parent; 0 for one of another PID namespace.
    pub parent: i32,
    /// Its POSIX session; 0 for one of another PID namespace.
    pub session: i32,
    /// How it ended, as wait(2) says it; 0 before, and for who may not know.
    pub wait_status: i32,
}

impl ProcStat {
    /// Of `pid`; none when there is no such process.
    #[must_use]
    pub fn of(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
    }

    /// The command's name comes in parentheses and may contain anything, so fields are counted from the last one.
    fn parse(stat: &[u8]) -> Option<Self> {
        let behind_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
        let fields: Vec<_> = std::str::from_utf8(&stat[behind_name..]).ok()?.split_whitespace().collect();
        let (state, parent, session) = (fields.first()?, fields.get(1)?.parse().ok()?, fields.get(3)?.parse().ok()?);
        let has_ended = matches!(*state, "Z" | "X");
        Some(Self { has_ended, parent, session, wait_status: fields.get(49)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = |name: &str, state: &str| {
            let line = format!("12 ({name}) {state} 1 12 7{} 768\n", " 1".repeat(45));
            ProcStat::parse(line.as_bytes()).map(|stat| (stat.has_ended, stat.parent, stat.session, stat.wait_status))
        };
        assert_eq!(stat("cat", "S"), Some((false, 1, 7, 768)));
        assert_eq!(stat("a) Z 9 (x)", "R"), Some((false, 1, 7, 768)));
        assert_eq!(stat("a b", "Z"), Some((true, 1, 7, 768)));
        assert_eq!((ProcStat::parse(b"12 (cat"), ProcStat::parse(b"12 (cat) S 1 12 7 0")), (None, None));
    }

    #[test]
    fn this_process_runs_and_one_that_is_no_more_says_nothing() {
        assert!(ProcStat::of(rustix::process::getpid()).is_some_and(|stat| !stat.has_ended));
        assert_eq!(ProcStat::of(Pid::from_raw(i32::MAX).expect("positive")), None);
    }
}
