//! Who watches: uses whole messages, loses its connection within a chunk, and resumes behind the last byte it used.
//! Knows of each byte which it is (law 1), because a program prints byte n as [`byte_at`] has it.

use crate::terminal::log::{EVENT, Log, LogReader, LogWriter, Pull};
use crate::terminal::{Offset, Size};

/// One viewer's position, and where it would resume.
#[derive(Default)]
pub(super) struct Watcher {
    reader: Option<LogReader>,
    used: Offset,
}

/// Byte n of the output. Never NUL: at the end of what was not published that means nothing.
fn byte_at(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 | 1
}

/// The program prints so much, which is read and not yet published.
pub(super) fn prints(writer: &mut LogWriter, printed: &mut u64, bytes: usize) {
    let mut left = bytes;
    while left > 0 {
        let space = writer.space().expect("memory");
        let read = left.min(space.len());
        for byte in &mut space[..read] {
            *byte = byte_at(*printed);
            *printed += 1;
        }
        writer.commit(read);
        left -= read;
    }
}

/// The terminal has so many columns from here on.
pub(super) fn resizes(writer: &mut LogWriter, cols: usize) {
    let size = Size::new(cols as u64, 24).expect("within bounds");
    writer.resize(size, cols.to_string().as_bytes()).expect("memory");
}

/// The size an event tells.
pub(super) fn size_of(event: &[u8]) -> Option<Size> {
    Size::new(std::str::from_utf8(event).ok()?.parse().ok()?, 24).ok()
}

impl Watcher {
    /// Its connection is no more.
    pub(super) fn is_cut(&mut self) {
        self.reader = None;
    }

    /// Takes what comes next, up to `window` past where it is, and uses so many messages of it; it is cut off when
    /// there are more.
    pub(super) fn watches(&mut self, log: &Log, window: u64, most: usize) {
        let Self { reader, used } = self;
        // Held or not: a gap tells. But what was used was published, and is not taken back.
        assert!(*used <= log.held().end, "{used} was shown, and the end is {}", log.held().end);
        let following = reader.get_or_insert_with(|| log.reader(*used).expect("not past the end"));
        assert_eq!(following.offset(), *used, "it goes on where it was");
        match following.pull(*used + window) {
            Pull::Chunk(chunk) => {
                let mut messages = chunk.messages();
                for message in messages.by_ref().take(most) {
                    assert_eq!(message.offset, *used, "a message continues where the last one ended");
                    if message.kind == EVENT {
                        assert!(size_of(message.payload).is_some(), "an event that nobody wrote");
                        continue;
                    }
                    for &byte in message.payload {
                        assert_eq!(byte, byte_at(used.0), "byte {used}");
                        *used = *used + 1u64;
                    }
                }
                if messages.next().is_some() {
                    *reader = None;
                }
            }
            Pull::Gap { from, to } => {
                assert_eq!(from, *used, "a gap begins where the reader was");
                assert_eq!(to, log.held().start, "and ends at the oldest byte held");
                *used = to;
            }
            Pull::Limited | Pull::CaughtUp => {}
        }
    }

    /// Watches until it has seen everything.
    pub(super) fn catches_up(&mut self, log: &Log) {
        self.is_cut();
        let end = log.held().end;
        while self.used < end {
            let before = self.used;
            self.watches(log, u64::MAX, usize::MAX);
            assert!(self.used > before, "there is more, and it does not come");
        }
    }
}
