//! What xterm answers beyond the client, or otherwise. As in `answers`, nothing that was written is given back.

use super::super::parser::Params;
use super::super::terminal::Terminal;

/// DA2's: xterm's patch whose way of wrapping back this has.
const PATCH: u32 = 383;

impl Terminal {
    fn level(&self) -> u8 {
        self.xterm.as_ref().map_or(0, |xterm| xterm.level)
    }

    /// DA1: what there is of a terminal of that level. Neither printer nor locator, nor 132 columns on demand.
    pub(super) fn report_xterm_primary(&mut self, which: i32) -> bool {
        if which == 0 {
            match self.level() {
                1 => self.answer("\x1b[?1c"),
                level @ 2..=3 => self.answer(&format!("\x1b[?6{level};6;9;22c")),
                level => self.answer(&format!("\x1b[?6{level};6;9;21;22;28c")),
            }
        }
        true
    }

    /// DA2.
    pub(super) fn report_xterm_secondary(&mut self, which: i32) -> bool {
        if which == 0 {
            let model = match self.level() {
                1 => 0,
                2 => 1,
                3 => 24,
                4 => 41,
                _ => 64,
            };
            self.answer(&format!("\x1b[>{model};{PATCH};0c"));
        }
        true
    }

    /// DECRQM; a VT200 has none.
    pub(super) fn report_xterm_mode(&mut self, mode: i32, ansi: bool) -> bool {
        let Some(xterm) = &self.xterm else { return false };
        if xterm.level < 3 {
            return true;
        }
        let state = |on: bool| if on { 1 } else { 2 };
        let value = match (mode, ansi) {
            // Always reset: GATM, SRTM, VEM, HEM, PUM, FEAM, FETM, MATM, TTM, SATM, TSM, EBM; DECHCCM.
            (1 | 5 | 7 | 10 | 11 | 13..=19, true) | (60, false) => 4,
            (69, false) => state(xterm.has_sides),
            _ => match xterm.kept.get(mode, !ansi) {
                Some(on) => state(on),
                None => return false,
            },
        };
        let private = if ansi { "" } else { "?" };
        self.answer(&format!("\x1b[{private}{mode};{value}$y"));
        true
    }

    /// DSR of DEC.
    pub(super) fn report_device(&mut self, params: &Params) -> bool {
        let level = self.level();
        let answer = match params.get(0) {
            6 if level >= 4 => {
                let (x, y) = self.reported_cursor();
                format!("\x1b[?{y};{x};1R")
            }
            // No printer; no keys that a program could define.
            15 => "\x1b[?13n".into(),
            25 => "\x1b[?21n".into(),
            // The keyboard: unknown, ready.
            26 => match level {
                ..=2 => "\x1b[?27;0n".into(),
                3 => "\x1b[?27;0;0n".into(),
                _ => "\x1b[?27;0;0;0n".into(),
            },
            // No locator, of no kind.
            53 | 55 => "\x1b[?50n".into(),
            56 => "\x1b[?57;0n".into(),
            // No macros: no space for them, nothing to sum up.
            62 => "\x1b[0*{".into(),
            63 => format!("\x1bP{}!~0000\x1b\\", params.get(1)),
            // No errors since the last time; one session.
            75 => "\x1b[?70n".into(),
            85 => "\x1b[?83n".into(),
            _ => return false,
        };
        self.answer(&answer);
        true
    }

    /// DECRQSS.
    pub(in super::super) fn xterm_setting(&self, setting: &[u8]) -> Option<String> {
        let xterm = self.xterm.as_ref()?;
        Some(match setting {
            b"\"p" => format!("6{};1\"p", xterm.level),
            b"s" => {
                let (left, right) = self.columns();
                format!("{};{}s", left + 1, right + 1)
            }
            b"t" => format!("{}t", self.rows),
            b"*|" => format!("{}*|", self.rows),
            b"*x" => format!("{}*x", if xterm.rectangles { 2 } else { 0 }),
            // There is no status line.
            b"$}" => "0$}".into(),
            b"$~" => "0$~".into(),
            _ => return None,
        })
    }
}
