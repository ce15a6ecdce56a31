//! What does it cost to take what a client says? Keystrokes of 32 bytes and pastes of 64 KiB as they come from a socket,
//! through the reader of WebSocket frames, beside the floor: copying and unmasking the same bytes; and what the messages
//! in them say, beside copying those.
//!
//! `cargo bench --bench decode`. Every message is compared with what was sent. As a test it runs once.
#![allow(clippy::expect_used, missing_docs, reason = "a benchmark that cannot run must stop")]

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fantail::protocol::{ClientMessage, Command, MESSAGE_BYTES_MAX};
use fantail::terminal::Offset;
use fantail::ws::{FrameReader, Received};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const SIZES: [(&str, usize); 2] = [("32 B", 32), ("64 KiB", 64 << 10)];

fn typed(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| b'a' + u8::try_from(i % 26).unwrap_or(0)).collect()
}

/// `message` as one masked binary frame, and where in it the message begins.
fn frame(message: &[u8]) -> (Vec<u8>, usize) {
    let mut wire = vec![0x82];
    match (u8::try_from(message.len()), u16::try_from(message.len())) {
        (Ok(short), _) if short <= 125 => wire.push(0x80 | short),
        (_, Ok(long)) => {
            wire.push(0x80 | 126);
            wire.extend_from_slice(&long.to_be_bytes());
        }
        _ => {
            wire.push(0x80 | 127);
            wire.extend_from_slice(&(message.len() as u64).to_be_bytes());
        }
    }
    wire.extend_from_slice(&MASK);
    let payload = wire.len();
    wire.extend(message.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    (wire, payload)
}

/// Takes the mask off, eight bytes at a time.
fn unmask(bytes: &mut [u8]) {
    let twice = u64::from_ne_bytes([MASK, MASK].concat().try_into().expect("eight bytes"));
    let (words, rest) = bytes.as_chunks_mut::<8>();
    words.iter_mut().for_each(|word| *word = (u64::from_ne_bytes(*word) ^ twice).to_ne_bytes());
    rest.iter_mut().zip(MASK.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
}

fn read(frames: &mut FrameReader, socket: &mut &[u8]) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    match frames.poll_read(Pin::new(socket), &mut context) {
        Poll::Ready(read) => read.expect("memory"),
        Poll::Pending => panic!("memory is ready"),
    }
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read a frame");
    for (name, bytes) in SIZES {
        let typed = typed(bytes);
        let message = ClientMessage::Input { seq: 1, bytes: &typed }.encode();
        let (wire, payload) = frame(&message);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("floor: copying and unmasking", name), |bencher| {
            let mut room = vec![0; message.len()];
            bencher.iter(|| {
                room.copy_from_slice(black_box(&wire[payload..]));
                unmask(black_box(&mut room));
            });
            assert_eq!(room, message);
        });
        group.bench_function(BenchmarkId::new("our reader", name), |bencher| {
            let mut frames = FrameReader::new(MESSAGE_BYTES_MAX);
            bencher.iter(|| {
                let mut socket = black_box(&wire[..]);
                loop {
                    match frames.next_message().expect("a good frame") {
                        Some(Received::Binary(read)) => break assert_eq!(read.len(), message.len()),
                        Some(other) => panic!("{other:?}"),
                        None => read(&mut frames, &mut socket),
                    };
                }
            });
            // The bytes themselves, once.
            let mut socket = &wire[..];
            while read(&mut frames, &mut socket) > 0 {}
            assert_eq!(frames.next_message(), Ok(Some(Received::Binary(message.clone().into()))));
        });
    }
    group.finish();
}

fn decoding(criterion: &mut Criterion) {
    let (key, paste) = (typed(32), typed(64 << 10));
    let text = String::from_utf8(paste.clone()).expect("letters");
    let messages = [
        ("INPUT 32 B", ClientMessage::Input { seq: 1, bytes: &key }),
        ("INPUT 64 KiB", ClientMessage::Input { seq: 1, bytes: &paste }),
        ("RENDERED", ClientMessage::Rendered(Offset(1 << 40))),
        ("COMMAND take-control", ClientMessage::Command(Command::TakeControl)),
        ("COMMAND paste 64 KiB", ClientMessage::Command(Command::Paste { text, submit: true })),
    ];
    let mut group = criterion.benchmark_group("decode");
    for (name, message) in messages {
        let encoded = message.encode();
        group.bench_function(BenchmarkId::new("floor: copying it", name), |bencher| {
            let mut room = vec![0; encoded.len()];
            bencher.iter(|| black_box(&mut room).copy_from_slice(black_box(&encoded)));
        });
        group.bench_function(BenchmarkId::new("decode", name), |bencher| {
            bencher.iter(|| ClientMessage::decode(black_box(&encoded)).expect("a message"));
            assert_eq!(ClientMessage::decode(&encoded), Ok(message.clone()));
        });
    }
    group.finish();
}

criterion_group!(benches, reading, decoding);
criterion_main!(benches);
