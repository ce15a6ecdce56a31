//! Modes that xterm has beyond the client, or takes otherwise, and the level of conformance.

use super::super::parser::Params;
use super::super::terminal::Terminal;
use super::LEVEL_MAX;

impl Terminal {
    /// ANSI's.
    pub(super) fn set_xterm_mode(&mut self, mode: i32, on: bool) {
        if let Some(xterm) = &mut self.xterm {
            xterm.kept.set(mode, false, on);
        }
    }

    /// DEC's.
    pub(super) fn switch_private(&mut self, mode: i32, on: bool) {
        match (mode, on) {
            (3, _) => self.change_columns(on),
            // Below level 5 there is no such mode.
            (95, _) if self.xterm.as_ref().is_some_and(|xterm| xterm.level < LEVEL_MAX) => {}
            (69, _) => self.switch_sides(on),
            (47, false) => self.leave_alternate_as_it_is(),
            (1049, true) => {
                self.leave_margin();
                self.save_cursor();
                if !self.is_alternate {
                    self.alternate.empty();
                }
                self.enter_alternate();
            }
            _ => {
                if self.xterm.as_mut().is_some_and(|xterm| xterm.kept.set(mode, true, on)) {
                    return;
                }
                if matches!(mode, 6 | 1048 | 1049) {
                    self.leave_margin();
                }
                if on { self.set_private_mode(mode) } else { self.reset_private_mode(mode) }
            }
        }
    }

    /// DECCOLM, where mode 40 allows it: the screen is erased and its margins are gone. Its width stays: that is for
    /// those to say who look at it.
    fn change_columns(&mut self, wide: bool) {
        let Some(xterm) = self.xterm.as_mut().filter(|xterm| xterm.kept.allows_columns()) else { return };
        xterm.kept.set(3, true, wide);
        let erases = !xterm.kept.keeps_screen();
        self.clear_margins();
        self.place(0, 0);
        if erases {
            let fill = self.erased();
            for row in &mut self.buffer_mut().rows {
                row.fill(fill, None);
                row.wrapped = false;
            }
        }
    }

    /// Mode 47: what the second screen shows is there again when it is next entered.
    fn leave_alternate_as_it_is(&mut self) {
        self.keyboard.leave_alternate();
        if self.is_alternate {
            (self.primary.x, self.primary.y) = (self.alternate.x, self.alternate.y);
            self.is_alternate = false;
        }
    }

    /// XTSAVE.
    pub(super) fn keep_mode(&mut self, mode: i32) {
        if let Some(on) = self.private_mode(mode)
            && let Some(xterm) = &mut self.xterm
        {
            xterm.kept.save(mode, on);
        }
    }

    /// XTRESTORE.
    pub(super) fn bring_mode_back(&mut self, mode: i32) {
        if let Some(on) = self.xterm.as_ref().and_then(|xterm| xterm.kept.saved(mode)) {
            self.switch_private(mode, on);
        }
    }

    /// DEC's modes that can be written down.
    fn private_mode(&self, mode: i32) -> Option<bool> {
        let modes = &self.modes;
        Some(match mode {
            1 => modes.application_cursor,
            6 => modes.origin,
            7 => modes.autowrap,
            25 => !modes.cursor_hidden,
            45 => modes.reverse_wrap,
            66 => modes.application_keypad,
            1004 => modes.focus_events,
            2004 => modes.bracketed_paste,
            2031 => modes.color_scheme_updates,
            _ => return self.xterm.as_ref()?.kept.get(mode, true),
        })
    }

    /// DECSCL: 61 to 65. As on a VT220 it is a soft reset. Controls stay in seven bits: sessions are in UTF-8.
    pub(super) fn set_level(&mut self, params: &Params) -> bool {
        if let Ok(level @ 1..=LEVEL_MAX) = u8::try_from(params.get(0) - 60) {
            self.soft_reset();
            if let Some(xterm) = &mut self.xterm {
                xterm.soft_reset();
                xterm.level = level;
            }
        }
        true
    }
}
