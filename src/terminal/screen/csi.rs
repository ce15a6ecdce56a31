//! Control sequences: cursor, erasing, shifting, margins, modes. Follows the client function by function, so what
//! looks odd here is what people see.

use super::attr::Attr;
use super::modes::{MouseEncoding, MouseProtocol};
use super::parser::{Function, Params};
use super::terminal::Terminal;
use super::view::CursorShape;

/// The parameter at `index` as a count or a place from 1: 0 is 1.
pub(super) fn count(params: &Params, index: usize) -> usize {
    usize::try_from(params.get(index)).unwrap_or(0).max(1)
}

fn steps(params: &Params) -> isize {
    isize::try_from(count(params, 0)).unwrap_or(isize::MAX)
}

impl Terminal {
    /// A control sequence.
    pub(super) fn control_sequence(&mut self, function: Function, params: &Params) {
        let Function { prefix, intermediates, final_byte } = function;
        match (prefix, intermediates) {
            (0, [0, 0]) => self.plain(final_byte, params),
            (b'?', [0, 0]) => match final_byte {
                b'J' => self.erase_display(params.get(0), true),
                b'K' => self.erase_line(params.get(0), true),
                b'h' => (0..params.len()).for_each(|index| self.set_private_mode(params.get(index))),
                b'l' => (0..params.len()).for_each(|index| self.reset_private_mode(params.get(index))),
                b'n' => self.report_private_status(params.get(0)),
                b'u' => self.report_keyboard(),
                _ => {}
            },
            (b'>', [0, 0]) => match final_byte {
                b'c' => self.report_secondary(params.get(0)),
                b'q' => self.report_version(params.get(0)),
                b'u' => self.keyboard.push(params.get(0).unsigned_abs(), self.is_alternate),
                _ => {}
            },
            (b'<', [0, 0]) if final_byte == b'u' => self.keyboard.pop(count(params, 0), self.is_alternate),
            (b'=', [0, 0]) => match final_byte {
                b'c' => self.report_tertiary(params.get(0)),
                b'u' => {
                    let mode = if params.len() > 1 { params.get(1).max(1) } else { 1 };
                    self.keyboard.set(params.get(0).unsigned_abs(), mode);
                }
                _ => {}
            },
            (0, [b' ', 0]) => match final_byte {
                b'@' => self.shift_columns(0, params, false),
                b'A' => self.shift_columns(0, params, true),
                b'q' => self.set_cursor_style(params.get(0)),
                _ => {}
            },
            (0, [b'\'', 0]) => match final_byte {
                b'}' => self.shift_columns(self.buffer().x, params, true),
                b'~' => self.shift_columns(self.buffer().x, params, false),
                _ => {}
            },
            (0, [b'!', 0]) if final_byte == b'p' => self.soft_reset(),
            (0, [b'"', 0]) if final_byte == b'q' => self.select_protected(params.get(0)),
            (0, [b'$', 0]) if final_byte == b'p' => self.report_mode(params.get(0), true),
            (b'?', [b'$', 0]) if final_byte == b'p' => self.report_mode(params.get(0), false),
            _ => {}
        }
    }

    fn plain(&mut self, final_byte: u8, params: &Params) {
        match final_byte {
            b'@' => self.insert_chars(count(params, 0)),
            b'A' => self.cursor_up(steps(params)),
            b'B' => self.cursor_down(steps(params)),
            b'C' | b'a' => self.move_cursor(steps(params), 0),
            b'D' => self.move_cursor(-steps(params), 0),
            b'E' => {
                self.cursor_down(steps(params));
                self.buffer_mut().x = 0;
            }
            b'F' => {
                self.cursor_up(steps(params));
                self.buffer_mut().x = 0;
            }
            b'G' | b'`' => self.set_cursor(count(params, 0) - 1, self.buffer().y),
            b'H' | b'f' => self.set_cursor(count(params, 1) - 1, count(params, 0) - 1),
            b'I' => self.tab(count(params, 0)),
            b'J' => self.erase_display(params.get(0), false),
            b'K' => self.erase_line(params.get(0), false),
            b'L' => self.shift_lines(count(params, 0), true),
            b'M' => self.shift_lines(count(params, 0), false),
            b'P' => self.delete_chars(count(params, 0)),
            b'S' => self.scroll_up(count(params, 0)),
            b'T' | b'^' => self.scroll_down(count(params, 0)),
            b'X' => self.erase_chars(count(params, 0)),
            b'Z' => self.back_tab(count(params, 0)),
            b'b' => self.repeat(count(params, 0)),
            b'c' => self.report_primary(params.get(0)),
            b'd' => self.set_cursor(self.buffer().x, count(params, 0) - 1),
            b'e' => self.move_cursor(0, steps(params)),
            b'g' => self.clear_tabs(params.get(0)),
            b'h' => (0..params.len()).for_each(|index| self.set_mode(params.get(index), true)),
            b'l' => (0..params.len()).for_each(|index| self.set_mode(params.get(index), false)),
            b'm' => self.select_graphic_rendition(params),
            b'n' => self.report_status(params.get(0)),
            b'r' => self.set_margins(params),
            b's' => self.save_cursor(),
            b't' => self.window(params),
            b'u' => self.restore_cursor(),
            _ => {}
        }
    }

