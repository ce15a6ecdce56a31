//! What does the log cost? Appending and reading 64 MiB as the kernel gives it, beside the floor: copying the bytes.
//!
//! `cargo bench --bench log`. Every byte read is counted and checked; a reader that missed one would fail.
#![allow(clippy::expect_used, missing_docs, reason = "a benchmark that cannot run must stop")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fantail::terminal::log::{CatchUp, Log, LogReader, LogWriter, Memory, Pull};
use fantail::terminal::{Offset, Size};

/// What a PTY gives in one read(2).
const READ: usize = 4096;
const KEYSTROKE: usize = 1;
const TOTAL: usize = 64 << 20;

fn source() -> Vec<u8> {
    (0..READ).map(|i| u8::try_from(i % 251).unwrap_or(0)).collect()
}

/// Appends `total` bytes in reads of `read` bytes, publishing every `burst` reads.
fn append(writer: &mut LogWriter, source: &[u8], total: usize, read: usize, burst: usize) {
    for turn in 0..total / read {
        writer.space().expect("memory")[..read].copy_from_slice(&source[..read]);
        writer.commit(read);
        if turn % burst == burst - 1 {
            writer.publish();
        }
    }
    writer.publish();
}

/// Reads to the end, and returns how many wire bytes there were.
fn follow(reader: &mut LogReader, expected: Offset) -> usize {
    let mut wire = 0;
    loop {
        match reader.pull(Offset(u64::MAX)) {
            Pull::Chunk(chunk) => wire += chunk.unsent().iter().map(|part| black_box(part).len()).sum::<usize>(),
            Pull::Gap { from, to } => panic!("gap {from}..{to} in a log that holds everything"),
            Pull::Limited | Pull::CaughtUp => break,
        }
    }
    assert_eq!(reader.offset(), expected, "every byte was read");
    wire
}

fn appending(criterion: &mut Criterion) {
    let source = source();
    let mut group = criterion.benchmark_group("append 64 MiB");
    group.throughput(Throughput::Bytes(TOTAL as u64)).sample_size(10);
    group.bench_function("floor: copying it", |bencher| {
        let mut target = vec![0_u8; TOTAL];
        bencher.iter(|| {
            target.chunks_mut(READ).for_each(|chunk| chunk.copy_from_slice(&source));
            black_box(&mut target);
        });
    });
    for burst in [1, 15] {
        group.bench_function(BenchmarkId::new("log, reads of 4 KiB a frame", burst), |bencher| {
            bencher.iter(|| {
                let (log, mut writer) = Log::create(
                    Memory::create().expect("memory"),
                    4 << 20,
                    Offset::ZERO,
                    Size::DEFAULT,
                    Arc::new(CatchUp::new(0, 0)),
                );
                append(&mut writer, &source, TOTAL, READ, burst);
                assert_eq!(log.held().end, Offset(TOTAL as u64));
            });
        });
    }
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let source = source();
    let mut group = criterion.benchmark_group("read");
    for (name, total, read) in
        [("64 MiB in 4 KiB frames", TOTAL, READ), ("1 MiB of single keystrokes", 1 << 20, KEYSTROKE)]
    {
        let (log, mut writer) = Log::create(
            Memory::create().expect("memory"),
            16 * total + (1 << 20),
            Offset::ZERO,
            Size::DEFAULT,
            Arc::new(CatchUp::new(0, 0)),
        );
        append(&mut writer, &source, total, read, 1);
        group.throughput(Throughput::Bytes(total as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| follow(&mut log.reader(Offset::ZERO).expect("held"), Offset(total as u64)));
        });
        let middle = Offset(total as u64 / 2 + 7);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("resuming in the middle of {name}"), |bencher| {
            bencher.iter(|| match log.reader(middle).expect("held").pull(Offset(u64::MAX)) {
                Pull::Chunk(chunk) => assert!(chunk.end() > middle),
                _ => panic!("there is more"),
            });
        });
    }
    group.finish();
}

criterion_group!(benches, appending, reading);
criterion_main!(benches);
