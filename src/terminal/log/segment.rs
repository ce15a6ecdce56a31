//! The log's memory: blocks that one writer appends to while any number of readers read what is published.
//!
//! This is the only file that knows how a segment's bytes are held, so that they can move from the heap to shared
//! memory. It must never let a byte change once published, nor let a reader see one before.
#![expect(unsafe_code, reason = "one writer and many readers share a block without a lock; the split is proved here")]

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::terminal::Offset;

/// Bytes in a segment. Writes of 64 KiB cost a quarter of the CPU of writes of 4 KiB, and larger ones hardly less
/// (docs in ARCHITECTURE.md); it also keeps every frame within a 16-bit length.
pub const SEGMENT_BYTES: usize = 64 * 1024;

/// A block of the log. Readers hold it by `Arc`, so dropping the oldest never disturbs one still writing it out.
pub(super) struct Segment {
    memory: Box<[UnsafeCell<u8>]>,
    /// [`Extent`], packed into one word so that a reader sees its parts together.
    extent: AtomicU64,
    /// Position in the chain of segments, counted from the session's first.
    pub(super) index: u64,
    /// Offset of the first output byte in here.
    pub(super) start: Offset,
}

// SAFETY: `memory` is written only through the one `SegmentWriter` of this segment, and only at positions at or past
// the published length; readers are given only the bytes before it. The length is published with Release and read
// with Acquire, so the bytes before it are visible and never written again.
unsafe impl Sync for Segment {}

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
    /// A new segment and the one writer it will ever have.
    #[must_use]
    pub(super) fn create(index: u64, start: Offset) -> SegmentWriter {
        // Zeroed by the allocator, so that a page nobody prints to is never resident.
        let zeroed = vec![0_u8; SEGMENT_BYTES].into_boxed_slice();
        // SAFETY: `UnsafeCell<u8>` has the layout of `u8` (it is `repr(transparent)`), and the box is given up whole.
        let memory = unsafe { Box::from_raw(Box::into_raw(zeroed) as *mut [UnsafeCell<u8>]) };
        let segment = Arc::new(Self { memory, extent: AtomicU64::new(0), index, start });
        SegmentWriter { segment, wire: 0 }
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
        // SAFETY: the first `wire` bytes lie inside `memory`, were written before `wire` was published, and are not
        // written again (see `Sync` above), so a shared slice of them may live as long as the segment.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast::<u8>(), wire) }
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
}

impl SegmentWriter {
    /// The segment, for readers.
    #[must_use]
    pub(super) const fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// The room after what is published: nobody sees it until [`SegmentWriter::publish`].
    pub(super) fn room(&mut self) -> &mut [u8] {
        let room = &self.segment.memory[self.wire..];
        // SAFETY: these cells lie past the published length, so no reader has a reference to them, and `&mut self`
        // of the only writer makes this the one mutable slice of them.
        unsafe { std::slice::from_raw_parts_mut(UnsafeCell::raw_get(room.as_ptr()), room.len()) }
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
        let mut writer = Segment::create(0, Offset::ZERO);
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
            writer.room()[..64].fill(7);
            writer.publish(64, 60);
        }
        writer.seal();
        assert_eq!(reader.join().expect("reader ends"), (64_000, Offset(60_000)));
    }
}
