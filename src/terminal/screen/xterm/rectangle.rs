//! Rectangles: copied, erased, filled, changed in their looks, and summed up.

use super::super::attr::Attr;
use super::super::cell::{Cell, Content};
use super::super::csi::count;
use super::super::parser::Params;
use super::super::style::{Attributes, Underline};
use super::super::terminal::Terminal;

/// Rows and columns, both ends included, within the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    top: usize,
    left: usize,
    bottom: usize,
    right: usize,
}

impl Area {
    const fn rows(self) -> usize {
        self.bottom + 1 - self.top
    }

    const fn cols(self) -> usize {
        self.right + 1 - self.left
    }
}

impl Terminal {
    /// The functions with `$` as intermediate, VT400's.
    pub(super) fn rectangle(&mut self, final_byte: u8, params: &Params) -> bool {
        if self.xterm.as_ref().is_none_or(|xterm| xterm.level < 4) {
            return true;
        }
        match final_byte {
            b'r' => self.change_looks(params, change),
            b't' => self.change_looks(params, reverse),
            b'v' => self.copy_area(params),
            b'x' => self.fill_area(params),
            b'z' => self.erase_area(params, false),
            b'{' => self.erase_area(params, true),
            _ => return false,
        }
        true
    }

    /// The area that four parameters from `first` on name: counted from the margins in origin mode, and cut to the
    /// screen. Nothing when it is upside down.
    fn area(&self, params: &Params, first: usize) -> Option<Area> {
        let (row, col, last_row, last_col) = self.addressed();
        let end = |index: usize, last: usize| match usize::try_from(params.get(first + index)) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(place) => (place - 1).saturating_add(last),
        };
        let area = Area {
            top: row.saturating_add(count(params, first) - 1),
            left: col.saturating_add(count(params, first + 1) - 1),
            bottom: end(2, row).min(last_row),
            right: end(3, col).min(last_col),
        };
        (area.top <= area.bottom && area.left <= area.right).then_some(area)
    }

    /// The rows and columns that addresses count: first row and column, last row and column.
    fn addressed(&self) -> (usize, usize, usize, usize) {
        if !self.modes.origin {
            return (0, 0, self.rows - 1, self.cols - 1);
        }
        let (left, right) = self.columns();
        (self.buffer().top, left, self.buffer().bottom, right)
    }

    /// DECCRA. Pages are not looked at: there is one.
    fn copy_area(&mut self, params: &Params) {
        let Some(source) = self.area(params, 0) else { return };
        let (row, col, last_row, last_col) = self.addressed();
        let top = row.saturating_add(count(params, 5) - 1);
        let left = col.saturating_add(count(params, 6) - 1);
        if top > last_row || left > last_col {
            return;
        }
        let target = Area {
            top,
            left,
            bottom: last_row.min(top + source.rows() - 1),
            right: last_col.min(left + source.cols() - 1),
        };
        let rows = &self.buffer().rows;
        let copied: Vec<Vec<Cell>> = (source.top..=source.bottom)
            .filter_map(|y| rows.get(y))
            .map(|row| (source.left..source.left + target.cols()).map(|x| row.cell(x)).collect())
            .collect();
        let rows = &mut self.buffer_mut().rows;
        for (row, cells) in rows.iter_mut().skip(target.top).take(target.rows()).zip(copied) {
            row.cut(target.left, Cell::BLANK);
            row.cut(target.right + 1, Cell::BLANK);
            row.put_whole(target.left, &cells);
        }
    }

    /// DECFRA: a character of ASCII or Latin 1, in the pen's look.
    fn fill_area(&mut self, params: &Params) {
        let c = u8::try_from(params.get(0)).ok().filter(|code| matches!(code, 0x20..=0x7e | 0xa0..));
        let (Some(c), Some(area)) = (c, self.area(params, 1)) else { return };
        let fill = Cell::new(char::from(c), 1, self.pen_style());
        self.fill_cells(area, fill, false);
    }

    /// DECERA, DECSERA.
    fn erase_area(&mut self, params: &Params, selective: bool) {
        let Some(area) = self.area(params, 0) else { return };
        let spares = selective && !self.erasing_spares();
        let fill = self.erased();
        self.fill_cells(area, fill, spares);
    }

    fn fill_cells(&mut self, area: Area, fill: Cell, spare: bool) {
        let Self { primary, alternate, is_alternate, tables, .. } = self;
        let buffer = if *is_alternate { alternate } else { primary };
        for row in buffer.rows.iter_mut().skip(area.top).take(area.rows()) {
            row.cut(area.left, fill);
            row.cut(area.right + 1, fill);
            for x in area.left..=area.right {
                if !spare || !tables.look(row.cell(x).style).is_protected() {
                    row.set(x, fill);
                }
            }
        }
    }

    /// DECCARA, DECRARA.
    fn change_looks(&mut self, params: &Params, change: fn(&mut Attr, i32)) {
        let Some(area) = self.area(params, 0) else { return };
        let (cols, is_stream) = (self.cols, self.xterm.as_ref().is_some_and(|xterm| !xterm.rectangles));
        let changes: Vec<i32> = (4..params.len().max(5)).map(|index| params.get(index)).collect();
        let Self { primary, alternate, is_alternate, tables, .. } = self;
        let buffer = if *is_alternate { alternate } else { primary };
        let mut last = None;
        for (y, row) in buffer.rows.iter_mut().enumerate().skip(area.top).take(area.rows()) {
            let from = if is_stream && y > area.top { 0 } else { area.left };
            let to = if is_stream && y < area.bottom { cols - 1 } else { area.right };
            for x in from..=to {
                let cell = row.cell(x);
                let style = match last {
                    Some((before, after)) if before == cell.style => after,
                    _ => {
                        let mut look = tables.look(cell.style);
                        changes.iter().for_each(|&parameter| change(&mut look, parameter));
                        let after = tables.style(look.visible());
                        last = Some((cell.style, after));
                        after
                    }
                };
                row.set(x, cell.styled(style));
            }
        }
    }

    /// DECSACE: 2 is a rectangle, all else from the first place to the last.
    pub(super) fn choose_extent(&mut self, which: i32) -> bool {
        if let Some(xterm) = &mut self.xterm {
            xterm.rectangles = which == 2;
        }
        true
    }

    /// DECRQCRA: the sum of the characters' codes, where an empty cell is a space. Answered only where that is asked
    /// for: see [`Emulation`](super::super::Emulation).
    pub(super) fn report_checksum(&mut self, params: &Params) -> bool {
        if self.xterm.as_ref().is_none_or(|xterm| !xterm.checksums || xterm.level < 4) {
            return true;
        }
        let mut sum = 0_u32;
        if let Some(area) = self.area(params, 2) {
            let mut text = String::new();
            for row in self.buffer().rows.iter().skip(area.top).take(area.rows()) {
                for x in area.left..=area.right {
                    let cell = row.cell(x);
                    match cell.content() {
                        Content::Empty if cell.is_tail() => {}
                        Content::Empty => text.push(' '),
                        Content::Char(_) | Content::Cluster(_) => self.tables.push_text(cell, &mut text),
                    }
                }
                sum = text.drain(..).fold(sum, |sum, c| sum.wrapping_add(u32::from(c)));
            }
        }
        let id = params.get(0);
        self.answer(&format!("\x1bP{id}!~{:04X}\x1b\\", sum & 0xffff));
        true
    }
}

/// What DECCARA can change: SGR 0, 1, 4, 5, 7, 8 and their opposites. Colours and links stay.
fn change(look: &mut Attr, parameter: i32) {
    match parameter {
        0 => [22, 24, 25, 27, 28].into_iter().for_each(|off| look.select(off, 1)),
        1 | 4 | 5 | 7 | 8 | 22 | 24 | 25 | 27 | 28 => look.select(parameter, 1),
        _ => {}
    }
}

/// DECRARA: what is on goes off, and the other way round.
fn reverse(look: &mut Attr, parameter: i32) {
    let style = look.style();
    let is_on = match parameter {
        0 => {
            [1, 4, 5, 7].into_iter().for_each(|each| reverse(look, each));
            return;
        }
        1 => style.attributes.has(Attributes::BOLD),
        4 => style.underline != Underline::None,
        5 => style.attributes.has(Attributes::BLINK),
        7 => style.attributes.has(Attributes::INVERSE),
        8 => style.attributes.has(Attributes::INVISIBLE),
        _ => return,
    };
    let off = if parameter == 1 { 22 } else { parameter + 20 };
    look.select(if is_on { off } else { parameter }, 1);
}
