//! What a program has switched on or off.

use super::view::CursorShape;

/// Which mouse events the program wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MouseProtocol {
    #[default]
    None,
    /// Mode 9: presses.
    X10,
    /// Mode 1000: presses and releases.
    Vt200,
    /// Mode 1002: and moves while pressed.
    Drag,
    /// Mode 1003: and all moves.
    Any,
}

impl MouseProtocol {
    /// The mode that switches it on.
    pub(super) const fn mode(self) -> Option<u16> {
        match self {
            Self::None => None,
            Self::X10 => Some(9),
            Self::Vt200 => Some(1000),
            Self::Drag => Some(1002),
            Self::Any => Some(1003),
        }
    }
}

/// How mouse events are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MouseEncoding {
    #[default]
    Default,
    /// Mode 1006.
    Sgr,
    /// Mode 1016.
    SgrPixels,
}

/// The modes. Those that a reset leaves alone come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Modes {
    /// DECCKM, 1.
    pub(super) application_cursor: bool,
    /// DECKPAM, 66.
    pub(super) application_keypad: bool,
    /// DECAWM, 7.
    pub(super) autowrap: bool,
    /// DECOM, 6.
    pub(super) origin: bool,
    /// IRM, ANSI 4.
    pub(super) insert: bool,
    /// 45.
    pub(super) reverse_wrap: bool,
    /// 2004.
    pub(super) bracketed_paste: bool,
    /// 1004.
    pub(super) focus_events: bool,
    /// 2031: the program is told when the colour scheme changes.
    pub(super) color_scheme_updates: bool,
    /// 2026. Never part of a snapshot: a viewer must not wait for an end that may never come.
    pub(super) synchronized: bool,
    /// DECSCUSR.
    pub(super) cursor_shape: CursorShape,
    /// DECSCUSR.
    pub(super) cursor_blink: Option<bool>,
    pub(super) mouse: MouseProtocol,
    pub(super) mouse_encoding: MouseEncoding,
    /// DECTCEM, 25. The client leaves it alone in a full reset.
    pub(super) cursor_hidden: bool,
    /// LNM, ANSI 20. So it does this one.
    pub(super) newline: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            application_cursor: false,
            application_keypad: false,
            autowrap: true,
            origin: false,
            insert: false,
            reverse_wrap: false,
            bracketed_paste: false,
            focus_events: false,
            color_scheme_updates: false,
            synchronized: false,
            cursor_shape: CursorShape::Default,
            cursor_blink: None,
            mouse: MouseProtocol::None,
            mouse_encoding: MouseEncoding::Default,
            cursor_hidden: false,
            newline: false,
        }
    }
}

impl Modes {
    /// As DECSTR leaves them.
    pub(super) fn soft_reset(&mut self) {
        *self =
            Self { newline: self.newline, mouse: self.mouse, mouse_encoding: self.mouse_encoding, ..Self::default() };
    }

    /// As RIS leaves them.
    pub(super) fn full_reset(&mut self) {
        *self = Self { newline: self.newline, cursor_hidden: self.cursor_hidden, ..Self::default() };
    }
}

/// Pushed flags that are kept for each screen: xterm.js's number.
const PUSHED_MAX: usize = 16;

/// The kitty keyboard protocol's flags: those in force, and each screen's own while the other is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keyboard {
    pub(super) flags: u32,
    pub(super) primary: u32,
    pub(super) alternate: u32,
    pub(super) pushed: Vec<u32>,
    pub(super) pushed_alternate: Vec<u32>,
}

impl Keyboard {
    /// `CSI = flags ; mode u`.
    pub(super) const fn set(&mut self, flags: u32, mode: i32) {
        match mode {
            1 => self.flags = flags,
            2 => self.flags |= flags,
            3 => self.flags &= !flags,
            _ => {}
        }
    }

    pub(super) fn push(&mut self, flags: u32, is_alternate: bool) {
        let in_force = std::mem::replace(&mut self.flags, flags);
        let stack = self.stack(is_alternate);
        if stack.len() >= PUSHED_MAX {
            stack.remove(0);
        }
        stack.push(in_force);
    }

    pub(super) fn pop(&mut self, count: usize, is_alternate: bool) {
        let mut flags = self.flags;
        let stack = self.stack(is_alternate);
        for _ in 0..count.min(PUSHED_MAX) {
            if let Some(pushed) = stack.pop() {
                flags = pushed;
            }
        }
        if stack.is_empty() {
            flags = 0;
        }
        self.flags = flags;
    }

    const fn stack(&mut self, is_alternate: bool) -> &mut Vec<u32> {
        if is_alternate { &mut self.pushed_alternate } else { &mut self.pushed }
    }

    /// The alternate screen is entered, as the program says; it may be there already.
    pub(super) const fn enter_alternate(&mut self) {
        self.primary = self.flags;
        self.flags = self.alternate;
    }

    pub(super) const fn leave_alternate(&mut self) {
        self.alternate = self.flags;
        self.flags = self.primary;
    }
}
