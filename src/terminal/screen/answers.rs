//! What the terminal answers to the program's questions. Only here: no client ever does.
//!
//! An answer never contains what the program, or whoever it shows, wrote: a title or a clipboard given back as input
//! is how a file that is only looked at comes to type commands.

use super::modes::{MouseEncoding, MouseProtocol};
use super::palette::Slot;
use super::parser::{Function, Params};
use super::terminal::Terminal;
use super::view::CursorShape;

/// Answers waiting to be taken; beyond, questions are not answered. A program that asks and does not read must not
/// make them grow.
const ANSWERS_MAX: usize = 64 * 1024;
/// A cell's size in pixels as programs are told it: the web client's at its usual font. No client's own, because
/// each has another.
const CELL_WIDTH: usize = 8;
const CELL_HEIGHT: usize = 17;

impl Terminal {
    pub(super) fn answer(&mut self, answer: &str) {
        if self.answers.len() + answer.len() <= ANSWERS_MAX {
            self.answers.extend_from_slice(answer.as_bytes());
        }
    }

    /// DA1: a VT220 with colours.
    pub(super) fn report_primary(&mut self, which: i32) {
        if which == 0 {
            self.answer("\x1b[?62;22c");
        }
    }

    /// DA2: programs take the number for xterm's patch level; xterm.js's.
    pub(super) fn report_secondary(&mut self, which: i32) {
        if which == 0 {
            self.answer("\x1b[>0;276;0c");
        }
    }

    /// DA3: no site, no number.
    pub(super) fn report_tertiary(&mut self, which: i32) {
        if which == 0 {
            self.answer("\x1bP!|00000000\x1b\\");
        }
    }

    /// XTVERSION.
    pub(super) fn report_version(&mut self, which: i32) {
        if which == 0 {
            self.answer(concat!("\x1bP>|Fantail(", env!("CARGO_PKG_VERSION"), ")\x1b\\"));
        }
    }

    /// Where the cursor is, as programs count: within the screen also while it waits to wrap, and from the region's
    /// first row in origin mode. xterm.js says otherwise of both; its answer reaches no program.
    pub(super) fn reported_cursor(&self) -> (usize, usize) {
        let buffer = self.buffer();
        let (left, top) =
            if self.modes.origin { (self.sides().map_or(0, |sides| sides.0), buffer.top) } else { (0, 0) };
        (self.shown_column().saturating_sub(left) + 1, buffer.y.saturating_sub(top) + 1)
    }

    /// DSR.
    pub(super) fn report_status(&mut self, which: i32) {
        let (x, y) = self.reported_cursor();
        match which {
            5 => self.answer("\x1b[0n"),
            6 => self.answer(&format!("\x1b[{y};{x}R")),
            _ => {}
        }
    }

    /// DSR of DEC, and the colour scheme (996): dark, as the web client's theme.
    pub(super) fn report_private_status(&mut self, which: i32) {
        let (x, y) = self.reported_cursor();
        match which {
            6 => self.answer(&format!("\x1b[?{y};{x}R")),
            996 => self.answer("\x1b[?997;1n"),
            _ => {}
        }
    }

    /// DECRQM.
    pub(super) fn report_mode(&mut self, mode: i32, ansi: bool) {
        const UNKNOWN: u8 = 0;
        const ALWAYS: u8 = 3;
        const NEVER: u8 = 4;
        let state = |on: bool| if on { 1 } else { 2 };
        let modes = &self.modes;
        let value = if ansi {
            match mode {
                2 => NEVER,
                4 => state(modes.insert),
                12 => ALWAYS,
                20 => state(modes.newline),
                _ => UNKNOWN,
            }
        } else {
            match mode {
                1 => state(modes.application_cursor),
                6 => state(modes.origin),
                7 => state(modes.autowrap),
                8 => ALWAYS,
                9 => state(modes.mouse == MouseProtocol::X10),
                12 => state(modes.cursor_blink.unwrap_or(true)),
                25 => state(!modes.cursor_hidden),
                45 => state(modes.reverse_wrap),
                47 | 1047 | 1049 => state(self.is_alternate),
                66 => state(modes.application_keypad),
                67 | 1005 | 1015 => NEVER,
                1000 => state(modes.mouse == MouseProtocol::Vt200),
                1002 => state(modes.mouse == MouseProtocol::Drag),
                1003 => state(modes.mouse == MouseProtocol::Any),
                1004 => state(modes.focus_events),
                1006 => state(modes.mouse_encoding == MouseEncoding::Sgr),
                1016 => state(modes.mouse_encoding == MouseEncoding::SgrPixels),
                1048 => state(true),
                2004 => state(modes.bracketed_paste),
                2026 => state(modes.synchronized),
                // Clusters take what columns they take; the client cannot do otherwise.
                2027 => ALWAYS,
                2031 => state(modes.color_scheme_updates),
                _ => UNKNOWN,
            }
        };
        let private = if ansi { "" } else { "?" };
        self.answer(&format!("\x1b[{private}{mode};{value}$y"));
    }

    /// The kitty keyboard protocol's flags.
    pub(super) fn report_keyboard(&mut self) {
        self.answer(&format!("\x1b[?{}u", self.keyboard.flags));
    }

