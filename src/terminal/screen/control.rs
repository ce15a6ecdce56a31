//! C0 and C1 controls, and escape sequences without parameters.

use super::buffer::Saved;
use super::cell::Cell;
use super::charset::Charset;
use super::parser::Function;
use super::terminal::Terminal;

impl Terminal {
    /// A control character.
    pub(super) fn control(&mut self, control: u8) {
        match control {
            0x07 => self.bells += 1,
            0x08 => self.backspace(),
            0x09 => self.tab(1),
            0x0a..=0x0c => self.line_feed(),
            0x0d => self.buffer_mut().x = 0,
            0x0e => self.charsets.invoke(1),
            0x0f => self.charsets.invoke(0),
            0x84 => self.index(),
            0x85 => self.next_line(),
            0x88 => self.set_tab(),
            _ => {}
        }
    }

    /// An escape sequence.
    pub(super) fn escape(&mut self, function: Function) {
        match (function.prefix, function.intermediates, function.final_byte) {
            (0, [0, 0], b'7') => self.save_cursor(),
            (0, [0, 0], b'8') => self.restore_cursor(),
            (0, [0, 0], b'D') => self.index(),
            (0, [0, 0], b'E') => self.next_line(),
            (0, [0, 0], b'H') => self.set_tab(),
            (0, [0, 0], b'M') => self.reverse_index(),
            (0, [0, 0], b'=') => self.modes.application_keypad = true,
            (0, [0, 0], b'>') => self.modes.application_keypad = false,
            (0, [0, 0], b'Z') => self.report_primary(0),
            (0, [0, 0], b'c') => self.reset(),
            (0, [0, 0], b'n' | b'}') => self.charsets.invoke(2),
            (0, [0, 0], b'o' | b'|') => self.charsets.invoke(3),
            (0, [0, 0], b'~') => self.charsets.invoke(1),
            (0, [b'%', 0], b'@' | b'G') => {
                self.charsets.invoke(0);
                self.charsets.designate(0, Charset::Ascii);
            }
            (0, [b'#', 0], b'8') => self.alignment_pattern(),
            (0, [intermediate, 0], final_byte) => {
                let level = match intermediate {
                    b'(' => 0,
                    b')' | b'-' => 1,
                    b'*' | b'.' => 2,
                    b'+' => 3,
                    _ => return,
                };
                if let Some(charset) = Charset::designated(final_byte) {
                    self.charsets.designate(level, charset);
                }
            }
            _ => {}
        }
    }

    fn backspace(&mut self) {
        if !self.modes.reverse_wrap {
            self.restrict_cursor(false);
            let buffer = self.buffer_mut();
            buffer.x = buffer.x.saturating_sub(1);
            return;
        }
        self.restrict_cursor(true);
        let cols = self.cols;
        let buffer = self.buffer_mut();
        if buffer.x > 0 {
            buffer.x -= 1;
        } else if buffer.y > buffer.top
            && buffer.y <= buffer.bottom
            && buffer.rows.get(buffer.y).is_some_and(|row| row.wrapped)
        {
            buffer.set_wrapped(buffer.y, false);
            buffer.y -= 1;
            buffer.x = cols - 1;
            // Over the place that a wide character left when it wrapped.
            if buffer.rows.get(buffer.y).is_some_and(|row| row.width(cols - 1) > 0 && !row.cell(cols - 1).has_content())
            {
                buffer.x -= 1;
            }
        }
        self.restrict_cursor(false);
    }

    /// HT, CHT.
    pub(super) fn tab(&mut self, count: usize) {
        let cols = self.cols;
        let buffer = self.buffer_mut();
        if buffer.x >= cols {
            return;
        }
        for _ in 0..count.min(cols) {
            buffer.x = buffer.tabs.next(buffer.x, cols);
        }
    }

    /// CBT.
    pub(super) fn back_tab(&mut self, count: usize) {
        let cols = self.cols;
        let buffer = self.buffer_mut();
        if buffer.x >= cols {
            return;
        }
        for _ in 0..count.min(cols) {
            buffer.x = buffer.tabs.previous(buffer.x, cols);
        }
    }

    fn set_tab(&mut self) {
        let buffer = self.buffer_mut();
        buffer.tabs.set(buffer.x, true);
    }

    fn line_feed(&mut self) {
        let (cols, rows, newline) = (self.cols, self.rows, self.modes.newline);
        let buffer = self.buffer_mut();
        if newline {
            buffer.x = 0;
        }
        buffer.y += 1;
        if buffer.y == buffer.bottom + 1 {
            buffer.y -= 1;
            self.scroll(false);
        } else if buffer.y >= rows {
            buffer.y = rows - 1;
        } else {
            buffer.set_wrapped(buffer.y, false);
        }
        let buffer = self.buffer_mut();
        if buffer.x >= cols {
            buffer.x -= 1;
        }
    }

    fn next_line(&mut self) {
        self.buffer_mut().x = 0;
        self.index();
    }

    fn index(&mut self) {
        self.restrict_cursor(false);
        let rows = self.rows;
        let buffer = self.buffer_mut();
        buffer.y += 1;
        if buffer.y == buffer.bottom + 1 {
            buffer.y -= 1;
            self.scroll(false);
        } else {
            buffer.y = buffer.y.min(rows - 1);
        }
        self.restrict_cursor(false);
    }

    fn reverse_index(&mut self) {
        self.restrict_cursor(false);
        let fill = self.erased();
        let buffer = self.buffer_mut();
        if buffer.y == buffer.top {
            buffer.shift(buffer.bottom, buffer.top, 1, fill);
        } else {
            buffer.y = buffer.y.saturating_sub(1);
            self.restrict_cursor(false);
        }
    }

    /// DECSC, SCOSC.
    pub(super) fn save_cursor(&mut self) {
        let (pen, charsets, modes) = (self.pen.saved(), self.charsets, self.modes);
        let buffer = self.buffer_mut();
        buffer.saved = Saved {
            x: buffer.x,
            line: buffer.base() + buffer.y,
            pen,
            charsets,
            origin: modes.origin,
            autowrap: modes.autowrap,
        };
    }

    /// DECRC, SCORC.
    pub(super) fn restore_cursor(&mut self) {
        let buffer = self.buffer_mut();
        let saved = buffer.saved;
        buffer.x = saved.x;
        buffer.y = saved.line.saturating_sub(buffer.base());
        self.set_pen(self.pen.restored(saved.pen));
        self.charsets.restore(saved.charsets);
        self.modes.origin = saved.origin;
        // xterm leaves autowrap as it is.
        if !self.is_xterm() {
            self.modes.autowrap = saved.autowrap;
        }
        self.restrict_cursor(false);
    }

    /// DECALN.
    fn alignment_pattern(&mut self) {
        // The client takes the pen's colours and attributes, but neither its underline style nor its link.
        let look = super::attr::Attr { ext: 0, link: 0, ..self.pen };
        let fill = Cell::ascii(b'E', self.tables.style(look));
        self.set_cursor(0, 0);
        let buffer = self.buffer_mut();
        for row in buffer.rows.iter_mut().skip(buffer.y) {
            row.wrapped = false;
            row.fill(fill, None);
        }
        self.set_cursor(0, 0);
    }
}
