//! What xterm has and the web client has not: only a screen made with [`Emulation::Xterm`] has any of it.
//!
//! The sequences come here first; what this does not know, or does as the client does, is left to `control`, `csi` and
//! `osc`. Without the emulation nothing here is reached, so whatever is drawn in the web client stays what it is.
//!
//! Never here: a title or clipboard given back (see `answers`), a window that moves, and a size that the program
//! chooses. A size belongs to those who look.

mod boxes;
mod color_space;
mod erase;
mod kept;
mod margins;
mod modes;
mod rectangle;
mod reports;
pub(super) mod snapshot;
mod special_colors;

#[cfg(test)]
mod tests;

pub(super) use kept::Kept;

use super::emulation::Emulation;
use super::parser::{Function, Params};
use super::terminal::Terminal;

/// The highest conformance level, a VT500's.
const LEVEL_MAX: u8 = 5;

/// The state beyond the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Xterm {
    /// DECRQCRA is answered.
    pub(super) checksums: bool,
    /// DECSCL: 1 to 5.
    pub(super) level: u8,
    /// DECLRMM: CSI s sets margins.
    pub(super) has_sides: bool,
    /// The first and last column between the margins, when they are not the screen's.
    pub(super) sides: Option<(usize, usize)>,
    /// The cursor stands one past the right margin, having filled it: the next character wraps.
    pub(super) full: bool,
    /// Protected characters are so by ISO (SPA): from all erasing, not from the selective one alone (DECSCA).
    pub(super) is_iso: bool,
    /// DECSACE: changes of attributes are for rectangles, not for all from the first place to the last.
    pub(super) rectangles: bool,
    /// Modes beyond the client's, and those that XTSAVE wrote down.
    pub(super) kept: Kept,
}

impl Xterm {
    pub(super) fn of(emulation: Emulation) -> Option<Box<Self>> {
        match emulation {
            Emulation::Client => None,
            Emulation::Xterm { checksums } => Some(Box::new(Self::new(checksums))),
        }
    }

    fn new(checksums: bool) -> Self {
        Self {
            checksums,
            level: LEVEL_MAX,
            has_sides: false,
            sides: None,
            full: false,
            is_iso: false,
            rectangles: false,
            kept: Kept::default(),
        }
    }

    /// As RIS leaves it.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.checksums);
    }

    /// As DECSTR leaves it.
    fn soft_reset(&mut self) {
        let mut kept = self.kept.clone();
        kept.soft_reset();
        *self = Self { level: self.level, kept, ..Self::new(self.checksums) };
    }
}

impl Terminal {
    pub(super) fn is_xterm(&self) -> bool {
        self.xterm.is_some()
    }

    /// A control character that xterm takes otherwise than the client. Returns whether it did.
    pub(super) fn xterm_control(&mut self, control: u8) -> bool {
        let Some(xterm) = &self.xterm else { return false };
        let is_narrow = xterm.sides.is_some();
        match control {
            0x08 => self.back(1),
            0x09 => self.tab_forward(1),
            0x0d => self.carriage_return(),
            0x0a..=0x0c if is_narrow => {
                self.index_within();
                if self.modes.newline {
                    self.carriage_return();
                }
            }
            0x84 if is_narrow => self.index_within(),
            0x85 if is_narrow => self.next_line_within(),
            0x8d => self.reverse_index_within(),
            0x96 => self.protect_area(true),
            0x97 => self.protect_area(false),
            _ => return false,
        }
        true
    }

    /// An escape sequence.
    pub(super) fn xterm_escape(&mut self, function: Function) -> bool {
        let Some(xterm) = &self.xterm else { return false };
        let is_narrow = xterm.sides.is_some();
        match (function.prefix, function.intermediates, function.final_byte) {
            (0, [0, 0], b'6') => self.back_index(),
            (0, [0, 0], b'9') => self.forward_index(),
            (0, [0, 0], b'D') if is_narrow => self.index_within(),
            (0, [0, 0], b'E') if is_narrow => self.next_line_within(),
            (0, [0, 0], b'M') if is_narrow => self.reverse_index_within(),
            (0, [0, 0], b'Z') => {
                self.report_xterm_primary(0);
            }
            (0, [0, 0], b'V') => self.protect_area(true),
            (0, [0, 0], b'W') => self.protect_area(false),
            (0, [0, 0], b'7') => {
                // Not past the margin: what is saved may be restored without one.
                self.leave_margin();
                return false;
            }
            (0, [0, 0], b'8') => {
                self.leave_margin();
                return false;
            }
            (0, [b'#', 0], b'8') => {
                self.clear_margins();
                return false;
            }
            _ => return false,
        }
        true
    }

