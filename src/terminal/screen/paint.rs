//! Draws lines on a blank terminal, cell by cell as they are: what was never written stays unwritten, and a line that
//! wrapped wraps again.

use super::attr::Attr;
use super::buffer::Buffer;
use super::cell::Content;
use super::row::Row;
use super::scrollback::{Scrollback, Shown};
use super::tables::{Link, Tables};
use super::width::{self, Joining};

/// A wide character that shows nothing.
const WIDE_SPACE: char = '\u{3000}';
/// Separates characters that would join: a control that does nothing.
const APART: &str = "\0";

/// Where the cursor goes, from 0.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) x: usize,
    pub(super) y: usize,
    /// The column that columns are counted from.
    pub(super) left: usize,
}

/// Writes lines, and keeps track of the pen it has set.
pub(super) struct Painter<'a> {
    pub(super) out: String,
    tables: &'a Tables,
    cols: usize,
    rows: usize,
    look: Look<'a>,
    before: Joining,
}

/// A look and where it leads. The attr's own link does not count here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look<'a> {
    attr: Attr,
    link: Option<&'a Link>,
}

#[derive(Clone, Copy, Debug)]
struct Glyph<'a> {
    what: What<'a>,
    width: u8,
    look: Look<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What<'a> {
    Empty,
    Tail,
    Char(char),
    Cluster(&'a str),
}

