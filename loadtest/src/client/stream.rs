//! What a server sends on one connection, from the answer to the handshake on, read as it comes.
//!
//! Bytes in, [`Said`] out; reads from no socket itself.

use super::frames::{self, FrameReader, Piece};
use super::handshake::Answer;
use super::native::Native;
use super::{Dialect, Said};

/// One connection's reading end.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Until the protocol is switched.
    answer: Option<Answer>,
    frames: FrameReader,
    messages: Messages,
}

/// The dialect's own part.
#[derive(Debug)]
enum Messages {
    Native(Native),
}

impl Stream {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let messages = match dialect {
            Dialect::Native => Messages::Native(Native::default()),
        };
        Self { answer: Some(Answer::default()), frames: FrameReader::default(), messages }
    }

    /// Takes what was read; `on` is told what it says.
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut on: impl FnMut(Said<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        if let Some(answer) = &mut self.answer {
            let Some(rest) = answer.feed(bytes)? else { return Ok(()) };
            bytes = rest;
            self.answer = None;
        }
        let messages = &mut self.messages;
        self.frames.feed(bytes, |piece| match piece {
            Piece::Data { bytes, last, .. } => match messages {
                Messages::Native(native) => native.piece(bytes, last, &mut on),
            },
            Piece::Control { opcode: frames::PING, payload } => on(Said::Ping(payload)),
            Piece::Control { opcode: frames::CLOSE, payload } => {
                let code = payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                on(Said::Closed(code))
            }
            Piece::Control { .. } => Ok(()),
        })
    }
}
