//! The look of a cell as the engine keeps it: packed words, laid out as the client lays them out.
//!
//! The layout is not an accident of ours. The client restores only some of these words with the cursor (DECRC) and
//! only some for erased cells, and what it shows then follows from where it keeps each bit. [`Style`] is the
//! readable form for everyone outside.

use bit::{
    BG_DIM, BG_EXTENDED, BG_ITALIC, BG_OVERLINE, BG_PROTECTED, EXT_STYLE, EXT_STYLE_SHIFT, FG_BLINK, FG_BOLD,
    FG_INVERSE, FG_INVISIBLE, FG_STRIKETHROUGH, FG_UNDERLINE,
};

use super::style::{Attributes, Color, Style, Underline};

/// Bits of [`Attr::fg`] and [`Attr::bg`] that say what kind of colour the low 24 bits are.
pub(super) const COLOR_KIND: u32 = 0x0300_0000;
const ANSI: u32 = 0x0100_0000;
const PALETTE: u32 = 0x0200_0000;
const RGB: u32 = 0x0300_0000;
const RGB_BITS: u32 = 0x00ff_ffff;
/// A colour's bits: its kind and its value.
pub(super) const COLOR: u32 = COLOR_KIND | RGB_BITS;

/// Where the words keep what.
pub(super) mod bit {
    pub(in crate::terminal::screen) const FG_INVERSE: u32 = 1 << 26;
    pub(in crate::terminal::screen) const FG_BOLD: u32 = 1 << 27;
    pub(in crate::terminal::screen) const FG_UNDERLINE: u32 = 1 << 28;
    pub(in crate::terminal::screen) const FG_BLINK: u32 = 1 << 29;
    pub(in crate::terminal::screen) const FG_INVISIBLE: u32 = 1 << 30;
    pub(in crate::terminal::screen) const FG_STRIKETHROUGH: u32 = 1 << 31;

    pub(in crate::terminal::screen) const BG_ITALIC: u32 = 1 << 26;
    pub(in crate::terminal::screen) const BG_DIM: u32 = 1 << 27;
    /// The words `ext` and `link` count.
    pub(in crate::terminal::screen) const BG_EXTENDED: u32 = 1 << 28;
    pub(in crate::terminal::screen) const BG_PROTECTED: u32 = 1 << 29;
    pub(in crate::terminal::screen) const BG_OVERLINE: u32 = 1 << 30;

    /// Where `ext` keeps the style of the underline; its low bits are the underline's colour.
    pub(in crate::terminal::screen) const EXT_STYLE_SHIFT: u32 = 26;
    pub(in crate::terminal::screen) const EXT_STYLE: u32 = 7 << EXT_STYLE_SHIFT;
}

/// Names a hyperlink in the screen's table of links; 0 is none.
pub(super) type LinkId = u32;

/// A cell's look. As a pen it may hold an `ext` that does not count now but will when an underline comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Attr {
    pub(super) fg: u32,
    pub(super) bg: u32,
    pub(super) ext: u32,
    pub(super) link: LinkId,
}

impl Attr {
    /// Without the words that do not count: how a cell written with this pen looks.
    pub(super) const fn visible(self) -> Self {
        if self.bg & BG_EXTENDED == 0 { Self { ext: 0, link: 0, ..self } } else { self }
    }

    /// How a cell erased with this pen looks: its background colour, nothing else.
    pub(super) const fn erasing(self) -> Self {
        Self { fg: 0, bg: self.bg & COLOR, ext: 0, link: 0 }
    }

    /// The pen after the cursor was saved with `saved` and restored: the extended words are not saved.
    pub(super) const fn restored(self, saved: SavedPen) -> Self {
        Self { fg: saved.fg, bg: saved.bg, ..self }
    }

    /// With the style that an underline has unless it says otherwise: what is saved of a pen does not have it.
    pub(super) const fn as_drawn(self) -> Self {
        if self.fg & FG_UNDERLINE == 0 { self } else { Self { ext: self.ext | 1 << EXT_STYLE_SHIFT, ..self } }
    }

    /// It came out of [`Attr::restored`] with words that do not fit its bits: an underline without a style, a style or
    /// a link that does not count. No other sequence makes one.
    #[cfg(test)]
    pub(super) const fn is_patched(self) -> bool {
        let has_style = self.ext & EXT_STYLE != 0;
        let is_underlined = self.fg & FG_UNDERLINE != 0;
        let is_extended = self.bg & BG_EXTENDED != 0;
        is_underlined != has_style || is_extended != (has_style || self.link != 0)
    }

