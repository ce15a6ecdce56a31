//! Margins at the left and right (DECLRMM, DECSLRM), and a cursor that keeps within them.

use super::super::csi::count;
use super::super::parser::Params;
use super::super::terminal::Terminal;

impl Terminal {
    /// The first and last column between the margins, when they are not the screen's.
    #[inline]
    pub(in super::super) fn sides(&self) -> Option<(usize, usize)> {
        self.xterm.as_ref()?.sides
    }

    /// The first and last column between the margins.
    pub(super) fn columns(&self) -> (usize, usize) {
        self.sides().unwrap_or((0, self.cols - 1))
    }

    /// Whether the cursor filled the right margin: it stands one past it.
    #[inline]
    pub(in super::super) fn is_full(&self) -> bool {
        self.xterm.as_ref().is_some_and(|xterm| xterm.full)
    }

    /// Where text that goes to the cursor ends: one past the margin, or past the screen for a cursor beyond it.
    pub(in super::super) fn edge(&self) -> usize {
        match self.sides() {
            Some((_, right)) if self.is_full() || self.buffer().x <= right => right + 1,
            _ => self.cols,
        }
    }

    /// The cursor has just written: one past the margin it waits to wrap.
    pub(in super::super) fn note_full(&mut self, edge: usize) {
        let (x, cols) = (self.buffer().x, self.cols);
        if let Some(xterm) = &mut self.xterm {
            xterm.full = x == edge && edge < cols;
        }
    }

    /// A cursor that waits to wrap at the margin stands on it again.
    pub(in super::super) fn leave_margin(&mut self) {
        if self.is_full() {
            self.forget_full();
            self.buffer_mut().x -= 1;
        }
    }

    pub(in super::super) fn forget_full(&mut self) {
        if let Some(xterm) = &mut self.xterm {
            xterm.full = false;
        }
    }

    /// Whether the cursor is between the margins.
    pub(in super::super) fn is_between(&self) -> bool {
        let (left, right) = self.columns();
        (left..=right).contains(&self.buffer().x.min(self.cols - 1))
    }

    /// Whether the cursor's row is in the scrolling region.
    pub(super) fn is_in_region(&self) -> bool {
        let buffer = self.buffer();
        (buffer.top..=buffer.bottom).contains(&buffer.y)
    }

    /// DECSLRM; without DECLRMM the sequence saves the cursor.
    pub(super) fn set_sides(&mut self, params: &Params) -> bool {
        let cols = self.cols;
        let Some(xterm) = self.xterm.as_mut().filter(|xterm| xterm.has_sides) else { return false };
        let left = count(params, 0) - 1;
        let right = usize::try_from(params.get(1)).unwrap_or(0);
        let right = if right == 0 { cols } else { right.min(cols) } - 1;
        if left < right {
            xterm.sides = ((left, right) != (0, cols - 1)).then_some((left, right));
            self.set_cursor(0, 0);
        }
        true
    }

    /// DECLRMM. The margins are the screen's again, however it is switched.
    pub(super) fn switch_sides(&mut self, on: bool) {
        self.leave_margin();
        if let Some(xterm) = &mut self.xterm {
            xterm.has_sides = on && xterm.level >= 4;
            xterm.sides = None;
        }
    }

    /// The screen has another size: its sides are the margins.
    pub(in super::super) fn forget_sides(&mut self) {
        self.leave_margin();
        if let Some(xterm) = &mut self.xterm {
            xterm.sides = None;
        }
    }

    /// All four margins are the screen's.
    pub(super) fn clear_margins(&mut self) {
        self.leave_margin();
        if let Some(xterm) = &mut self.xterm {
            xterm.sides = None;
        }
        let rows = self.rows;
        let buffer = self.buffer_mut();
        (buffer.top, buffer.bottom) = (0, rows - 1);
    }

    /// Places the cursor, counted from the screen's corner; in origin mode it stays within the margins.
    pub(super) fn place(&mut self, x: usize, y: usize) {
        self.forget_full();
        let buffer = self.buffer_mut();
        (buffer.x, buffer.y) = (x, y);
        self.restrict_cursor(false);
    }

