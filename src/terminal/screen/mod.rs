//! What the terminal shows now: a headless terminal that follows the output and answers the program's questions.
//!
//! Pure: bytes and sizes in; a picture, a snapshot and answers out. Behaves as xterm.js does, because that is what
//! people see, unless it is asked to be xterm (`emulation`, `xterm`). Never panics on any bytes, and every memory it takes is bounded.
//!
//! In reading order: `parser` finds characters and sequences, `terminal` holds what they change, `print`, `control`,
//! `csi` and `osc` change it, `answers` replies. A `buffer` is made of `row`s of `cell`s, whose looks and clusters
//! are kept once in `tables`; lines that leave the top are packed into `scrollback`. `snapshot` writes it all down.

mod answers;
mod attr;
mod buffer;
mod cell;
mod charset;
mod control;
mod csi;
mod emulation;
mod inspect;
mod lines;
mod modes;
mod osc;
mod paint;
mod palette;
mod parser;
mod print;
mod reflow;
mod row;
mod scrollback;
mod snapshot;
mod style;
mod tables;
mod tabs;
mod terminal;
mod view;
mod width;
mod width_table;
mod xterm;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use emulation::Emulation;
pub use inspect::{BufferState, KittyState, ModesState, SavedState, State};
use parser::{Actions, Function, Params, Parser};
pub use style::{Attributes, Color, Style, Underline};
use terminal::Terminal;
pub use view::{Cursor, CursorShape, Line, Run};

use crate::terminal::Size;

/// Fewest columns: a wide character must fit. A terminal of one column is shown in two, as the client does.
const COLS_MIN: usize = 2;
/// Bytes taken before what nothing names any more is looked for.
const SLICE_BYTES: usize = 64 * 1024;

/// A headless terminal.
pub struct Screen {
    size: Size,
    parser: Parser,
    terminal: Terminal,
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
        Self::emulating(size, scrollback_max, Emulation::Client)
    }

    /// A blank one that behaves as `emulation` says. Its snapshots are for others of that emulation.
    #[must_use]
    pub fn emulating(size: Size, scrollback_max: usize, emulation: Emulation) -> Self {
        let (cols, rows) = cells(size);
        Self { size, parser: Parser::new(), terminal: Terminal::new(cols, rows, scrollback_max, emulation) }
    }

    /// Takes output.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.terminal.wake();
        for slice in bytes.chunks(SLICE_BYTES) {
            self.parser.feed(slice, &mut self.terminal);
            self.terminal.pause_printing();
            self.terminal.sweep();
        }
    }

    /// Takes a new size; lines of the primary screen are wrapped anew.
    pub fn resize(&mut self, size: Size) {
        if size != self.size {
            self.size = size;
            let (cols, rows) = cells(size);
            self.terminal.resize(cols, rows);
        }
    }

    /// Its size.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Bytes that redraw it, with at most `scrollback` lines of scrollback.
    #[must_use]
    pub fn snapshot(&self, scrollback: usize) -> Snapshot {
        let scrollback = scrollback.min(self.scrollback_len());
        let bytes = snapshot::write(&self.terminal, scrollback, &self.parser.tail());
        Snapshot { size: self.size, scrollback: u32::try_from(scrollback).unwrap_or(u32::MAX), bytes }
    }

    /// What the program is to be answered since this was last asked, in order. Bounded.
    pub fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.terminal.answers)
    }

    /// How many lines of scrollback there are.
    #[must_use]
    pub fn scrollback_len(&self) -> usize {
        self.terminal.primary.scrollback.len()
    }

    /// The last `scrollback` lines of scrollback (fewer if there are fewer), oldest first, and then the screen's.
    /// The alternate screen has none above it.
    pub fn lines(&self, scrollback: usize) -> impl Iterator<Item = Line> + '_ {
        let above = if self.is_alternate() { 0 } else { scrollback.min(self.scrollback_len()) };
        let from = self.scrollback_len() - above;
        let scrollback =
            (from..self.scrollback_len()).map(|index| lines::packed(&self.terminal.primary.scrollback, index));
        scrollback.chain((0..self.terminal.rows).map(|y| lines::row(&self.terminal, y)))
    }

    /// The cursor.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let (buffer, modes) = (self.terminal.buffer(), &self.terminal.modes);
        let place = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        Cursor {
            col: place(self.terminal.shown_column()),
            row: place(buffer.y),
            visible: !modes.cursor_hidden,
            shape: modes.cursor_shape,
            blink: modes.cursor_blink,
        }
    }

    /// The window title (OSC 0, 2); empty when none was set.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.terminal.title
    }

    /// The working directory the program told of (OSC 7), as a path on the session's machine.
    #[must_use]
    pub fn cwd(&self) -> Option<&str> {
        self.terminal.cwd.as_deref()
    }

    /// Where the program works, as another screen knew it: no snapshot carries that.
    pub fn set_cwd(&mut self, cwd: Option<&str>) {
        self.terminal.cwd = cwd.map(Into::into);
    }

    /// How many times it rang.
    #[must_use]
    pub fn bells(&self) -> u64 {
        self.terminal.bells
    }

    /// What the program last asked to put on the clipboard.
    #[must_use]
    pub fn clipboard(&self) -> Option<&Arc<Clipboard>> {
        self.terminal.clipboard.as_ref()
    }

    /// Whether the alternate screen is shown.
    #[must_use]
    pub fn is_alternate(&self) -> bool {
        self.terminal.is_alternate
    }

    /// Whether pasted text is to be bracketed (mode 2004).
    #[must_use]
    pub fn brackets_paste(&self) -> bool {
        self.terminal.modes.bracketed_paste
    }

    /// Gives up what can be rebuilt. The screen stays as usable as before; the next use of it rebuilds.
    pub fn hibernate(&mut self) {
        self.terminal.sleep();
    }
}

fn cells(size: Size) -> (usize, usize) {
    (usize::from(size.cols()).max(COLS_MIN), usize::from(size.rows()))
}

impl Actions for Terminal {
    fn print_ascii(&mut self, run: &[u8]) {
        self.print_run(run);
    }

    fn print(&mut self, c: char) {
        self.print_char(c);
    }

    fn execute(&mut self, control: u8) {
        self.after(|terminal| {
            if !terminal.xterm_control(control) {
                terminal.control(control);
            }
        });
    }

    fn csi(&mut self, function: Function, params: &Params) {
        self.after(|terminal| {
            if !terminal.xterm_sequence(function, params) {
                terminal.control_sequence(function, params);
            }
        });
    }

    fn esc(&mut self, function: Function) {
        self.after(|terminal| {
            if !terminal.xterm_escape(function) {
                terminal.escape(function);
            }
        });
    }

    fn osc(&mut self, number: u32, data: &[u8]) {
        self.after(|terminal| terminal.command(number, data));
    }

    fn dcs(&mut self, function: Function, _params: &Params, data: &[u8]) {
        self.after(|terminal| terminal.device_control(function, data));
    }

    fn other(&mut self) {
        self.after(|_| {});
    }
}

impl Terminal {
    /// Does what is not printing: it ends a run of characters, and nothing joins what came before it.
    fn after(&mut self, act: impl FnOnce(&mut Self)) {
        self.end_printing();
        act(self);
        self.before = width::Joining::default();
    }
}
