//! One line of cells, and what the control functions do within it. Follows the client, column by column.

use super::cell::{Cell, StyleId};
use super::tables::Tables;

/// One line of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    cells: Vec<Cell>,
    /// Every cell from here on is [`Cell::BLANK`]: what need not be looked at.
    used: usize,
    /// It continues the row before.
    pub(super) wrapped: bool,
}

impl Row {
    pub(super) fn blank(cols: usize) -> Self {
        Self { cells: vec![Cell::BLANK; cols], used: 0, wrapped: false }
    }

    /// A row with `cells` from its first column on and blank ones up to `cols`.
    pub(super) fn from_cells(mut cells: Vec<Cell>, cols: usize, wrapped: bool) -> Self {
        let used = cells.len().min(cols);
        cells.resize(cols, Cell::BLANK);
        Self { cells, used, wrapped }
    }

    /// Usually the screen's width; more on the alternate screen after it became narrower, as in the client.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// All cells that may be other than blank.
    pub(super) fn used(&self) -> &[Cell] {
        &self.cells[..self.used]
    }

    /// The cell at `col`; blank beyond the end.
    pub(super) fn cell(&self, col: usize) -> Cell {
        self.cells.get(col).copied().unwrap_or(Cell::BLANK)
    }

    /// Columns of the cell at `col`; 0 beyond the end, as the client sees it.
    pub(super) fn width(&self, col: usize) -> u8 {
        self.cells.get(col).map_or(0, |cell| cell.width())
    }

    /// Nothing happens beyond the end.
    pub(super) fn set(&mut self, col: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(col) {
            *place = cell;
            self.used = self.used.max(col + 1);
        }
    }

    /// Writes `text`, which must fit, from `col` on.
    pub(super) fn write_ascii(&mut self, col: usize, text: &[u8], style: StyleId) {
        let end = col + text.len();
        if let Some(places) = self.cells.get_mut(col..end) {
            for (place, &byte) in places.iter_mut().zip(text) {
                *place = Cell::ascii(byte, style);
            }
            self.used = self.used.max(end);
        }
    }

    /// Becomes a row of `cols` empty cells of a look.
    pub(super) fn clear(&mut self, cols: usize, fill: Cell) {
        if fill == Cell::BLANK {
            self.cells[..self.used].fill(Cell::BLANK);
            self.used = 0;
            self.cells.resize(cols, Cell::BLANK);
        } else {
            self.cells.clear();
            self.cells.resize(cols, fill);
            self.used = cols;
        }
        self.wrapped = false;
    }

    /// Every cell becomes `fill`, except, for a selective erase, the protected ones.
    pub(super) fn fill(&mut self, fill: Cell, spare: Option<&Tables>) {
        let len = self.len();
        match spare {
            None => self.put(0, len, fill),
            Some(tables) => self.put_unprotected(0, len, fill, tables),
        }
    }

    fn put(&mut self, from: usize, to: usize, fill: Cell) {
        let to = to.min(self.len());
        if from >= to {
            return;
        }
        if fill == Cell::BLANK {
            let used = to.min(self.used);
            if from < used {
                self.cells[from..used].fill(fill);
            }
            if to >= self.used {
                self.used = self.used.min(from);
            }
        } else {
            self.cells[from..to].fill(fill);
            self.used = self.used.max(to);
        }
    }

    fn put_unprotected(&mut self, from: usize, to: usize, fill: Cell, tables: &Tables) {
        for col in from..to.min(self.len()) {
            if !tables.look(self.cells[col].style).is_protected() {
                self.set(col, fill);
            }
        }
    }

    /// Erases `from..to`, and the halves of wide characters that would be left. `spare` has the protected cells left.
    pub(super) fn erase(&mut self, from: usize, to: usize, fill: Cell, spare: Option<&Tables>) {
        let lone = Cell::empty(fill.style);
        let is_spared = |cell: Cell| spare.is_some_and(|tables| tables.look(cell.style).is_protected());
        if from > 0 && self.width(from - 1) == 2 && !is_spared(self.cell(from - 1)) {
            self.set(from - 1, lone);
        }
        if to > 0 && to < self.len() && self.width(to - 1) == 2 && !is_spared(self.cell(to)) {
            self.set(to, lone);
        }
        match spare {
            None => self.put(from, to, fill),
            Some(tables) => self.put_unprotected(from, to, fill, tables),
        }
    }

