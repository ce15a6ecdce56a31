//! A session's output, addressed (law 1) and kept in the form the wire wants.
//!
//! Bytes are read from the PTY straight into a `segment` behind room for a frame header; publishing writes the
//! header. A reader is an address into bytes its socket can take as they are: no queue, no copy per viewer. Adjacent
//! frames of a segment are adjacent bytes, so they leave in one write. Beyond the log's size the oldest segment is
//! dropped, and a reader that needed it learns of the gap (law 3), never silence.
//!
//! What must be in order with the output (a resize, the exit) is a frame in here too.

mod catch_up;
mod frame;
mod journal;
mod memory;
mod reader;
mod recover;
mod segment;
mod writer;

#[cfg(test)]
mod kills;
#[cfg(test)]
mod laws;
#[cfg(test)]
pub(crate) mod stepped;

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::RwLock;

use catch_up::Beyond;
pub use catch_up::CatchUp;
pub use frame::{
    BINARY_FINAL, EVENT, Frame, HEADER_ROOM, Header, OUTPUT, PREFIX_LEN, SNAPSHOT, frames, snapshot_frame,
};
use journal::Journal;
pub use memory::{Memory, MemoryError};
pub use reader::{Chunk, LogReader, Message, Pull};
pub use segment::SEGMENT_BYTES;
use segment::Segment;
pub use writer::LogWriter;

use crate::terminal::{Offset, Size};

/// Fewest segments a log can have: one being written and one being read.
const SEGMENTS_MIN: usize = 2;

/// A handle to read a session's log. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    chain: Arc<RwLock<Chain>>,
}

/// The segments held, oldest first, without gaps. Locked only to take a step in it, never while bytes move.
struct Chain {
    segments: VecDeque<Arc<Segment>>,
    /// Where each size came into force, oldest first; the first entry covers the start of what is held.
    sizes: VecDeque<(Offset, Size)>,
    /// Segments held while nobody lags: beyond, only what the screen has not seen is kept.
    segments_max: usize,
    /// The screen shows the output before this. What it has not seen is kept a while longer.
    shown: Offset,
    /// The right to each segment beyond `segments_max`.
    beyond: Vec<Beyond>,
    journal: Journal,
}

/// The bytes asked for are not, or not all, held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only bytes {start} to {end} are held")]
pub struct NotHeld {
    /// The oldest byte held.
    pub start: Offset,
    /// The offset after the last byte printed.
    pub end: Offset,
}

impl Log {
    /// An empty log that begins at `origin`, of at most `bytes` of memory (rounded to whole segments), for a terminal
    /// of `size`, and its writer.
    #[must_use]
    pub fn create(
        memory: Arc<Memory>,
        bytes: usize,
        origin: Offset,
        size: Size,
        catch_up: Arc<CatchUp>,
    ) -> (Self, LogWriter) {
        let journal = Journal::new(memory);
        journal.begin(origin, size);
        let log = Self::new(bytes, &journal, VecDeque::new(), VecDeque::from([(origin, size)]));
        let writer = LogWriter::new(log.clone(), journal, catch_up, origin);
        (log, writer)
    }

    fn new(bytes: usize, journal: &Journal, segments: VecDeque<Arc<Segment>>, sizes: VecDeque<(Offset, Size)>) -> Self {
        let chain = Chain {
            segments,
            sizes,
            segments_max: (bytes / SEGMENT_BYTES).max(SEGMENTS_MIN),
            shown: journal.origin(),
            beyond: Vec::new(),
            journal: journal.clone(),
        };
        Self { chain: Arc::new(RwLock::new(chain)) }
    }

    /// The screen shows the output before `offset`: what was only kept for it may go.
    pub fn has_shown(&self, offset: Offset) {
        let mut chain = self.chain.write();
        chain.shown = offset;
        chain.trim();
    }

