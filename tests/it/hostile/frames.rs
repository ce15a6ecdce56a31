//! Frames that break RFC 6455 or the limits, and odd ones that do not.

use fantail::protocol::{ClientMessage, Command, MESSAGE_BYTES_MAX};

use crate::support::raw::{BINARY, CLOSE, PING, PONG, TEXT, frame, frame_head};
use crate::support::{Bystander, Client, Raw, Server, resident_bytes, until};

/// A command of `length` bytes that no server knows: understood, refused, and harmless.
fn unknown_command(length: usize) -> Vec<u8> {
    let empty = ClientMessage::Command(Command::Unknown(String::new())).encode().len();
    let message = ClientMessage::Command(Command::Unknown("x".repeat(length - empty))).encode();
    assert_eq!(message.len(), length);
    message
}

/// Reads until the refusal of an unknown command.
async fn refused_politely(raw: &mut Raw) {
    while !String::from_utf8_lossy(&raw.until(BINARY).await).contains("unknown_command") {}
}

#[tokio::test]
async fn h15_a_frame_that_breaks_the_protocol_closes_with_1002() {
    let mut bystander = Bystander::arrive().await;
    let unmasked = [&[BINARY, 1][..], b"x"].concat();
    let long_form = [&[BINARY, 0xfe, 0, 5][..], &[0; 4], b"hello"].concat();
    let longest_form = [&[BINARY, 0xff][..], &0xffff_u64.to_be_bytes()].concat();
    let breaches: [(&str, Vec<u8>); 19] = [
        ("an unmasked frame", unmasked),
        ("the first reserved bit", frame(0xc2, b"x")),
        ("the second reserved bit", frame(0xa2, b"x")),
        ("the third reserved bit", frame(0x92, b"x")),
        ("a reserved bit of a control frame", frame(0xc9, b"x")),
        ("reserved opcode 3", frame(0x83, b"x")),
        ("reserved opcode 7", frame(0x87, b"x")),
        ("reserved opcode 11", frame(0x8b, b"x")),
        ("reserved opcode 15", frame(0x8f, b"x")),
        ("a fragmented ping", frame(0x09, b"x")),
        ("a fragmented close", frame(0x08, b"")),
        ("a ping of 126 bytes", frame(PING, &[0; 126])),
        ("a close of 126 bytes", frame(CLOSE, &[0; 126])),
        ("a continuation of nothing", frame(0x80, b"x")),
        ("a message inside another", [frame(0x02, b"x"), frame(BINARY, b"x")].concat()),
        ("a length in too long a form", long_form),
        ("a length in the longest form", longest_form),
        ("a close code of one byte", frame(CLOSE, b"x")),
        ("a close code that may not be sent", frame(CLOSE, &1006_u16.to_be_bytes())),
    ];
    for (what, bytes) in breaches {
        let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
        raw.send(bytes).await;
        assert_eq!(raw.closed().await, 1002, "{what}");
        bystander.is_served(what).await;
    }
}

#[tokio::test]
async fn h15_text_closes_with_4400_and_text_that_is_not_utf_8_with_1007() {
    let mut bystander = Bystander::arrive().await;
    let split = |first: &[u8], second: &[u8]| [frame(0x01, first), frame(0x80, second)].concat();
    let texts: [(&str, Vec<u8>, u16); 9] = [
        ("text", frame(TEXT, "é".as_bytes()), 4400),
        ("empty text", frame(TEXT, b""), 4400),
        ("text in fragments that split a character", split(b"\xc3", b"\xa9"), 4400),
        ("text that is not UTF-8", frame(TEXT, b"\xff"), 1007),
        ("a surrogate", frame(TEXT, b"\xed\xa0\x80"), 1007),
        ("text whose second fragment is not UTF-8", split(b"a", b"\xff"), 1007),
        ("a fragment that is not UTF-8, before the others come", frame(0x01, b"\xff"), 1007),
        ("a character that is cut and goes on otherwise", split(b"\xc3", b"a"), 1007),
        ("a close reason that is not UTF-8", frame(CLOSE, b"\x03\xe8\xff"), 1007),
    ];
    for (what, bytes, code) in texts {
        let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
        raw.send(bytes).await;
        assert_eq!(raw.closed().await, code, "{what}");
        bystander.is_served(what).await;
    }
}

#[tokio::test]
async fn h12_a_length_over_the_limit_closes_with_1009_before_anything_follows_its_header() {
    let mut bystander = Bystander::arrive().await;
    let before = resident_bytes(bystander.server.pid());
    let most = MESSAGE_BYTES_MAX as u64;
    for length in [most + 1, 1 << 32, (1 << 63) - 1, u64::MAX] {
        for first in [BINARY, TEXT, 0x02] {
            let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
            // Not even the mask.
            raw.send(frame_head(first, length)).await;
            assert_eq!(raw.closed().await, 1009, "{length} {first:#x}");
        }
    }
    bystander.is_served("huge lengths").await;
    let grown = resident_bytes(bystander.server.pid()).saturating_sub(before);
    assert!(grown < 4 * 1024 * 1024, "{} KiB more", grown / 1024);
}

#[tokio::test]
async fn a_message_of_a_mebibyte_is_taken_and_one_byte_more_is_not() {
    let mut bystander = Bystander::arrive().await;
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    raw.send(frame(BINARY, &unknown_command(MESSAGE_BYTES_MAX))).await;
    refused_politely(&mut raw).await;
    bystander.is_served("a mebibyte").await;
    raw.send(frame(BINARY, &unknown_command(MESSAGE_BYTES_MAX + 1))).await;
    assert_eq!(raw.closed().await, 1009);
    bystander.is_served("a byte more").await;
}

