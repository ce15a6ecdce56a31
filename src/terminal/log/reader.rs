//! Following the log: a position that pulls what its socket will take.

use std::ops::Range;
use std::sync::Arc;

use super::Log;
use super::frame::{EVENT, Frame, Header, OUTPUT, frames};
use super::segment::Segment;
use crate::terminal::Offset;

/// One follower's position in a log. Holds at most one segment alive.
#[derive(Clone)]
pub struct LogReader {
    log: Log,
    segment: Option<Arc<Segment>>,
    /// First byte in the segment's wire form not yet taken; a frame's first byte.
    at: usize,
    offset: Offset,
}

/// What a reader found.
pub enum Pull {
    /// Whole frames to send as they are.
    Chunk(Chunk),
    /// The bytes `from..to` are no longer held; the reader goes on at `to`.
    Gap {
        /// Where the reader was.
        from: Offset,
        /// The oldest byte held.
        to: Offset,
    },
    /// There is more, but it lies past the limit.
    Limited,
    /// Everything published has been taken.
    CaughtUp,
}

/// A run of adjacent frames, shared by all who send it. When a reader begins inside a frame, a header of its own
/// comes before the rest of that frame's payload.
pub struct Chunk {
    head: Option<Header>,
    segment: Arc<Segment>,
    body: Range<usize>,
    sent: usize,
    end: Offset,
}

/// One message of a chunk, without its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// [`OUTPUT`] or [`EVENT`].
    pub kind: u8,
    /// The message's offset.
    pub offset: Offset,
    /// The output's bytes, or the event's JSON.
    pub payload: &'a [u8],
    /// Bytes of its whole frame, as far as it is in the chunk.
    pub wire: usize,
}

impl LogReader {
    pub(super) const fn new(log: Log, from: Offset) -> Self {
        Self { log, segment: None, at: 0, offset: from }
    }

    /// Offset after the last byte taken.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// The position before the last `wire` bytes of frames taken, which were events of its last chunk.
    #[must_use]
    pub fn before(&self, wire: usize) -> Self {
        Self { at: self.at.saturating_sub(wire), ..self.clone() }
    }

    /// What comes next, as much as there is of one segment. Takes no frame that starts at or past `limit`.
    pub fn pull(&mut self, limit: Offset) -> Pull {
        loop {
            let Some(segment) = self.segment.clone() else {
                match self.locate() {
                    Located::Inside(frame) if self.offset < limit => return Pull::Chunk(self.begin_inside(&frame)),
                    Located::Inside(_) => {
                        self.segment = None;
                        return Pull::Limited;
                    }
                    Located::Boundary => continue,
                    Located::Gap(from) => return Pull::Gap { from, to: self.offset },
                    Located::Nothing => return Pull::CaughtUp,
                }
            };
            let extent = segment.extent();
            if self.at < extent.wire {
                let (body_end, end) = if extent.end < limit {
                    (extent.wire, extent.end)
                } else {
                    within(&segment, self.at..extent.wire, self.offset, limit)
                };
                if body_end == self.at {
                    return Pull::Limited;
                }
                let body = self.at..body_end;
                (self.at, self.offset) = (body_end, end);
                return Pull::Chunk(Chunk { head: None, segment, body, sent: 0, end });
            }
            if !extent.sealed {
                return Pull::CaughtUp;
            }
            if let Some(gap) = self.step(&segment) {
                return gap;
            }
        }
    }

    /// On to the segment after `sealed`; a gap when that is no longer held.
    fn step(&mut self, sealed: &Segment) -> Option<Pull> {
        let chain = self.log.chain.read();
        if let Some(next) = chain.at(sealed.index + 1) {
            self.segment = Some(Arc::clone(next));
            self.at = 0;
            return None;
        }
        let start = chain.held().start;
        drop(chain);
        self.segment = None;
        let from = std::mem::replace(&mut self.offset, start);
        Some(Pull::Gap { from, to: start })
    }

