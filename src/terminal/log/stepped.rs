//! What `kill -9` can leave behind, at every single instruction: work is done in a child process, one machine
//! instruction at a time, and between any two of them what another process would find is looked at.
#![expect(unsafe_code, reason = "fork and ptrace; no safe crate steps a process")]

use std::ptr;

use libc::{PTRACE_SINGLESTEP, PTRACE_TRACEME, SIGKILL, SIGSTOP, SIGTRAP};

/// Runs `work` in a process of its own and `look` before its first and behind each of its instructions, which is told
/// how many there have been. `look` may end it early by returning false, as `kill -9` would.
pub(crate) fn step_through(work: impl FnOnce(), mut look: impl FnMut(u64) -> bool) {
    // SAFETY: the child runs only `work`, which takes no lock that another thread of the tests might have held.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork");
    if child == 0 {
        // SAFETY: plain system calls; the process ends without running anything of the tests.
        unsafe {
            libc::ptrace(PTRACE_TRACEME, 0, ptr::null_mut::<u8>(), ptr::null_mut::<u8>());
            libc::raise(SIGSTOP);
            work();
            libc::kill(libc::getpid(), SIGKILL);
        }
        unreachable!("killed");
    }
    let mut steps = 0;
    while stopped(child) {
        if !look(steps) {
            // SAFETY: a child of ours that was not waited for to its end.
            unsafe { libc::kill(child, SIGKILL) };
            assert!(!stopped(child), "killed");
            break;
        }
        steps += 1;
        // SAFETY: the child is stopped under our ptrace.
        let went_on = unsafe { libc::ptrace(PTRACE_SINGLESTEP, child, ptr::null_mut::<u8>(), ptr::null_mut::<u8>()) };
        assert_eq!(went_on, 0, "single step");
    }
}

/// Waits for the child's next stop; false when it was killed instead, by itself at its end or by us.
fn stopped(child: libc::pid_t) -> bool {
    let mut status = 0;
    // SAFETY: `status` is written before it is read.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child, "waitpid");
    if libc::WIFSIGNALED(status) {
        assert_eq!(libc::WTERMSIG(status), SIGKILL, "the work failed");
        return false;
    }
    assert!(libc::WIFSTOPPED(status) && matches!(libc::WSTOPSIG(status), SIGSTOP | SIGTRAP), "status {status}");
    true
}