#[tokio::test]
async fn fragments_are_one_message_and_count_together() {
    let mut bystander = Bystander::arrive().await;
    let pieces = |message: &[u8], most: usize| {
        let (last, others) =
            message.chunks(most).collect::<Vec<_>>().split_last().map(|(l, o)| (*l, o.to_vec())).expect("some");
        let mut bytes = Vec::new();
        for (index, piece) in others.into_iter().enumerate() {
            bytes.extend(frame(if index == 0 { 0x02 } else { 0x00 }, piece));
            // Between fragments a ping may come, and an empty fragment says nothing.
            bytes.extend(frame(PING, b"between"));
            bytes.extend(frame(0x00, b""));
        }
        bytes.extend(frame(0x80, last));
        bytes
    };
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    let typed = ClientMessage::Input { seq: 1, bytes: b"in-pieces\n" }.encode();
    raw.send(pieces(&typed, 3)).await;
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("in-pieces\r\nin-pieces\r\n") {
        let message = raw.until(BINARY).await;
        if message[0] == 0x01 {
            shown.extend_from_slice(&message[9..]);
        }
    }
    raw.send(pieces(&unknown_command(MESSAGE_BYTES_MAX), 300_000)).await;
    refused_politely(&mut raw).await;
    raw.send(pieces(&unknown_command(MESSAGE_BYTES_MAX + 1), 300_000)).await;
    assert_eq!(raw.closed().await, 1009);
    bystander.is_served("fragments").await;
    // Many empty fragments are not a message either, and neither are many small ones for ever.
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    raw.send(frame(0x02, b"x")).await;
    raw.send(frame(0x00, b"").repeat(100_000)).await;
    raw.send(frame(0x00, &[0; 60_000]).repeat(18)).await;
    assert_eq!(raw.closed().await, 1009);
    bystander.is_served("empty fragments").await;
}

#[tokio::test]
async fn a_ping_is_answered_with_its_own_payload() {
    let mut bystander = Bystander::arrive().await;
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    for length in [0, 1, 124, 125] {
        let payload: Vec<u8> = (0..length).collect();
        raw.send(frame(PING, &payload)).await;
        assert_eq!(raw.until(PONG).await, payload);
    }
    raw.send(frame(PONG, b"nobody asked")).await;
    raw.send(frame(PING, b"still here")).await;
    assert_eq!(raw.until(PONG).await, b"still here");
    bystander.is_served("pings").await;
}

#[tokio::test]
async fn frames_are_taken_byte_by_byte_and_in_one_piece_with_the_handshake() {
    let bystander = Bystander::arrive().await;
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    for byte in [frame(PING, b"dripped"), frame(BINARY, &unknown_command(200))].concat() {
        raw.send([byte]).await;
    }
    assert_eq!(raw.until(PONG).await, b"dripped");
    refused_politely(&mut raw).await;

    let mut early = Raw::connect(&bystander.server).await;
    let head = crate::support::raw::handshake(&bystander.server, &bystander.session, &[]);
    early.send([head.as_bytes(), &frame(PING, b"early"), &frame(CLOSE, b"")].concat()).await;
    assert_eq!(early.answer().await.expect("an answer").status, 101);
    assert_eq!(early.until(PONG).await, b"early");
    assert_eq!(early.closed().await, 1000);
}

#[tokio::test]
async fn a_close_is_answered_whatever_its_reason() {
    let mut bystander = Bystander::arrive().await;
    let reasons: [&[u8]; 4] = [b"", b"\x03\xe8", b"\x03\xe9going away", b"\x0f\xa0of its own"];
    for reason in reasons {
        let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
        raw.send(frame(CLOSE, reason)).await;
        assert_eq!(raw.closed().await, 1000, "{reason:?}");
    }
    bystander.is_served("goodbyes").await;
}

#[tokio::test]
async fn h16_a_flood_of_pings_is_ended_with_4429_and_costs_nobody_else() {
    let mut bystander = Bystander::arrive().await;
    let before = resident_bytes(bystander.server.pid());
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    // Far more than a second's worth of what any client sends, answered or not.
    raw.send(frame(PING, &[0; 125]).repeat(20_000)).await;
    assert_eq!(raw.closed().await, 4429);
    let mut silent = Raw::attach(&bystander.server, &bystander.session).await;
    silent.send(frame(PONG, &[0; 125]).repeat(20_000)).await;
    assert_eq!(silent.closed().await, 4429);
    bystander.is_served("a flood of pings").await;
    let grown = resident_bytes(bystander.server.pid()).saturating_sub(before);
    assert!(grown < 4 * 1024 * 1024, "{} KiB more", grown / 1024);
}

#[tokio::test]
async fn h17_who_answers_no_ping_is_let_go_and_the_session_lives_on() {
    let server = Server::start().await;
    let session = server.open(&["cat"]).await;
    let mut silent = Raw::attach(&server, &session).await;
    let watching = async || server.session(&session).await["viewers"].as_u64();
    assert_eq!(watching().await, Some(1));
    // It reads, and says nothing: for all the server knows it is the kernel that reads.
    assert_eq!(silent.closed().await, 4408);
    until("its place", async || (watching().await == Some(0)).then_some(())).await;
    let mut client = Client::attach(&server, &session).await;
    client.typed("alive\n").await;
    client.until_shown("alive\r\nalive\r\n").await;
}
