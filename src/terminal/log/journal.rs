//! What the log writes down besides its segments, so that another process can take it up wherever this one was killed.
//!
//! A frame is published in a segment by its first byte, which is written last: before, there is a zero. So whatever
//! was read and not published lies behind that zero, and nothing else does, except in two moments, which are written
//! down here before they begin: while a short frame's payload is moved to where its shorter header ends, and while an
//! event is written, which must not be taken for output.

use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};

use super::memory::Memory;
use crate::terminal::{Offset, Size};

/// Most bytes of a payload that is moved: the longest behind a header of the short form, 125 - 9.
pub(super) const MOVED_MAX: usize = 116;

// The log's words. Magic and layout come first.
const START: usize = 2;
const SEGMENTS: usize = 3;
const ORIGIN: usize = 4;
const UNFINISHED: usize = 5;
const MOVED: usize = 8;

const SIZE_BITS: u32 = 10;
const SIZE_MASK: u64 = (1 << SIZE_BITS) - 1;
const MOVE: u64 = 1;
const EVENT: u64 = 2;
const AT_SHIFT: u32 = 8;
const LEN_SHIFT: u32 = 32;
const PART_MASK: u64 = 0x00ff_ffff;

/// The log's words in a session's memory.
#[derive(Clone)]
pub(super) struct Journal(Arc<Memory>);

/// What a process was doing when it ended, in the last segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// Publishing this payload, read from the terminal, in a short frame at `at`.
    Move { at: usize, payload: Vec<u8> },
    /// Writing an event with a payload of so many bytes at `at`.
    Event { at: usize, len: usize },
}

impl Journal {
    pub(super) const fn new(memory: Arc<Memory>) -> Self {
        Self(memory)
    }

    pub(super) const fn memory(&self) -> &Arc<Memory> {
        &self.0
    }

    fn get(&self, word: usize) -> u64 {
        self.0.log_words()[word].load(Ordering::Acquire)
    }

    /// What comes before this in the program is written before, what comes after it after.
    fn set(&self, word: usize, value: u64) {
        self.0.log_words()[word].store(value, Ordering::Release);
        compiler_fence(Ordering::SeqCst);
    }

    /// A log that begins at `origin`, at this size, and has no segment.
    pub(super) fn begin(&self, origin: Offset, size: Size) {
        self.set(ORIGIN, origin.0);
        self.set_start(0, size);
        self.set(SEGMENTS, 0);
    }

    /// Where the log began.
    pub(super) fn origin(&self) -> Offset {
        Offset(self.get(ORIGIN))
    }

    /// The oldest segment held, and the size in force where it begins: one word, so that they are never of two states.
    pub(super) fn set_start(&self, index: u64, size: Size) {
        let size = u64::from(size.cols() - 1) << SIZE_BITS | u64::from(size.rows() - 1);
        self.set(START, index << (2 * SIZE_BITS) | size);
    }

    pub(super) fn start(&self) -> (u64, Option<Size>) {
        let word = self.get(START);
        let size = Size::new((word >> SIZE_BITS & SIZE_MASK) + 1, (word & SIZE_MASK) + 1);
        (word >> (2 * SIZE_BITS), size.ok())
    }

    /// How many segments there have been. Called when the newest has its first pages and before anything is in it.
    pub(super) fn set_segments(&self, count: u64) {
        self.set(SEGMENTS, count);
    }

    pub(super) fn segments(&self) -> u64 {
        self.get(SEGMENTS)
    }

    /// `payload` is about to be moved and published at `at` of the last segment.
    pub(super) fn begin_move(&self, at: usize, payload: &[u8]) {
        debug_assert!(payload.len() <= MOVED_MAX, "longer payloads lie where they are read");
        for (word, bytes) in self.0.log_words()[MOVED..].iter().zip(payload.chunks(8)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(eight), Ordering::Relaxed);
        }
        self.set(UNFINISHED, unfinished(MOVE, at, payload.len()));
    }

    /// An event with a payload of `len` bytes is about to be written at `at` of the last segment.
    pub(super) fn begin_event(&self, at: usize, len: usize) {
        self.set(UNFINISHED, unfinished(EVENT, at, len));
    }

    /// Whatever was begun is published.
    pub(super) fn done(&self) {
        self.set(UNFINISHED, 0);
    }

    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        let word = self.get(UNFINISHED);
        let part = |shift: u32| usize::try_from(word >> shift & PART_MASK).unwrap_or(0);
        let (at, len) = (part(AT_SHIFT), part(LEN_SHIFT));
        match word & 0xff {
            MOVE => {
                let words = self.0.log_words()[MOVED..].iter().map(|word| word.load(Ordering::Relaxed));
                let payload = words.flat_map(u64::to_le_bytes).take(len.min(MOVED_MAX)).collect();
                Some(Unfinished::Move { at, payload })
            }
            EVENT => Some(Unfinished::Event { at, len }),
            _ => None,
        }
    }
}

const fn unfinished(what: u64, at: usize, len: usize) -> u64 {
    what | (at as u64) << AT_SHIFT | (len as u64) << LEN_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_back() {
        let journal = Journal::new(Memory::create().expect("memory"));
        let size = Size::new(1000, 1).expect("valid");
        journal.begin(Offset(7), size);
        assert_eq!((journal.origin(), journal.start(), journal.segments()), (Offset(7), (0, Some(size)), 0));
        journal.set_start(1 << 40, Size::DEFAULT);
        assert_eq!(journal.start(), (1 << 40, Some(Size::DEFAULT)));
        assert_eq!(journal.unfinished(), None);
        let payload: Vec<u8> = (0..116).collect();
        journal.begin_move(65_000, &payload);
        assert_eq!(journal.unfinished(), Some(Unfinished::Move { at: 65_000, payload }));
        journal.begin_event(12, 4096);
        assert_eq!(journal.unfinished(), Some(Unfinished::Event { at: 12, len: 4096 }));
        journal.done();
        assert_eq!(journal.unfinished(), None);
    }
}
