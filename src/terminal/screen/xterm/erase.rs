//! Protection: DEC's, which selective erasing heeds, and ISO's, which all erasing heeds.

use super::super::terminal::Terminal;

impl Terminal {
    /// SPA, EPA.
    pub(super) fn protect_area(&mut self, on: bool) {
        let mut pen = self.pen;
        pen.set_protected(on);
        self.set_pen(pen);
        if on {
            self.protect(true);
        }
    }

    /// DECSCA says whose protection it is; the pen is the client's matter.
    pub(super) fn choose_protection(&mut self, which: i32) {
        if which == 1 {
            self.protect(false);
        }
    }

    fn protect(&mut self, is_iso: bool) {
        if let Some(xterm) = &mut self.xterm {
            xterm.is_iso = is_iso;
        }
    }

    /// Whether erasing that is not selective leaves protected characters.
    pub(in super::super) fn erasing_spares(&self) -> bool {
        self.xterm.as_ref().is_some_and(|xterm| xterm.is_iso)
    }
}
