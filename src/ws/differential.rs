//! The frame reader beside tungstenite's in the role of a server: from the same bytes both take the same messages and
//! refuse the same, however the bytes are cut. Run on what a property test makes up, and on what `fuzz/` finds, which
//! takes this file as its own.
//!
//! Two differences are meant, and only these are let pass:
//!
//! - A length that is not in its shortest form, which section 5.2 of RFC 6455 forbids: tungstenite takes the frame.
//!   (Of a control frame we then say that it is too long: its form says so before its length does.)
//! - A close code that may not be sent: tungstenite takes the close and answers 1002, we refuse it, with 1002 too.

use std::future::poll_fn;
use std::pin::Pin;

use futures_util::FutureExt as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::frame::{FrameReader, Received, Violation};

/// Small, so that short inputs reach it.
const MESSAGE_MAX: usize = 1024;
/// A frame's header and a control frame's payload: what may be held besides a message that is not whole.
const FRAME_MAX: usize = 14 + 125;

/// What a reader made of some bytes, up to the first close.
struct Taken<E> {
    messages: Vec<Received>,
    ended: E,
}

/// How tungstenite ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theirs {
    /// With a close, or waiting for more.
    Content,
    Refused,
}

/// Bytes in memory as a socket; what is written is lost.
struct Wire<'a>(&'a [u8]);

impl std::io::Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Write for Wire<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Reads `wire` in pieces as long as `cuts` says, in turn, and byte by byte, and as tungstenite does.
/// Panics when they differ, or when the reader holds more than it may.
pub(super) fn check(cuts: &[u8], wire: &[u8]) {
    let ours = ours(wire, std::iter::once(wire.len()));
    for again in
        [self::ours(wire, std::iter::repeat(1)), self::ours(wire, cuts.iter().map(|&cut| 1 + usize::from(cut)))]
    {
        assert_eq!((&again.messages, again.ended), (&ours.messages, ours.ended), "in other pieces");
    }
    let theirs = theirs(wire);
    let both = ours.messages.len().min(theirs.messages.len());
    let (only_ours, only_theirs) = (&ours.messages[both..], &theirs.messages[both..]);
    same(&ours.messages[..both], &theirs.messages[..both]);
    assert!(only_ours.is_empty(), "only ours takes {only_ours:?}");
    match (ours.ended, theirs.ended) {
        (Some(violation), _) if is_strict(violation) => {}
        (Some(Violation::Protocol("a close code that may not be sent")), Theirs::Content) => {
            assert_eq!(only_theirs, [Received::Close(Some(1002))]);
        }
        (Some(violation), Theirs::Content) => {
            // We refuse by the header, tungstenite when the whole frame is there.
            let whole = self::theirs(&[wire, &[0; MESSAGE_MAX + FRAME_MAX]].concat());
            same(&ours.messages, &whole.messages);
            assert_ne!(whole.ended, Theirs::Content, "only ours refuses: {violation}");
        }
        (None, Theirs::Refused) => panic!("only tungstenite refuses; ours takes {:?}", ours.messages),
        _ => assert!(only_theirs.is_empty(), "only tungstenite takes {only_theirs:?}"),
    }
}

/// Whether it is one that tungstenite does not know.
fn is_strict(violation: Violation) -> bool {
    matches!(
        violation,
        Violation::Protocol("a length must take its shortest form" | "a control frame's payload is at most 125 bytes")
    )
}

/// 1014 is registered, but tungstenite does not know it and says 1002 in its place.
fn same(ours: &[Received], theirs: &[Received]) {
    let known = |message: &Received| match message {
        Received::Close(Some(1014)) => Received::Close(Some(1002)),
        Received::Close(code) => Received::Close(*code),
        Received::Binary(bytes) => Received::Binary(bytes.clone()),
        Received::Ping(bytes) => Received::Ping(bytes.clone()),
        Received::Text(bytes) => Received::Text(bytes.clone()),
        Received::Pong => Received::Pong,
    };
    assert_eq!(ours.iter().map(known).collect::<Vec<_>>(), theirs, "ours and tungstenite's");
}