    fn cursor_up(&mut self, rows: isize) {
        let buffer = self.buffer();
        let most = buffer.y.checked_sub(buffer.top).and_then(|rows| isize::try_from(rows).ok());
        self.move_cursor(0, -most.map_or(rows, |most| rows.min(most)));
    }

    fn cursor_down(&mut self, rows: isize) {
        let buffer = self.buffer();
        let most = buffer.bottom.checked_sub(buffer.y).and_then(|rows| isize::try_from(rows).ok());
        self.move_cursor(0, most.map_or(rows, |most| rows.min(most)));
    }

    fn clear_tabs(&mut self, which: i32) {
        let buffer = self.buffer_mut();
        match which {
            0 => buffer.tabs.set(buffer.x, false),
            3 => buffer.tabs.clear(),
            _ => {}
        }
    }

    fn erase_display(&mut self, which: i32, selective: bool) {
        self.restrict_cursor(true);
        let (fill, cols, spares) = (self.erased(), self.cols, selective || self.erasing_spares());
        let Self { primary, alternate, is_alternate, tables, .. } = self;
        let buffer = if *is_alternate { alternate } else { primary };
        let spare = spares.then_some(&*tables);
        let (x, y) = (buffer.x, buffer.y);
        match which {
            0 => {
                if let Some(row) = buffer.rows.get_mut(y) {
                    row.erase(x, cols, fill, spare);
                    row.wrapped &= x != 0;
                }
                for row in buffer.rows.iter_mut().skip(y + 1) {
                    row.fill(fill, spare);
                    row.wrapped = false;
                }
            }
            1 => {
                if let Some(row) = buffer.rows.get_mut(y) {
                    row.erase(0, x + 1, fill, spare);
                    row.wrapped = false;
                }
                if x + 1 >= cols {
                    // The client counts this row from the oldest line.
                    buffer.end_wrap_at(y + 1);
                }
                for row in buffer.rows.iter_mut().take(y) {
                    row.fill(fill, spare);
                    row.wrapped = false;
                }
            }
            2 => {
                for row in &mut buffer.rows {
                    row.fill(fill, spare);
                    row.wrapped = false;
                }
            }
            3 => buffer.clear_scrollback(),
            _ => {}
        }
    }

    fn erase_line(&mut self, which: i32, selective: bool) {
        self.restrict_cursor(true);
        let (fill, cols, spares) = (self.erased(), self.cols, selective || self.erasing_spares());
        let Self { primary, alternate, is_alternate, tables, .. } = self;
        let buffer = if *is_alternate { alternate } else { primary };
        let spare = spares.then_some(&*tables);
        let x = buffer.x;
        let Some(row) = buffer.rows.get_mut(buffer.y) else { return };
        match which {
            0 => {
                row.erase(x, cols, fill, spare);
                row.wrapped &= x != 0;
            }
            1 => row.erase(0, x + 1, fill, spare),
            2 => {
                row.erase(0, cols, fill, spare);
                row.wrapped = false;
            }
            _ => {}
        }
    }

    /// IL, DL.
    fn shift_lines(&mut self, count: usize, insert: bool) {
        self.restrict_cursor(false);
        let fill = self.erased();
        let buffer = self.buffer_mut();
        let (y, bottom) = (buffer.y, buffer.bottom);
        if y < buffer.top || y > bottom {
            return;
        }
        let (from, to) = if insert { (bottom, y) } else { (y, bottom) };
        buffer.shift(from, to, count, fill);
        buffer.x = 0;
    }

