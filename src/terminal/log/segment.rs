//! A segment of the log: a block of memory that one writer appends to while any number of readers read what is
//! published.
//!
//! This is the only file that knows how a segment's bytes are reached. It must never let a byte change once published,
//! nor let a reader see one before, nor touch a byte there is no page for.
#![expect(unsafe_code, reason = "one writer and many readers share a block without a lock; the split is proved here")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use super::memory::{Block, Memory};
use crate::terminal::Offset;

/// Bytes in a segment. Writes of 64 KiB cost a quarter of the CPU of writes of 4 KiB, and larger ones hardly less
/// (docs in ARCHITECTURE.md); it also keeps every frame within a 16-bit length.
pub const SEGMENT_BYTES: usize = 64 * 1024;
/// Pages are taken for so much at once: a quiet session has little, a busy one few calls.
const ALLOCATED_AT_ONCE: usize = 8 * 1024;

/// A block of the log. Readers hold it by `Arc`, so dropping the oldest never disturbs one still writing it out.
pub(super) struct Segment {
    memory: Arc<Memory>,
    block: Arc<Block>,
    /// Where in the block it begins.
    at: usize,
    /// [`Extent`], packed into one word so that a reader sees its parts together.
    extent: AtomicU64,
    /// No longer held by the log: its pages are given back when the last reader lets go.
    dropped: AtomicBool,
    /// Position in the chain of segments, counted from the session's first.
    pub(super) index: u64,
    /// Offset of the first output byte in here.
    pub(super) start: Offset,
}

/// How much of a segment is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes of frames, headers included.
    pub(super) wire: usize,
    /// The offset after the last output byte in here.
    pub(super) end: Offset,
    /// No more will come; what follows is in the next segment.
    pub(super) sealed: bool,
}

const SEALED: u64 = 1 << 63;
const WIRE_SHIFT: u32 = 32;
const PART_MASK: u64 = 0x00ff_ffff;

impl Segment {
    /// A new segment, or one that another process wrote, and the one writer it has in this process.
    pub(super) fn create(memory: &Arc<Memory>, index: u64, start: Offset) -> io::Result<SegmentWriter> {
        let (block, at) = memory.block_of(index)?;
        let segment = Arc::new(Self {
            memory: Arc::clone(memory),
            block,
            at,
            extent: AtomicU64::new(0),
            dropped: AtomicBool::new(false),
            index,
            start,
        });
        let mut writer = SegmentWriter { segment, wire: 0, allocated: 0 };
        writer.room(1)?;
        Ok(writer)
    }

    fn bytes(&self) -> *mut u8 {
        // SAFETY: a block holds whole segments, and this is where one of them begins.
        unsafe { self.block.as_ptr().add(self.at) }
    }

    /// How much is published now. Only grows.
    #[must_use]
    pub(super) fn extent(&self) -> Extent {
        let word = self.extent.load(Ordering::Acquire);
        Extent { wire: part(word >> WIRE_SHIFT), end: self.start + part(word), sealed: word & SEALED != 0 }
    }

    /// The frames published so far, as the wire has them.
    #[must_use]
    pub(super) fn published(&self) -> &[u8] {
        let wire = self.extent().wire;
        // SAFETY: the first `wire` bytes lie inside the block, which lives as long as `self`, have pages, were written
        // before `wire` was published, and are not written again: only through the one `SegmentWriter` of this segment
        // is anything written, and only at or past the published length. The length is published with Release and read
        // with Acquire. No other process writes meanwhile (see `memory`).
        unsafe { std::slice::from_raw_parts(self.bytes(), wire) }
    }

    /// The log holds it no longer.
    pub(super) fn drop_when_unread(&self) {
        self.dropped.store(true, Ordering::Release);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if *self.dropped.get_mut() {
            // What cannot be given back now goes with the whole memory, when the session is no more.
            let _ = self.memory.discard_segments(self.index..self.index + 1);
        }
    }
}

