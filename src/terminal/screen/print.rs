//! Characters: where they go, when they wrap, what they join.

use super::cell::Cell;
use super::charset::Charset;
use super::row::Row;
use super::terminal::Terminal;
use super::width::{self, Joining};

/// SHY. Whether it shows is disputed; the client leaves it out.
const SOFT_HYPHEN: char = '\u{ad}';

/// Where a run of characters is. A wide character without its second half, which the client makes when what a
/// character joins has gone, outlives the run: so a run must be the same one however its bytes are cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Printing {
    /// Something else came last, or nothing.
    Ended,
    Begun,
    /// The bytes so far are shown; those to come may go on with it.
    Paused,
}

impl Terminal {
    /// A run of 0x20..=0x7e.
    pub(super) fn print_run(&mut self, run: &[u8]) {
        self.begin_printing();
        if self.modes.insert
            || self.charsets.current() != Charset::Ascii
            || width::ascii_may_join(self.before)
            || self.sides().is_some()
        {
            for &byte in run {
                self.print_one(char::from(byte));
            }
            return;
        }
        let style = self.pen_style();
        let cols = self.cols;
        let mut rest = run;
        while !rest.is_empty() {
            if self.buffer().x >= cols {
                if self.modes.autowrap {
                    self.wrap(0);
                } else {
                    // Each goes over the one before, in the last column.
                    self.buffer_mut().x = cols - 1;
                    rest = &rest[rest.len() - 1..];
                }
            }
            let buffer = self.buffer_mut();
            let (x, y) = (buffer.x, buffer.y);
            let (now, later) = rest.split_at(rest.len().min(cols - x));
            if let Some(row) = buffer.rows.get_mut(y) {
                row.write_ascii(x, now, style);
            }
            buffer.x = x + now.len();
            rest = later;
        }
        self.before = Joining::ASCII;
    }

    /// Any other character.
    pub(super) fn print_char(&mut self, c: char) {
        self.begin_printing();
        self.print_one(c);
    }

    /// `text` again and again, as one run.
    pub(super) fn print_repeated(&mut self, text: &str, times: usize) {
        self.begin_printing();
        for _ in 0..times {
            for c in text.chars() {
                self.print_one(c);
            }
        }
        self.end_printing();
    }

    /// What is about to be overwritten may be the second half of a wide character.
    #[inline]
    fn begin_printing(&mut self) {
        if std::mem::replace(&mut self.printing, Printing::Begun) != Printing::Ended {
            return;
        }
        let style = self.pen_style();
        let x = self.buffer().x;
        if let Some(row) = self.row_mut()
            && x > 0
            && row.width(x - 1) == 2
        {
            row.set(x - 1, Cell::empty(style));
        }
    }

    /// Something else comes.
    pub(super) fn end_printing(&mut self) {
        self.pause_printing();
        self.printing = Printing::Ended;
    }

    /// What was overwritten last may have been the first half of a wide character.
    pub(super) fn pause_printing(&mut self) {
        if self.printing != Printing::Begun {
            return;
        }
        self.printing = Printing::Paused;
        let style = self.pen_style();
        let (x, cols) = (self.buffer().x, self.cols);
        if let Some(row) = self.row_mut()
            && x < cols
            && row.width(x) == 0
            && !row.cell(x).has_content()
        {
            row.set(x, Cell::empty(style));
        }
    }

    fn print_one(&mut self, c: char) {
        if self.sides().is_some() {
            self.print_within::<true>(c);
        } else {
            self.print_within::<false>(c);
        }
    }

    /// Prints one character; `NARROW` with margins at the sides.
    #[inline]
    fn print_within<const NARROW: bool>(&mut self, c: char) {
        if c == SOFT_HYPHEN {
            return;
        }
        let c = match u8::try_from(c) {
            Ok(byte) if byte < 0x7f => self.charsets.current().shown(byte),
            _ => c,
        };
        let joined = width::join(self.before, c);
        let old_width = if joined.joins { usize::from(self.before.width()) } else { 0 };
        self.before = joined.state;
        let added = usize::from(joined.width).saturating_sub(old_width);
        let mut edge = if NARROW { self.edge() } else { self.cols };
        if self.buffer().x + added > edge {
            if self.modes.autowrap {
                self.wrap(old_width);
                edge = if NARROW { self.edge() } else { self.cols };
            } else {
                self.buffer_mut().x = edge - 1;
                if joined.width == 2 {
                    return;
                }
            }
        }
        let style = self.pen_style();
        // Outside the margins nothing makes room, as nothing closes a gap there.
        let (insert, cols) = (self.modes.insert && (!NARROW || self.is_between()), self.cols);
        let Self { primary, alternate, is_alternate, tables, .. } = self;
        let buffer = if *is_alternate { alternate } else { primary };
        let Some(row) = buffer.rows.get_mut(buffer.y) else { return };
        if joined.joins && buffer.x > 0 {
            let back = if row.width(buffer.x - 1) > 0 { 1 } else { 2 };
            if let Some(col) = buffer.x.checked_sub(back) {
                let cell = tables.joined(row.cell(col), c, joined.width);
                row.set(col, cell);
            }
            for _ in 0..added {
                row.set(buffer.x, Cell::tail(style));
                buffer.x += 1;
            }
            if NARROW {
                self.note_full(edge);
            }
            return;
        }
        if insert {
            make_room(row, buffer.x, added, Cell::empty(style), edge, cols);
        }
        row.set(buffer.x, Cell::new(c, joined.width, style));
        buffer.x += 1;
        for _ in 1..joined.width {
            row.set(buffer.x, Cell::tail(style));
            buffer.x += 1;
        }
        if NARROW {
            self.note_full(edge);
        }
    }

    /// To the next line. The last `carried` columns go along: a character that has just become wider than its place.
    pub(super) fn wrap(&mut self, carried: usize) {
        let pen = Cell::empty(self.pen_style());
        let (edge, rows) = (self.edge(), self.rows);
        let buffer = self.buffer_mut();
        let from = buffer.x.saturating_sub(carried);
        let mut taken = [Cell::BLANK; 2];
        if let Some(row) = buffer.rows.get_mut(buffer.y) {
            for (offset, cell) in taken.iter_mut().enumerate().take(carried) {
                *cell = row.cell(from + offset);
            }
            for col in from..edge {
                row.set(col, pen);
            }
        }
        if self.sides().is_some() {
            let left = self.wrap_within();
            if let Some(row) = self.row_mut() {
                for (col, cell) in taken.into_iter().enumerate().take(carried) {
                    row.set(left + col, cell);
                }
            }
            self.buffer_mut().x = left + carried;
            return;
        }
        let buffer = self.buffer_mut();
        buffer.x = carried;
        buffer.y += 1;
        if buffer.y == buffer.bottom + 1 {
            buffer.y -= 1;
            self.scroll(true);
        } else {
            buffer.y = buffer.y.min(rows - 1);
            buffer.set_wrapped(buffer.y, true);
        }
        if let Some(row) = self.row_mut() {
            for (col, cell) in taken.into_iter().enumerate().take(carried) {
                row.set(col, cell);
            }
        }
    }
}

/// Insert mode: what is at `x` and after it moves right, as far as `edge`.
fn make_room(row: &mut Row, x: usize, count: usize, fill: Cell, edge: usize, cols: usize) {
    if edge < cols {
        row.shift_within(x, edge, count, true, fill);
        return;
    }
    row.insert(x, count, fill);
    if row.width(cols - 1) == 2 {
        row.set(cols - 1, fill);
    }
}