    fn scroll_up(&mut self, count: usize) {
        let fill = self.erased();
        let buffer = self.buffer_mut();
        buffer.shift(buffer.top, buffer.bottom, count, fill);
    }

    /// SD. The client erases with the default colours here.
    fn scroll_down(&mut self, count: usize) {
        let buffer = self.buffer_mut();
        buffer.shift(buffer.bottom, buffer.top, count, super::cell::Cell::BLANK);
    }

    fn insert_chars(&mut self, count: usize) {
        self.restrict_cursor(false);
        let (fill, x) = (self.erased(), self.buffer().x);
        if let Some(row) = self.row_mut() {
            row.insert(x, count, fill);
        }
    }

    fn delete_chars(&mut self, count: usize) {
        self.restrict_cursor(false);
        let (fill, x) = (self.erased(), self.buffer().x);
        if let Some(row) = self.row_mut() {
            row.delete(x, count, fill);
        }
    }

    fn erase_chars(&mut self, count: usize) {
        self.restrict_cursor(false);
        let (fill, spares) = (self.erased(), self.erasing_spares());
        let Self { primary, alternate, is_alternate, tables, .. } = self;
        let buffer = if *is_alternate { alternate } else { primary };
        let x = buffer.x;
        if let Some(row) = buffer.rows.get_mut(buffer.y) {
            row.erase(x, x.saturating_add(count), fill, spares.then_some(&*tables));
        }
    }

    /// SL, SR, DECIC, DECDC: shifts every row of the region from `col` on.
    fn shift_columns(&mut self, col: usize, params: &Params, right: bool) {
        let fill = self.erased();
        let buffer = self.buffer_mut();
        if buffer.y < buffer.top || buffer.y > buffer.bottom {
            return;
        }
        let (top, rows) = (buffer.top, buffer.bottom + 1 - buffer.top);
        for row in buffer.rows.iter_mut().skip(top).take(rows) {
            row.wrapped = false;
            if right {
                row.insert(col, count(params, 0), fill);
            } else {
                row.delete(col, count(params, 0), fill);
            }
        }
    }

    /// REP. Bounded to a screenful, as the web client bounds it.
    fn repeat(&mut self, times: usize) {
        if self.before == super::width::Joining::default() {
            return;
        }
        let back = usize::from(self.before.width());
        let mut text = String::new();
        if let Some(col) = self.buffer().x.checked_sub(back)
            && let Some(row) = self.buffer().rows.get(self.buffer().y)
        {
            self.tables.push_text(row.cell(col), &mut text);
        }
        self.print_repeated(&text, times.min(self.cols * self.rows));
    }

    fn select_protected(&mut self, which: i32) {
        let mut pen = self.pen;
        match which {
            0 | 2 => pen.set_protected(false),
            1 => pen.set_protected(true),
            _ => {}
        }
        self.set_pen(pen);
    }

    /// DECSTBM.
    fn set_margins(&mut self, params: &Params) {
        let top = count(params, 0);
        let bottom = usize::try_from(params.get(1)).unwrap_or(0);
        let bottom = if bottom == 0 || bottom > self.rows { self.rows } else { bottom };
        if bottom > top {
            let buffer = self.buffer_mut();
            (buffer.top, buffer.bottom) = (top - 1, bottom - 1);
            self.set_cursor(0, 0);
        }
    }

    /// SGR.
    fn select_graphic_rendition(&mut self, params: &Params) {
        let mut pen = self.pen;
        let mut index = 0;
        while index < params.len() {
            match params.get(index) {
                38 | 48 | 58 => index += extended_color(&mut pen, params, index),
                parameter => pen.select(parameter, params.sub_params(index).first().copied().unwrap_or(1)),
            }
            index += 1;
        }
        self.set_pen(pen);
    }

    /// DECSCUSR.
    fn set_cursor_style(&mut self, style: i32) {
        self.modes.cursor_blink = (style != 0).then_some(style % 2 == 1);
        match style {
            0 => self.modes.cursor_shape = CursorShape::Default,
            1 | 2 => self.modes.cursor_shape = CursorShape::Block,
            3 | 4 => self.modes.cursor_shape = CursorShape::Underline,
            5 | 6 => self.modes.cursor_shape = CursorShape::Bar,
            _ => {}
        }
    }

