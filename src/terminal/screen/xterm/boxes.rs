//! What scrolls and shifts between margins at all four sides.

use super::super::csi::count;
use super::super::parser::Params;
use super::super::terminal::Terminal;

impl Terminal {
    /// The functions that the client does over whole lines. Only with margins at the sides.
    pub(super) fn within_sides(&mut self, final_byte: u8, count: usize) -> bool {
        if self.sides().is_none() {
            return false;
        }
        let buffer = self.buffer();
        let (top, bottom, y) = (buffer.top, buffer.bottom, buffer.y);
        match final_byte {
            b'@' => self.shift_in_row(count, true),
            b'P' => self.shift_in_row(count, false),
            b'S' => self.scroll_box(top, bottom, count, false),
            b'T' | b'^' => self.scroll_box(top, bottom, count, true),
            b'L' | b'M' => {
                if self.is_between() && self.is_in_region() {
                    self.scroll_box(y, bottom, count, final_byte == b'L');
                    self.place(self.columns().0, y);
                }
            }
            _ => return false,
        }
        true
    }

    /// ICH, DCH.
    fn shift_in_row(&mut self, count: usize, right: bool) {
        if !self.is_between() {
            return;
        }
        let (x, y) = (self.buffer().x, self.buffer().y);
        let (_, last) = self.columns();
        self.shift_box_columns(y, y, x, last, count, right);
    }

    /// Scrolls what is between the margins in those rows; `down` or up. Nothing of it becomes scrollback.
    pub(in super::super) fn scroll_box(&mut self, top: usize, bottom: usize, count: usize, down: bool) {
        let fill = self.erased();
        let (left, right) = self.columns();
        let rows = &mut self.buffer_mut().rows;
        let (height, cols) = (bottom + 1 - top, right + 1 - left);
        let kept = height.saturating_sub(count);
        for row in rows.iter_mut().take(bottom + 1).skip(top) {
            row.cut(left, fill);
            row.cut(right + 1, fill);
        }
        for step in 0..height {
            // In the order in which nothing is overwritten before it is copied.
            let (to, from) = if down {
                (bottom - step, bottom.checked_sub(step + count).filter(|_| step < kept))
            } else {
                (top + step, (step < kept).then(|| top + step + count))
            };
            match from.and_then(|from| rows.get(from).cloned()) {
                Some(source) => {
                    if let Some(row) = rows.get_mut(to) {
                        row.copy_from(&source, left, left, cols);
                    }
                }
                None => {
                    if let Some(row) = rows.get_mut(to) {
                        row.erase(left, right + 1, fill, None);
                    }
                }
            }
        }
    }

    /// Shifts the columns `from` to `last` of those rows by `count`.
    fn shift_box_columns(&mut self, top: usize, bottom: usize, from: usize, last: usize, count: usize, right: bool) {
        let fill = self.erased();
        for row in self.buffer_mut().rows.iter_mut().take(bottom + 1).skip(top) {
            row.shift_within(from, last + 1, count, right, fill);
        }
    }

    /// DECIC, DECDC: only with the cursor within all margins.
    pub(super) fn shift_columns_at_cursor(&mut self, params: &Params, right: bool) -> bool {
        if self.is_between() && self.is_in_region() {
            let x = self.buffer().x.min(self.cols - 1);
            self.shift_region(x, count(params, 0), right);
        }
        true
    }

    /// SL, SR.
    pub(super) fn slide(&mut self, params: &Params, right: bool) -> bool {
        let (left, _) = self.columns();
        self.shift_region(left, count(params, 0), right);
        true
    }

    fn shift_region(&mut self, from: usize, count: usize, right: bool) {
        let (top, bottom) = (self.buffer().top, self.buffer().bottom);
        let (_, last) = self.columns();
        self.shift_box_columns(top, bottom, from, last, count, right);
    }

    /// DECBI: back a column; at the left margin what is between the margins moves right.
    pub(super) fn back_index(&mut self) {
        self.leave_margin();
        self.restrict_cursor(false);
        let (left, _) = self.columns();
        let (x, y) = (self.buffer().x, self.buffer().y);
        if x == left && self.is_in_region() {
            self.shift_region(left, 1, true);
        } else if x > 0 {
            self.place(x - 1, y);
        }
    }

    /// DECFI: forward a column; at the right margin what is between the margins moves left.
    pub(super) fn forward_index(&mut self) {
        self.leave_margin();
        self.restrict_cursor(false);
        let (left, right) = self.columns();
        let (x, y) = (self.buffer().x, self.buffer().y);
        if x == right && self.is_in_region() {
            self.shift_region(left, 1, false);
        } else {
            self.place(x + 1, y);
        }
    }

    /// IND, LF: at the region's bottom it scrolls, if the cursor is between the margins.
    pub(super) fn index_within(&mut self) {
        self.leave_margin();
        let buffer = self.buffer();
        let (x, y, top, bottom) = (buffer.x, buffer.y, buffer.top, buffer.bottom);
        if y != bottom {
            self.place(x, y + 1);
        } else if self.is_between() {
            self.scroll_box(top, bottom, 1, false);
        }
    }

    pub(super) fn next_line_within(&mut self) {
        self.index_within();
        self.carriage_return();
    }

    /// RI.
    pub(super) fn reverse_index_within(&mut self) {
        self.leave_margin();
        let buffer = self.buffer();
        let (x, y, top, bottom) = (buffer.x, buffer.y, buffer.top, buffer.bottom);
        if y != top {
            self.place(x, y.saturating_sub(1));
        } else if self.is_between() {
            self.scroll_box(top, bottom, 1, true);
        }
    }

    /// A character that wraps at a margin, or right of it, goes on at the left one. Returns where it does.
    pub(in super::super) fn wrap_within(&mut self) -> usize {
        let (left, _) = self.columns();
        let may_scroll = self.is_full() || self.is_between();
        self.forget_full();
        let rows = self.rows;
        let buffer = self.buffer_mut();
        let (top, bottom) = (buffer.top, buffer.bottom);
        if buffer.y != bottom {
            buffer.y = (buffer.y + 1).min(rows - 1);
        } else if may_scroll {
            self.scroll_box(top, bottom, 1, false);
        }
        left
    }
}
