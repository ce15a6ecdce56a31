//! One of the two buffers: its lines, its cursor, its margins.
//!
//! Each has all of these of its own, because the client's have: switching carries only the cursor's place over.

use std::collections::VecDeque;

use super::attr::SavedPen;
use super::cell::Cell;
use super::charset::Charsets;
use super::reflow;
use super::row::Row;
use super::scrollback::Scrollback;
use super::tables::{Marks, Tables};
use super::tabs::Tabs;

/// Whether a buffer has lines above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keeps at most so many lines of scrollback, and wraps lines anew when its width changes.
    Primary { scrollback_max: usize },
    /// Has neither, and no lines at all while it is not shown.
    Alternate,
}

/// What DECSC keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) x: usize,
    /// Counted from the oldest line of scrollback: where the cursor was in the text, not on the screen.
    pub(super) line: usize,
    pub(super) pen: SavedPen,
    pub(super) charsets: Charsets,
    pub(super) origin: bool,
    pub(super) autowrap: bool,
}

impl Default for Saved {
    fn default() -> Self {
        Self { x: 0, line: 0, pen: SavedPen::default(), charsets: Charsets::default(), origin: false, autowrap: true }
    }
}

/// A buffer.
pub(super) struct Buffer {
    pub(super) kind: Kind,
    pub(super) rows: VecDeque<Row>,
    pub(super) scrollback: Scrollback,
    pub(super) cols: usize,
    pub(super) height: usize,
    /// The cursor's column. One past the last while the next character would wrap.
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) saved: Saved,
    /// First and last row of the scrolling region.
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) tabs: Tabs,
    /// The rows, while nobody looks and nothing happens; those that are not in it are blank.
    asleep: Option<Scrollback>,
}

impl Buffer {
    /// A blank one. It sleeps: many a screen is opened and closed before anything is printed on it.
    pub(super) fn new(kind: Kind, cols: usize, height: usize) -> Self {
        Self {
            kind,
            rows: VecDeque::new(),
            scrollback: Scrollback::default(),
            cols,
            height,
            x: 0,
            y: 0,
            saved: Saved::default(),
            top: 0,
            bottom: height - 1,
            tabs: Tabs::new(cols),
            asleep: matches!(kind, Kind::Primary { .. }).then(Scrollback::default),
        }
    }

    /// Gives it rows of `fill` if it has none: the alternate screen begins to be shown.
    pub(super) fn fill_if_empty(&mut self, fill: Cell) {
        if self.rows.is_empty() {
            self.rows = (0..self.height)
                .map(|_| {
                    let mut row = Row::blank(self.cols);
                    row.clear(self.cols, fill);
                    row
                })
                .collect();
        }
    }

    /// Gives its rows up: the alternate screen is left.
    pub(super) fn empty(&mut self) {
        self.rows = VecDeque::new();
        (self.x, self.y) = (0, 0);
        (self.top, self.bottom) = (0, self.height - 1);
        self.tabs = Tabs::new(self.cols);
    }

    /// The line number of the screen's first row, counted from the oldest line of scrollback.
    pub(super) const fn base(&self) -> usize {
        self.scrollback.len()
    }

    /// Scrolls the region up by one line. A line that leaves the top of the screen becomes scrollback.
    pub(super) fn scroll(&mut self, fill: Cell, wrapped: bool, tables: &Tables) {
        let Some(mut row) = self.rows.remove(self.top) else { return };
        if self.top == 0
            && let Kind::Primary { scrollback_max } = self.kind
            && scrollback_max > 0
        {
            self.scrollback.push(&row, tables);
            self.scrollback.trim(scrollback_max);
        }
        row.clear(self.cols, fill);
        row.wrapped = wrapped;
        self.rows.insert(self.bottom, row);
    }

    /// Takes the row `from` out and puts it back, blank, at `to`; `count` times, as far as that changes anything.
    pub(super) fn shift(&mut self, from: usize, to: usize, count: usize, fill: Cell) {
        for _ in 0..count.min(from.abs_diff(to) + 1) {
            if let Some(mut row) = self.rows.remove(from) {
                row.clear(self.cols, fill);
                self.rows.insert(to, row);
            }
        }
    }

    pub(super) fn set_wrapped(&mut self, y: usize, wrapped: bool) {
        if let Some(row) = self.rows.get_mut(y) {
            row.wrapped = wrapped;
        }
    }

    /// The line `line`, counted from the oldest one, no longer continues the one before.
    pub(super) fn end_wrap_at(&mut self, line: usize) {
        match line.checked_sub(self.base()) {
            Some(y) => self.set_wrapped(y, false),
            None => self.scrollback.end_wrap_at(line),
        }
    }

    pub(super) fn clear_scrollback(&mut self) {
        self.scrollback = Scrollback::default();
    }