    /// CHA, HPA.
    pub(super) fn move_to_column(&mut self, x: usize) {
        let left = if self.modes.origin { self.columns().0 } else { 0 };
        self.place(left.saturating_add(x), self.buffer().y);
    }

    /// VPA.
    pub(super) fn move_to_row(&mut self, y: usize) {
        let buffer = self.buffer();
        let top = if self.modes.origin { buffer.top } else { 0 };
        self.place(buffer.x, top.saturating_add(y));
    }

    pub(super) fn up(&mut self, count: usize) {
        let buffer = self.buffer();
        let top = if buffer.y >= buffer.top { buffer.top } else { 0 };
        self.place(buffer.x, buffer.y.saturating_sub(count).max(top));
    }

    pub(super) fn down(&mut self, count: usize) {
        let buffer = self.buffer();
        let bottom = if buffer.y <= buffer.bottom { buffer.bottom } else { self.rows - 1 };
        self.place(buffer.x, buffer.y.saturating_add(count).min(bottom));
    }

    pub(super) fn forward(&mut self, count: usize) {
        let (_, right) = self.columns();
        let buffer = self.buffer();
        let right = if buffer.x <= right { right } else { self.cols - 1 };
        self.place(buffer.x.saturating_add(count).min(right), buffer.y);
    }

    /// CR: to the margin, or to the screen's edge from left of it.
    pub(super) fn carriage_return(&mut self) {
        let (left, _) = self.columns();
        let x = if self.modes.origin || self.buffer().x >= left { left } else { 0 };
        self.place(x, self.buffer().y);
    }

    /// BS, CUB. With autowrap it can go on at the end of the line above: with mode 45 over a line that wrapped, with
    /// mode 1045 over any, and from the region's top to its bottom.
    pub(super) fn back(&mut self, count: usize) {
        let (over_wrapped, over_any) = match &self.xterm {
            Some(xterm) if self.modes.autowrap => (self.modes.reverse_wrap, xterm.kept.wraps_back_far()),
            _ => (false, false),
        };
        let is_waiting = self.is_full() || self.buffer().x >= self.cols;
        self.leave_margin();
        self.restrict_cursor(false);
        let (left, right) = self.columns();
        // A cursor that waits to wrap is one past the column it stands on.
        let mut count = count.min(self.cols * self.rows) - usize::from(is_waiting && (over_wrapped || over_any));
        loop {
            let Self { cols, rows, .. } = *self;
            let buffer = self.buffer_mut();
            let first = if buffer.x >= left { left } else { 0 };
            let step = count.min(buffer.x - first);
            buffer.x -= step;
            count -= step;
            if count == 0 || !over_wrapped && !over_any {
                return;
            }
            let is_top = buffer.y == buffer.top || buffer.y == 0;
            if over_any {
                buffer.y = match is_top {
                    false => buffer.y - 1,
                    true if buffer.y == buffer.top => buffer.bottom,
                    true => rows - 1,
                };
            } else if !is_top && buffer.rows.get(buffer.y).is_some_and(|row| row.wrapped) {
                buffer.set_wrapped(buffer.y, false);
                buffer.y -= 1;
            } else {
                return;
            }
            buffer.x = right.min(cols - 1);
            count -= 1;
        }
    }

    /// HT, CHT: not over the right margin. With mode 41 a tab on a full line goes to the next one first.
    pub(super) fn tab_forward(&mut self, count: usize) {
        let is_waiting = self.is_full() || self.buffer().x >= self.cols;
        if is_waiting {
            if !self.xterm.as_ref().is_some_and(|xterm| xterm.kept.fixes_tabs()) || !self.modes.autowrap {
                return;
            }
            self.wrap(0);
        }
        let (cols, (_, right)) = (self.cols, self.columns());
        let buffer = self.buffer_mut();
        let last = if buffer.x <= right { right } else { cols - 1 };
        for _ in 0..count.min(cols) {
            buffer.x = buffer.tabs.next(buffer.x, cols).min(last);
        }
    }
}
