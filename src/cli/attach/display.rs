//! What a real terminal is written so that it shows a session: its own screen may be of another size, had a past before
//! the session and has a future after it. Pure: messages in, bytes out.
//!
//! Follows the session's screen, so that the terminal can be drawn anew at any time. Must never let the terminal answer
//! for the session, nor leave it in a state that the session's program chose.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::filter::Filter;
use super::modes::{self, Modes};
use crate::terminal::Size;
use crate::terminal::screen::Screen;

/// Lines above the screen that a terminal is given to scroll back to when attaching.
pub(super) const SCROLLBACK_LINES: usize = 1000;
/// End a cut sequence, colours off: what precedes anything that is not the program's.
const INTERRUPT: &str = "\x18\x1b[0m";

/// One terminal, or what stands in its place.
#[derive(Default)]
pub(super) struct Display {
    /// The terminal's size. None where output does not go to a terminal: then it is output and nothing else.
    here: Option<Size>,
    /// What the session shows, from its first snapshot on.
    screen: Option<Screen>,
    filter: Filter,
    modes: Modes,
    focus_asked: bool,
}

impl Display {
    /// Of a terminal of this size.
    pub(super) fn of(here: Option<Size>) -> Self {
        Self { here, ..Self::default() }
    }

    /// Whether output goes to a terminal.
    pub(super) const fn is_terminal(&self) -> bool {
        self.here.is_some()
    }

    /// Whether the session is shown already.
    pub(super) const fn has_begun(&self) -> bool {
        self.screen.is_some()
    }

    /// What there was before scrolls up and stays readable.
    pub(super) fn begin(&self) -> Vec<u8> {
        let Some(here) = self.here else { return Vec::new() };
        [&b"\r\n".repeat(here.rows().into()), modes::HOME.as_bytes()].concat()
    }

    /// Output of the program.
    pub(super) fn output(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.here.is_none() {
            return bytes.to_vec();
        }
        if let Some(screen) = &mut self.screen {
            screen.feed(bytes);
        }
        self.pass(bytes)
    }

    /// The session's screen, where `skipped` bytes of output never came.
    pub(super) fn snapshot(&mut self, size: Size, bytes: &[u8], skipped: u64) -> Vec<u8> {
        let Some(here) = self.here else { return Vec::new() };
        let mut screen = Screen::new(size, SCROLLBACK_LINES);
        screen.feed(bytes);
        let before = self.screen.as_ref().map(Screen::is_alternate);
        // A part of what was last written may never have arrived.
        let mut out = modes::reset(here).into_bytes();
        (self.filter, self.modes) = (Filter::default(), Modes::default());
        let snapshot = match before {
            // What is above the screen was never shown here.
            None => bytes.to_vec(),
            Some(was_alternate) => {
                if skipped > 0 && !was_alternate && !screen.is_alternate() {
                    out.extend(gap(here, skipped));
                }
                screen.snapshot(0).bytes
            }
        };
        self.screen = Some(screen);
        out.extend_from_slice(modes::HOME.as_bytes());
        out.extend(self.pass(&snapshot));
        out
    }

    /// The session has another size.
    pub(super) fn resized(&mut self, size: Size) -> Vec<u8> {
        if let Some(screen) = &mut self.screen {
            screen.resize(size);
        }
        Vec::new()
    }

    /// This terminal has another size.
    pub(super) fn window(&mut self, here: Option<Size>) -> Vec<u8> {
        if self.here.is_some() && here.is_some() {
            self.here = here;
        }
        Vec::new()
    }

    /// Says something that is not the program's, in one dim line.
    pub(super) fn notice(&mut self, text: &str) -> Vec<u8> {
        self.filter.interrupted();
        let line = format!("{INTERRUPT}\r\n\x1b[2m[{text}]\x1b[0m\r\n").into_bytes();
        self.modes.shown(&line);
        line
    }

    /// Puts text on the terminal's clipboard; which one, OSC 52 names.
    pub(super) fn clipboard(&mut self, selection: &str, text: &str) -> Vec<u8> {
        if self.here.is_none() {
            return Vec::new();
        }
        self.filter.interrupted();
        let base64 = BASE64_STANDARD.encode(text);
        let selection: String = selection.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("\x18\x1b]52;{selection};{base64}\x1b\\").into_bytes()
    }

    /// Whether focus reports were switched on since this was last asked: some terminals then send one at once.
    pub(super) fn take_focus_asked(&mut self) -> bool {
        std::mem::take(&mut self.focus_asked)
    }

    /// What leaves the terminal as it was found.
    pub(super) fn restore(&self) -> String {
        if self.is_terminal() { self.modes.restore() } else { String::new() }
    }

    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        self.filter.pass(bytes, true, &mut out);
        self.focus_asked |= self.filter.take_focus_asked();
        self.modes.shown(&out);
        out
    }
}

/// What is shown scrolls up, and below it says that something is missing.
fn gap(here: Size, skipped: u64) -> Vec<u8> {
    let rows = here.rows();
    let line = format!("\x1b[{rows};1H\r\n\x1b[2m[{skipped} bytes of output skipped]\x1b[0m");
    [line.as_bytes(), &b"\r\n".repeat(rows.into())].concat()
}