    /// The addresses held: `start..end`.
    #[must_use]
    pub fn held(&self) -> std::ops::Range<Offset> {
        self.chain.read().held()
    }

    /// The size in force at `offset`, or the oldest known one when `offset` is no longer held.
    #[must_use]
    pub fn size_at(&self, offset: Offset) -> Size {
        let chain = self.chain.read();
        let later = chain.sizes.partition_point(|(at, _)| *at <= offset);
        chain.sizes.get(later.saturating_sub(1)).map_or(Size::DEFAULT, |(_, size)| *size)
    }

    /// A reader from `from` on. What it needs may be dropped before it reads it; then it reports a gap.
    ///
    /// # Errors
    /// When `from` lies past the end.
    pub fn reader(&self, from: Offset) -> Result<LogReader, NotHeld> {
        let held = self.held();
        if from > held.end {
            return Err(NotHeld { start: held.start, end: held.end });
        }
        Ok(LogReader::new(self.clone(), from))
    }

    /// A reader from `from` on, whether or not that is, or will ever be, held.
    #[must_use]
    pub fn reader_anywhere(&self, from: Offset) -> LogReader {
        LogReader::new(self.clone(), from)
    }

    /// A copy of the output bytes `range`.
    ///
    /// # Errors
    /// When not all of them are held.
    pub fn copy(&self, range: std::ops::Range<Offset>) -> Result<Vec<u8>, NotHeld> {
        // The segments are kept alive while they are copied, so that an eviction in between changes nothing.
        let (held, segments) = {
            let chain = self.chain.read();
            (chain.held(), chain.segments.clone())
        };
        if range.start < held.start || range.end > held.end || range.start > range.end {
            return Err(NotHeld { start: held.start, end: held.end });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(range.end.since(range.start)).unwrap_or(0));
        for segment in segments.iter().filter(|segment| segment.extent().end > range.start) {
            let wire = segment.published();
            for frame in frames(wire, 0).filter(|frame| frame.kind == OUTPUT) {
                let within = |offset: Offset| usize::try_from(offset.since(frame.offset)).unwrap_or(usize::MAX);
                let payload = &wire[frame.payload.clone()];
                let from = within(range.start).min(payload.len());
                let to = within(range.end).min(payload.len());
                bytes.extend_from_slice(&payload[from..to]);
            }
        }
        Ok(bytes)
    }
}

impl Chain {
    fn held(&self) -> std::ops::Range<Offset> {
        let origin = || self.journal.origin();
        let start = self.segments.front().map_or_else(origin, |oldest| oldest.start);
        let end = self.segments.back().map_or_else(origin, |newest| newest.extent().end);
        start..end
    }

    /// The terminal has `size` from `at` on.
    fn resized(&mut self, at: Offset, size: Size) {
        match self.sizes.back_mut() {
            Some((latest_at, latest)) if *latest_at == at => *latest = size,
            _ => self.sizes.push_back((at, size)),
        }
    }

    /// The segment at `index`, if it is held. Indices in the chain have no gaps.
    fn at(&self, index: u64) -> Option<&Arc<Segment>> {
        let oldest = self.segments.front()?.index;
        self.segments.get(usize::try_from(index.checked_sub(oldest)?).ok()?)
    }

    /// Drops what is beyond the log's size and not needed by the screen.
    fn trim(&mut self) {
        while self.segments.len() > self.segments_max
            && self.segments.get(1).is_some_and(|second| second.start <= self.shown)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.segments.pop_front() else { return };
        self.beyond.truncate(self.segments.len().saturating_sub(self.segments_max));
        let start = self.held().start;
        while self.sizes.get(1).is_some_and(|(at, _)| *at <= start) {
            self.sizes.pop_front();
        }
        // Before its pages go, so that nobody looks for them.
        let size = self.sizes.front().map_or(Size::DEFAULT, |(_, size)| *size);
        self.journal.set_start(oldest.index + 1, size);
        oldest.drop_when_unread();
    }
}
