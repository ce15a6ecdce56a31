//! Appending to the log. One owner writes; what it wrote is invisible until it publishes.

use std::sync::Arc;

use super::Log;
use super::catch_up::{Beyond, CatchUp};
use super::frame::{EVENT, HEADER_ROOM, Header, OUTPUT};
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
    catch_up: Arc<CatchUp>,
    /// The right to the next segment, where that will be one beyond the log's size.
    beyond: Option<Beyond>,
    segment: Option<SegmentWriter>,
    /// Bytes read into the room behind the next header, not yet published.
    pending: usize,
    end: Offset,
}

impl LogWriter {
    pub(super) const fn new(log: Log, catch_up: Arc<CatchUp>) -> Self {
        Self { log, catch_up, beyond: None, segment: None, pending: 0, end: Offset::ZERO }
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
    pub fn space(&mut self) -> &mut [u8] {
        if self.is_full() {
            self.publish();
        }
        let behind = HEADER_ROOM + self.pending;
        &mut self.segment_with_room(behind + 1).room()[behind..]
    }

    /// `read` more bytes were put into [`LogWriter::space`]. They stay invisible until [`LogWriter::publish`].
    pub fn commit(&mut self, read: usize) {
        self.pending += read;
    }

    /// Whether the segment has too little room left for another read: time to publish.
    pub fn is_full(&mut self) -> bool {
        self.pending > 0 && self.room_after_pending() < READ_MIN
    }

    /// Makes what was committed visible as one frame. Returns whether there was anything.
    pub fn publish(&mut self) -> bool {
        let payload = std::mem::take(&mut self.pending);
        if payload == 0 {
            return false;
        }
        let header = Header::new(OUTPUT, self.end, payload);
        if let Some(segment) = self.segment.as_mut() {
            append(segment, &header, payload, payload);
            self.end = self.end + payload;
        }
        true
    }

    /// Appends an event, in order with the output. `json` is at most 4 KiB.
    pub fn event(&mut self, json: &[u8]) {
        self.publish();
        debug_assert!(json.len() <= EVENT_MAX, "an event of {} bytes", json.len());
        let header = Header::new(EVENT, self.end, json.len());
        let segment = self.segment_with_room(HEADER_ROOM + json.len());
        segment.room()[HEADER_ROOM..HEADER_ROOM + json.len()].copy_from_slice(json);
        append(segment, &header, json.len(), 0);
    }

    /// Records that the terminal has `size` from here on, and says so in order with the output.
    pub fn resize(&mut self, size: Size, json: &[u8]) {
        self.event(json);
        let mut chain = self.log.chain.write();
        match chain.sizes.back_mut() {
            Some((at, latest)) if *at == self.end => *latest = size,
            _ => chain.sizes.push_back((self.end, size)),
        }
    }

    fn room_after_pending(&mut self) -> usize {
        let room = self.segment.as_mut().map_or(0, |segment| segment.room().len());
        room.saturating_sub(HEADER_ROOM + self.pending)
    }

    /// The current segment, or the next one when the current has less than `needed` bytes left and nothing pending.
    fn segment_with_room(&mut self, needed: usize) -> &mut SegmentWriter {
        let needed = if self.pending == 0 { needed.max(HEADER_ROOM + READ_MIN) } else { needed };
        if self.segment.as_mut().is_none_or(|segment| segment.room().len() < needed) {
            let index = self.segment.as_ref().map_or(0, |full| full.segment().index + 1);
            let next = Segment::create(index, self.end);
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
        self.segment.as_mut().unwrap_or_else(|| unreachable!("a segment was just put there"))
    }
}

/// Writes `header` before the payload that lies behind [`HEADER_ROOM`], closes the hole that a short header leaves
/// (at most two bytes, and then the payload is at most 116 bytes), and publishes both.
fn append(segment: &mut SegmentWriter, header: &Header, payload: usize, output: usize) {
    let header = header.bytes();
    let room = segment.room();
    room.copy_within(HEADER_ROOM..HEADER_ROOM + payload, header.len());
    room[..header.len()].copy_from_slice(header);
    segment.publish(header.len() + payload, output);
}