    /// Takes another size, as the client does, which is not always what one would expect.
    pub(super) fn resize(&mut self, cols: usize, height: usize, tables: &mut Tables) {
        if !self.rows.is_empty() {
            if self.cols < cols {
                self.rows.iter_mut().for_each(|row| row.resize(cols));
            }
            let pulled = self.change_height(cols, height, tables);
            self.x = self.x.min(cols - 1);
            self.y = self.y.min(height - 1) + pulled;
            self.saved.x = self.saved.x.min(cols - 1);
            self.top = 0;
        }
        self.bottom = height - 1;
        if let Kind::Primary { scrollback_max } = self.kind
            && self.cols != cols
            && !self.rows.is_empty()
        {
            self.reflow(cols, height, scrollback_max, tables);
        }
        self.tabs_follow(cols);
        (self.cols, self.height) = (cols, height);
        self.y = self.y.min(self.rows.len().saturating_sub(1));
        self.bottom = height - 1;
    }

    fn tabs_follow(&mut self, cols: usize) {
        self.tabs.widen(self.cols, cols);
    }

    /// Returns by how many rows the cursor moved down with lines that came back from the scrollback.
    fn change_height(&mut self, cols: usize, height: usize, tables: &mut Tables) -> usize {
        let mut pulled = 0;
        while self.rows.len() < height {
            let at_end = self.rows.len() <= self.y + pulled + 1;
            match if at_end { self.scrollback.pop(cols.max(self.cols), tables) } else { None } {
                Some(row) => {
                    self.rows.push_front(row);
                    pulled += 1;
                }
                None => self.rows.push_back(Row::blank(cols)),
            }
        }
        let mut dropped = 0;
        while self.rows.len() > height {
            if self.rows.len() > self.y + 1 {
                self.rows.pop_back();
            } else if let Some(row) = self.rows.pop_front() {
                match self.kind {
                    Kind::Primary { .. } => self.scrollback.push(&row, tables),
                    Kind::Alternate => dropped += 1,
                }
                // The cursor's row is counted from the first one, which has gone up.
                self.y = self.y.saturating_sub(1);
            }
        }
        if let Kind::Primary { scrollback_max } = self.kind {
            dropped = self.scrollback.len().saturating_sub(scrollback_max);
            self.scrollback.trim(scrollback_max);
        }
        self.saved.line = self.saved.line.saturating_sub(dropped);
        pulled
    }

    fn reflow(&mut self, cols: usize, height: usize, scrollback_max: usize, tables: &mut Tables) {
        let base = self.scrollback.len();
        let width = cols.max(self.cols);
        let mut lines: Vec<Row> = (0..base).filter_map(|line| self.scrollback.row(line, width, tables)).collect();
        lines.extend(std::mem::take(&mut self.rows));
        let mut place = reflow::Place { base, y: self.y, saved: self.saved.line };
        let max = height + scrollback_max;
        let lines = if cols > self.cols {
            reflow::wider(lines, &mut place, self.cols, cols, height)
        } else {
            reflow::narrower(lines, &mut place, self.cols, cols, height, max)
        };
        let reflow::Place { base, y, saved } = place;
        (self.y, self.saved.line) = (y, saved);
        self.scrollback = Scrollback::default();
        let mut lines = lines.into_iter();
        for mut row in lines.by_ref().take(base) {
            row.resize(cols);
            self.scrollback.push(&row, tables);
        }
        self.rows = lines.take(height).collect();
        self.rows.iter_mut().for_each(|row| row.resize(cols));
        self.rows.resize(height, Row::blank(cols));
    }

    /// Whether it holds anything: the second screen does not, as the client leaves it.
    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty() || self.asleep.is_some()
    }

    /// The rows packed, while the buffer sleeps.
    pub(super) const fn packed_rows(&self) -> Option<&Scrollback> {
        self.asleep.as_ref()
    }

    /// Packs the rows, until [`Buffer::wake`].
    pub(super) fn sleep(&mut self, tables: &Tables) {
        // A row longer than the screen would lose what is hidden of it.
        if self.rows.is_empty() || self.rows.iter().any(|row| row.len() != self.cols) {
            return;
        }
        let mut packed = Scrollback::default();
        self.rows.iter().for_each(|row| packed.push(row, tables));
        packed.shrink();
        self.scrollback.shrink();
        self.rows = VecDeque::new();
        self.asleep = Some(packed);
    }

    pub(super) fn wake(&mut self, tables: &mut Tables) {
        if let Some(packed) = self.asleep.take() {
            let row = |y| packed.row(y, self.cols, tables).unwrap_or_else(|| Row::blank(self.cols));
            self.rows = (0..self.height).map(row).collect();
        }
    }

    /// Marks what its cells name.
    pub(super) fn mark(&self, marks: &mut Marks) {
        for row in &self.rows {
            row.used().iter().for_each(|&cell| marks.mark(cell));
        }
    }
}
