//! What does a screen cost? Feeding it what logs and TUIs print, beside `alacritty_terminal` and the bare `vte` parser;
//! its snapshots, in time and bytes, beside copying them; the memory it holds.
//!
//! `cargo bench --bench screen`. Criterion measures wall time; the lines that begin with `cpu` and `memory` are this
//! thread's CPU time and the allocator's count. As a test it runs once, on little.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark that cannot run must stop")]

#[path = "../real/cpu.rs"]
mod cpu;
mod inputs;
mod memory;
mod snapshots;

use std::hint::black_box;

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::{Config, Term};
use alacritty_terminal::vte::ansi;
use cpu::cpu;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fantail::terminal::Size;
use fantail::terminal::screen::Screen;
use rustix::time::ClockId;

/// What the screen is given at once: what a session reads from its PTY when there is plenty.
const READ: usize = 64 << 10;
const SCROLLBACK: usize = 10_000;

/// Whether to measure, rather than to show that it runs.
fn measures() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// How much of each input.
fn total() -> usize {
    if measures() { 64 << 20 } else { 256 << 10 }
}

fn size() -> Size {
    Size::new(inputs::COLS.into(), inputs::ROWS.into()).expect("within bounds")
}

fn ours(bytes: &[u8]) -> Screen {
    let mut screen = Screen::new(size(), SCROLLBACK);
    bytes.chunks(READ).for_each(|chunk| screen.feed(chunk));
    screen
}

/// The size, as alacritty asks for it.
struct Alacritty;

impl Dimensions for Alacritty {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        inputs::ROWS.into()
    }

    fn columns(&self) -> usize {
        inputs::COLS.into()
    }
}

fn alacritty(bytes: &[u8]) -> Term<VoidListener> {
    let config = Config { scrolling_history: SCROLLBACK, ..Config::default() };
    let mut term = Term::new(config, &Alacritty, VoidListener);
    let mut parser = ansi::Processor::<ansi::StdSyncHandler>::new();
    bytes.chunks(READ).for_each(|chunk| parser.advance(&mut term, chunk));
    term
}

/// Counts what the bare parser finds.
#[derive(Default)]
struct Counter(usize);

impl vte::Perform for Counter {
    fn print(&mut self, _: char) {
        self.0 += 1;
    }

    fn execute(&mut self, _: u8) {
        self.0 += 1;
    }

    fn csi_dispatch(&mut self, params: &vte::Params, _: &[u8], _: bool, _: char) {
        self.0 += params.len();
    }
}

fn bare_parser(bytes: &[u8]) -> usize {
    let (mut parser, mut counter) = (vte::Parser::new(), Counter::default());
    bytes.chunks(READ).for_each(|chunk| parser.advance(&mut counter, chunk));
    counter.0
}

/// MiB of `bytes` a second of this thread's CPU, the best of some turns.
fn per_cpu_second<T>(bytes: &[u8], feed: impl Fn(&[u8]) -> T) -> f64 {
    let mib = bytes.len() as f64 / f64::from(1 << 20);
    (0..if measures() { 5 } else { 1 })
        .map(|_| {
            let start = cpu(ClockId::ThreadCPUTime);
            black_box(feed(bytes));
            mib / (cpu(ClockId::ThreadCPUTime) - start).as_secs_f64()
        })
        .fold(0.0, f64::max)
}

fn feeding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("feed");
    group.sample_size(10);
    for (name, bytes) in [
        ("coloured log", inputs::coloured(total())),
        ("plain log", inputs::ascii(total())),
        ("repainting TUI", inputs::tui(total())),
        ("rainbow", inputs::rainbow(total())),
    ] {
        println!(
            "cpu {name}: ours {:.0} MiB/s, alacritty_terminal {:.0}, vte without a screen {:.0}",
            per_cpu_second(&bytes, ours),
            per_cpu_second(&bytes, alacritty),
            per_cpu_second(&bytes, bare_parser),
        );
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(BenchmarkId::new("ours", name), &bytes, |bencher, bytes| bencher.iter(|| ours(bytes)));
        group.bench_with_input(BenchmarkId::new("alacritty_terminal", name), &bytes, |bencher, bytes| {
            bencher.iter(|| alacritty(bytes));
        });
        group.bench_with_input(BenchmarkId::new("vte without a screen", name), &bytes, |bencher, bytes| {
            bencher.iter(|| bare_parser(bytes));
        });
    }
    group.finish();
}

/// Bytes that `make` leaves allocated.
fn held_by<T>(make: impl FnOnce() -> T) -> usize {
    let before = memory::held();
    let made = make();
    let held = memory::held() - before;
    drop(made);
    held
}

fn holding(criterion: &mut Criterion) {
    let bytes = total().min(2 << 20);
    let (plain, coloured) = (inputs::ascii(bytes), inputs::coloured(bytes));
    let prompt = b"\x1b]0;~/src\x07\x1b[1;32muser@host\x1b[0m:\x1b[1;34m~/src\x1b[0m$ ";
    for (name, held, theirs) in [
        ("10,000 plain lines", held_by(|| ours(&plain)), held_by(|| alacritty(&plain))),
        ("10,000 coloured lines", held_by(|| ours(&coloured)), held_by(|| alacritty(&coloured))),
        ("an idle session at its prompt", held_by(|| ours(prompt)), held_by(|| alacritty(prompt))),
    ] {
        println!("memory {name}: ours {} KiB, alacritty_terminal {} KiB", held >> 10, theirs >> 10);
    }
    let idle = held_by(|| {
        let mut screen = ours(prompt);
        screen.hibernate();
        screen
    });
    println!("memory an idle session at its prompt, hibernated: {idle} bytes");

    criterion.bench_function("hibernate and wake", |bencher| {
        let log = &coloured[..coloured.len().min(64 << 10)];
        bencher.iter_batched(
            || ours(log),
            |mut screen| {
                screen.hibernate();
                screen.feed(b"x");
                screen
            },
            BatchSize::LargeInput,
        );
    });
}

criterion_group!(benches, snapshots::minting, feeding, holding);
criterion_main!(benches);
