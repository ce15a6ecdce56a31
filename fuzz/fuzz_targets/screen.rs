//! What a program may print: a screen on any bytes and any sizes. It never panics and keeps its bounds; how the bytes
//! are cut and whether it slept meanwhile make no difference; its snapshot asks nothing and makes a screen whose own
//! snapshot makes the same one.
//!
//! That the snapshot's screen shows what the first one showed (law 2) has known exceptions, so it is not asked here of
//! the first but of the second: `tests/screen` and the property tests of `src/terminal/screen` ask it of all.
#![no_main]

use fantail::terminal::Size;
use fantail::terminal::screen::Screen;
use libfuzzer_sys::fuzz_target;

const SCROLLBACK_MAX: usize = 50;
/// Never part of UTF-8: here it begins a new size, and the two bytes after it are that.
const RESIZE: u8 = 0xff;
/// Small sizes: edges are where things happen.
const COLS_MAX: u8 = 40;
const ROWS_MAX: u8 = 12;

fuzz_target!(|data: &[u8]| {
    let (mut whole, mut cut) = (blank(Size::DEFAULT), blank(Size::DEFAULT));
    let mut rest = data;
    while !rest.is_empty() {
        if let [RESIZE, cols, rows, after @ ..] = rest {
            let size =
                Size::new(u64::from(1 + cols % COLS_MAX), u64::from(1 + rows % ROWS_MAX)).expect("within bounds");
            cut.hibernate();
            whole.resize(size);
            cut.resize(size);
            rest = after;
        } else {
            let end = rest[1..].iter().position(|byte| *byte == RESIZE).map_or(rest.len(), |at| 1 + at);
            let output;
            (output, rest) = rest.split_at(end);
            whole.feed(output);
            output.iter().for_each(|byte| cut.feed(&[*byte]));
        }
        bounded(&whole);
    }
    cut.hibernate();
    assert_eq!(whole.take_answers(), cut.take_answers());
    assert_eq!(whole.inspect(), cut.inspect(), "byte by byte");
    let second = redrawn(&whole);
    bounded(&second);
    let third = redrawn(&second);
    assert_eq!(second.inspect(), third.inspect(), "a snapshot of what a snapshot made");
});

fn blank(size: Size) -> Screen {
    Screen::new(size, SCROLLBACK_MAX)
}

fn redrawn(screen: &Screen) -> Screen {
    let snapshot = screen.snapshot(SCROLLBACK_MAX);
    let mut redrawn = blank(snapshot.size);
    redrawn.feed(&snapshot.bytes);
    assert_eq!(redrawn.take_answers(), b"", "a snapshot asks nothing");
    assert_eq!(redrawn.scrollback_len(), snapshot.scrollback as usize);
    redrawn
}

fn bounded(screen: &Screen) {
    let (size, cursor) = (screen.size(), screen.cursor());
    assert!(cursor.row < size.rows() && cursor.col < size.cols().max(2), "{cursor:?} in {size:?}");
    assert!(screen.scrollback_len() <= SCROLLBACK_MAX);
    let above = if screen.is_alternate() { 0 } else { screen.scrollback_len() };
    assert_eq!(screen.lines(SCROLLBACK_MAX).count(), above + usize::from(size.rows()));
}
