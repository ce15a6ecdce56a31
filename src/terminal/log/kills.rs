//! Law 1 across `kill -9`: whatever instruction it hits, what was read from the terminal is in the log or still in the
//! terminal, once.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::ioctl_fionread;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use super::stepped::step_through;
use super::*;

/// Byte n of the output; never NUL, which at the end would mean nothing.
fn byte_at(offset: u64) -> u8 {
    (offset % 255) as u8 + 1
}

#[derive(Clone, Copy)]
enum Step {
    /// One read of so many bytes; nothing is published.
    Read(usize),
    Publish,
    Resize(u16),
}

/// What a program prints, in a pipe where a session has its terminal.
struct Program {
    terminal: OwnedFd,
    printed: u64,
}

impl Program {
    fn that_prints(bytes: usize) -> Self {
        let (terminal, slave) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        fcntl_setpipe_size(&slave, 1 << 20).expect("room");
        let output: Vec<u8> = (0..bytes as u64).map(byte_at).collect();
        assert_eq!(rustix::io::write(&slave, &output).expect("room"), bytes);
        Self { terminal, printed: bytes as u64 }
    }

    fn in_terminal(&self) -> u64 {
        ioctl_fionread(&self.terminal).expect("a pipe")
    }
}

/// As a resize tells it: padded, so that some events are short frames and some are not.
fn event(cols: u16) -> Vec<u8> {
    let padding = if cols.is_multiple_of(2) { 0 } else { 120 };
    format!("{cols:>padding$}").into_bytes()
}

fn size_of(event: &[u8]) -> Option<Size> {
    Size::new(std::str::from_utf8(event).ok()?.trim().parse().ok()?, 24).ok()
}

fn take(writer: &mut LogWriter, terminal: impl AsFd, steps: &[Step]) {
    for step in steps {
        match *step {
            Step::Read(bytes) => {
                let space = writer.space().expect("memory");
                let wanted = bytes.min(space.len());
                let read = rustix::io::read(&terminal, &mut space[..wanted]).expect("output");
                writer.commit(read);
            }
            Step::Publish => drop(writer.publish()),
            Step::Resize(cols) => {
                writer.resize(Size::new(cols.into(), 24).expect("valid"), &event(cols)).expect("memory");
            }
        }
    }
}

/// The log's words, and the segments that are held.
fn copied(memory: &Memory) -> Arc<Memory> {
    let copy = Memory::create().expect("memory");
    copy.copy_log_of(memory).expect("copied");
    copy
}

fn no_catch_up() -> Arc<CatchUp> {
    Arc::new(CatchUp::new(0, 0))
}

const LOG_BYTES: usize = 2 * SEGMENT_BYTES;

/// Takes up a copy of `memory` and checks all of it. Returns the sizes told of.
fn check(memory: &Memory, program: &Program, steps: u64) -> Vec<u16> {
    let copy = copied(memory);
    let told = std::cell::RefCell::new(Vec::new());
    let tell = |event: &[u8]| {
        let size = size_of(event);
        told.borrow_mut().extend(size.map(Size::cols));
        size
    };
    let (log, writer) = Log::recover(&copy, LOG_BYTES, no_catch_up(), tell).expect("a log");
    let held = log.held();
    let output = log.copy(held.clone()).expect("held");
    let expected: Vec<u8> = (held.start.0..held.end.0).map(byte_at).collect();
    assert!(output == expected, "other bytes at instruction {steps}, of {held:?}");
    assert_eq!(held.end.0 + program.in_terminal(), program.printed, "lost or doubled at instruction {steps}");
    assert_eq!(writer.end(), held.end);
    drop((log, writer));
    let (again, _) = Log::recover(&copy, LOG_BYTES, no_catch_up(), size_of).expect("a log");
    assert_eq!(again.held(), held, "taken up twice, at instruction {steps}");
    told.into_inner()
}

fn new_log() -> (Arc<Memory>, LogWriter) {
    let memory = Memory::create().expect("memory");
    let size = Size::new(1, 24).expect("valid");
    let (_, writer) = Log::create(Arc::clone(&memory), LOG_BYTES, Offset::ZERO, size, no_catch_up());
    (memory, writer)
}

#[test]
fn a_kill_at_any_instruction_loses_and_doubles_nothing_that_was_read() {
    use Step::{Publish, Read, Resize};
    let steps = [
        Read(1),
        Publish,
        Resize(2),
        Read(116),
        Publish,
        Read(117),
        Publish,
        Resize(3),
        Read(7),
        Read(8),
        Publish,
        Read(90),
        Resize(4),
        Resize(5),
        Read(500),
        Read(1),
        Publish,
        Read(3),
    ];
    let program = Program::that_prints(1000);
    let (memory, mut writer) = new_log();
    let (mut instructions, mut most_told) = (0, 0);
    step_through(
        || take(&mut writer, &program.terminal, &steps),
        |steps| {
            instructions = steps;
            let told = check(&memory, &program, steps);
            assert!([2, 3, 4, 5].starts_with(&told) && told.len() >= most_told, "{told:?} at {steps}");
            most_told = told.len();
            true
        },
    );
    assert!(instructions > 1000 && most_told == 4, "{instructions} instructions, {most_told} resizes");
}

#[test]
fn a_kill_while_segments_are_begun_and_dropped_loses_and_doubles_nothing() {
    let steps: Vec<Step> = (0..80).flat_map(|_| [Step::Read(4000), Step::Publish]).collect();
    let program = Program::that_prints(80 * 4000);
    let (memory, mut writer) = new_log();
    let (mut seen, mut looks) = (Vec::new(), 0);
    step_through(
        || take(&mut writer, &program.terminal, &steps),
        |steps| {
            // Wherever the words changed, and now and then in between.
            let words: Vec<u64> =
                memory.log_words()[..8].iter().map(|word| word.load(std::sync::atomic::Ordering::Relaxed)).collect();
            if words != seen || steps % 101 == 0 {
                check(&memory, &program, steps);
                (seen, looks) = (words, looks + 1);
            }
            true
        },
    );
    assert!(looks > 20 && Journal::new(memory).start().0 >= 3, "{looks} looks");
}

#[test]
fn a_kill_at_any_instruction_of_taking_it_up_changes_nothing() {
    for unfinished in [Step::Read(50), Step::Resize(2)] {
        let program = Program::that_prints(450);
        let (memory, mut writer) = new_log();
        let work = || take(&mut writer, &program.terminal, &[Step::Read(50), Step::Publish, unfinished, Step::Publish]);
        let journal = Journal::new(Arc::clone(&memory));
        let mut begun = 0;
        step_through(work, |_| {
            // Killed in the middle of the second frame.
            begun += u32::from(program.in_terminal() < 400 || journal.unfinished().is_some() && begun > 0);
            begun += u32::from(program.in_terminal() == 400);
            begun < 1200
        });
        step_through(
            || drop(Log::recover(&memory, LOG_BYTES, no_catch_up(), size_of).expect("a log")),
            |steps| {
                if steps % 61 == 0 {
                    check(&memory, &program, steps);
                }
                true
            },
        );
        check(&memory, &program, 0);
    }
}
