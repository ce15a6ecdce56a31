//! What a program may have left a terminal in, and the bytes that undo it. Pure.
//!
//! Follows the output only as far as undoing needs: leaving an alternate screen that was never entered, or origin mode
//! where it was not set, would move the cursor away from what is on the screen.

use crate::terminal::Size;

/// Parameters of one control sequence that are looked at; no program sets more modes at once.
const PARAMETERS_MAX: usize = 16;

/// Undone without asking, because doing so changes nothing where it is not needed.
const RESTORE: &str = concat!(
    "\x18",                                                                       // end a sequence that was cut
    "\x1b[0m\x1b[4l\x1b[?7h\x1b(B\x0f",                                           // colours, insert, wrap, charset
    "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l", // mouse
    "\x1b[?1004l\x1b[?2004l\x1b[?2026l", // focus, bracketed paste, held drawing
    "\x1b[?1l\x1b>\x1b[>4m\x1b[=0u",     // cursor keys, keypad, key protocols
    "\x1b7\x1b[r\x1b8",                  // scroll region, which homes the cursor
    "\x1b[?25h\x1b[0 q",                 // cursor
);
/// Undone as well for another screen to be drawn: links, colours, what lines and cursors do, where they were saved.
const BLANK: &str = concat!(
    "\x1b]8;;\x1b\\\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\",
    "\x1b[20l\x1b[?45l\x1b[?66l\x1b[?1016l\x1b)B\x1b*B\x1b+B\x1b[0\"q",
);
/// Clears the screen, from its top, so that no terminal keeps it as scrollback.
pub(super) const HOME: &str = "\x1b[H\x1b[J\x1b7";
/// Columns between two tab stops.
const TAB: u16 = 8;

/// Brings a terminal of this size into the state of a new one, whatever it is in; what it shows stays.
pub(super) fn reset(size: Size) -> String {
    let tabs = "\x1b[8C\x1bH".repeat(((size.cols() - 1) / TAB).into());
    format!("{LEAVE_ALTERNATE}{LEAVE_ORIGIN}{RESTORE}{BLANK}\r\x1b[3g{tabs}")
}

const LEAVE_ALTERNATE: &str = "\x18\x1b[?1049l";
/// Homes the cursor as well.
const LEAVE_ORIGIN: &str = "\x18\x1b[?6l";

/// Follows a program's output.
#[derive(Debug, Default)]
pub(super) struct Modes {
    state: State,
    alternate: bool,
    origin: bool,
    mid_line: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// `ESC [`, and whether `?` came first.
    Sequence {
        private: bool,
        parameters: Vec<u32>,
    },
}

impl Modes {
    /// Takes what the terminal is shown next.
    pub(super) fn shown(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.iter().rev().find(|byte| **byte != b'\r') {
            self.mid_line = *last != b'\n';
        }
        for &byte in bytes {
            self.state = match (std::mem::take(&mut self.state), byte) {
                (_, 0x1b) => State::Escape,
                (State::Ground, _) => State::Ground,
                (State::Escape, b'[') => State::Sequence { private: false, parameters: vec![0] },
                (State::Escape, b'c') => {
                    (self.alternate, self.origin) = (false, false);
                    State::Ground
                }
                (State::Escape, _) => State::Ground,
                (State::Sequence { private, parameters }, _) => self.sequence(private, parameters, byte),
            };
        }
    }

    fn sequence(&mut self, private: bool, mut parameters: Vec<u32>, byte: u8) -> State {
        match byte {
            b'0'..=b'9' => {
                if let Some(last) = parameters.last_mut() {
                    *last = last.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                }
            }
            b';' if parameters.len() < PARAMETERS_MAX => parameters.push(0),
            b'?' => return State::Sequence { private: true, parameters },
            b'h' | b'l' if private => {
                if parameters.iter().any(|mode| matches!(mode, 47 | 1047 | 1049)) {
                    self.alternate = byte == b'h';
                }
                if parameters.contains(&6) {
                    self.origin = byte == b'h';
                }
                return State::Ground;
            }
            // A final byte, or a control that ends the sequence.
            0x40..=0x7e | 0x18 | 0x1a => return State::Ground,
            _ => {}
        }
        State::Sequence { private, parameters }
    }

    /// What brings the terminal back to how a shell expects it, with the cursor at the start of a line.
    pub(super) fn restore(&self) -> String {
        let leave = if self.alternate { LEAVE_ALTERNATE } else { "" };
        let origin = if self.origin { LEAVE_ORIGIN } else { "" };
        let line = if self.mid_line { "\r\n" } else { "\r" };
        format!("{leave}{origin}{RESTORE}{line}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves_alternate(pieces: &[&[u8]]) -> bool {
        let mut modes = Modes::default();
        pieces.iter().for_each(|piece| modes.shown(piece));
        modes.restore().contains("?1049l")
    }

    #[test]
    fn the_cursor_is_sent_home_only_out_of_origin_mode() {
        let mut modes = Modes::default();
        assert!(!modes.restore().contains("?6l"));
        modes.shown(b"\x1b[?6h");
        assert!(modes.restore().contains("?6l"));
        modes.shown(b"\x1b[?6l");
        assert!(!modes.restore().contains("?6l"));
    }

    #[test]
    fn the_alternate_screen_is_left_only_where_it_was_entered() {
        assert!(!leaves_alternate(&[b"ls\r\n"]));
        assert!(leaves_alternate(&[b"\x1b[?1049h"]));
        assert!(leaves_alternate(&[b"\x1b[?10", b"49;25", b"h"]));
        assert!(leaves_alternate(&[b"\x1b[?25;47h"]));
        assert!(!leaves_alternate(&[b"\x1b[?1049h x \x1b[?1049l"]));
        assert!(!leaves_alternate(&[b"\x1b[?1049h\x1bc"]));
        assert!(!leaves_alternate(&[b"\x1b[1049h", b"\x1b[?1049m", b"\x1b[?1049\x18h"]));
    }

    #[test]
    fn a_new_line_is_begun_only_where_one_is_needed() {
        let ending = |shown: &[u8]| {
            let mut modes = Modes::default();
            modes.shown(shown);
            modes.restore().ends_with("\r\n")
        };
        assert!(ending(b"$ "));
        assert!(!ending(b"exit\r\n"));
        assert!(!ending(b"exit\n\r"));
        assert!(!ending(b""));
    }

    proptest! {
        #[test]
        fn where_output_is_cut_makes_no_difference(
            output in proptest::collection::vec(prop_oneof![
                Just(b"\x1b[?1049h".to_vec()), Just(b"\x1b[?1049l".to_vec()), Just(b"\x1b".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..4),
            ], 0..12),
            at: prop::sample::Index,
        ) {
            let output = output.concat();
            let (before, after) = output.split_at(at.index(output.len() + 1));
            prop_assert_eq!(leaves_alternate(&[&output]), leaves_alternate(&[before, after]));
        }
    }
}
