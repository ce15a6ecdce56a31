//! What the terminal shows now: a headless terminal that follows the output and answers the program's questions.
//!
//! Pure: bytes and sizes in; a picture, a snapshot and answers out. Behaves as xterm.js does, because that is what
//! people see. Never panics on any bytes, and every memory it takes is bounded.

mod parser;
mod style;
mod view;
mod width;
mod width_table;

use std::sync::Arc;

pub use style::{Attributes, Color, Style, Underline};
pub use view::{Cursor, CursorShape, Line, Run};

use crate::terminal::Size;

/// A headless terminal.
pub struct Screen {
    size: Size,
}

/// Bytes that make a blank terminal of `size` show what a screen shows, its modes and its half-read sequence
/// included (law 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The terminal's size.
    pub size: Size,
    /// Lines of scrollback in `bytes`.
    pub scrollback: u32,
    /// What to feed to the blank terminal.
    pub bytes: Vec<u8>,
}

/// What a program asked to put on the clipboard (OSC 52).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clipboard {
    /// How many were asked for before, in this screen's life.
    pub count: u64,
    /// Which clipboards, as OSC 52 names them: `c`, `p`, …
    pub selection: String,
    /// The text.
    pub text: String,
}

impl Screen {
    /// A blank one that keeps at most `scrollback_max` lines above the screen.
    #[must_use]
    pub fn new(size: Size, scrollback_max: usize) -> Self {
        let _ = scrollback_max;
        Self { size }
    }

    /// Takes output.
    pub fn feed(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// Takes a new size; lines of the primary screen are wrapped anew.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Its size.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Bytes that redraw it, with at most `scrollback` lines of scrollback.
    #[must_use]
    pub fn snapshot(&self, scrollback: usize) -> Snapshot {
        let _ = scrollback;
        Snapshot { size: self.size, scrollback: 0, bytes: Vec::new() }
    }

    /// What the program is to be answered since this was last asked, in order. Bounded.
    pub fn take_answers(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// How many lines of scrollback there are.
    #[must_use]
    pub fn scrollback_len(&self) -> usize {
        0
    }

    /// The last `scrollback` lines of scrollback (fewer if there are fewer), oldest first, and then the screen's.
    pub fn lines(&self, scrollback: usize) -> impl Iterator<Item = Line> + '_ {
        let _ = scrollback;
        (0..self.size.rows()).map(|_| Line { wrapped: false, runs: Vec::new() })
    }

    /// The cursor.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { col: 0, row: 0, visible: true, shape: CursorShape::Default, blink: None }
    }

    /// The window title (OSC 0, 2); empty when none was set.
    #[must_use]
    pub fn title(&self) -> &str {
        ""
    }

    /// The working directory the program told of (OSC 7), as a path on the session's machine.
    #[must_use]
    pub fn cwd(&self) -> Option<&str> {
        None
    }

    /// How many times it rang.
    #[must_use]
    pub fn bells(&self) -> u64 {
        0
    }

    /// What the program last asked to put on the clipboard.
    #[must_use]
    pub fn clipboard(&self) -> Option<&Arc<Clipboard>> {
        None
    }

    /// Whether the alternate screen is shown.
    #[must_use]
    pub fn is_alternate(&self) -> bool {
        false
    }

    /// Whether pasted text is to be bracketed (mode 2004).
    #[must_use]
    pub fn brackets_paste(&self) -> bool {
        false
    }

    /// Gives up what can be rebuilt. The screen stays as usable as before; the next use of it rebuilds.
    pub fn hibernate(&mut self) {}
}