impl<'a> Painter<'a> {
    pub(super) fn new(tables: &'a Tables, cols: usize, rows: usize) -> Self {
        Self { out: String::new(), tables, cols, rows, look: Look::default(), before: Joining::default() }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    pub(super) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// The lines of a buffer, below its last `scrollback` ones, from the top of a blank screen on.
    pub(super) fn lines(&mut self, buffer: &'a Buffer, scrollback: usize) {
        let above = buffer.scrollback.len() - scrollback.min(buffer.scrollback.len());
        let mut line = Vec::with_capacity(self.cols);
        let mut next = Vec::with_capacity(self.cols);
        let total = scrollback + self.rows;
        let mut wraps = self.read(buffer, above, &mut line);
        if wraps && self.rows > 1 {
            // A line that continues one which is no longer there.
            self.reset_pen();
            self.out.extend(std::iter::repeat_n(' ', self.cols + 1));
            self.push("\x1b[A\x1b[M\x1b[X");
        }
        for index in 1..=total {
            wraps = index < total && self.read(buffer, above + index, &mut next);
            self.line(&line, wraps);
            if index < total && !wraps {
                if self.look.attr.erasing() != Attr::default() {
                    self.reset_pen();
                }
                self.push("\r\n");
            }
            std::mem::swap(&mut line, &mut next);
        }
        self.reset_pen();
    }

    /// Reads line `index`, from the oldest of the scrollback. Returns whether it continues the one before.
    fn read(&self, buffer: &'a Buffer, index: usize, line: &mut Vec<Glyph<'a>>) -> bool {
        line.clear();
        let above = buffer.scrollback.len();
        let wrapped = match index.checked_sub(above) {
            None => read_packed(&buffer.scrollback, index, line),
            Some(y) => match buffer.packed_rows() {
                Some(packed) => read_packed(packed, y, line),
                None => buffer.rows.get(y).is_some_and(|row| self.read_row(row, line)),
            },
        };
        // Wider ones are hidden on the alternate screen.
        line.truncate(self.cols);
        line.iter_mut().for_each(Glyph::be_as_wide_as_drawn);
        // No sequence makes the second half of a wide character where its first is not; it looks as an empty cell.
        for col in 0..line.len() {
            if line[col].what == What::Tail && (col == 0 || line[col - 1].width != 2) {
                line[col] = Glyph { what: What::Empty, width: 1, ..line[col] };
            }
        }
        wrapped
    }

    fn read_row(&self, row: &Row, line: &mut Vec<Glyph<'a>>) -> bool {
        let mut named = None;
        let mut look = Look::default();
        for cell in row.used() {
            if named != Some(cell.style) {
                named = Some(cell.style);
                let attr = self.tables.look(cell.style);
                look = Look { attr: Attr { link: 0, ..attr }, link: self.tables.linked(attr.link) };
            }
            let what = match cell.content() {
                Content::Empty if cell.is_tail() => What::Tail,
                Content::Empty => What::Empty,
                Content::Char(c) => What::Char(c),
                Content::Cluster(name) => What::Cluster(self.tables.cluster_text(name)),
            };
            line.push(Glyph { what, width: cell.width(), look });
        }
        row.wrapped
    }

    /// The text of a cell of the screen, whether the buffer sleeps or not.
    pub(super) fn text_at(&self, buffer: &'a Buffer, y: usize, col: usize) -> String {
        let mut line = Vec::new();
        self.read(buffer, buffer.scrollback.len() + y, &mut line);
        match line.get(col).map(|glyph| glyph.what) {
            Some(What::Char(c)) => c.into(),
            Some(What::Cluster(text)) => text.into(),
            Some(What::Empty | What::Tail) | None => String::new(),
        }
    }

    /// The columns of a cell of the screen.
    pub(super) fn width_at(&self, buffer: &'a Buffer, y: usize, col: usize) -> u8 {
        let mut line = Vec::new();
        self.read(buffer, buffer.scrollback.len() + y, &mut line);
        line.get(col).map_or(1, |glyph| glyph.width)
    }

    /// Draws one line from its first column on. If the next one continues it, goes there by wrapping.
    fn line(&mut self, line: &[Glyph<'a>], wraps: bool) {
        self.odd_empties(line);
        let last = line.get(self.cols - 1).copied().unwrap_or(Glyph::BLANK);
        let wraps_early = wraps && matches!(last.what, What::Empty);
        let line = if wraps_early { &line[..line.len().min(self.cols - 1)] } else { line };
        let end = line.iter().rposition(|glyph| !glyph.is_blank()).map_or(0, |last| last + 1);
        let mut col = 0;
        while col < end {
            let glyph = &line[col];
            match glyph.what {
                What::Empty | What::Tail => {
                    let alike =
                        |other: &&Glyph<'_>| other.look == glyph.look && matches!(other.what, What::Empty | What::Tail);
                    let count = line[col..end].iter().take_while(alike).count();
                    self.empties(glyph, count, col + count < end);
                    col += count;
                }
                What::Char(_) | What::Cluster(_) => col += self.glyph(line, col),
            }
        }
        if wraps_early {
            self.wrap_before(last.look);
        } else if wraps {
            // In the default look, because the new line may be scrolled in, and filled with the pen's background.
            self.reset_pen();
            self.text(" ");
            self.push("\r\x1b[X");
        }
        self.before = Joining::default();
    }

    /// Goes to the next line from a last column that is empty, as a wide character does that does not fit there: it
    /// leaves the cell empty, in its own look.
    fn wrap_before(&mut self, look: Look<'a>) {
        let cols = self.cols;
        self.pen(look);
        self.command(format_args!("\x1b[{cols}G{WIDE_SPACE}\r"));
        self.reset_pen();
        let spoiled = if look.attr.erasing() == Attr::default() { 2 } else { cols };
        self.command(format_args!("\x1b[{spoiled}X"));
    }

    /// Draws what is at `col`; returns how many columns that were.
    fn glyph(&mut self, line: &[Glyph<'a>], col: usize) -> usize {
        let glyph = line[col];
        let next = line.get(col + 1).map_or(What::Empty, |next| next.what);
        self.pen(glyph.look);
        if glyph.width == 2 && matches!(next, What::Char(_) | What::Cluster(_)) {
            // Its second half was written over, in the last column, by a character that did not wrap.
            self.what(glyph.what);
            self.push("\x1b[?7l");
            self.pen(line[col + 1].look);
            self.before = Joining::default();
            self.what(next);
            self.push("\x1b[?7h");
            self.before = Joining::default();
            return 2;
        }
        self.what(glyph.what);
        1 + usize::from(glyph.width == 2 && next == What::Tail)
    }

    fn what(&mut self, what: What<'a>) {
        match what {
            What::Char(c) => self.text(c.encode_utf8(&mut [0; 4])),
            What::Cluster(text) => self.text(text),
            What::Empty | What::Tail => {}
        }
    }

    fn empties(&mut self, glyph: &Glyph<'a>, count: usize, more: bool) {
        if !glyph.is_blank() && glyph.is_erased() {
            self.pen(glyph.look);
            self.command(format_args!("\x1b[{count}X"));
        }
        if more {
            self.command(format_args!("\x1b[{count}C"));
        }
        self.before = Joining::default();
    }

    fn text(&mut self, text: &str) {
        if let Some(first) = text.chars().next()
            && width::join(self.before, first).joins
        {
            self.push(APART);
            self.before = Joining::default();
        }
        for c in text.chars() {
            self.before = width::join(self.before, c).state;
        }
        self.out.push_str(text);
    }

    /// Cells that were emptied by writing over half a wide character have the whole look of the pen that did it. They
    /// are made the same way, before anything else in the line, from right to left because each spoils its neighbour.
    fn odd_empties(&mut self, line: &[Glyph<'a>]) {
        let mut any = false;
        for col in (0..line.len()).rev().filter(|&col| line[col].is_odd()) {
            any = true;
            self.pen(line[col].look);
            let (place, spoiled) = if col == 0 { (0, 1) } else { (col - 1, col - 1) };
            self.command(format_args!("\x1b[{}G{WIDE_SPACE}\x1b[{}G ", place + 1, spoiled + 1));
            let neighbour = line.get(spoiled).copied().unwrap_or(Glyph::BLANK);
            if matches!(neighbour.what, What::Empty | What::Tail) && !neighbour.is_odd() {
                self.pen(Look { attr: neighbour.look.attr.erasing(), link: None });
                self.command(format_args!("\x1b[{}G\x1b[X", spoiled + 1));
            }
        }
        if any {
            self.push("\r");
            self.before = Joining::default();
        }
    }

    fn pen(&mut self, look: Look<'a>) {
        if look == self.look {
            return;
        }
        if look.attr != self.look.attr {
            self.push("\x1b[0");
            look.attr.write_sgr(&mut self.out);
            self.push("m");
            if look.attr.is_protected() {
                self.push("\x1b[1\"q");
            }
        }
        if look.link != self.look.link {
            self.link(look.link);
        }
        self.look = look;
        self.before = Joining::default();
    }

    fn link(&mut self, link: Option<&Link>) {
        match link {
            Some(Link { id: Some(id), uri }) => self.command(format_args!("\x1b]8;id={id};{uri}\x1b\\")),
            Some(Link { id: None, uri }) => self.command(format_args!("\x1b]8;;{uri}\x1b\\")),
            None => self.push("\x1b]8;;\x1b\\"),
        }
    }

    pub(super) fn reset_pen(&mut self) {
        self.pen(Look::default());
    }

    /// A pen that is about to be saved with the cursor.
    pub(super) fn pen_of_saved(&mut self, pen: Attr) {
        self.pen(Look { attr: Attr { link: 0, ..pen }, link: None });
    }

    /// The terminal's own pen. A link that the pen holds without showing it, because restoring the cursor took the
    /// sign for it away, cannot be said.
    pub(super) fn set_whole_pen(&mut self, pen: Attr) {
        self.pen(Look { attr: Attr { link: 0, ..pen }, link: self.tables.linked(pen.visible().link) });
    }

    /// Where the character begins that ends before column `end`.
    fn ends_at(line: &[Glyph<'_>], end: usize) -> Option<usize> {
        let line = &line[..line.len().min(end)];
        let last = line.iter().rposition(|glyph| !matches!(glyph.what, What::Empty | What::Tail));
        let last = last.filter(|&last| last + usize::from(line[last].width) == end);
        // A character of which the last one covers the second half has to be drawn with it.
        last.map(|last| if last > 0 && line[last - 1].width == 2 { last - 1 } else { last })
    }

    /// Draws the character at `col` again, which leaves the cursor behind it.
    fn redraw(&mut self, row: usize, place: usize, line: &[Glyph<'a>], col: usize) {
        self.command(format_args!("\x1b[{row};{place}H"));
        self.before = Joining::default();
        self.glyph(line, col);
        self.push(APART);
    }

    /// Puts the cursor one past the right margin, where it waits to wrap, by printing what is before it again. Where
    /// nothing is any more it has to be a space.
    pub(super) fn put_cursor_at_margin(&mut self, Place { x, y, left }: Place, buffer: &'a Buffer) {
        let mut line = Vec::new();
        self.read(buffer, buffer.scrollback.len() + buffer.y, &mut line);
        match Self::ends_at(&line, x) {
            Some(col) => self.redraw(y + 1, col + 1 - left.min(col), &line, col),
            None => {
                self.pen(line.get(x - 1).map_or(Look::default(), |glyph| glyph.look));
                self.command(format_args!("\x1b[{};{}H {APART}", y + 1, x - left.min(x)));
            }
        }
        self.before = Joining::default();
    }

    /// Puts the cursor at `place`, counted from the margin where that counts. Past the last column by printing what
    /// is there again; where nothing is, `carries` says that it can be carried over from the alternate screen.
    pub(super) fn put_cursor(&mut self, place: Place, buffer: &'a Buffer, carries: bool) {
        let Place { x, y, left } = place;
        let (row, cols) = (y + 1, self.cols);
        if x < cols {
            self.command(format_args!("\x1b[{row};{}H", x + 1 - left.min(x)));
            return;
        }
        let mut line = Vec::new();
        self.read(buffer, buffer.scrollback.len() + buffer.y, &mut line);
        let last = Self::ends_at(&line, cols);
        let cols = cols - left;
        match last {
            Some(col) => self.redraw(row, col + 1 - left.min(col), &line, col),
            None if carries => {
                // The other screen has its own margins, and none yet: rows count from the top there.
                self.command(format_args!("\x1b[?47h\x1b[{};{cols}H \x1b[?1047l", buffer.y + 1));
            }
            None if line.iter().all(Glyph::is_blank) => {
                self.reset_pen();
                self.command(format_args!("\x1b[{row};{cols}H \x1b[1K"));
            }
            None => {
                // Nothing but printing puts it there, so the column is no longer empty.
                let look = line.get(self.cols - 1).map_or(Look::default(), |glyph| glyph.look);
                self.pen(look);
                self.command(format_args!("\x1b[{row};{cols}H {APART}"));
            }
        }
        self.before = Joining::default();
    }
}

impl Glyph<'_> {
    const BLANK: Self =
        Glyph { what: What::Empty, width: 1, look: Look { attr: Attr { fg: 0, bg: 0, ext: 0, link: 0 }, link: None } };

    /// What joined another character than the one before it, which had gone, left it with the width of that. Nothing
    /// draws it so; it is drawn as wide as it is by itself, and nothing behind it moves.
    fn be_as_wide_as_drawn(&mut self) {
        let (first, columns) = match self.what {
            What::Char(c) if !c.is_ascii() => (c, width::columns(c.encode_utf8(&mut [0; 4]))),
            What::Cluster(text) => (text.chars().next().unwrap_or_default(), width::columns(text)),
            What::Empty | What::Tail | What::Char(_) => return,
        };
        if columns > usize::from(self.width) {
            let fits = width::columns(first.encode_utf8(&mut [0; 4])) == 1;
            self.what = if fits { What::Char(first) } else { What::Empty };
            self.width = 1;
        } else if columns == 1 {
            self.width = 1;
        }
    }

    /// Never written.
    fn is_blank(&self) -> bool {
        self.what == What::Empty && self.look == Look::default()
    }

    /// It looks as erasing leaves a cell.
    fn is_erased(&self) -> bool {
        self.look.link.is_none() && self.look.attr == self.look.attr.erasing()
    }

    /// Empty, but not as erasing leaves it.
    fn is_odd(&self) -> bool {
        self.what == What::Empty && !self.is_erased()
    }
}

fn read_packed<'a>(packed: &'a Scrollback, index: usize, line: &mut Vec<Glyph<'a>>) -> bool {
    let mut look = Look::default();
    packed.visit(index, |shown| {
        let (what, width) = match shown {
            Shown::Look(attr, link) => {
                look = Look { attr, link };
                return;
            }
            Shown::Char(c, width) => (What::Char(c), width),
            Shown::Cluster(text, width) => (What::Cluster(text), width),
            Shown::Empty(count) => {
                line.extend(std::iter::repeat_n(Glyph { what: What::Empty, width: 1, look }, count));
                return;
            }
            Shown::Tail => (What::Tail, 0),
        };
        line.push(Glyph { what, width, look });
    })
}
