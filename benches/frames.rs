//! What does it cost to make a frame? A burst of 1 byte, 4 KiB or 64 KiB that is read as the kernel gives it and
//! published where it lies, with its header written before it; the header alone; and the floor: copying the same bytes
//! in the same pieces.
//!
//! `cargo bench --bench frames`. The log is as large as a session's and turns over, so taking and giving back its memory
//! is in the figure. Everything published is counted. As a test it runs once.
#![allow(clippy::expect_used, missing_docs, reason = "a benchmark that cannot run must stop")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fantail::terminal::log::{CatchUp, Header, Log, LogWriter, Memory, OUTPUT};
use fantail::terminal::{Offset, Size};

/// What a PTY gives in one read(2).
const READ: usize = 4096;
/// A session's log.
const LOG_BYTES: usize = 4 << 20;
const BURSTS: [(&str, usize); 3] = [("1 B", 1), ("4 KiB", 4 << 10), ("64 KiB", 64 << 10)];

fn source() -> Vec<u8> {
    (0..64 << 10).map(|i| u8::try_from(i % 251).unwrap_or(0)).collect()
}

/// Copies `burst` in pieces to where the last one ended, around and around in as much memory as a log has.
fn copy(target: &mut [u8], at: &mut usize, burst: &[u8]) {
    for piece in burst.chunks(READ) {
        if *at + piece.len() > target.len() {
            *at = 0;
        }
        target[*at..][..piece.len()].copy_from_slice(piece);
        *at += piece.len();
    }
}

/// Puts `burst` in the log as reads from a PTY would, as one frame where that fits.
fn publish(writer: &mut LogWriter, burst: &[u8]) {
    for mut piece in burst.chunks(READ) {
        while !piece.is_empty() {
            let space = writer.space().expect("memory");
            let (now, later) = piece.split_at(space.len().min(piece.len()));
            space[..now.len()].copy_from_slice(now);
            writer.commit(now.len());
            piece = later;
        }
    }
    writer.publish();
}

fn publishing(criterion: &mut Criterion) {
    let source = source();
    let mut group = criterion.benchmark_group("publish");
    for (name, bytes) in BURSTS {
        let burst = &source[..bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("floor: copying it", name), |bencher| {
            let (mut target, mut at) = (vec![1_u8; LOG_BYTES], 0);
            bencher.iter(|| copy(black_box(&mut target), &mut at, black_box(burst)));
        });
        group.bench_function(BenchmarkId::new("log", name), |bencher| {
            let memory = Memory::create().expect("memory");
            let none = Arc::new(CatchUp::new(0, 0));
            let (log, mut writer) = Log::create(memory, LOG_BYTES, Offset::ZERO, Size::DEFAULT, none);
            let mut published = Offset::ZERO;
            bencher.iter(|| {
                publish(&mut writer, black_box(burst));
                published = published + bytes;
            });
            assert_eq!(log.held().end, published, "every byte is there");
        });
    }
    group.finish();
}

fn header(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("header");
    group.bench_function("floor: copying 13 bytes", |bencher| {
        let mut room = [0_u8; 13];
        bencher.iter(|| black_box(&mut room).copy_from_slice(black_box(&[7; 13])));
    });
    for (name, bytes) in [("1 B", 1), ("4 KiB", 4 << 10)] {
        group.bench_function(BenchmarkId::new("of a frame", name), |bencher| {
            let mut room = [0_u8; 13];
            bencher.iter(|| {
                let header = Header::new(OUTPUT, black_box(Offset(1 << 30)), black_box(bytes));
                black_box(&mut room)[..header.bytes().len()].copy_from_slice(header.bytes());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, publishing, header);
criterion_main!(benches);
