//! A session of the floor: a program, what it has printed, and who watches.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;

use super::history::{History, OUTPUT_MAX};
use super::pty;
use crate::readiness::Interest;

/// So little is most likely the echo of keys, and a terminal gives all it has: it leaves at once. To ask for more would be
/// another system call, which waits for the kernel's worker, before the echo.
const KEYS_MAX: usize = 256;

/// One session.
pub(super) struct Session {
    pub(super) master: OwnedFd,
    child: Child,
    pub(super) history: History,
    /// Their connections, in the order they came.
    pub(super) viewers: Vec<usize>,
    /// Input the terminal has not taken yet.
    typed: Vec<u8>,
    /// The program waits for a viewer.
    pub(super) full: bool,
    ended: bool,
}

/// What a turn of reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    Some,
    Nothing,
    Ended,
}

impl Session {
    pub(super) fn start(command: &[String]) -> io::Result<Self> {
        let (master, child) = pty::start(command)?;
        Ok(Self {
            master,
            child,
            history: History::default(),
            viewers: Vec::new(),
            typed: Vec::new(),
            full: false,
            ended: false,
        })
    }

    /// Reads what is there, at most a frame of it, and publishes it.
    ///
    /// How it reads a flood does not change how fast the terminal is: turns of 16, 32 and 64 KiB, sched_yield(2),
    /// poll(2) or another try between reads were all as fast and as slow as the scheduler had it, and for 100 viewers none
    /// cost less than a full frame (see `scenario::throughput` for what does decide).
    pub(super) fn read(&mut self, room: &mut Vec<u8>) -> Printed {
        room.resize(OUTPUT_MAX, 0);
        let mut read = 0;
        // A terminal gives about 4 KiB at a time; a burst leaves in one frame.
        while read < OUTPUT_MAX {
            match rustix::io::read(&self.master, &mut room[read..]) {
                Ok(0) => self.ended = true,
                Ok(more) => {
                    read += more;
                    if read > KEYS_MAX {
                        continue;
                    }
                }
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => {}
                // The program has gone, and with it the terminal's other end.
                Err(_) => self.ended = true,
            }
            break;
        }
        if read > 0 {
            self.history.publish(&room[..read]);
            return Printed::Some;
        }
        if self.ended { Printed::Ended } else { Printed::Nothing }
    }

    /// Types.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.typed.extend_from_slice(bytes);
        self.flush();
    }

    /// Gives the terminal what it takes.
    pub(super) fn flush(&mut self) {
        while !self.typed.is_empty() {
            match rustix::io::write(&self.master, &self.typed) {
                Ok(taken) => drop(self.typed.drain(..taken)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                Err(_) => self.typed.clear(),
            }
        }
    }

    /// What its terminal is to be watched for.
    pub(super) const fn interest(&self) -> Interest {
        match (self.full, self.typed.is_empty()) {
            (false, true) => Interest::Read,
            (false, false) => Interest::Both,
            (true, true) => Interest::Neither,
            (true, false) => Interest::Write,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
