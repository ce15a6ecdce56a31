//! A session in a terminal of another size: the part of its screen around the cursor where the terminal is smaller, an
//! edge around it where the terminal is larger.
//!
//! Pure: a screen in, bytes out, of which there are never more than the terminal has cells for. Must never make the
//! terminal wrap or scroll, nor write outside of it.

use std::fmt::Write as _;

use super::pointer::Part;
use crate::terminal::render::{Format, render};
use crate::terminal::screen::Screen;
use crate::terminal::{Offset, Size};

/// Nothing half-written, nothing drawn before all of it is there, no cursor that wanders, no wrapping.
const BEGIN: &str = "\x18\x1b[?2026h\x1b[?25l\x1b[?7l\x1b[m";
const END: &str = "\x1b[?2026l";
/// Where the ruler begins a new row: it must not come to its end, where nothing moves it.
const RULER_COLS: u16 = Size::MAX / 2;

/// What a terminal has been painted.
pub(super) struct Pane {
    /// Of the session's screen, the first row and column shown.
    top: u16,
    left: u16,
    /// The terminal's rows as it was last painted them.
    rows: Vec<String>,
    cursor: String,
    notice: Option<String>,
    ruler: Ruler,
}

impl Pane {
    pub(super) fn new() -> Self {
        let ruler = Ruler::new();
        Self { top: 0, left: 0, rows: Vec::new(), cursor: String::new(), notice: None, ruler }
    }

    /// The terminal may show anything.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
    }

    /// What is told in the last row, above all else.
    pub(super) fn notice(&mut self, text: Option<&str>) {
        self.notice = text.map(str::to_owned);
    }

    /// What there is to tell.
    pub(super) const fn has_notice(&self) -> bool {
        self.notice.is_some()
    }

    /// Which part of `screen` is painted.
    pub(super) fn part(&self, screen: &Screen) -> Part {
        Part { left: self.left, top: self.top, size: screen.size() }
    }

    /// What makes a terminal of size `here` show `screen`; nothing if it does.
    pub(super) fn paint(&mut self, screen: &Screen, here: Size) -> Vec<u8> {
        // Larger than a rendering may be: its links are meant to do harm, and the last picture stays.
        let Ok(picture) = render(screen, Offset(0), Format::Ansi, 0) else { return Vec::new() };
        let size = screen.size();
        let told = self.notice.is_some() && here.rows() > 1;
        let room = here.rows() - u16::from(told);
        let (cols, rows) = (size.cols().min(here.cols()), size.rows().min(room));
        let cursor = screen.cursor();
        self.top = following(self.top, cursor.row, rows, size.rows());
        // Lines begin at the left: as soon as that can be seen, it is.
        self.left = if cursor.col < cols { 0 } else { following(self.left, cursor.col, cols, size.cols()) };

        let mut wanted: Vec<String> = Vec::with_capacity(here.rows().into());
        for line in picture.split("\r\n").skip(self.top.into()).take(rows.into()) {
            let mut row = self.ruler.cut(line, self.left, cols);
            if here.cols() > cols {
                let _ = write!(row, "\x1b[{}G\x1b[K\x1b[2m│\x1b[m", cols + 1);
            }
            wanted.push(row);
        }
        if room > rows {
            let corner = if here.cols() > cols { "┘" } else { "" };
            let label = format!(" {}x{} ", size.cols(), size.rows());
            let label = if label.len() < usize::from(cols) { label } else { String::new() };
            let edge = "─".repeat(usize::from(cols) - label.len());
            wanted.push(format!("\x1b[2m{label}{edge}{corner}\x1b[m\x1b[K"));
        }
        wanted.resize(room.into(), "\x1b[K".to_owned());
        if told {
            let text = self.notice.as_deref().unwrap_or_default();
            let line = self.ruler.cut(&format!("[{text}]"), 0, here.cols());
            wanted.push(format!("\x1b[K\x1b[2m{line}\x1b[m"));
        }

        let mut out = String::new();
        for (at, row) in wanted.iter().enumerate().filter(|&(at, row)| self.rows.get(at) != Some(row)) {
            let _ = write!(out, "\x1b[{};1H{row}", at + 1);
        }
        let show = if cursor.visible { "\x1b[?25h" } else { "" };
        let place = format!("\x1b[{};{}H{show}", cursor.row - self.top + 1, cursor.col - self.left + 1);
        if out.is_empty() && place == self.cursor {
            return Vec::new();
        }
        let out = format!("{BEGIN}{out}{place}{END}").into_bytes();
        (self.rows, self.cursor) = (wanted, place);
        out
    }
}