    /// Finds the segment and frame of `self.offset`. Events at that very offset are not skipped: they repeat for a
    /// reader that resumes, and are idempotent.
    fn locate(&mut self) -> Located {
        let chain = self.log.chain.read();
        let Some(oldest) = chain.segments.front() else { return Located::Nothing };
        if self.offset < oldest.start {
            let from = std::mem::replace(&mut self.offset, oldest.start);
            return Located::Gap(from);
        }
        // The first segment that ends at or after the offset: events at its very end may belong to it.
        let index = chain.segments.partition_point(|segment| segment.extent().end < self.offset);
        let Some(segment) = chain.segments.get(index).map(Arc::clone) else { return Located::Nothing };
        drop(chain);
        let wire = segment.published();
        let found = frames(wire, 0).find(|frame| match frame.kind {
            OUTPUT => frame.end() > self.offset,
            _ => frame.offset >= self.offset,
        });
        self.at = found.as_ref().map_or(wire.len(), |frame| frame.whole.start);
        self.segment = Some(segment);
        match found {
            Some(frame) if frame.kind == OUTPUT && frame.offset < self.offset => Located::Inside(frame),
            _ => Located::Boundary,
        }
    }

    /// The rest of `frame`, of which the bytes before `self.offset` are not wanted.
    fn begin_inside(&mut self, frame: &Frame) -> Chunk {
        let skipped = usize::try_from(self.offset.since(frame.offset)).unwrap_or(usize::MAX);
        let body = (frame.payload.start + skipped).min(frame.payload.end)..frame.payload.end;
        let head = Header::new(OUTPUT, self.offset, body.len());
        self.at = frame.whole.end;
        self.offset = frame.end();
        let segment = self.segment.clone().unwrap_or_else(|| unreachable!("located in a segment"));
        Chunk { head: Some(head), segment, body, sent: 0, end: self.offset }
    }
}

enum Located {
    /// The offset lies inside this frame's payload.
    Inside(Frame),
    /// `at` is a frame's start, or the end of what is published.
    Boundary,
    /// The offset, given here, is no longer held; the reader was moved to the oldest that is.
    Gap(Offset),
    /// Nothing was ever printed.
    Nothing,
}

/// Where, within `wire` of `segment`, the frames that start before `limit` end, and the offset there.
fn within(segment: &Segment, wire: Range<usize>, offset: Offset, limit: Offset) -> (usize, Offset) {
    frames(&segment.published()[..wire.end], wire.start)
        .take_while(|frame| frame.offset < limit || (frame.kind == EVENT && frame.offset <= limit))
        .last()
        .map_or((wire.start, offset), |last| (last.whole.end, last.end()))
}

impl Chunk {
    /// What is still to be sent: the own header, if any, then the shared frames.
    #[must_use]
    pub fn unsent(&self) -> [&[u8]; 2] {
        let head = self.head.as_ref().map_or(&[][..], Header::bytes);
        let body = &self.segment.published()[self.body.clone()];
        let from_head = self.sent.min(head.len());
        [&head[from_head..], &body[self.sent - from_head..]]
    }

    /// `bytes` more of it were sent.
    pub fn advance(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    /// Whether all of it was sent.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.unsent().iter().all(|part| part.is_empty())
    }

    /// Its messages, whatever of it was sent.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        let body = &self.segment.published()[self.body.clone()];
        let (rest, whole) = match &self.head {
            Some(head) => {
                (Some(Message { kind: OUTPUT, offset: head.offset(), payload: body, wire: body.len() }), &[][..])
            }
            None => (None, body),
        };
        rest.into_iter().chain(frames(whole, 0).map(|frame| Message {
            kind: frame.kind,
            offset: frame.offset,
            wire: frame.whole.len(),
            payload: &whole[frame.payload],
        }))
    }

    /// The offset after its last output byte.
    #[must_use]
    pub const fn end(&self) -> Offset {
        self.end
    }
}
