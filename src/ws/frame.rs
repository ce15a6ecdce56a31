//! RFC 6455 frames from a client: an incremental, strict reader, and the few frames a server makes besides the log's.
//!
//! Refuses what a browser would refuse, before it holds more than a message's limit: the declared length is never
//! allocated ahead of the bytes.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::terminal::log::BINARY_FINAL;

/// A whole message or control frame from a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A message of bytes.
    Binary(Bytes),
    /// A message of text, which is UTF-8.
    Text(Bytes),
    /// To be answered with a pong that says the same.
    Ping(Bytes),
    /// The answer to a ping, or a sign of life.
    Pong,
    /// The peer's code, if it gave one.
    Close(Option<u16>),
}

/// How a client broke RFC 6455.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Of this rule.
    #[error("{0}")]
    Protocol(&'static str),
    /// Text that is none.
    #[error("text or a close reason is not UTF-8")]
    InvalidText,
    /// More than is taken.
    #[error("a message is larger than the limit")]
    TooLarge,
}

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// Room for one read from the socket: many keystrokes, little memory.
const READ_ROOM: usize = 4096;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Payload of the largest control frame (section 5.5).
const CONTROL_MAX: usize = 125;
const MASK_LEN: usize = 4;

/// Takes a client's bytes in whatever pieces they come.
pub struct FrameReader {
    /// Bytes not yet taken as frames.
    buffer: BytesMut,
    fragments: Option<Fragments>,
    message_max: usize,
}

/// A message of which there is more to come.
struct Fragments {
    is_text: bool,
    message: BytesMut,
    /// Bytes of it that are whole characters, if it is text.
    whole: usize,
}

/// A frame's header, read once all of it is there.
struct Head {
    fin: bool,
    opcode: u8,
    mask: [u8; MASK_LEN],
    len: usize,
    payload: usize,
}

impl FrameReader {
    /// One that refuses messages of more bytes.
    #[must_use]
    pub fn new(message_max: usize) -> Self {
        Self { buffer: BytesMut::new(), fragments: None, message_max }
    }

    /// Takes what was read from the socket before this had it.
    pub(super) fn extend(&mut self, early: &[u8]) {
        self.buffer.extend_from_slice(early);
    }

