//! Appending to the log. One owner writes; what it wrote is invisible until it publishes.
//!
//! Whoever kills this process, at whatever instruction: what was read from the terminal lies in the session's memory,
//! published or where `recover` finds it. The order of every write here is part of that; see `journal`.

use std::io;
use std::sync::Arc;

use super::Log;
use super::catch_up::{Beyond, CatchUp};
use super::frame::{EVENT, HEADER_ROOM, Header, OUTPUT, frames};
use super::journal::Journal;
use super::segment::{Segment, SegmentWriter};
use crate::terminal::{Offset, Size};

/// Least room worth reading into: what the kernel's PTY gives in one read(2) at most. With less left in a segment the
/// next is begun.
const READ_MIN: usize = 4096;
/// Longest event: the JSON of a resize or an exit, with a reason of at most 1 KiB.
const EVENT_MAX: usize = 4096;

/// The one writer of a session's log.
pub struct LogWriter {
    log: Log,
    journal: Journal,
    catch_up: Arc<CatchUp>,
    /// The right to the next segment, where that will be one beyond the log's size.
    beyond: Option<Beyond>,
    segment: Option<SegmentWriter>,
    /// Bytes read into the room behind the next header, not yet published.
    pending: usize,
    end: Offset,
}

impl LogWriter {
    pub(super) const fn new(log: Log, journal: Journal, catch_up: Arc<CatchUp>, end: Offset) -> Self {
        Self { log, journal, catch_up, beyond: None, segment: None, pending: 0, end }
    }

    /// Goes on in `segment`, behind whose published part `pending` bytes lie that were read and not published.
    pub(super) fn resume(mut self, segment: SegmentWriter, pending: usize) -> Self {
        (self.segment, self.pending) = (Some(segment), pending);
        self
    }

    /// The offset after the last published byte.
    #[must_use]
    pub const fn end(&self) -> Offset {
        self.end
    }

    /// The bytes before this offset need not be held any more when the next segment is begun; `None` while there is
    /// room for it. What is held for the screen beyond the log's size does not count.
    #[must_use]
    pub fn drops_next(&self) -> Option<Offset> {
        let chain = self.log.chain.read();
        let kept = chain.segments_max - 1;
        let first = chain.segments.len().checked_sub(kept).filter(|&first| first > 0)?;
        chain.segments.get(first).map(|first| first.start)
    }

    /// Whether the next segment can only be begun by dropping output that the screen has not seen: it must catch up
    /// first.
    pub fn needs_screen(&mut self) -> bool {
        let has = {
            let chain = self.log.chain.read();
            let oldest_is_seen = chain.segments.get(1).is_none_or(|second| second.start <= chain.shown);
            if chain.segments.len() < chain.segments_max || oldest_is_seen { None } else { Some(chain.beyond.len()) }
        };
        match has {
            // Others may have use for it.
            None => self.beyond = None,
            Some(has) if self.beyond.is_none() => self.beyond = self.catch_up.take(has),
            Some(_) => {}
        }
        has.is_some() && self.beyond.is_none()
    }

    /// Where the next read(2) may put its bytes. Never empty; call [`LogWriter::commit`] with what it took.
    ///
    /// # Errors
    /// When the system has no memory left. Nothing is lost: what the program printed stays in its terminal.
    pub fn space(&mut self) -> io::Result<&mut [u8]> {
        if self.is_full() {
            self.publish();
        }
        let behind = HEADER_ROOM + self.pending;
        let segment = self.segment_with_room(behind + 1)?;
        let wanted = (behind + READ_MIN).min(segment.left());
        Ok(&mut segment.room(wanted)?[behind..])
    }

    /// `read` more bytes were put into [`LogWriter::space`]. They stay invisible until [`LogWriter::publish`].
    pub fn commit(&mut self, read: usize) {
        self.pending += read;
    }

    /// Whether the segment has too little room left for another read: time to publish.
    pub fn is_full(&mut self) -> bool {
        self.pending > 0 && self.room_after_pending() < READ_MIN
    }

    /// The event that is the last thing in the log, if one is.
    #[must_use]
    pub fn last_event(&self) -> Option<&[u8]> {
        let wire = self.segment.as_ref()?.segment().published();
        frames(wire, 0).last().filter(|last| last.kind == EVENT).map(|last| &wire[last.payload])
    }

