//! How a process ended whose parent somebody else was: what the kernel keeps for whoever holds its pidfd (Linux 6.15).
#![expect(unsafe_code, reason = "ioctl(2) with PIDFD_GET_INFO; each call is one line with its reason")]

use std::os::fd::BorrowedFd;

use rustix::ioctl::{Updater, ioctl, opcode};

/// `struct pidfd_info` of <linux/pidfd.h>, in its first size, which every later kernel takes.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroupid: u64,
    /// pid, tgid, ppid, and the user and group ids.
    ids: [u32; 11],
    exit_code: i32,
}

/// `PIDFD_GET_INFO`.
const GET_INFO: rustix::ioctl::Opcode = opcode::read_write::<PidfdInfo>(0xFF, 11);
/// `PIDFD_INFO_EXIT`: asked for, and set in the answer when it is there.
const EXIT: u64 = 1 << 3;

/// What wait(2) would have said, once the process has been reaped; none before that, or on an older kernel.
pub(super) fn wait_status(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let mut info = PidfdInfo { mask: EXIT, ..PidfdInfo::default() };
    // SAFETY: `GET_INFO` reads and writes a `PidfdInfo`, whose layout is the kernel's.
    let ask = unsafe { Updater::<GET_INFO, PidfdInfo>::new(&mut info) };
    // SAFETY: as above; the descriptor is open for the whole call, and one that is no pidfd refuses.
    unsafe { ioctl(pidfd, ask) }.ok()?;
    (info.mask & EXIT != 0).then_some(info.exit_code)
}