    /// Shifts what is at `col` and after it right by `count`; what leaves the row is gone.
    pub(super) fn insert(&mut self, col: usize, count: usize, fill: Cell) {
        let len = self.len();
        let col = col % len;
        let lone = Cell::empty(fill.style);
        if col > 0 && self.width(col - 1) == 2 {
            self.set(col - 1, lone);
        }
        if count < len - col {
            self.cells.copy_within(col..len - count, col + count);
            self.cells[col..col + count].fill(fill);
            self.used =
                if self.used > col || fill != Cell::BLANK { (self.used.max(col) + count).min(len) } else { self.used };
        } else {
            self.put(col, len, fill);
        }
        if self.width(len - 1) == 2 {
            self.set(len - 1, lone);
        }
    }

    /// Shifts what is after `col + count` left to `col`; `fill` comes in at the end.
    pub(super) fn delete(&mut self, col: usize, count: usize, fill: Cell) {
        let len = self.len();
        let col = col % len;
        let lone = Cell::empty(fill.style);
        if count < len - col {
            self.cells.copy_within(col + count..len, col);
            self.put(len - count, len, fill);
        } else {
            self.put(col, len, fill);
        }
        if col > 0 && self.width(col - 1) == 2 {
            self.set(col - 1, lone);
        }
        if self.width(col) == 0 && !self.cell(col).has_content() {
            self.set(col, lone);
        }
    }

    /// Nothing wide lies over the line between `col` and the column before it: halves on both sides become empty.
    pub(super) fn cut(&mut self, col: usize, fill: Cell) {
        if col > 0 && col < self.len() && self.width(col - 1) == 2 {
            let lone = Cell::empty(fill.style);
            self.set(col - 1, lone);
            self.set(col, lone);
        }
    }

    /// Shifts what is in `from..end` right or left by `count`; what leaves that is gone, and `fill` comes in.
    pub(super) fn shift_within(&mut self, from: usize, end: usize, count: usize, right: bool, fill: Cell) {
        let end = end.min(self.len());
        if from >= end {
            return;
        }
        let count = count.min(end - from);
        self.cut(from, fill);
        self.cut(end, fill);
        self.cut(if right { end - count } else { from + count }, fill);
        if right {
            self.copy_within(from, from + count, end - from - count);
            self.put(from, from + count, fill);
        } else {
            self.copy_within(from + count, from, end - from - count);
            self.put(end - count, end, fill);
        }
    }

    /// Puts `cells` at `col` and after; a wide character of which they hold one half is not among them.
    pub(super) fn put_whole(&mut self, col: usize, cells: &[Cell]) {
        for (offset, &cell) in cells.iter().enumerate() {
            let is_cut = if cell.is_tail() { offset == 0 } else { cell.width() == 2 && offset + 1 == cells.len() };
            self.set(col + offset, if is_cut { Cell::empty(cell.style) } else { cell });
        }
    }

    /// The column after the last character.
    pub(super) fn trimmed_len(&self) -> usize {
        let last = self.used().iter().rposition(|cell| cell.has_content());
        last.map_or(0, |last| last + usize::from(self.cells[last].width()))
    }

    /// Takes `count` cells of `source`, from its column `from` on, to `to` and after.
    pub(super) fn copy_from(&mut self, source: &Self, from: usize, to: usize, count: usize) {
        for offset in 0..count {
            if from + offset < source.len() {
                self.set(to + offset, source.cells[from + offset]);
            }
        }
    }

    /// Like [`Row::copy_from`], within one row.
    pub(super) fn copy_within(&mut self, from: usize, to: usize, count: usize) {
        let len = self.len();
        let count = count.min(len.saturating_sub(from)).min(len.saturating_sub(to));
        self.cells.copy_within(from..from + count, to);
        self.used = self.used.max(to + count);
    }

    /// Takes another width. A wide character cut in half is gone.
    pub(super) fn resize(&mut self, cols: usize) {
        if cols < self.len() {
            self.used = self.used.min(cols);
            self.cells.truncate(cols);
            self.cells.shrink_to_fit();
            if cols > 0 && self.width(cols - 1) == 2 {
                self.set(cols - 1, Cell::BLANK);
            }
        } else {
            self.cells.resize(cols, Cell::BLANK);
        }
    }
}
