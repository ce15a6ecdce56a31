//! What is a snapshot? Its time beside the floor, copying its bytes, for two sizes and three lengths of scrollback; and
//! the one of a TUI, which has none.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use fantail::terminal::Size;
use fantail::terminal::screen::Screen;

use crate::{READ, SCROLLBACK, inputs, ours, total};

/// A coloured log on a terminal of this size, long enough to fill the scrollback.
fn log(cols: u64, rows: u64) -> Screen {
    let mut screen = Screen::new(Size::new(cols, rows).expect("within bounds"), SCROLLBACK);
    inputs::coloured(total().min(4 << 20)).chunks(READ).for_each(|chunk| screen.feed(chunk));
    screen
}

pub(crate) fn minting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(20);
    let (small, large) = (log(80, 24), log(200, 50));
    let tui = ours(&inputs::tui(total().min(1 << 20)));
    let logs = [("80x24 log", &small), ("200x50 log", &large)];
    let mut cases: Vec<_> =
        logs.into_iter().flat_map(|(name, screen)| [0, 1000, SCROLLBACK].map(|lines| (name, screen, lines))).collect();
    cases.push(("TUI", &tui, SCROLLBACK));
    for (name, screen, scrollback) in cases {
        let taken = screen.snapshot(scrollback);
        println!("snapshot of a {name}: {} bytes with {} lines of scrollback", taken.bytes.len(), taken.scrollback);
        group.throughput(Throughput::Bytes(taken.bytes.len() as u64));
        group.bench_function(BenchmarkId::new(format!("floor: copying that of a {name}"), scrollback), |bencher| {
            bencher.iter(|| black_box(&taken.bytes).clone());
        });
        group.bench_function(BenchmarkId::new(name, scrollback), |bencher| {
            bencher.iter(|| screen.snapshot(scrollback));
            assert_eq!(screen.snapshot(scrollback), taken, "the same each time");
        });
    }
    group.finish();
}
