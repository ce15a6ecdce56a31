//! Programs on terminals, for the floor. The file of this module's only `unsafe`.
#![expect(unsafe_code, reason = "what a child does between fork and exec")]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use rustix::io::ioctl_fionbio;
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// As Fantail's sessions begin.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// Starts `words` on a terminal of its own: the terminal's other end, which never blocks, and the process.
pub(super) fn start(words: &[String]) -> io::Result<(OwnedFd, Child)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let terminal = ioctl_tiocgptpeer(&master, flags)?;
    tcsetwinsize(&terminal, SIZE)?;
    ioctl_fionbio(&master, true)?;
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal);
    let lead = || {
        setsid()?;
        // SAFETY: the child's stdin, which is open: it has just been made the terminal.
        ioctl_tiocsctty(unsafe { BorrowedFd::borrow_raw(libc::STDIN_FILENO) })?;
        Ok(())
    };
    // SAFETY: two system calls and nothing else, no allocation among them.
    let child = unsafe { command.pre_exec(lead) }.spawn()?;
    Ok((master, child))
}
