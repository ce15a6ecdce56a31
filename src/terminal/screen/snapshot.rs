//! Writes a terminal down as bytes that redraw it on a blank one of its size (law 2).
//!
//! The order is forced by what each sequence does besides its purpose: scrollback before the screen; margins and
//! origin mode home the cursor, so they come before it is placed; the cursor is saved before margins are set,
//! because a saved place may lie outside them; whatever is not printing makes the terminal forget the character
//! before the cursor, so that is printed last. Synchronized output (2026) is never part of it.

use std::fmt::Write as _;

use super::attr::Attr;
use super::buffer::{Buffer, Saved};
use super::charset::Charsets;
use super::modes::{Modes, MouseEncoding};
use super::paint::{Painter, Place};
use super::palette::Slot;
use super::tabs::Tabs;
use super::terminal::Terminal;
use super::view::CursorShape;
use super::width::{self, Joining};
use super::xterm;

/// The bytes, with the last `scrollback` lines above the screen and `tail`, the parser's half-read sequence.
pub(super) fn write(terminal: &Terminal, scrollback: usize, tail: &[u8]) -> Vec<u8> {
    let mut writer = Writer { terminal, paint: Painter::new(&terminal.tables, terminal.cols, terminal.rows) };
    writer.all(scrollback);
    let mut bytes = writer.paint.into_bytes();
    bytes.extend_from_slice(tail);
    bytes
}

struct Writer<'a> {
    terminal: &'a Terminal,
    paint: Painter<'a>,
}