    /// Forgets what has come and was not taken.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Bytes it holds: of a message whose fragments are coming, and of what was not yet taken.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len() + self.in_fragments()
    }

    /// Reads once from the socket; 0 bytes are its end. To be called when [`next_message`](Self::next_message) has no message left, so
    /// that less than one is held.
    ///
    /// Not more is read than is held already, however much room there is: a large message takes few reads, and the room
    /// does not grow with what a client has sent ahead.
    ///
    /// # Errors
    /// As the socket.
    pub fn poll_read(
        &mut self,
        socket: Pin<&mut impl AsyncRead>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.len() < READ_ROOM {
            // Most connections wait for their client: none of them holds room for what may come.
            let mut room = [MaybeUninit::uninit(); READ_ROOM];
            let mut room = ReadBuf::uninit(&mut room);
            ready!(socket.poll_read(context, &mut room))?;
            self.buffer.extend_from_slice(room.filled());
            return Poll::Ready(Ok(room.filled().len()));
        }
        let most = self.buffer.len();
        self.buffer.reserve(most);
        poll_read_buf(socket, context, &mut (&mut self.buffer).limit(most))
    }

    /// The next message, if all of it is there.
    ///
    /// # Errors
    /// How the client broke the rules. Nothing read after that means anything.
    pub fn next_message(&mut self) -> Result<Option<Received>, Violation> {
        loop {
            if self.buffer.is_empty() {
                // Given back: it may have been a large message's.
                self.buffer = BytesMut::new();
            }
            let Some(head) = self.head()? else { return Ok(None) };
            if self.buffer.len() < head.len + head.payload {
                return Ok(None);
            }
            let mut payload = self.buffer.split_to(head.len + head.payload).split_off(head.len);
            unmask(&mut payload, head.mask);
            match head.opcode {
                CLOSE => return close(&payload).map(Some),
                PING => return Ok(Some(Received::Ping(payload.freeze()))),
                PONG => return Ok(Some(Received::Pong)),
                data => {
                    if let Some(message) = self.data(data, head.fin, payload)? {
                        return Ok(Some(message));
                    }
                }
            }
        }
    }

    fn head(&self) -> Result<Option<Head>, Violation> {
        let [first, second, rest @ ..] = &self.buffer[..] else { return Ok(None) };
        let (fin, opcode) = (first & FIN != 0, first & OPCODE);
        if first & RESERVED != 0 {
            return Err(Violation::Protocol("reserved bits are set, but no extension was agreed on"));
        }
        if !matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
            return Err(Violation::Protocol("reserved opcode"));
        }
        if second & MASKED == 0 {
            return Err(Violation::Protocol("a client's frame must be masked"));
        }
        let is_control = opcode >= CLOSE;
        if is_control && !fin {
            return Err(Violation::Protocol("a control frame must not be fragmented"));
        }
        let (extended, declared) = match second & LENGTH {
            126 => (2, rest.first_chunk::<2>().map(|bytes| u64::from(u16::from_be_bytes(*bytes)))),
            127 => (8, rest.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))),
            short => (0, Some(u64::from(short))),
        };
        if is_control && extended > 0 {
            return Err(Violation::Protocol("a control frame's payload is at most 125 bytes"));
        }
        let Some(declared) = declared else { return Ok(None) };
        if extended == 2 && declared <= CONTROL_MAX as u64 || extended == 8 && declared <= u64::from(u16::MAX) {
            return Err(Violation::Protocol("a length must take its shortest form"));
        }
        let before = self.in_fragments();
        let payload = usize::try_from(declared).ok().filter(|&payload| payload <= self.message_max);
        let Some(payload) = payload.filter(|payload| is_control || before + payload <= self.message_max) else {
            return Err(Violation::TooLarge);
        };
        let Some(mask) = rest[extended..].first_chunk::<MASK_LEN>() else { return Ok(None) };
        Ok(Some(Head { fin, opcode, mask: *mask, len: 2 + extended + MASK_LEN, payload }))
    }

    /// Takes a data frame; returns the message it completes.
    fn data(&mut self, opcode: u8, fin: bool, payload: BytesMut) -> Result<Option<Received>, Violation> {
        let mut fragments = match (opcode, self.fragments.take()) {
            (CONTINUATION, Some(mut fragments)) => {
                fragments.message.extend_from_slice(&payload);
                fragments
            }
            (CONTINUATION, None) => return Err(Violation::Protocol("a continuation without a beginning")),
            (_, Some(_)) => return Err(Violation::Protocol("a new message inside a fragmented one")),
            (opcode, None) => Fragments { is_text: opcode == TEXT, message: payload, whole: 0 },
        };
        if fragments.is_text {
            fragments.check_text(fin)?;
        }
        if !fin {
            self.fragments = Some(fragments);
            return Ok(None);
        }
        let message = fragments.message.freeze();
        Ok(Some(if fragments.is_text { Received::Text(message) } else { Received::Binary(message) }))
    }

    fn in_fragments(&self) -> usize {
        self.fragments.as_ref().map_or(0, |fragments| fragments.message.len())
    }
}

impl Fragments {
    /// Refuses text in the fragment in which it turns out not to be UTF-8. A character may be cut where more is to come.
    fn check_text(&mut self, is_last: bool) -> Result<(), Violation> {
        match std::str::from_utf8(&self.message[self.whole..]) {
            Ok(text) => self.whole += text.len(),
            Err(error) if !is_last && error.error_len().is_none() => self.whole += error.valid_up_to(),
            Err(_) => return Err(Violation::InvalidText),
        }
        Ok(())
    }
}

fn unmask(payload: &mut [u8], mask: [u8; MASK_LEN]) {
    for (i, byte) in payload.iter_mut().enumerate() {
        *byte ^= mask[i % MASK_LEN];
    }
}

