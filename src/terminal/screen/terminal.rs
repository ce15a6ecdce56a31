//! The state that the parser's findings change: both buffers, the pen, the modes. Owns what they share.

use std::sync::Arc;

use super::Clipboard;
use super::attr::Attr;
use super::buffer::{Buffer, Kind};
use super::cell::{Cell, StyleId};
use super::charset::Charsets;
use super::emulation::Emulation;
use super::modes::{Keyboard, Modes};
use super::palette::Palette;
use super::print::Printing;
use super::row::Row;
use super::tables::Tables;
use super::width::Joining;
use super::xterm::Xterm;

/// Everything a terminal is but its parser.
pub(super) struct Terminal {
    pub(super) cols: usize,
    pub(super) rows: usize,
    pub(super) primary: Buffer,
    pub(super) alternate: Buffer,
    pub(super) is_alternate: bool,
    pub(super) tables: Tables,
    pub(super) pen: Attr,
    /// The names of the pen's look and of what it erases with, while they are known.
    pen_style: Option<StyleId>,
    erase_style: Option<StyleId>,
    pub(super) charsets: Charsets,
    pub(super) modes: Modes,
    pub(super) keyboard: Keyboard,
    /// What came just before, for characters that join it and for REP.
    pub(super) before: Joining,
    pub(super) printing: Printing,
    pub(super) palette: Palette,
    pub(super) title: Arc<str>,
    pub(super) titles_pushed: Vec<Arc<str>>,
    pub(super) cwd: Option<Arc<str>>,
    pub(super) bells: u64,
    pub(super) clipboard: Option<Arc<Clipboard>>,
    pub(super) answers: Vec<u8>,
    /// What the client does not have; nothing unless xterm is emulated.
    pub(super) xterm: Option<Box<Xterm>>,
}

impl Terminal {
    pub(super) fn new(cols: usize, rows: usize, scrollback_max: usize, emulation: Emulation) -> Self {
        Self {
            cols,
            rows,
            primary: Buffer::new(Kind::Primary { scrollback_max }, cols, rows),
            alternate: Buffer::new(Kind::Alternate, cols, rows),
            is_alternate: false,
            tables: Tables::default(),
            pen: Attr::default(),
            pen_style: None,
            erase_style: None,
            charsets: Charsets::default(),
            modes: Modes::default(),
            keyboard: Keyboard::default(),
            before: Joining::default(),
            printing: Printing::Ended,
            palette: Palette::default(),
            title: "".into(),
            titles_pushed: Vec::new(),
            cwd: None,
            bells: 0,
            clipboard: None,
            answers: Vec::new(),
            xterm: Xterm::of(emulation),
        }
    }

    /// The buffer shown.
    pub(super) const fn buffer(&self) -> &Buffer {
        if self.is_alternate { &self.alternate } else { &self.primary }
    }

    pub(super) const fn buffer_mut(&mut self) -> &mut Buffer {
        if self.is_alternate { &mut self.alternate } else { &mut self.primary }
    }

    /// The cursor's row.
    pub(super) fn row_mut(&mut self) -> Option<&mut Row> {
        let buffer = self.buffer_mut();
        buffer.rows.get_mut(buffer.y)
    }

    /// Changes the pen.
    pub(super) fn set_pen(&mut self, pen: Attr) {
        self.pen = pen;
        self.pen_style = None;
        self.erase_style = None;
    }

    /// The name of the pen's look.
    pub(super) fn pen_style(&mut self) -> StyleId {
        match self.pen_style {
            Some(style) => style,
            None => {
                let style = self.tables.style(self.pen.visible());
                self.pen_style = Some(style);
                style
            }
        }
    }

    /// What erasing leaves: the pen's background.
    pub(super) fn erased(&mut self) -> Cell {
        let style = match self.erase_style {
            Some(style) => style,
            None => {
                let style = self.tables.style(self.pen.erasing());
                self.erase_style = Some(style);
                style
            }
        };
        Cell::empty(style)
    }