/// A part of the packed extent; both parts are at most [`SEGMENT_BYTES`].
fn part(word: u64) -> usize {
    usize::try_from(word & PART_MASK).unwrap_or(0)
}

/// The right to append to one segment. There is one for each, and it cannot be cloned.
pub(super) struct SegmentWriter {
    segment: Arc<Segment>,
    wire: usize,
    /// Bytes from the segment's first on that have pages.
    allocated: usize,
}

impl SegmentWriter {
    /// The segment, for readers.
    #[must_use]
    pub(super) const fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Bytes of frames published, and so where the next one begins.
    pub(super) const fn wire(&self) -> usize {
        self.wire
    }

    /// Bytes after what is published.
    pub(super) const fn left(&self) -> usize {
        SEGMENT_BYTES - self.wire
    }

    /// The room after what is published, at least `len` bytes of it and at most [`SegmentWriter::left`]: nobody sees it
    /// until [`SegmentWriter::publish`].
    pub(super) fn room(&mut self, len: usize) -> io::Result<&mut [u8]> {
        let end = self.wire + len;
        debug_assert!(end <= SEGMENT_BYTES, "room past the segment's end");
        if end > self.allocated {
            let upto = end.next_multiple_of(ALLOCATED_AT_ONCE).min(SEGMENT_BYTES);
            self.segment.memory.allocate_in_segment(self.segment.index, self.allocated..upto)?;
            self.allocated = upto;
        }
        let len = self.allocated - self.wire;
        // SAFETY: these bytes have pages, lie inside the block and past the published length, so no reader has a
        // reference to them, and `&mut self` of the only writer makes this the one mutable slice of them.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.segment.bytes().add(self.wire), len) })
    }

    /// Writes a frame's header at the beginning of the room, its first byte last: whoever finds that byte in this
    /// memory finds a whole frame. Room for the header and its payload must have been asked for.
    pub(super) fn write_header(&mut self, header: &[u8]) {
        debug_assert!(self.wire + header.len() <= self.allocated, "a header where no room was asked for");
        // SAFETY: as in `room`; nothing else refers to these bytes now.
        unsafe {
            let start = self.segment.bytes().add(self.wire);
            start.add(1).copy_from_nonoverlapping(header[1..].as_ptr(), header.len() - 1);
            AtomicU8::from_ptr(start).store(header[0], Ordering::Release);
        }
    }

    /// Makes the next `wire` bytes of the room visible, which carry `payload` bytes of output.
    pub(super) fn publish(&mut self, wire: usize, payload: usize) {
        self.wire += wire;
        debug_assert!(self.wire <= SEGMENT_BYTES, "published past the segment's end");
        let carried = self.segment.extent.load(Ordering::Relaxed) & PART_MASK;
        let word = ((self.wire as u64) << WIRE_SHIFT) | (carried + payload as u64);
        self.segment.extent.store(word, Ordering::Release);
    }

    /// Says that nothing more will come. Call it only when the next segment can be found.
    pub(super) fn seal(self) {
        self.segment.extent.fetch_or(SEALED, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_on_another_thread_sees_only_whole_published_bytes() {
        let memory = Memory::create().expect("memory");
        let mut writer = Segment::create(&memory, 0, Offset::ZERO).expect("memory");
        let segment = Arc::clone(writer.segment());
        #[expect(clippy::disallowed_methods, reason = "a second thread is what is tested, and it is joined")]
        let reader = std::thread::spawn(move || {
            loop {
                let extent = segment.extent();
                assert!(segment.published()[..extent.wire].iter().all(|&byte| byte == 7), "unpublished byte seen");
                if extent.sealed {
                    return (extent.wire, extent.end);
                }
            }
        });
        for _ in 0..1000 {
            writer.room(64).expect("memory")[..64].fill(7);
            writer.publish(64, 60);
        }
        writer.seal();
        assert_eq!(reader.join().expect("reader ends"), (64_000, Offset(60_000)));
    }
}