    /// A control sequence.
    pub(super) fn xterm_sequence(&mut self, function: Function, params: &Params) -> bool {
        if self.xterm.is_none() {
            return false;
        }
        let Function { prefix, intermediates, final_byte } = function;
        if !matches!(final_byte, b'm' | b'h' | b'l' | b'n' | b'c' | b't' | b'p' | b'q' | b'b' | b'x' | b'y') {
            self.leave_margin();
        }
        match (prefix, intermediates) {
            (0, [0, 0]) => self.xterm_plain(final_byte, params),
            (b'?', [0, 0]) => self.xterm_private(final_byte, params),
            (b'>', [0, 0]) if final_byte == b'c' => self.report_xterm_secondary(params.get(0)),
            (0, [b' ', 0]) if matches!(final_byte, b'@' | b'A') => self.slide(params, final_byte == b'A'),
            (0, [b'\'', 0]) if matches!(final_byte, b'}' | b'~') => {
                self.shift_columns_at_cursor(params, final_byte == b'}')
            }
            (0, [b'"', 0]) => match final_byte {
                b'p' => self.set_level(params),
                b'q' => {
                    self.choose_protection(params.get(0));
                    false
                }
                _ => false,
            },
            (0, [b'!', 0]) if final_byte == b'p' => {
                if let Some(xterm) = &mut self.xterm {
                    xterm.soft_reset();
                }
                false
            }
            (0, [b'$', 0]) => match final_byte {
                b'p' => self.report_xterm_mode(params.get(0), true),
                _ => self.rectangle(final_byte, params),
            },
            (b'?', [b'$', 0]) if final_byte == b'p' => self.report_xterm_mode(params.get(0), false),
            (0, [b'*', 0]) => match final_byte {
                b'x' => self.choose_extent(params.get(0)),
                b'y' => self.report_checksum(params),
                _ => false,
            },
            _ => false,
        }
    }

    fn xterm_plain(&mut self, final_byte: u8, params: &Params) -> bool {
        let count = super::csi::count(params, 0);
        match final_byte {
            b'A' => self.up(count),
            b'B' => self.down(count),
            b'C' => self.forward(count),
            b'D' => self.back(count),
            b'E' => {
                self.down(count);
                self.carriage_return();
            }
            b'F' => {
                self.up(count);
                self.carriage_return();
            }
            b'G' | b'`' => self.move_to_column(count - 1),
            b'I' => self.tab_forward(count),
            b'a' => self.place(self.buffer().x.saturating_add(count), self.buffer().y),
            b'd' => self.move_to_row(count - 1),
            b'e' => self.place(self.buffer().x, self.buffer().y.saturating_add(count)),
            b's' => return self.set_sides(params),
            b'h' => (0..params.len()).for_each(|index| self.set_xterm_mode(params.get(index), true)),
            b'l' => (0..params.len()).for_each(|index| self.set_xterm_mode(params.get(index), false)),
            b'c' => return self.report_xterm_primary(params.get(0)),
            _ => return self.within_sides(final_byte, count),
        }
        // ANSI modes of the client's are set by it.
        !matches!(final_byte, b'h' | b'l')
    }

    fn xterm_private(&mut self, final_byte: u8, params: &Params) -> bool {
        match final_byte {
            b'h' | b'l' => {
                for index in 0..params.len() {
                    self.switch_private(params.get(index), final_byte == b'h');
                }
            }
            b's' => (0..params.len()).for_each(|index| self.keep_mode(params.get(index))),
            b'r' => (0..params.len()).for_each(|index| self.bring_mode_back(params.get(index))),
            b'n' => return self.report_device(params),
            _ => return false,
        }
        true
    }
}