    /// Scrolls the region up by one line.
    pub(super) fn scroll(&mut self, wrapped: bool) {
        let fill = self.erased();
        let Self { primary, alternate, is_alternate, tables, .. } = self;
        let buffer = if *is_alternate { alternate } else { primary };
        buffer.scroll(fill, wrapped, tables);
    }

    /// Keeps the cursor on the screen, and within the margins in origin mode. `beyond` lets it wait to wrap.
    pub(super) fn restrict_cursor(&mut self, beyond: bool) {
        let (cols, rows, origin) = (self.cols, self.rows, self.modes.origin);
        if !beyond {
            self.leave_margin();
        }
        let sides = self.sides().filter(|_| origin);
        let buffer = self.buffer_mut();
        buffer.x = buffer.x.min(if beyond { cols } else { cols - 1 });
        if let Some((left, right)) = sides {
            buffer.x = buffer.x.clamp(left, right);
        }
        buffer.y = if origin { buffer.y.max(buffer.top).min(buffer.bottom) } else { buffer.y.min(rows - 1) };
    }

    /// The column that the cursor is shown in: the last one while it waits to wrap.
    pub(super) fn shown_column(&self) -> usize {
        self.buffer().x.min(self.cols - 1) - usize::from(self.is_full())
    }

    /// Places the cursor, counted from the margin in origin mode.
    pub(super) fn set_cursor(&mut self, x: usize, y: usize) {
        let origin = self.modes.origin;
        self.forget_full();
        let left = self.sides().filter(|_| origin).map_or(0, |(left, _)| left);
        let buffer = self.buffer_mut();
        buffer.x = left.saturating_add(x);
        buffer.y = if origin { buffer.top.saturating_add(y) } else { y };
        self.restrict_cursor(false);
    }

    /// Moves the cursor by so many columns and rows. In origin mode the client counts the row it reaches from the
    /// margin once more.
    pub(super) fn move_cursor(&mut self, cols: isize, rows: isize) {
        self.restrict_cursor(false);
        let buffer = self.buffer();
        let (x, y) = (buffer.x.saturating_add_signed(cols), buffer.y.saturating_add_signed(rows));
        self.set_cursor(x, y);
    }

    pub(super) fn resize(&mut self, cols: usize, rows: usize) {
        self.wake();
        self.end_printing();
        self.forget_sides();
        (self.cols, self.rows) = (cols, rows);
        self.primary.resize(cols, rows, &mut self.tables);
        self.alternate.resize(cols, rows, &mut self.tables);
    }

    /// As RIS leaves it.
    pub(super) fn reset(&mut self) {
        let (cols, rows) = (self.cols, self.rows);
        self.primary = Buffer::new(self.primary.kind, cols, rows);
        self.alternate = Buffer::new(Kind::Alternate, cols, rows);
        self.wake();
        self.is_alternate = false;
        self.charsets = Charsets::default();
        self.modes.full_reset();
        self.keyboard = Keyboard::default();
        self.set_pen(Attr::default());
        if let Some(xterm) = &mut self.xterm {
            xterm.reset();
        }
    }

    /// Frees what no cell names any more, when enough has come.
    pub(super) fn sweep(&mut self) {
        if !self.tables.wants_sweep() {
            return;
        }
        let mut marks = self.tables.marks();
        self.primary.mark(&mut marks);
        self.alternate.mark(&mut marks);
        self.tables.sweep(&marks, self.pen);
        self.pen_style = None;
        self.erase_style = None;
    }

    pub(super) fn sleep(&mut self) {
        self.primary.sleep(&self.tables);
        self.alternate.sleep(&self.tables);
        self.sweep();
        self.answers.shrink_to_fit();
    }

    pub(super) fn wake(&mut self) {
        self.primary.wake(&mut self.tables);
        self.alternate.wake(&mut self.tables);
    }
}