fn ours(wire: &[u8], pieces: impl Iterator<Item = usize> + Clone) -> Taken<Option<Violation>> {
    let (mut frames, mut messages, mut rest) = (FrameReader::new(MESSAGE_MAX), Vec::new(), wire);
    for piece in pieces.cycle() {
        if rest.is_empty() {
            break;
        }
        let (mut piece, after) = rest.split_at(piece.min(rest.len()));
        rest = after;
        while !piece.is_empty() {
            let read = poll_fn(|context| frames.poll_read(Pin::new(&mut piece), context)).now_or_never();
            assert!(matches!(read, Some(Ok(1..))), "memory is ready and does not fail: {read:?}");
            loop {
                match frames.next_message() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(violation) => return Taken { messages, ended: Some(violation) },
                }
                if let Some(Received::Close(_)) = messages.last() {
                    return Taken { messages, ended: None };
                }
            }
            assert!(frames.held() <= MESSAGE_MAX + FRAME_MAX, "{} bytes held", frames.held());
        }
    }
    Taken { messages, ended: None }
}

fn theirs(wire: &[u8]) -> Taken<Theirs> {
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let mut socket = WebSocket::from_raw_socket(Wire(wire), Role::Server, Some(config));
    let mut messages = Vec::new();
    let ended = loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) => messages.push(Received::Binary(bytes)),
            Ok(Message::Text(text)) => messages.push(Received::Text(text.into())),
            Ok(Message::Ping(bytes)) => messages.push(Received::Ping(bytes)),
            Ok(Message::Pong(_)) => messages.push(Received::Pong),
            Ok(Message::Close(close)) => {
                messages.push(Received::Close(close.map(|CloseFrame { code, .. }| code.into())));
                break Theirs::Content;
            }
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => break Theirs::Content,
            Ok(Message::Frame(_)) | Err(_) => break Theirs::Refused,
        }
    };
    Taken { messages, ended }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame, mostly one that a client may send.
    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let first = prop_oneof![
            20 => prop::sample::select(vec![0x82_u8, 0x81, 0x02, 0x01, 0x00, 0x80, 0x80, 0x89, 0x8a, 0x88]),
            1 => any::<u8>(),
        ];
        let payload = prop_oneof![
            4 => "[aé漢]{0,50}".prop_map(String::into_bytes),
            4 => prop::collection::vec(any::<u8>(), 0..10),
            2 => prop::sample::select(vec![999_u16, 1000, 1004, 1005, 1014, 1015, 1016, 2999, 3000, 4999, 5000])
                .prop_map(|code| code.to_be_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 100..1100),
        ];
        let form = prop_oneof![20 => Just(0_usize), 1 => Just(2), 1 => Just(8)];
        (first, payload, form, any::<[u8; 4]>(), prop::bool::weighted(0.97)).prop_map(
            |(first, mut payload, form, mask, masked)| {
                let len = payload.len();
                let form = form.max(if len > 125 { 2 } else { 0 });
                let short = [(0, len), (2, 126), (8, 127)].into_iter().find(|(bytes, _)| *bytes == form);
                let short = u8::try_from(short.expect("a form").1).expect("seven bits");
                let mut frame = vec![first, short | if masked { 0x80 } else { 0 }];
                frame.extend_from_slice(&(len as u64).to_be_bytes()[8 - form..]);
                if masked {
                    frame.extend_from_slice(&mask);
                    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
                }
                frame.extend_from_slice(&payload);
                frame
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn what_another_server_takes_and_refuses_is_taken_and_refused_alike(
            frames in prop::collection::vec(frame(), 1..6),
            cuts in prop::collection::vec(any::<u8>(), 1..5),
            lost in 0..20_usize,
        ) {
            let wire = frames.concat();
            // Whole, mostly.
            check(&cuts, &wire[..wire.len().saturating_sub(lost.saturating_sub(14))]);
        }

        #[test]
        fn no_bytes_make_the_reader_panic_or_hold_more_than_it_may(wire in prop::collection::vec(any::<u8>(), 0..300)) {
            check(&[7], &wire);
        }
    }
}