    /// Makes what was committed visible as one frame. Returns whether there was anything.
    pub fn publish(&mut self) -> bool {
        let payload = std::mem::take(&mut self.pending);
        if payload == 0 {
            return false;
        }
        let header = Header::new(OUTPUT, self.end, payload);
        if let Some(segment) = self.segment.as_mut() {
            append(segment, &self.journal, &header, payload, payload);
            self.end = self.end + payload;
        }
        true
    }

    /// Appends an event, in order with the output. `json` is at most 4 KiB.
    ///
    /// # Errors
    /// When the system has no memory left. Nothing is appended then.
    pub fn event(&mut self, json: &[u8]) -> io::Result<()> {
        self.publish();
        debug_assert!(json.len() <= EVENT_MAX, "an event of {} bytes", json.len());
        let header = Header::new(EVENT, self.end, json.len());
        let len = HEADER_ROOM + json.len();
        self.segment_with_room(len)?.room(len)?;
        if let Some(segment) = self.segment.as_mut() {
            self.journal.begin_event(segment.wire(), json.len());
            segment.room(len)?[HEADER_ROOM..len].copy_from_slice(json);
            append(segment, &self.journal, &header, json.len(), 0);
        }
        Ok(())
    }

    /// Records that the terminal has `size` from here on, and says so in order with the output.
    ///
    /// # Errors
    /// When the system has no memory left. Nothing is recorded then.
    pub fn resize(&mut self, size: Size, json: &[u8]) -> io::Result<()> {
        self.event(json)?;
        self.log.chain.write().resized(self.end, size);
        Ok(())
    }

    fn room_after_pending(&self) -> usize {
        let left = self.segment.as_ref().map_or(0, SegmentWriter::left);
        left.saturating_sub(HEADER_ROOM + self.pending)
    }

    /// The current segment, or the next one when the current has less than `needed` bytes left and nothing pending.
    fn segment_with_room(&mut self, needed: usize) -> io::Result<&mut SegmentWriter> {
        let needed = if self.pending == 0 { needed.max(HEADER_ROOM + READ_MIN) } else { needed };
        if self.segment.as_ref().is_none_or(|segment| segment.left() < needed) {
            let index = self.segment.as_ref().map_or(0, |full| full.segment().index + 1);
            let next = Segment::create(self.journal.memory(), index, self.end)?;
            self.journal.set_segments(index + 1);
            let mut chain = self.log.chain.write();
            chain.segments.push_back(Arc::clone(next.segment()));
            chain.trim();
            let beyond = chain.segments.len().saturating_sub(chain.segments_max);
            if beyond > chain.beyond.len() {
                // Asked for where the program is paced; when there is none the bound comes before the screen.
                match self.beyond.take().or_else(|| self.catch_up.take(chain.beyond.len())) {
                    Some(right) => chain.beyond.push(right),
                    None => chain.drop_oldest(),
                }
            }
            drop(chain);
            // Sealed only now, when a reader that sees the seal can find what follows.
            if let Some(full) = self.segment.take() {
                full.seal();
            }
            self.segment = Some(next);
        }
        Ok(self.segment.as_mut().unwrap_or_else(|| unreachable!("a segment was just put there")))
    }
}

/// Writes `header` before the payload that lies behind [`HEADER_ROOM`], closes the hole that a short header leaves
/// (at most two bytes, and then the payload is at most 116 bytes), and publishes both.
fn append(segment: &mut SegmentWriter, journal: &Journal, header: &Header, payload: usize, output: usize) {
    let header = header.bytes();
    let (at, end) = (segment.wire(), HEADER_ROOM + payload);
    let hole = HEADER_ROOM - header.len();
    if hole > 0
        && let Ok(room) = segment.room(end)
    {
        if output > 0 {
            journal.begin_move(at, &room[HEADER_ROOM..end]);
        }
        room.copy_within(HEADER_ROOM..end, header.len());
        // What is left of the payload's old place would be taken for output that was read behind the next frame.
        room[end - hole..end].fill(0);
    }
    segment.write_header(header);
    journal.done();
    segment.publish(header.len() + payload, output);
}