impl Writer<'_> {
    fn all(&mut self, scrollback: usize) {
        let terminal = self.terminal;
        self.what_a_reset_leaves();
        if let Some(xterm) = &terminal.xterm {
            xterm::snapshot::begin(xterm, &mut self.paint);
        }
        if !terminal.is_alternate && terminal.alternate.saved != Saved::default() {
            self.paint.push("\x1b[?47h");
            self.saved_cursor(&terminal.alternate);
            self.paint.push("\x1b[?1047l\x1b[H");
        }
        if !terminal.is_alternate && terminal.alternate.has_rows() {
            self.paint.push("\x1b[?47h\x1b[H");
            self.paint.lines(&terminal.alternate, 0);
            self.state(&terminal.alternate);
            self.paint.push("\x1b[?47l\x1b[H");
        }
        self.keyboard_of_the_hidden_screen();
        self.paint.lines(&terminal.primary, scrollback);
        if terminal.is_alternate {
            self.state(&terminal.primary);
            let place = Place { x: terminal.primary.x, y: terminal.primary.y, left: 0 };
            self.paint.put_cursor(place, &terminal.primary, true);
            self.keyboard(terminal.keyboard.primary, &terminal.keyboard.pushed);
            self.paint.reset_pen();
            if terminal.keyboard.alternate != 0 {
                // What it was when this screen was last left counts again for a program that enters it twice.
                self.paint.command(format_args!("\x1b[?47h\x1b[={}u\x1b[?1047l", terminal.keyboard.alternate));
            }
            self.paint.push("\x1b[?47h\x1b[=0u\x1b[H");
            self.paint.lines(&terminal.alternate, 0);
            self.state(&terminal.alternate);
        } else {
            self.state(&terminal.primary);
        }
        if let Some(xterm) = &terminal.xterm {
            xterm::snapshot::margins(xterm, &mut self.paint);
        }
        self.modes();
        self.cursor();
    }

    /// A client's reset leaves these as they were, so they are always said.
    fn what_a_reset_leaves(&mut self) {
        let terminal = self.terminal;
        self.paint.push("\x1b[20l\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\");
        for (slot, [red, green, blue]) in terminal.palette.changed() {
            let slot = match slot {
                Slot::Indexed(index) => format!("4;{index}"),
                Slot::Foreground => "10".into(),
                Slot::Background => "11".into(),
                Slot::Cursor => "12".into(),
                Slot::Special(index) => format!("5;{index}"),
            };
            self.paint.command(format_args!("\x1b]{slot};rgb:{red:02x}/{green:02x}/{blue:02x}\x1b\\"));
        }
        self.paint.command(format_args!("\x1b]2;{}\x1b\\", terminal.title));
        self.paint.push(if terminal.modes.cursor_hidden { "\x1b[?25l" } else { "\x1b[?25h" });
    }

    /// What the keyboard will be when the program changes screens.
    fn keyboard_of_the_hidden_screen(&mut self) {
        let keyboard = &self.terminal.keyboard;
        if self.terminal.is_alternate
            || (keyboard.primary, keyboard.alternate) == (0, 0) && keyboard.pushed_alternate.is_empty()
        {
            return;
        }
        self.keyboard(keyboard.primary, &[]);
        self.paint.push("\x1b[?47h");
        self.keyboard(keyboard.alternate, &keyboard.pushed_alternate);
        // With 1047 it is empty again; what mode 47 left on it was drawn before.
        self.paint.push(if self.terminal.alternate.has_rows() { "\x1b[?47l" } else { "\x1b[?1047l" });
        self.paint.push("\x1b[=0u");
    }

    fn keyboard(&mut self, flags: u32, pushed: &[u32]) {
        let mut all = pushed.iter().copied().chain([flags]);
        match all.next() {
            Some(0) | None => {}
            Some(first) => self.paint.command(format_args!("\x1b[={first}u")),
        }
        for flags in all {
            self.paint.command(format_args!("\x1b[>{flags}u"));
        }
    }

    /// What a buffer has besides its lines: saved cursor, tab stops, margins.
    fn state(&mut self, buffer: &Buffer) {
        if buffer.saved != Saved::default() {
            self.saved_cursor(buffer);
        }
        let cols = self.terminal.cols;
        if (0..cols).any(|col| buffer.tabs.is_stop(col) != Tabs::new(cols).is_stop(col)) {
            self.paint.push("\x1b[3g");
            for col in buffer.tabs.stops().take_while(|&col| col < cols) {
                self.paint.command(format_args!("\x1b[{}G\x1bH", col + 1));
            }
        }
        if (buffer.top, buffer.bottom) != (0, self.terminal.rows - 1) {
            self.paint.command(format_args!("\x1b[{};{}r", buffer.top + 1, buffer.bottom + 1));
        }
    }

    fn saved_cursor(&mut self, buffer: &Buffer) {
        let saved = &buffer.saved;
        let pen = Attr::default().restored(saved.pen).as_drawn();
        self.paint.pen_of_saved(pen);
        // What is saved of a link is only that there was one; which one is the pen's that comes back.
        let had_link = saved.pen.had_link();
        if had_link {
            self.paint.push("\x1b]8;;-\x1b\\");
        }
        self.charsets(saved.charsets, Charsets::default());
        if saved.origin {
            self.paint.push("\x1b[?6h");
        }
        let y = saved.line.saturating_sub(buffer.base()).min(self.terminal.rows - 1);
        let x = saved.x.min(self.terminal.cols - 1);
        self.paint.command(format_args!("\x1b[{};{}H", y + 1, x + 1));
        if !saved.autowrap {
            self.paint.push("\x1b[?7l");
        }
        self.paint.push("\x1b7\x1b[?6l\x1b[?7h");
        if had_link {
            self.paint.push("\x1b]8;;\x1b\\");
        }
        self.charsets(Charsets::default(), saved.charsets);
        self.paint.reset_pen();
    }

    /// Designates and invokes, where it differs from `before`.
    fn charsets(&mut self, charsets: Charsets, before: Charsets) {
        for (level, (set, known)) in charsets.sets().into_iter().zip(before.sets()).enumerate() {
            if set != known || level < usize::from(charsets.len().saturating_sub(before.len())) {
                let designator = ['(', ')', '*', '+'][level & 3];
                self.paint.command(format_args!("\x1b{designator}{}", char::from(set.final_byte())));
            }
        }
        if charsets.level() != before.level() {
            self.paint.push(match charsets.level() {
                0 => "\x0f",
                1 => "\x0e",
                2 => "\x1bn",
                _ => "\x1bo",
            });
        }
    }

    fn modes(&mut self) {
        let modes = &self.terminal.modes;
        let usual = Modes::default();
        for (mode, on, usually) in [
            (1, modes.application_cursor, usual.application_cursor),
            (6, modes.origin, usual.origin),
            (45, modes.reverse_wrap, usual.reverse_wrap),
            (66, modes.application_keypad, usual.application_keypad),
            (1004, modes.focus_events, usual.focus_events),
            (2004, modes.bracketed_paste, usual.bracketed_paste),
            (2031, modes.color_scheme_updates, usual.color_scheme_updates),
        ] {
            if on != usually {
                self.paint.command(format_args!("\x1b[?{mode}{}", if on { 'h' } else { 'l' }));
            }
        }
        if let Some(mode) = modes.mouse.mode() {
            self.paint.command(format_args!("\x1b[?{mode}h"));
        }
        match modes.mouse_encoding {
            MouseEncoding::Default => {}
            MouseEncoding::Sgr => self.paint.push("\x1b[?1006h"),
            MouseEncoding::SgrPixels => self.paint.push("\x1b[?1016h"),
        }
        if modes.newline {
            self.paint.push("\x1b[20h");
        }
        let style = match modes.cursor_shape {
            // Numbers that name no shape change only the blinking.
            CursorShape::Default => 8,
            CursorShape::Block => 2,
            CursorShape::Underline => 4,
            CursorShape::Bar => 6,
        };
        if let Some(blink) = modes.cursor_blink {
            self.paint.command(format_args!("\x1b[{} q", style - u8::from(blink)));
        }
    }

    /// The cursor, the pen, and last what is before the cursor.
    fn cursor(&mut self) {
        let terminal = self.terminal;
        let (buffer, modes) = (terminal.buffer(), &terminal.modes);
        let top = if modes.origin { buffer.top } else { 0 };
        let left = terminal.sides().filter(|_| modes.origin).map_or(0, |(left, _)| left);
        let place = Place { x: buffer.x, y: buffer.y - top.min(buffer.y), left };
        if terminal.is_full() {
            self.paint.put_cursor_at_margin(place, buffer);
        } else {
            self.paint.put_cursor(place, buffer, !terminal.is_alternate && !terminal.is_xterm());
        }
        // Not before: what puts the cursor past the last column may change these.
        if !modes.autowrap {
            self.paint.push("\x1b[?7l");
        }
        let keyboard = &terminal.keyboard;
        let pushed = if terminal.is_alternate { &keyboard.pushed_alternate } else { &keyboard.pushed };
        self.keyboard(keyboard.flags, pushed);
        self.charsets(terminal.charsets, Charsets::default());
        self.paint.set_whole_pen(terminal.pen);
        xterm::snapshot::protection(terminal, &mut self.paint);
        if modes.insert {
            self.paint.push("\x1b[4h");
        }
        if terminal.before != Joining::default() {
            let width = usize::from(terminal.before.width());
            let width_at = |col| self.paint.width_at(buffer, buffer.y, col);
            if width == 2 && !modes.autowrap && buffer.x + 1 == terminal.cols {
                // A wide character that did not fit was left out, but others still join it. Another one that fails to
                // fit is the same to them, unless it takes half of one before.
                if buffer.x == 0 || width_at(buffer.x - 1) != 2 {
                    self.paint.push("\u{3000}");
                }
                return;
            }
            let Some(from) = buffer.x.checked_sub(width) else { return };
            let Some(text) = terminal.charsets.current().sent(self.paint.text_at(buffer, buffer.y, from)) else {
                return;
            };
            if text.is_empty() || usize::from(width_at(from)) != width || from > 0 && width_at(from - 1) == 2 {
                return; // it is no longer there, or covers half of another, which would go
            }
            self.paint.command(format_args!(
                "\x1b[{};{}H",
                buffer.y + 1 - top.min(buffer.y),
                from + 1 - left.min(from)
            ));
            if modes.insert {
                // Printing it again will push the rest of the line back. What joins its first character does not.
                let first = text.chars().next().map_or(1, |first| width::join(Joining::default(), first).width);
                self.paint.command(format_args!("\x1b[{first}P"));
            }
            self.paint.push(&text);
        }
    }
}

impl Painter<'_> {
    /// A sequence.
    pub(super) fn command(&mut self, sequence: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(sequence);
    }
}
