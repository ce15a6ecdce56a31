//! What a server says: output, gaps, events, acks of input.
//!
//! Output and events that are in order with it come ready-made out of the log; the encoders here are for the rest,
//! and for tests.

use super::event::Event;
use super::fields::{BadMessage, Fields};
use crate::terminal::Offset;
use crate::terminal::log::{EVENT, OUTPUT, SNAPSHOT};

const GAP: u8 = 0x03;
const INPUT_ACK: u8 = 0x05;

/// One message from a server. Borrows the bytes it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// Output of the program.
    Output {
        /// Address of the first byte.
        offset: Offset,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes that redraw the screen as it was at `offset`. Output goes on there.
    Snapshot {
        /// The output up to here is what the screen shows.
        offset: Offset,
        /// Columns at that offset.
        cols: u16,
        /// Rows at that offset.
        rows: u16,
        /// Lines of scrollback in `bytes`.
        scrollback: u32,
        /// What to feed to a blank terminal.
        bytes: &'a [u8],
    },
    /// These bytes are skipped: they are no longer held.
    Gap {
        /// The first byte skipped.
        from: Offset,
        /// The first byte after those skipped.
        to: Offset,
    },
    /// Something happened, after the byte before `offset`.
    Event {
        /// Where.
        offset: Offset,
        /// What, as [`Event::from_json`] reads it.
        json: &'a [u8],
    },
    /// All INPUT up to this seq has been written to the PTY.
    InputAck(u64),
}

impl<'a> ServerMessage<'a> {
    /// Reads one binary message. An event's JSON is left to [`Event::from_json`].
    ///
    /// # Errors
    /// When `message` is none.
    pub fn decode(message: &'a [u8]) -> Result<Self, BadMessage> {
        let (kind, mut fields) = Fields::of(message)?;
        match kind {
            OUTPUT => Ok(Self::Output { offset: fields.offset()?, bytes: fields.bytes() }),
            SNAPSHOT => Ok(Self::Snapshot {
                offset: fields.offset()?,
                cols: fields.u16()?,
                rows: fields.u16()?,
                scrollback: fields.u32()?,
                bytes: fields.bytes(),
            }),
            GAP => {
                let gap = Self::Gap { from: fields.offset()?, to: fields.offset()? };
                fields.done(gap)
            }
            EVENT => Ok(Self::Event { offset: fields.offset()?, json: fields.bytes() }),
            INPUT_ACK => {
                let ack = Self::InputAck(fields.u64()?);
                fields.done(ack)
            }
            unknown => Err(BadMessage::UnknownType(unknown)),
        }
    }

    /// The message as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut message = Vec::new();
        self.encode_into(&mut message);
        message
    }

    /// Appends the message to `out`, which the caller may use again for the next one.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Output { offset, bytes } => at_offset(out, OUTPUT, offset, bytes),
            Self::Snapshot { offset, cols, rows, scrollback, bytes } => {
                at_offset(out, SNAPSHOT, offset, &cols.to_be_bytes());
                out.extend_from_slice(&rows.to_be_bytes());
                out.extend_from_slice(&scrollback.to_be_bytes());
                out.extend_from_slice(bytes);
            }
            Self::Gap { from, to } => at_offset(out, GAP, from, &to.0.to_be_bytes()),
            Self::Event { offset, json } => at_offset(out, EVENT, offset, json),
            Self::InputAck(seq) => at_offset(out, INPUT_ACK, Offset(seq), &[]),
        }
    }

    /// `event`, which happened at `offset`, as a message's bytes.
    #[must_use]
    pub fn encode_event(offset: Offset, event: &Event) -> Vec<u8> {
        ServerMessage::Event { offset, json: &event.to_json() }.encode()
    }
}

fn at_offset(out: &mut Vec<u8>, kind: u8, offset: Offset, rest: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&offset.0.to_be_bytes());
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(message in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = ServerMessage::decode(&message);
        }

        #[test]
        fn what_is_encoded_is_decoded(at: u64, to: u64, cols: u16, rows: u16, scrollback: u32, bytes: Vec<u8>) {
            let offset = Offset(at);
            for message in [
                ServerMessage::Output { offset, bytes: &bytes },
                ServerMessage::Snapshot { offset, cols, rows, scrollback, bytes: &bytes },
                ServerMessage::Gap { from: offset, to: Offset(to) },
                ServerMessage::Event { offset, json: &bytes },
                ServerMessage::InputAck(at),
            ] {
                let encoded = message.encode();
                prop_assert_eq!(ServerMessage::decode(&encoded), Ok(message));
            }
        }
    }

    #[test]
    fn a_message_cut_short_or_run_on_is_refused() {
        let mut gap = ServerMessage::Gap { from: Offset(1), to: Offset(2) }.encode();
        gap.push(0);
        assert_eq!(ServerMessage::decode(&gap), Err(BadMessage::WrongLength { kind: GAP, bytes: 18 }));
        assert_eq!(ServerMessage::decode(&gap[..16]), Err(BadMessage::WrongLength { kind: GAP, bytes: 16 }));
        assert_eq!(ServerMessage::decode(&[]), Err(BadMessage::Empty));
        assert_eq!(ServerMessage::decode(&[0]), Err(BadMessage::UnknownType(0)));
    }

    #[test]
    fn output_is_laid_out_as_the_log_lays_it_out() {
        let header = crate::terminal::log::Header::new(OUTPUT, Offset(7), 2);
        let message = ServerMessage::Output { offset: Offset(7), bytes: b"hi" }.encode();
        assert_eq!([&header.bytes()[2..], b"hi"].concat(), message);
    }
}