fn close(payload: &[u8]) -> Result<Received, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return match payload {
            [] => Ok(Received::Close(None)),
            _ => Err(Violation::Protocol("a close code has two bytes")),
        };
    };
    let code = u16::from_be_bytes(*code);
    // Section 7.4: 1004-1006 and 1015 must not be sent; 1016-2999 are not assigned.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::Protocol("a close code that may not be sent"));
    }
    std::str::from_utf8(reason).map_err(|_| Violation::InvalidText)?;
    Ok(Received::Close(Some(code)))
}

/// Appends `message` as one binary frame.
pub(super) fn binary(message: &[u8], out: &mut Vec<u8>) {
    out.push(BINARY_FINAL);
    length(message.len(), out);
    out.extend_from_slice(message);
}

/// Appends a control frame; more than 125 bytes are cut off.
fn control(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    let payload = &payload[..payload.len().min(CONTROL_MAX)];
    out.push(FIN | opcode);
    length(payload.len(), out);
    out.extend_from_slice(payload);
}

pub(super) fn ping(out: &mut Vec<u8>) {
    control(PING, b"", out);
}

pub(super) fn pong(payload: &[u8], out: &mut Vec<u8>) {
    control(PONG, payload, out);
}

/// `reason` must be ASCII, so that cutting it at the limit keeps it UTF-8.
pub(super) fn closing(code: u16, reason: &str, out: &mut Vec<u8>) {
    control(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat(), out);
}

