//! What a real terminal is written so that it shows a session: its own screen may be of another size, had a past before
//! the session and has a future after it. Pure: messages in, bytes out.
//!
//! Follows the session's screen, so that the terminal can be drawn anew at any time. A terminal of the session's size is
//! passed the output; one of another size, where output would wrap and scroll elsewhere, is painted the screen (`pane`).
//! Must never let the terminal answer for the session, nor leave it in a state that the session's program chose.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::filter::Filter;
use super::modes::{self, Modes};
use super::pane::Pane;
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
    /// What is painted, while the terminal is of another size than the session.
    pane: Option<Painted>,
    /// The terminal has been passed what is above the screen.
    passed: bool,
}

struct Painted {
    pane: Pane,
    /// The terminal has been made ready for it. Only for the first picture: a window that leads the session's size is
    /// of another one for a moment only.
    ready: bool,
    stale: bool,
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
        match &mut self.pane {
            None => self.pass(bytes),
            Some(painted) => {
                painted.stale = true;
                if painted.ready { self.steer(bytes) } else { Vec::new() }
            }
        }
    }

    /// The session's screen, where `skipped` bytes of output never came.
    pub(super) fn snapshot(&mut self, size: Size, bytes: &[u8], skipped: u64) -> Vec<u8> {
        let Some(here) = self.here else { return Vec::new() };
        let mut screen = Screen::new(size, SCROLLBACK_LINES);
        screen.feed(bytes);
        let scrolled = !screen.is_alternate() && self.screen.as_ref().is_some_and(|before| !before.is_alternate());
        self.screen = Some(screen);
        if size != here {
            self.pane = Some(Painted::new());
            return Vec::new();
        }
        let mut out = Vec::new();
        if scrolled && skipped > 0 && self.pane.is_none() {
            out = self.reset(here);
            out.extend(gap(here, skipped));
        }
        // What is above the screen is passed once: after that it is there, or was skipped.
        out.extend(self.draw(here, (!self.passed).then_some(bytes)));
        out
    }

    /// The session has another size.
    pub(super) fn resized(&mut self, size: Size) -> Vec<u8> {
        if let Some(screen) = &mut self.screen {
            screen.resize(size);
        }
        self.refit()
    }

    /// This terminal has another size.
    pub(super) fn window(&mut self, here: Option<Size>) -> Vec<u8> {
        if self.here.is_some() && here.is_some() {
            self.here = here;
        }
        self.refit()
    }

    /// Passes or paints, as the sizes are now.
    fn refit(&mut self) -> Vec<u8> {
        let (Some(here), Some(screen)) = (self.here, &self.screen) else { return Vec::new() };
        match &mut self.pane {
            Some(_) if screen.size() == here => self.draw(here, None),
            Some(painted) => {
                // A terminal moves what it shows when its size changes.
                painted.pane.forget();
                painted.stale = true;
                Vec::new()
            }
            None if screen.size() == here => Vec::new(),
            None => {
                self.pane = Some(Painted::new());
                Vec::new()
            }
        }
    }

    /// Draws the screen in a terminal of its size, which is passed the output from here on; by this snapshot, if one is
    /// given.
    fn draw(&mut self, here: Size, snapshot: Option<&[u8]>) -> Vec<u8> {
        self.pane = None;
        // A part of what was last written may never have arrived.
        let mut out = self.reset(here);
        out.extend_from_slice(modes::HOME.as_bytes());
        let above = if std::mem::replace(&mut self.passed, true) { 0 } else { SCROLLBACK_LINES };
        if let Some(bytes) = snapshot {
            out.extend(self.pass(bytes));
        } else if let Some(screen) = &self.screen {
            let bytes = screen.snapshot(above).bytes;
            out.extend(self.pass(&bytes));
        }
        out
    }

    /// Whether there is something to paint.
    pub(super) fn is_stale(&self) -> bool {
        self.pane.as_ref().is_some_and(|painted| painted.stale)
    }

    /// What brings a terminal of another size up to date.
    pub(super) fn paint(&mut self) -> Vec<u8> {
        let (Some(here), Some(screen), Some(painted)) = (self.here, &self.screen, &mut self.pane) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        if !std::mem::replace(&mut painted.ready, true) {
            let snapshot = screen.snapshot(0).bytes;
            out = self.reset(here);
            out.extend(self.steer(&snapshot));
        }
        if let (Some(screen), Some(painted)) = (&self.screen, &mut self.pane) {
            painted.stale = false;
            let picture = painted.pane.paint(screen, here);
            self.filter.interrupted();
            self.modes.shown(&picture);
            out.extend(picture);
        }
        out
    }

    /// What was typed here, as it is to be told the session.
    pub(super) fn typed(&self, typed: Vec<u8>) -> Vec<u8> {
        match (&self.screen, &self.pane) {
            (Some(screen), Some(painted)) => painted.pane.part(screen).locate(&typed),
            _ => typed,
        }
    }

    /// Somebody is there, and has read what was noticed.
    pub(super) fn attended(&mut self) {
        if let Some(painted) = self.pane.as_mut().filter(|painted| painted.pane.has_notice()) {
            painted.pane.notice(None);
            painted.stale = true;
        }
    }

    /// Says something that is not the program's, in one dim line.
    pub(super) fn notice(&mut self, text: &str) -> Vec<u8> {
        if let Some(painted) = &mut self.pane {
            painted.pane.notice(Some(text));
            painted.stale = true;
            return Vec::new();
        }
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
        if !self.is_terminal() {
            return String::new();
        }
        // Below the cursor there may be an edge.
        let below = if self.pane.is_some() { "\x1b[J" } else { "" };
        self.modes.restore() + below
    }

    /// Brings the terminal into the state of a new one.
    fn reset(&mut self, here: Size) -> Vec<u8> {
        (self.filter, self.modes) = (Filter::default(), Modes::default());
        modes::reset(here).into_bytes()
    }

    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        self.filter.pass(bytes, true, &mut out);
        self.focus_asked |= self.filter.take_focus_asked();
        self.modes.shown(&out);
        out
    }

    /// Of what the program writes, what does not draw.
    fn steer(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.filter.pass(bytes, false, &mut out);
        self.focus_asked |= self.filter.take_focus_asked();
        self.modes.shown(&out);
        if let Some(painted) = self.pane.as_mut().filter(|_| !out.is_empty()) {
            // It may have changed to the other screen.
            painted.pane.forget();
        }
        out
    }
}

impl Painted {
    fn new() -> Self {
        Self { pane: Pane::new(), ready: false, stale: true }
    }
}

/// What is shown scrolls up, and below it says that something is missing.
fn gap(here: Size, skipped: u64) -> Vec<u8> {
    let rows = here.rows();
    let line = format!("\x1b[{rows};1H\r\n\x1b[2m[{skipped} bytes of output skipped]\x1b[0m");
    [line.as_bytes(), &b"\r\n".repeat(rows.into())].concat()
}