    /// A colour, in X11's spelling, after the numbers by which it was asked for.
    pub(super) fn report_color(&mut self, slot: Slot, which: &str) {
        let [red, green, blue] = self.palette.color(slot).map(|value| u16::from(value) * 0x101);
        self.answer(&format!("\x1b]{which};rgb:{red:04x}/{green:04x}/{blue:04x}\x1b\\"));
    }

    /// XTWINOPS: sizes and the stack of titles. Nothing that moves a window, and never a title given back.
    pub(super) fn window(&mut self, params: &Params) {
        let (cols, rows) = (self.cols, self.rows);
        let with_title = matches!(params.get(1), 0 | 2);
        match params.get(0) {
            11 => self.answer("\x1b[1t"),
            13 => self.answer("\x1b[3;0;0t"),
            14 => self.answer(&format!("\x1b[4;{};{}t", rows * CELL_HEIGHT, cols * CELL_WIDTH)),
            15 => self.answer(&format!("\x1b[5;{};{}t", rows * CELL_HEIGHT, cols * CELL_WIDTH)),
            16 => self.answer(&format!("\x1b[6;{CELL_HEIGHT};{CELL_WIDTH}t")),
            18 => self.answer(&format!("\x1b[8;{rows};{cols}t")),
            19 => self.answer(&format!("\x1b[9;{rows};{cols}t")),
            20 => self.answer("\x1b]L\x1b\\"),
            21 => self.answer("\x1b]l\x1b\\"),
            22 if with_title => self.push_title(),
            23 if with_title => self.pop_title(),
            _ => {}
        }
    }

    /// A device control string: DECRQSS and XTGETTCAP are the ones that are answered.
    pub(super) fn device_control(&mut self, function: Function, data: &[u8]) {
        match (function.prefix, function.intermediates, function.final_byte) {
            (0, [b'$', 0], b'q') => self.report_setting(data),
            (0, [b'+', 0], b'q') => self.report_capabilities(data),
            _ => {}
        }
    }

    /// DECRQSS.
    fn report_setting(&mut self, setting: &[u8]) {
        let buffer = self.buffer();
        if let Some(value) = self.xterm_setting(setting) {
            self.answer(&format!("\x1bP1$r{value}\x1b\\"));
            return;
        }
        let value = match setting {
            b"\"q" => format!("{}\"q", u8::from(self.pen.is_protected())),
            b"\"p" => "62;1\"p".into(),
            b"r" => format!("{};{}r", buffer.top + 1, buffer.bottom + 1),
            b"m" => {
                let mut sgr = String::from("0");
                self.pen.write_sgr(&mut sgr);
                sgr.push('m');
                sgr
            }
            b" q" => {
                let steady = match self.modes.cursor_shape {
                    CursorShape::Default | CursorShape::Block => 2,
                    CursorShape::Underline => 4,
                    CursorShape::Bar => 6,
                };
                format!("{} q", steady - u8::from(self.modes.cursor_blink.unwrap_or(true)))
            }
            _ => {
                self.answer("\x1bP0$r\x1b\\");
                return;
            }
        };
        self.answer(&format!("\x1bP1$r{value}\x1b\\"));
    }

    /// XTGETTCAP: names in hexadecimal, separated by semicolons.
    fn report_capabilities(&mut self, names: &[u8]) {
        /// Names that one question may hold; no program asks for as many at once.
        const NAMES_MAX: usize = 64;
        for name in names.split(|&byte| byte == b';').take(NAMES_MAX) {
            let Ok(name) = std::str::from_utf8(name) else { continue };
            // What is given back is hexadecimal, whatever was asked.
            let is_hex = !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            match is_hex.then(|| unhex(name)).flatten().and_then(|name| capability(&name)) {
                Some("") => self.answer(&format!("\x1bP1+r{name}\x1b\\")),
                Some(value) => self.answer(&format!("\x1bP1+r{name}={}\x1b\\", hex(value))),
                None if is_hex => self.answer(&format!("\x1bP0+r{name}\x1b\\")),
                None => self.answer("\x1bP0+r\x1b\\"),
            }
        }
    }
}

/// Terminfo's, of `xterm-256color`, and what programs ask for beyond it. Empty for one that has no value.
fn capability(name: &str) -> Option<&'static str> {
    Some(match name {
        "TN" | "name" => "xterm-256color",
        "Co" | "colors" => "256",
        "RGB" => "8/8/8",
        "Tc" | "Su" | "AX" | "XT" => "",
        "Smulx" => "\\E[4:%p1%dm",
        "Setulc" => "\\E[58:2::%p1%{65536}%/%d:%p1%{256}%/%{255}%&%d:%p1%{255}%&%dm",
        "setrgbf" => "\\E[38:2:%p1%d:%p2%d:%p3%dm",
        "setrgbb" => "\\E[48:2:%p1%d:%p2%d:%p3%dm",
        "Ss" => "\\E[%p1%d q",
        "Se" => "\\E[2 q",
        "smcup" => "\\E[?1049h",
        "rmcup" => "\\E[?1049l",
        "Ms" => "\\E]52;%p1%s;%p2%s\\007",
        "Sync" => "\\E[?2026%?%p1%{1}%-%tl%eh%;",
        _ => return None,
    })
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

fn unhex(digits: &str) -> Option<String> {
    let bytes = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}