    pub(super) const fn saved(self) -> SavedPen {
        SavedPen { fg: self.fg, bg: self.bg }
    }

    pub(super) const fn is_protected(self) -> bool {
        self.bg & BG_PROTECTED != 0
    }

    pub(super) const fn set_protected(&mut self, on: bool) {
        set(&mut self.bg, BG_PROTECTED, on);
    }

    pub(super) const fn set_link(&mut self, link: LinkId) {
        self.link = link;
        self.update_extended();
    }

    const fn update_extended(&mut self) {
        // A link is always underlined in the client, so its style counts.
        let is_empty = self.ext & EXT_STYLE == 0 && self.link == 0;
        set(&mut self.bg, BG_EXTENDED, !is_empty);
    }

    /// SGR 0: everything but the hyperlink.
    pub(super) const fn reset(&mut self) {
        self.fg = 0;
        self.bg = 0;
        self.ext = 0;
        self.update_extended();
    }

    /// SGR 4 with the sub-parameter `style`; below 0 when there was none.
    const fn underline(&mut self, style: i32) {
        let style = if style < 0 || style > 5 { 1 } else { style.unsigned_abs() };
        self.ext = self.ext & !EXT_STYLE | style << EXT_STYLE_SHIFT;
        set(&mut self.fg, FG_UNDERLINE, style != 0);
        self.update_extended();
    }

    /// One parameter of SGR that stands alone. Colours in the extended form (38, 48, 58) are not among them.
    pub(super) fn select(&mut self, parameter: i32, sub_parameter: i32) {
        let bit = |value: i32| value.unsigned_abs();
        match parameter {
            0 => self.reset(),
            1 => self.fg |= FG_BOLD,
            2 => self.bg |= BG_DIM,
            3 => self.bg |= BG_ITALIC,
            4 => self.underline(sub_parameter),
            5 => self.fg |= FG_BLINK,
            7 => self.fg |= FG_INVERSE,
            8 => self.fg |= FG_INVISIBLE,
            9 => self.fg |= FG_STRIKETHROUGH,
            21 => self.underline(2),
            22 => {
                self.fg &= !FG_BOLD;
                self.bg &= !BG_DIM;
            }
            23 => self.bg &= !BG_ITALIC,
            24 => self.underline(0),
            25 => self.fg &= !FG_BLINK,
            27 => self.fg &= !FG_INVERSE,
            28 => self.fg &= !FG_INVISIBLE,
            29 => self.fg &= !FG_STRIKETHROUGH,
            30..=37 => self.fg = self.fg & !COLOR | ANSI | bit(parameter - 30),
            39 => self.fg &= !COLOR,
            40..=47 => self.bg = self.bg & !COLOR | ANSI | bit(parameter - 40),
            49 => self.bg &= !COLOR,
            53 => self.bg |= BG_OVERLINE,
            55 => self.bg &= !BG_OVERLINE,
            // The client makes the line white, not the text's colour.
            59 => {
                self.ext |= COLOR;
                self.update_extended();
            }
            90..=97 => self.fg = self.fg & !COLOR | ANSI | bit(parameter - 90) | 8,
            100..=107 => self.bg = self.bg & !COLOR | ANSI | bit(parameter - 100) | 8,
            221 => self.fg &= !FG_BOLD,
            222 => self.bg &= !BG_DIM,
            _ => {}
        }
    }

    /// A colour in the extended form: `target` 38, 48 or 58, `kind` 2 (RGB) or 5 (palette).
    pub(super) fn select_color(&mut self, target: i32, kind: i32, values: [i32; 3]) {
        let word = match target {
            38 => &mut self.fg,
            48 => &mut self.bg,
            58 => &mut self.ext,
            _ => return,
        };
        let byte = |value: i32| u32::from(value.to_le_bytes()[0]);
        match kind {
            2 => {
                let [red, green, blue] = values.map(byte);
                *word = *word & !RGB_BITS | RGB | red << 16 | green << 8 | blue;
            }
            5 => *word = *word & !COLOR | PALETTE | byte(values[0]),
            _ => {}
        }
    }

