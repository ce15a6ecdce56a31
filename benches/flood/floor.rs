//! The floor: the program on a raw PTY, read as fast as it can be and compared, by one thread and nothing else.

use std::io::{Read, Write};
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::time::ClockId;

use crate::real::cpu::cpu;
use crate::{END, READY, took};

/// What draining a raw PTY gave.
pub(crate) struct Drained {
    /// As the program says.
    pub(crate) wall: Duration,
    /// This thread's.
    pub(crate) cpu: Duration,
    pub(crate) errors: Vec<String>,
}

/// Runs `program` on a PTY of its own and reads it to its end.
pub(crate) fn drain(program: &str, expected: &[u8]) -> Drained {
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a PTY");
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", program]);
    let mut child = pair.slave.spawn_command(command).expect("sh starts");
    let mut master = pair.master.try_clone_reader().expect("a reader");
    let mut writer = pair.master.take_writer().expect("a writer");
    let mut room = vec![0; 64 << 10];
    let (mut at, mut tail, mut errors) = (0, String::new(), Vec::new());
    let mut began = Duration::ZERO;
    while !tail.ends_with(END) {
        let read = master.read(&mut room).expect("a program that has not ended");
        let (flood, rest) = room[..read].split_at(read.min(expected.len() - at));
        if flood != &expected[at..at + flood.len()] {
            errors.push(format!("floor: other bytes than expected in {at}..{}", at + flood.len()));
        }
        if (at..at + flood.len() + 1).contains(&READY.len()) && began.is_zero() {
            began = cpu(ClockId::ThreadCPUTime);
            writer.write_all(b"\n").expect("taken");
        }
        at += flood.len();
        tail.push_str(&String::from_utf8_lossy(rest));
    }
    let cpu = cpu(ClockId::ThreadCPUTime) - began;
    child.kill().expect("ended");
    child.wait().expect("waited for");
    let wall = took(&tail).unwrap_or_default();
    Drained { wall, cpu, errors }
}
