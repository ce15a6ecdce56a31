//! Modes beyond the client's: those that only are told again, and those that XTSAVE wrote down.

/// A mode's number, and whether it is one of DEC's (`CSI ? … h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Mode {
    pub(in super::super) number: i32,
    pub(in super::super) is_private: bool,
}

const fn ansi(number: i32) -> Mode {
    Mode { number, is_private: false }
}

const fn dec(number: i32) -> Mode {
    Mode { number, is_private: true }
}

const COLUMNS: i32 = 3;
const COLUMNS_ALLOWED: i32 = 40;
const TAB_FIX: i32 = 41;
const COLUMNS_KEEP_SCREEN: i32 = 95;
const WRAP_BACK_FAR: i32 = 1045;

/// Modes of which the value is all there is, but for those named above: what they steer (keyboard, printer, colours of
/// the whole screen, speed of scrolling) is not a screen's.
const MODES: [Mode; 14] = [
    ansi(2),
    ansi(12),
    dec(COLUMNS),
    dec(4),
    dec(5),
    dec(18),
    dec(19),
    dec(35),
    dec(COLUMNS_ALLOWED),
    dec(TAB_FIX),
    dec(42),
    dec(67),
    dec(COLUMNS_KEEP_SCREEN),
    dec(WRAP_BACK_FAR),
];

/// DEC's modes that XTSAVE writes down: those whose change changes nothing else. Bringing back one that switches
/// screens would.
pub(in super::super) const SAVED: [i32; 16] =
    [1, 4, 5, 6, 7, 25, 35, TAB_FIX, 42, 45, 66, 67, WRAP_BACK_FAR, 1004, 2004, 2031];

/// The modes' values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Kept {
    /// By place in [`MODES`].
    on: [bool; MODES.len()],
    /// By place in [`SAVED`].
    saved: [Option<bool>; SAVED.len()],
}

impl Kept {
    pub(super) fn get(&self, number: i32, is_private: bool) -> Option<bool> {
        place(number, is_private).map(|place| self.on[place])
    }

    /// Returns whether it is one of these.
    pub(super) fn set(&mut self, number: i32, is_private: bool, on: bool) -> bool {
        let place = place(number, is_private);
        if let Some(place) = place {
            self.on[place] = on;
        }
        place.is_some()
    }

    fn has(&self, number: i32) -> bool {
        self.get(number, true) == Some(true)
    }

    /// 41: a tab on a full line goes to the next one.
    pub(super) fn fixes_tabs(&self) -> bool {
        self.has(TAB_FIX)
    }

    /// 1045.
    pub(super) fn wraps_back_far(&self) -> bool {
        self.has(WRAP_BACK_FAR)
    }

    /// 40: DECCOLM does something.
    pub(super) fn allows_columns(&self) -> bool {
        self.has(COLUMNS_ALLOWED)
    }

    /// DECNCSM: it does not erase the screen.
    pub(super) fn keeps_screen(&self) -> bool {
        self.has(COLUMNS_KEEP_SCREEN)
    }

    pub(super) fn save(&mut self, number: i32, on: bool) {
        if let Some(place) = SAVED.iter().position(|&saved| saved == number) {
            self.saved[place] = Some(on);
        }
    }

    pub(super) fn saved(&self, number: i32) -> Option<bool> {
        let place = SAVED.iter().position(|&saved| saved == number)?;
        self.saved[place]
    }

    /// As DECSTR leaves them.
    pub(super) fn soft_reset(&mut self) {
        self.set(2, false, false);
        self.set(WRAP_BACK_FAR, true, false);
    }

    /// Those that are on.
    pub(in super::super) fn on(&self) -> impl Iterator<Item = Mode> + '_ {
        MODES.into_iter().zip(self.on).filter(|(_, on)| *on).map(|(mode, _)| mode)
    }

    /// DEC's that were written down, and how.
    pub(in super::super) fn written_down(&self) -> impl Iterator<Item = (i32, bool)> + '_ {
        SAVED.into_iter().zip(self.saved).filter_map(|(number, on)| Some((number, on?)))
    }
}

fn place(number: i32, is_private: bool) -> Option<usize> {
    MODES.iter().position(|&mode| mode == Mode { number, is_private })
}
