//! What a session of the floor has printed, as frames that are made once.
//!
//! Holds the last [`KEPT_BLOCKS`] for those who join late, and more only while somebody has not taken it.

use std::collections::VecDeque;
use std::io::IoSlice;

use fantail::protocol::{Access, Event, Limits, Offset, ServerMessage, Welcome};

use crate::client::frames::BINARY;

/// Bytes of a block, all of which leaves in one write where the socket takes it.
const BLOCK: usize = 64 << 10;
/// Bytes before the output of a frame: the longest header that is needed, and the message's type and offset.
const HEADER: usize = 4 + 9;
/// Most output of a frame, which then fills a block.
pub(super) const OUTPUT_MAX: usize = BLOCK - HEADER;
/// 4 MiB.
const KEPT_BLOCKS: usize = 64;
/// 8 MiB: with so much that somebody has not taken, the program waits.
const HELD_BLOCKS_MAX: usize = 128;
/// Blocks given to one write: more than a socket takes.
const WRITE_BLOCKS: usize = 16;
/// First byte of a frame that is a message.
const FIN: u8 = 0x80;

/// How far a viewer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Number of the block, from the session's first.
    block: u64,
    /// Bytes of it that are taken.
    at: usize,
}

/// The frames.
#[derive(Default)]
pub(super) struct History {
    blocks: VecDeque<Block>,
    /// The number of the first.
    first: u64,
    /// The end of the output.
    end: u64,
}

struct Block {
    bytes: Vec<u8>,
    /// Of its first byte of output.
    offset: u64,
}

impl History {
    /// Makes a frame of `output`, at most [`OUTPUT_MAX`].
    pub(super) fn publish(&mut self, output: &[u8]) {
        let payload = output.len() + 9;
        let needed = payload + 4;
        if self.blocks.back().is_none_or(|block| block.bytes.len() + needed > BLOCK) {
            self.blocks.push_back(Block { bytes: Vec::with_capacity(needed.max(BLOCK / 16)), offset: self.end });
        }
        let Some(block) = self.blocks.back_mut() else { return };
        head(&mut block.bytes, payload);
        ServerMessage::Output { offset: Offset(self.end), bytes: output }.encode_into(&mut block.bytes);
        self.end += output.len() as u64;
    }

    /// The oldest byte held.
    pub(super) const fn oldest(&self) -> Position {
        Position { block: self.first, at: 0 }
    }

    /// Behind all that is published.
    pub(super) fn newest(&self) -> Position {
        let last = self.blocks.len().saturating_sub(1);
        Position { block: self.first + last as u64, at: self.blocks.back().map_or(0, |block| block.bytes.len()) }
    }

    /// What a viewer is told first that begins with the oldest byte held.
    pub(super) fn welcome(&self) -> Vec<u8> {
        let welcome = Welcome {
            session: serde_json::Value::Null,
            access: Access::Control,
            owns: true,
            client_id: String::new(),
            input_seq: 0,
            offset: self.blocks.front().map_or(self.end, |block| block.offset),
            cols: 80,
            rows: 24,
            limits: Limits::default(),
        };
        let offset = Offset(welcome.offset);
        let message = ServerMessage::encode_event(offset, &Event::Welcome(Box::new(welcome)));
        let mut frame = Vec::new();
        head(&mut frame, message.len());
        frame.extend(message);
        frame
    }