    /// The readable form.
    pub(super) fn style(self) -> Style {
        let mut attributes = Attributes::default();
        for (word, bit, attribute) in [
            (self.fg, FG_BOLD, Attributes::BOLD),
            (self.bg, BG_DIM, Attributes::DIM),
            (self.bg, BG_ITALIC, Attributes::ITALIC),
            (self.fg, FG_BLINK, Attributes::BLINK),
            (self.fg, FG_INVERSE, Attributes::INVERSE),
            (self.fg, FG_INVISIBLE, Attributes::INVISIBLE),
            (self.fg, FG_STRIKETHROUGH, Attributes::STRIKETHROUGH),
            (self.bg, BG_OVERLINE, Attributes::OVERLINE),
            (self.bg, BG_PROTECTED, Attributes::PROTECTED),
        ] {
            attributes.set(attribute, word & bit != 0);
        }
        let underline = match (self.fg & FG_UNDERLINE != 0, self.bg & BG_EXTENDED != 0) {
            (false, _) => Underline::None,
            (true, false) => Underline::Single,
            (true, true) => match (self.ext & EXT_STYLE) >> EXT_STYLE_SHIFT {
                0 if self.link == 0 => Underline::None,
                2 => Underline::Double,
                3 => Underline::Curly,
                4 => Underline::Dotted,
                5 => Underline::Dashed,
                _ => Underline::Single,
            },
        };
        let underline_color = if self.bg & BG_EXTENDED == 0 { Color::Default } else { color(self.ext) };
        Style { foreground: color(self.fg), background: color(self.bg), underline_color, underline, attributes }
    }

    /// Appends the parameters of an SGR that, after SGR 0, makes a pen of this. The hyperlink is not among them.
    pub(super) fn write_sgr(self, out: &mut String) {
        use std::fmt::Write as _;
        for (word, bit, parameter) in [
            (self.fg, FG_BOLD, ";1"),
            (self.bg, BG_DIM, ";2"),
            (self.bg, BG_ITALIC, ";3"),
            (self.fg, FG_BLINK, ";5"),
            (self.fg, FG_INVERSE, ";7"),
            (self.fg, FG_INVISIBLE, ";8"),
            (self.fg, FG_STRIKETHROUGH, ";9"),
            (self.bg, BG_OVERLINE, ";53"),
        ] {
            if word & bit != 0 {
                out.push_str(parameter);
            }
        }
        let style = (self.ext & EXT_STYLE) >> EXT_STYLE_SHIFT;
        match (self.fg & FG_UNDERLINE != 0, style) {
            (true, 1) => out.push_str(";4"),
            (true, 2..=5) => {
                // Writing to a String cannot fail.
                let _ = write!(out, ";4:{style}");
            }
            _ => {}
        }
        write_color(out, self.fg, 38, 30, 90);
        write_color(out, self.bg, 48, 40, 100);
        write_color(out, self.ext, 58, 0, 0);
    }
}

/// What DECSC keeps of the pen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SavedPen {
    pub(super) fg: u32,
    pub(super) bg: u32,
}

impl SavedPen {
    /// The extended words counted, and not for an underline.
    pub(super) const fn had_link(self) -> bool {
        self.bg & BG_EXTENDED != 0 && self.fg & FG_UNDERLINE == 0
    }
}

const fn set(word: &mut u32, bits: u32, on: bool) {
    *word = if on { *word | bits } else { *word & !bits };
}

fn color(word: u32) -> Color {
    let [value, green, red, _] = word.to_le_bytes();
    match word & COLOR_KIND {
        0 => Color::Default,
        ANSI => Color::Ansi(value),
        PALETTE => Color::Palette(value),
        _ => Color::Rgb(red, green, value),
    }
}

/// `extended` is 38, 48 or 58; `ansi` and `bright` are where the sixteen begin.
fn write_color(out: &mut String, word: u32, extended: u32, ansi: u32, bright: u32) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = match color(word) {
        Color::Default => Ok(()),
        Color::Ansi(value) if value < 8 => write!(out, ";{}", ansi + u32::from(value)),
        Color::Ansi(value) => write!(out, ";{}", bright + u32::from(value & 7)),
        Color::Palette(value) => write!(out, ";{extended};5;{value}"),
        Color::Rgb(red, green, blue) => write!(out, ";{extended};2;{red};{green};{blue}"),
    };
}