/// The first of `room` places, among `all`, such that `at` is one of them; `from` if that is so already.
fn following(from: u16, at: u16, room: u16, all: u16) -> u16 {
    let from = from.min(all - room);
    if at < from { at } else { from.max((at + 1).saturating_sub(room)) }
}

/// Says how wide characters are, as the screen has it.
struct Ruler(Screen);

impl Ruler {
    fn new() -> Self {
        // One row of the most columns there are: nothing measured is wrapped.
        Self(Screen::new(Size::new(Size::MAX.into(), 1).unwrap_or(Size::DEFAULT), 0))
    }

    /// By how many columns `c` moves on, after those before it.
    fn advance(&mut self, c: char) -> u16 {
        if c.is_ascii() || self.0.cursor().col > RULER_COLS {
            // It joins nothing before it.
            self.0.feed(b"\r");
        }
        let before = self.0.cursor().col;
        self.0.feed(c.encode_utf8(&mut [0; 4]).as_bytes());
        self.0.cursor().col.saturating_sub(before)
    }

    /// Of a rendered line the columns from `left` on, `cols` of them or fewer. What comes behind it is erased.
    fn cut(&mut self, line: &str, left: u16, cols: u16) -> String {
        let plain = line.is_ascii();
        let right = left + cols;
        let mut cut = String::with_capacity(line.len());
        let (mut col, mut end, mut strays) = (0u16, left, false);
        // Whether the last character is shown, all of it.
        let mut is_whole = false;
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let (piece, after) = rest.split_at(if c == '\x1b' { sequence_len(rest) } else { c.len_utf8() });
            rest = after;
            if c == '\x1b' {
                cut.push_str(piece);
                continue;
            }
            let (from, to) = (col, col.saturating_add(if plain { 1 } else { self.advance(c) }));
            col = to;
            if from == to {
                // It belongs to the character before it: joined to a blank it would be a character of its own.
                if is_whole {
                    cut.push_str(piece);
                }
                continue;
            }
            let (shown_from, shown_to) = (from.max(left), to.min(right));
            is_whole = (shown_from, shown_to) == (from, to);
            if shown_from >= shown_to {
                continue;
            }
            if strays && c.is_ascii() {
                // This terminal may have another opinion of how wide what came before is.
                let _ = write!(cut, "\x1b[{}G", shown_from - left + 1);
                strays = false;
            }
            if is_whole {
                cut.push_str(piece);
                strays |= !c.is_ascii();
            } else {
                cut.push_str(&" ".repeat((shown_to - shown_from).into()));
            }
            end = shown_to;
        }
        if end < right {
            let _ = write!(cut, "\x1b[{}G\x1b[K", end - left + 1);
        }
        cut
    }
}

/// Bytes of the sequence that a rendered line goes on with: colours (CSI … m) or a link (OSC … ST).
fn sequence_len(line: &str) -> usize {
    let end =
        if line.starts_with("\x1b]") { line.find("\x1b\\").map(|at| at + 2) } else { line.find('m').map(|at| at + 1) };
    end.unwrap_or(line.len())
}

#[cfg(test)]
#[path = "pane_tests.rs"]
mod tests;
