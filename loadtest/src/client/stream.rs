//! What a server sends on one connection, from the answer to the handshake on, read as it comes.
//!
//! Bytes in, [`Said`] out; reads from no socket itself.

use super::frames::{self, FrameReader, Piece};
use super::handshake::Answer;
use super::native::Native;
use super::sse::Sse;
use super::ttyd::Ttyd;
use super::{Dialect, Said};

/// One connection's reading end.
#[derive(Debug)]
pub(crate) enum Stream {
    WebSocket(WebSocket),
    /// VibeTunnel's output.
    Events(Sse),
}

/// A connection that is upgraded.
#[derive(Debug)]
pub(crate) struct WebSocket {
    /// Until the protocol is switched.
    answer: Option<Answer>,
    frames: FrameReader,
    messages: Messages,
}

/// The dialect's own part.
#[derive(Debug)]
enum Messages {
    Native(Native),
    Ttyd(Ttyd),
}

impl Stream {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let messages = match dialect {
            Dialect::Native => Messages::Native(Native::default()),
            Dialect::Ttyd => Messages::Ttyd(Ttyd::default()),
            Dialect::VibeTunnel => return Self::Events(Sse::default()),
        };
        Self::WebSocket(WebSocket { answer: Some(Answer::default()), frames: FrameReader::default(), messages })
    }

    /// Takes what was read; `on` is told what it says.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        mut on: impl FnMut(Said<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        match self {
            Self::WebSocket(socket) => socket.feed(bytes, &mut on),
            Self::Events(events) => events.feed(bytes, &mut on),
        }
    }
}

impl WebSocket {
    fn feed(&mut self, mut bytes: &[u8], on: &mut impl FnMut(Said<'_>) -> Result<(), String>) -> Result<(), String> {
        if let Some(answer) = &mut self.answer {
            let Some(rest) = answer.feed(bytes)? else { return Ok(()) };
            bytes = rest;
            self.answer = None;
            if let Messages::Ttyd(_) = self.messages {
                on(Said::Greet(super::ttyd::greeting()))?;
                on(Said::Welcome { offset: 0 })?;
            }
        }
        let messages = &mut self.messages;
        self.frames.feed(bytes, |piece| match piece {
            Piece::Data { bytes, last, .. } => match messages {
                Messages::Native(native) => native.piece(bytes, last, on),
                Messages::Ttyd(ttyd) => ttyd.piece(bytes, last, on),
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

#[cfg(test)]
mod tests {
    use fantail::protocol::{Access, Event, Limits, Offset, ServerMessage, Welcome};

    use super::super::handshake::ACCEPT;
    use super::*;

    fn switched() -> Vec<u8> {
        format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n").into_bytes()
    }

    fn frame(message: &[u8]) -> Vec<u8> {
        let length = u8::try_from(message.len()).ok().filter(|length| *length < 126);
        let length = length.map_or_else(
            || [&[126], &u16::try_from(message.len()).expect("short").to_be_bytes()[..]].concat(),
            |length| vec![length],
        );
        [&[0x82], &length[..], message].concat()
    }

    fn welcome(offset: u64) -> Vec<u8> {
        let welcome = Welcome {
            session: serde_json::Value::Null,
            access: Access::Control,
            owns: true,
            client_id: "c".into(),
            input_seq: 0,
            offset,
            cols: 80,
            rows: 24,
            limits: Limits::default(),
        };
        frame(&ServerMessage::encode_event(Offset(offset), &Event::Welcome(Box::new(welcome))))
    }

    fn output(offset: u64, bytes: &[u8]) -> Vec<u8> {
        frame(&ServerMessage::Output { offset: Offset(offset), bytes }.encode())
    }

    /// What is said, in pieces of `piece` bytes: output joined, and the rest as it is written for people.
    fn said(dialect: Dialect, bytes: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<String>), String> {
        let (mut stream, mut output, mut others) = (Stream::new(dialect), Vec::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            stream.feed(piece, |said| {
                match said {
                    Said::Output(bytes) => output.extend_from_slice(bytes),
                    other => others.push(format!("{other:?}")),
                }
                Ok(())
            })?;
        }
        Ok((output, others))
    }

    #[test]
    fn the_native_wire_is_read_however_it_is_cut() {
        let snapshot =
            ServerMessage::Snapshot { offset: Offset(900), cols: 80, rows: 24, scrollback: 0, bytes: b"scr" };
        let gap = ServerMessage::Gap { from: Offset(310), to: Offset(900) };
        let bytes = [
            switched(),
            welcome(7),
            output(7, b"abc"),
            frame(&ServerMessage::InputAck(3).encode()),
            output(10, &[b'x'; 300]),
            frame(&gap.encode()),
            frame(&snapshot.encode()),
            output(900, b"end"),
            vec![0x88, 2, 3, 232],
        ]
        .concat();
        let others = [
            "Welcome { offset: 7 }",
            "Ack(3)",
            "Gap { from: 310, to: 900 }",
            "Snapshot { offset: 900, bytes: 3 }",
            "Closed(1000)",
        ];
        let expected = ([b"abc", &[b'x'; 300][..], b"end"].concat(), others.map(ToOwned::to_owned).to_vec());
        for piece in [1, 2, 5, 64, bytes.len()] {
            assert_eq!(said(Dialect::Native, &bytes, piece).as_ref(), Ok(&expected), "in pieces of {piece}");
        }
    }

    #[test]
    fn output_that_is_not_where_the_last_one_ended_is_an_error() {
        for (first, second) in [(8, 11), (7, 9), (7, 11)] {
            let bytes = [switched(), welcome(7), output(first, b"abc"), output(second, b"def")].concat();
            assert!(said(Dialect::Native, &bytes, 100).is_err(), "{first}, {second}");
        }
        assert!(said(Dialect::Native, &[switched(), output(0, b"before the welcome")].concat(), 100).is_err());
    }

    #[test]
    fn ttyd_is_greeted_and_then_read() {
        let bytes = [switched(), frame(b"2{}"), frame(b"0hello"), frame(b"0 world")].concat();
        for piece in [1, 3, bytes.len()] {
            let (output, others) = said(Dialect::Ttyd, &bytes, piece).expect("right");
            assert_eq!(output, b"hello world");
            assert!(others[0].starts_with("Greet") && others[1].starts_with("Welcome"), "{others:?}");
        }
    }
}
