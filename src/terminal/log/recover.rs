//! Taking up a log that another process wrote, wherever that was killed.
//!
//! What is published is found by walking the frames; the first zero where a frame should begin is the end. Output that
//! was read from the terminal and not published lies behind that, after the room for its header. Where it ends nobody
//! wrote down, so it is taken to end with its last byte that is not NUL: pages are zero until written, and a NUL at the
//! end means nothing to a terminal. Nobody was shown these bytes, so that they get their offsets only now breaks no
//! promise.

use std::collections::VecDeque;
use std::sync::Arc;

use super::catch_up::CatchUp;
use super::frame::{BINARY_FINAL, EVENT, Frame, HEADER_ROOM, OUTPUT};
use super::journal::{Journal, Unfinished};
use super::memory::{Memory, MemoryError};
use super::segment::{SEGMENT_BYTES, Segment, SegmentWriter};
use super::{Log, LogWriter};
use crate::terminal::Size;

impl Log {
    /// The log in `memory`, to be of at most `bytes` from now on, and its writer, which has published all that was read.
    /// `size_of` tells which of the events in it are resizes.
    ///
    /// # Errors
    /// When the memory holds no log, or the system cannot map it.
    pub fn recover(
        memory: &Arc<Memory>,
        bytes: usize,
        catch_up: Arc<CatchUp>,
        size_of: impl Fn(&[u8]) -> Option<Size>,
    ) -> Result<(Self, LogWriter), MemoryError> {
        let journal = Journal::new(Arc::clone(memory));
        let (first, size) = journal.start();
        let count = journal.segments();
        if first > count {
            return Err(MemoryError::Damaged("its first segment lies behind its last"));
        }
        memory.discard_segments(0..first)?;
        let mut end = journal.origin();
        let mut sizes = VecDeque::from([(end, size.ok_or(MemoryError::Damaged("no size"))?)]);
        let mut segments = VecDeque::new();
        let mut last = None;
        for index in first..count {
            let wire = memory.read_segment(index)?;
            let frames = published(&wire);
            if let Some(frame) = frames.first() {
                if index > first && frame.offset != end {
                    return Err(MemoryError::Damaged("its output has a hole"));
                }
                end = frame.offset;
            }
            let mut writer = Segment::create(memory, index, end)?;
            if index == first {
                sizes[0].0 = end;
            }
            for frame in &frames {
                let resized = (frame.kind == EVENT).then(|| size_of(&wire[frame.payload.clone()])).flatten();
                sizes.extend(resized.map(|size| (frame.offset, size)));
                end = frame.end();
            }
            let published = frames.last().map_or(0, |frame| frame.whole.end);
            let output = end.since(writer.segment().start);
            writer.room(published.max(1))?;
            writer.publish(published, usize::try_from(output).unwrap_or(SEGMENT_BYTES));
            segments.push_back(Arc::clone(writer.segment()));
            if let Some((full, _)) = last.replace((writer, wire)) {
                SegmentWriter::seal(full);
            }
        }
        let log = Self::new(bytes, &journal, segments, sizes);
        let mut writer = LogWriter::new(log.clone(), journal.clone(), catch_up, end);
        if let Some((mut segment, wire)) = last {
            let pending = unpublished(&mut segment, wire, &journal)?;
            writer = writer.resume(segment, pending);
            writer.publish();
        }
        Ok((log, writer))
    }
}

/// The length of `bytes` without the NULs at its end.
fn up_to_the_last_byte(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

/// The whole frames at the beginning of a segment.
fn published(wire: &[u8]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    loop {
        let at = frames.last().map_or(0, |frame| frame.whole.end);
        let next = Frame::at(wire, at).filter(|frame| {
            wire[at] == BINARY_FINAL && matches!(frame.kind, OUTPUT | EVENT) && frame.whole.end <= wire.len()
        });
        match next {
            Some(frame) => frames.push(frame),
            None => return frames,
        }
    }
}

/// How much was read and not published behind the frames of the last segment, of which `wire` is a copy; it lies where
/// a writer has what is pending, and everything else behind the frames is zero.
fn unpublished(segment: &mut SegmentWriter, mut wire: Vec<u8>, journal: &Journal) -> Result<usize, MemoryError> {
    let at = segment.wire();
    let body = at + HEADER_ROOM;
    let unfinished = journal.unfinished();
    if body >= SEGMENT_BYTES {
        journal.done();
        return Ok(0);
    }
    // What was begun is at the end of the frames, or it was published and is one of them.
    let pending = match &unfinished {
        Some(Unfinished::Move { at: begun, payload }) if *begun == at => {
            wire.resize(wire.len().max(body + payload.len()), 0);
            wire[body..body + payload.len()].copy_from_slice(payload);
            payload.len()
        }
        Some(Unfinished::Event { at: begun, .. }) if *begun == at => 0,
        _ => wire.get(body..).map_or(0, up_to_the_last_byte),
    };
    let dirty = wire.get(at..).map_or(0, up_to_the_last_byte);
    let room = segment.room((HEADER_ROOM + pending).max(dirty))?;
    if pending > 0 {
        room[HEADER_ROOM..HEADER_ROOM + pending].copy_from_slice(&wire[body..body + pending]);
    }
    room[..HEADER_ROOM].fill(0);
    room[HEADER_ROOM + pending..dirty.max(HEADER_ROOM + pending)].fill(0);
    journal.done();
    Ok(pending)
}