    /// DECSTR.
    pub(super) fn soft_reset(&mut self) {
        self.modes.soft_reset();
        self.keyboard = super::modes::Keyboard::default();
        self.set_pen(Attr::default());
        self.charsets = super::charset::Charsets::default();
        let rows = self.rows;
        let buffer = self.buffer_mut();
        (buffer.top, buffer.bottom) = (0, rows - 1);
        buffer.saved.x = 0;
        buffer.saved.line = buffer.base();
        buffer.saved.pen = Attr::default().saved();
    }

    fn set_mode(&mut self, mode: i32, on: bool) {
        match mode {
            4 => self.modes.insert = on,
            20 => self.modes.newline = on,
            _ => {}
        }
    }

    pub(super) fn set_private_mode(&mut self, mode: i32) {
        match mode {
            2 => (0..4).for_each(|level| self.charsets.designate(level, super::charset::Charset::Ascii)),
            9 => self.modes.mouse = MouseProtocol::X10,
            1000 => self.modes.mouse = MouseProtocol::Vt200,
            1002 => self.modes.mouse = MouseProtocol::Drag,
            1003 => self.modes.mouse = MouseProtocol::Any,
            1006 => self.modes.mouse_encoding = MouseEncoding::Sgr,
            1016 => self.modes.mouse_encoding = MouseEncoding::SgrPixels,
            1048 => self.save_cursor(),
            47 | 1047 => self.enter_alternate(),
            1049 => {
                self.save_cursor();
                self.enter_alternate();
            }
            _ => self.switch(mode, true),
        }
    }

    pub(super) fn reset_private_mode(&mut self, mode: i32) {
        match mode {
            9 | 1000 | 1002 | 1003 => self.modes.mouse = MouseProtocol::None,
            1006 | 1016 => self.modes.mouse_encoding = MouseEncoding::Default,
            1048 => self.restore_cursor(),
            47 | 1047 => self.leave_alternate(),
            1049 => {
                self.leave_alternate();
                self.restore_cursor();
            }
            _ => self.switch(mode, false),
        }
    }

    /// The modes that are only on or off.
    fn switch(&mut self, mode: i32, on: bool) {
        let modes = &mut self.modes;
        match mode {
            1 => modes.application_cursor = on,
            6 => {
                modes.origin = on;
                self.set_cursor(0, 0);
            }
            7 => modes.autowrap = on,
            25 => modes.cursor_hidden = !on,
            45 => modes.reverse_wrap = on,
            66 => modes.application_keypad = on,
            1004 => modes.focus_events = on,
            2004 => modes.bracketed_paste = on,
            2026 => modes.synchronized = on,
            2031 => modes.color_scheme_updates = on,
            _ => {}
        }
    }

    pub(super) fn enter_alternate(&mut self) {
        self.keyboard.enter_alternate();
        if self.is_alternate {
            return;
        }
        let fill = self.erased();
        self.alternate.fill_if_empty(fill);
        (self.alternate.x, self.alternate.y) = (self.primary.x, self.primary.y);
        self.is_alternate = true;
    }

    fn leave_alternate(&mut self) {
        self.keyboard.leave_alternate();
        if !self.is_alternate {
            return;
        }
        (self.primary.x, self.primary.y) = (self.alternate.x, self.alternate.y);
        self.alternate.empty();
        self.is_alternate = false;
    }
}

/// SGR 38, 48 and 58, in both spellings (`38;5;n`, `38:2::r:g:b`) and their mixtures. Returns how many parameters
/// after `index` belong to it.
fn extended_color(pen: &mut Attr, params: &Params, index: usize) -> usize {
    // Target, kind, colour space, three values; the space is missing where parameters are not sub-parameters.
    let mut parts = [0, 0, -1, 0, 0, 0];
    let mut space = 0;
    let mut taken = 0;
    loop {
        parts[taken + space] = params.get(index + taken);
        let subs = params.sub_params(index + taken);
        if !subs.is_empty() {
            for (place, &sub) in subs.iter().enumerate() {
                if parts[1] == 5 {
                    space = 1;
                }
                match parts.get_mut(taken + place + 1 + space) {
                    Some(part) => *part = sub,
                    None => break,
                }
            }
            break;
        }
        if parts[1] == 5 && taken + space >= 2 || parts[1] == 2 && taken + space >= 5 {
            break;
        }
        if parts[1] != 0 {
            space = 1;
        }
        taken += 1;
        if index + taken >= params.len() || taken + space >= parts.len() {
            break;
        }
    }
    let values = [parts[3], parts[4], parts[5]].map(|value| value.max(0));
    pen.select_color(parts[0], parts[1], values);
    taken
}