    /// What is to be written to a viewer at `position`: nothing when it has all.
    pub(super) fn slices(&self, position: Position) -> Vec<IoSlice<'_>> {
        let from = usize::try_from(position.block - self.first).unwrap_or(usize::MAX);
        let blocks = self.blocks.iter().skip(from).take(WRITE_BLOCKS);
        let skip = std::iter::once(position.at).chain(std::iter::repeat(0));
        let slices = blocks.zip(skip).map(|(block, at)| &block.bytes[at..]);
        slices.filter(|bytes| !bytes.is_empty()).map(IoSlice::new).collect()
    }

    /// `position` when `taken` more bytes are.
    pub(super) fn advanced(&self, mut position: Position, mut taken: usize) -> Position {
        loop {
            let index = usize::try_from(position.block - self.first).unwrap_or(usize::MAX);
            let Some(block) = self.blocks.get(index) else { return position };
            let here = block.bytes.len() - position.at;
            if taken < here || index + 1 == self.blocks.len() {
                position.at += taken;
                return position;
            }
            taken -= here;
            position = Position { block: position.block + 1, at: 0 };
        }
    }

    /// Whether so much is held that it is time to look at who has taken what.
    pub(super) fn is_long(&self) -> bool {
        self.blocks.len() > KEPT_BLOCKS
    }

    /// Forgets what nobody needs, when all viewers are at `slowest` or beyond.
    pub(super) fn forget(&mut self, slowest: Position) {
        while self.is_long() && self.first < slowest.block {
            self.blocks.pop_front();
            self.first += 1;
        }
    }

    /// The program has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.blocks.len() >= HELD_BLOCKS_MAX
    }
}

/// A frame's header before `payload` bytes.
fn head(out: &mut Vec<u8>, payload: usize) {
    out.push(FIN | BINARY);
    match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(short @ ..126), _) => out.push(short),
        (_, Ok(long)) => {
            out.push(126);
            out.extend_from_slice(&long.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(payload as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::frames::{FrameReader, Piece};

    /// All that a viewer at `position` is still to be written, so much at a time.
    fn drain(history: &History, mut position: Position, a_write: usize) -> (Vec<u8>, Position) {
        let mut written = Vec::new();
        loop {
            let slices = history.slices(position);
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(a_write).collect();
            if bytes.is_empty() {
                return (written, position);
            }
            position = history.advanced(position, bytes.len());
            written.extend(bytes);
        }
    }

    /// The output in `frames`, and the offset of the first byte.
    fn output(frames: &[u8]) -> (Option<u64>, Vec<u8>) {
        let (mut reader, mut message, mut first, mut output) = (FrameReader::default(), Vec::new(), None, Vec::new());
        let read = reader.feed(frames, |piece| {
            if let Piece::Data { bytes, last, .. } = piece {
                message.extend_from_slice(bytes);
                if last {
                    let whole = std::mem::take(&mut message);
                    let Ok(ServerMessage::Output { offset, bytes }) = ServerMessage::decode(&whole) else {
                        return Err("no output".into());
                    };
                    first.get_or_insert(offset.0);
                    output.extend_from_slice(bytes);
                }
            }
            Ok(())
        });
        assert_eq!(read, Ok(()));
        (first, output)
    }

    #[test]
    fn a_viewer_is_written_what_was_printed_however_little_its_socket_takes() {
        let mut history = History::default();
        let printed: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let begin = history.oldest();
        let mut rest = &printed[..];
        for length in [1, 100, 120, OUTPUT_MAX, 3, 60_000].into_iter().cycle() {
            let (piece, behind) = rest.split_at(length.min(rest.len()));
            if piece.is_empty() {
                break;
            }
            history.publish(piece);
            rest = behind;
        }
        for a_write in [1, 1000, 65_536, usize::MAX] {
            let (written, position) = drain(&history, begin, a_write);
            assert_eq!(output(&written), (Some(0), printed.clone()), "{a_write} bytes a write");
            assert_eq!(position, history.newest());
        }
    }

    #[test]
    fn what_somebody_has_not_taken_is_kept_and_what_nobody_needs_is_not() {
        let mut history = History::default();
        let slow = history.oldest();
        for _ in 0..HELD_BLOCKS_MAX {
            history.publish(&[b'x'; OUTPUT_MAX]);
            history.forget(slow);
        }
        assert!(history.is_full());
        assert_eq!(drain(&history, slow, 1 << 20).0.len(), HELD_BLOCKS_MAX * BLOCK);
        history.forget(history.newest());
        assert!(!history.is_full() && !history.is_long());
        let (first, output) = output(&drain(&history, history.oldest(), 1 << 20).0);
        assert_eq!(output.len(), KEPT_BLOCKS * OUTPUT_MAX);
        assert_eq!(first, Some(((HELD_BLOCKS_MAX - KEPT_BLOCKS) * OUTPUT_MAX) as u64));
    }
}