fn length(bytes: usize, out: &mut Vec<u8>) {
    match (u8::try_from(bytes), u16::try_from(bytes)) {
        (Ok(short), _) if bytes <= CONTROL_MAX => out.push(short),
        (_, Ok(long)) => {
            out.push(126);
            out.extend_from_slice(&long.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(bytes as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

    use super::*;

    const MAX: usize = 100_000;

    #[tokio::test]
    async fn what_a_client_has_sent_ahead_does_not_make_the_room_grow() {
        let pings = sent(&vec![Message::Ping(vec![7; 125].into()); 50_000]);
        let (mut socket, mut frames) = (&pings[..], FrameReader::new(MAX));
        while poll_fn(|context| frames.poll_read(Pin::new(&mut socket), context)).await.unwrap() > 0 {
            while frames.next_message().unwrap().is_some() {}
            assert!(frames.buffer.capacity() <= 4 * READ_ROOM, "room for {} bytes", frames.buffer.capacity());
        }
    }

    #[tokio::test]
    async fn a_large_message_takes_few_reads_and_its_room_is_given_back() {
        let large = sent(&[Message::binary(vec![7; MAX])]);
        let (mut socket, mut frames) = (&large[..], FrameReader::new(MAX));
        for _ in 0..10 {
            poll_fn(|context| frames.poll_read(Pin::new(&mut socket), context)).await.unwrap();
            assert!(frames.buffer.capacity() <= 4 * MAX, "room for {} bytes", frames.buffer.capacity());
            if let Some(message) = frames.next_message().unwrap() {
                assert_eq!(message, Received::Binary(vec![7; MAX].into()));
                assert_eq!((frames.next_message(), frames.buffer.capacity()), (Ok(None), 0));
                return;
            }
        }
        panic!("it takes more than ten reads");
    }

    /// What tungstenite, as a client, puts on the wire.
    fn sent(messages: &[Message]) -> Vec<u8> {
        let mut socket = WebSocket::from_raw_socket(std::io::Cursor::new(Vec::new()), Role::Client, None);
        for message in messages {
            socket.send(message.clone()).expect("written to memory");
        }
        socket.get_ref().get_ref().clone()
    }

    fn read(wire: &[u8], piece: usize) -> Result<Vec<Received>, Violation> {
        let mut reader = FrameReader::new(MAX);
        let mut received = Vec::new();
        for piece in wire.chunks(piece) {
            reader.buffer.extend_from_slice(piece);
            while let Some(message) = reader.next_message()? {
                received.push(message);
            }
        }
        Ok(received)
    }

    /// A frame by hand, masked with zeroes.
    fn frame(first: u8, len: &[u8], payload: &[u8]) -> Vec<u8> {
        [&[first], len, &[0; 4], payload].concat()
    }

    proptest! {
        #[test]
        fn whatever_another_implementation_sends_is_read_in_any_pieces(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70_000), 1..4),
            piece in 1usize..5000,
        ) {
            let messages: Vec<_> = payloads.iter().map(|payload| Message::binary(payload.clone())).collect();
            let expected: Vec<_> = payloads.into_iter().map(|payload| Received::Binary(payload.into())).collect();
            prop_assert_eq!(read(&sent(&messages), piece), Ok(expected));
        }
    }

    #[test]
    fn control_frames_are_read_between_fragments() {
        let wire = [
            frame(0x02, &[0x81], b"a"),
            frame(0x89, &[0x81], b"p"),
            frame(0x00, &[0x81], b"b"),
            frame(0x80, &[0x81], b"c"),
            frame(0x88, &[0x82], &1000u16.to_be_bytes()),
        ]
        .concat();
        let expected = vec![
            Received::Ping(Bytes::from_static(b"p")),
            Received::Binary(Bytes::from_static(b"abc")),
            Received::Close(Some(1000)),
        ];
        assert_eq!(read(&wire, 1), Ok(expected));
    }

    #[test]
    fn a_client_that_breaks_the_rules_is_told_which() {
        let protocol = |wire: &[u8], rule: &str| match read(wire, 1) {
            Err(Violation::Protocol(said)) => assert!(said.contains(rule), "{said}"),
            other => panic!("{rule}: {other:?}"),
        };
        protocol(&[0x82, 0x01], "masked");
        protocol(&frame(0xc2, &[0x80], b""), "reserved bits");
        protocol(&frame(0x83, &[0x80], b""), "reserved opcode");
        protocol(&frame(0x09, &[0x80], b""), "fragmented");
        protocol(&frame(0x89, &[0xfe, 0, 126], &[0; 126]), "125");
        protocol(&frame(0x82, &[0xfe, 0, 5], b"hello"), "shortest");
        protocol(&frame(0x82, &[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], b""), "shortest");
        protocol(&frame(0x80, &[0x80], b""), "without a beginning");
        protocol(&[frame(0x02, &[0x80], b""), frame(0x82, &[0x80], b"")].concat(), "inside");
        protocol(&frame(0x88, &[0x81], b"x"), "two bytes");
        protocol(&frame(0x88, &[0x82], &1005u16.to_be_bytes()), "may not be sent");
        assert_eq!(read(&frame(0x81, &[0x81], b"\xff"), 1), Err(Violation::InvalidText));
        assert_eq!(read(&frame(0x88, &[0x83], b"\x03\xe8\xff"), 1), Err(Violation::InvalidText));
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_from_the_header_alone() {
        let huge = [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(read(&huge, 1), Err(Violation::TooLarge));
        let half = vec![0; MAX / 2 + 1];
        let len = [&[0xfe][..], &u16::try_from(half.len()).expect("fits").to_be_bytes()].concat();
        let fragments = [frame(0x02, &len, &half), frame(0x80, &len, &half)].concat();
        assert_eq!(read(&fragments, 4096), Err(Violation::TooLarge));
    }

    #[test]
    fn what_the_server_sends_is_read_by_another_implementation() {
        let mut wire = Vec::new();
        for len in [0, 125, 126, 65_535, 65_536] {
            binary(&vec![7; len], &mut wire);
        }
        ping(&mut wire);
        closing(4400, "bad message", &mut wire);
        let mut socket = WebSocket::from_raw_socket(std::io::Cursor::new(wire), Role::Client, None);
        for len in [0, 125, 126, 65_535, 65_536] {
            assert_eq!(socket.read().expect("read").into_data().len(), len);
        }
        assert!(socket.read().expect("read").is_ping());
        let Message::Close(Some(close)) = socket.read().expect("read") else { panic!("a close") };
        assert_eq!((u16::from(close.code), close.reason.as_str()), (4400, "bad message"));
    }
}
