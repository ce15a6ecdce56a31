//! One frame of the log, exactly as a WebSocket carries it: `[WebSocket header][type][offset][payload]`.
//!
//! Server frames are unmasked (RFC 6455 section 5.1), so the same bytes serve every viewer. A frame never exceeds a
//! segment, so its length fits the 16-bit form of the header; short frames must use the 7-bit form, because a
//! receiver refuses lengths that are not minimal (section 5.2).

use std::ops::Range;

use crate::terminal::Offset;
use crate::terminal::screen::Snapshot;

/// Message type of OUTPUT: offset of the first byte, then bytes.
pub const OUTPUT: u8 = 0x01;
/// Message type of SNAPSHOT: the offset it shows, the size, lines of scrollback, then what redraws the screen. Never
/// in the log itself.
pub const SNAPSHOT: u8 = 0x02;
/// Message type of EVENT: the offset it happened at, then JSON. Takes no room in the address space.
pub const EVENT: u8 = 0x04;

/// FIN and the opcode "binary": every frame of ours is one whole message.
pub const BINARY_FINAL: u8 = 0x82;
/// Type and offset, before every payload.
pub const PREFIX_LEN: usize = 1 + 8;
/// The longest header a frame in a segment can need: four bytes of WebSocket header and the prefix.
pub const HEADER_ROOM: usize = 4 + PREFIX_LEN;

const SHORT_MAX: usize = 125;
const LONG_LENGTH: u8 = 126;
const LONGEST_LENGTH: u8 = 127;
/// Size and scrollback, between a SNAPSHOT's offset and its bytes.
const SNAPSHOT_FIELDS: usize = 2 + 2 + 4;

/// A frame's header, right-aligned in the room kept for the longest one.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    room: [u8; HEADER_ROOM],
    len: usize,
}

impl Header {
    /// The header of a message of `kind` at `offset` with `payload` bytes. `payload` must leave the frame shorter
    /// than a segment.
    #[must_use]
    pub fn new(kind: u8, offset: Offset, payload: usize) -> Self {
        let mut room = [0; HEADER_ROOM];
        room[4] = kind;
        room[5..].copy_from_slice(&offset.0.to_be_bytes());
        let message = payload + PREFIX_LEN;
        let len = match u8::try_from(message) {
            Ok(short) if message <= SHORT_MAX => {
                room[2..4].copy_from_slice(&[BINARY_FINAL, short]);
                2
            }
            _ => {
                let long = u16::try_from(message).unwrap_or(u16::MAX);
                debug_assert_eq!(usize::from(long), message, "a frame is shorter than a segment");
                room[..2].copy_from_slice(&[BINARY_FINAL, LONG_LENGTH]);
                room[2..4].copy_from_slice(&long.to_be_bytes());
                4
            }
        };
        Self { room, len: len + PREFIX_LEN }
    }

    /// The message's offset.
    #[must_use]
    pub fn offset(&self) -> Offset {
        let mut offset = [0; 8];
        offset.copy_from_slice(&self.room[HEADER_ROOM - 8..]);
        Offset(u64::from_be_bytes(offset))
    }

    /// The header's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.room[HEADER_ROOM - self.len..]
    }
}

/// The one WebSocket frame of a SNAPSHOT taken at `offset`, and where in it the bytes that redraw the screen begin.
#[must_use]
pub fn snapshot_frame(offset: Offset, snapshot: &Snapshot) -> (Vec<u8>, usize) {
    let message = PREFIX_LEN + SNAPSHOT_FIELDS + snapshot.bytes.len();
    let mut frame = Vec::with_capacity(10 + message);
    frame.push(BINARY_FINAL);
    match (u8::try_from(message), u16::try_from(message)) {
        (Ok(short), _) if message <= SHORT_MAX => frame.push(short),
        (_, Ok(long)) => {
            frame.push(LONG_LENGTH);
            frame.extend_from_slice(&long.to_be_bytes());
        }
        _ => {
            frame.push(LONGEST_LENGTH);
            frame.extend_from_slice(&(message as u64).to_be_bytes());
        }
    }
    frame.push(SNAPSHOT);
    frame.extend_from_slice(&offset.0.to_be_bytes());
    frame.extend_from_slice(&snapshot.size.cols().to_be_bytes());
    frame.extend_from_slice(&snapshot.size.rows().to_be_bytes());
    frame.extend_from_slice(&snapshot.scrollback.to_be_bytes());
    let payload = frame.len();
    frame.extend_from_slice(&snapshot.bytes);
    (frame, payload)
}

/// Where the parts of one frame lie in the bytes it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// [`OUTPUT`] or [`EVENT`].
    pub kind: u8,
    /// The message's offset field.
    pub offset: Offset,
    /// The whole frame, header included.
    pub whole: Range<usize>,
    /// The payload alone.
    pub payload: Range<usize>,
}

impl Frame {
    /// The frame that starts at `at` in `wire`, which [`Header::new`] wrote; `None` at the end of `wire`.
    #[must_use]
    pub fn at(wire: &[u8], at: usize) -> Option<Self> {
        let rest = wire.get(at..)?;
        let (header, message) = match *rest.get(1)? {
            LONG_LENGTH => (4, usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]))),
            short => (2, usize::from(short)),
        };
        let prefix = rest.get(header..header + PREFIX_LEN)?;
        let offset = u64::from_be_bytes(prefix[1..].try_into().ok()?);
        let whole = at..at + header + message;
        let payload = at + header + PREFIX_LEN..whole.end;
        Some(Self { kind: prefix[0], offset: Offset(offset), whole, payload })
    }

    /// The offset after this frame: events take no room.
    #[must_use]
    pub fn end(&self) -> Offset {
        if self.kind == OUTPUT { self.offset + self.payload.len() } else { self.offset }
    }
}

/// The frames of `wire` from `at`, which must be a frame's first byte.
pub fn frames(wire: &[u8], at: usize) -> impl Iterator<Item = Frame> + '_ {
    let mut at = at;
    std::iter::from_fn(move || {
        let frame = Frame::at(wire, at)?;
        at = frame.whole.end;
        Some(frame)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_at_every_length_where_its_form_changes() {
        for payload in [0, 1, 116, 117, 4096, 65_000] {
            let mut wire = Header::new(OUTPUT, Offset(7), payload).bytes().to_vec();
            let header = wire.len();
            assert_eq!(header, if payload + PREFIX_LEN <= 125 { 11 } else { 13 });
            wire.resize(header + payload, b'x');
            let frame = Frame::at(&wire, 0).expect("a whole frame");
            assert_eq!(
                (frame.kind, frame.offset, frame.payload.clone()),
                (OUTPUT, Offset(7), header..header + payload)
            );
            assert_eq!(frame.end(), Offset(7) + payload);
            assert_eq!(frames(&wire, 0).count(), 1);
        }
    }
}
