//! The colours behind the numbers, and what the program has changed of them (OSC 4, 10–12, 104, 110–112).

use std::collections::BTreeMap;

/// A colour: red, green, blue.
pub(super) type Rgb = [u8; 3];

/// A place in the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Indexed(u8),
    Foreground,
    Background,
    Cursor,
    /// Of text of some look: only in xterm.
    Special(u8),
}

impl Slot {
    /// Among the indexed colours (OSC 4), or as a command of its own (OSC 10 to 12).
    pub(super) fn number(self) -> u16 {
        match self {
            Self::Indexed(index) => index.into(),
            Self::Special(index) => 256 + u16::from(index),
            Self::Foreground => 10,
            Self::Background => 11,
            Self::Cursor => 12,
        }
    }
}

/// The colours of the web client's theme: what is answered to a program that has not changed them.
const THEME: [Rgb; 16] = [
    [0x39, 0x42, 0x4a],
    [0xe5, 0x73, 0x7a],
    [0x8f, 0xc7, 0x7f],
    [0xdc, 0xb8, 0x6a],
    [0x74, 0xa8, 0xe0],
    [0xc2, 0x92, 0xd8],
    [0x6c, 0xc5, 0xbd],
    [0xc5, 0xcc, 0xd2],
    [0x6b, 0x75, 0x7d],
    [0xf2, 0x8b, 0x91],
    [0xa9, 0xdd, 0x9a],
    [0xec, 0xd0, 0x8c],
    [0x93, 0xc0, 0xf0],
    [0xd6, 0xae, 0xe8],
    [0x8c, 0xdc, 0xd4],
    [0xf2, 0xf5, 0xf7],
];
const FOREGROUND: Rgb = [0xd7, 0xdc, 0xe0];
const BACKGROUND: Rgb = [0x14, 0x17, 0x1a];
const CURSOR: Rgb = [0x7f, 0xd1, 0xc0];

/// What the program has changed. At most the 256 and three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Palette {
    changed: BTreeMap<Slot, Rgb>,
}

impl Palette {
    pub(super) fn set(&mut self, slot: Slot, color: Rgb) {
        self.changed.insert(slot, color);
    }

    pub(super) fn restore(&mut self, slot: Slot) {
        self.changed.remove(&slot);
    }

    /// All of the 256, and those that xterm counts with them; the three others stay as they are.
    pub(super) fn restore_indexed(&mut self) {
        self.changed.retain(|slot, _| !matches!(slot, Slot::Indexed(_) | Slot::Special(_)));
    }

    pub(super) fn color(&self, slot: Slot) -> Rgb {
        self.changed.get(&slot).copied().unwrap_or_else(|| original(slot))
    }

    /// What was changed, in the order of the slots.
    pub(super) fn changed(&self) -> impl Iterator<Item = (Slot, Rgb)> + '_ {
        self.changed.iter().map(|(&slot, &color)| (slot, color))
    }
}

/// xterm's cube of 6×6×6 and its 24 greys, above the sixteen.
fn original(slot: Slot) -> Rgb {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match slot {
        Slot::Foreground | Slot::Special(_) => FOREGROUND,
        Slot::Background => BACKGROUND,
        Slot::Cursor => CURSOR,
        Slot::Indexed(index @ 0..16) => THEME[usize::from(index)],
        Slot::Indexed(index @ 16..232) => {
            let cube = index - 16;
            [level(cube / 36), level(cube / 6 % 6), level(cube % 6)]
        }
        Slot::Indexed(index) => [8 + 10 * (index - 232); 3],
    }
}

/// A colour as X11 spells it: `rgb:r/g/b` with one to four digits each, `#rgb` with as many.
pub(super) fn parse(spec: &str) -> Option<Rgb> {
    let lower = spec.to_ascii_lowercase();
    if let Some(parts) = lower.strip_prefix("rgb:") {
        let mut parts = parts.split('/');
        let mut next = || scaled(parts.next()?);
        let color = [next()?, next()?, next()?];
        // All parts are of one length.
        let lengths: Vec<usize> = lower[4..].split('/').map(str::len).collect();
        return (lengths.len() == 3 && lengths.iter().all(|length| *length == lengths[0])).then_some(color);
    }
    let digits = lower.strip_prefix('#')?;
    if !digits.is_ascii() || !matches!(digits.len(), 3 | 6 | 9 | 12) {
        return None;
    }
    let (width, mut color) = (digits.len() / 3, [0; 3]);
    for (index, value) in color.iter_mut().enumerate() {
        let part = u16::from_str_radix(digits.get(index * width..(index + 1) * width)?, 16).ok()?;
        // Here the digits are the highest ones, not a fraction.
        *value = match width {
            1 => u8::try_from(part << 4).ok()?,
            2 => u8::try_from(part).ok()?,
            3 => u8::try_from(part >> 4).ok()?,
            _ => u8::try_from(part >> 8).ok()?,
        };
    }
    Some(color)
}

/// One to four hexadecimal digits as a fraction of the greatest such number, in 255ths.
fn scaled(digits: &str) -> Option<u8> {
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    let greatest = 16_u32.pow(u32::try_from(digits.len()).ok()?) - 1;
    u8::try_from((value * 255 + greatest / 2) / greatest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_x11_spells_them() {
        assert_eq!(parse("rgb:ff/80/00"), Some([255, 128, 0]));
        assert_eq!(parse("rgb:ffff/8080/0000"), Some([255, 128, 0]));
        assert_eq!(parse("#102030"), Some([16, 32, 48]));
        assert_eq!(parse("#123"), Some([0x10, 0x20, 0x30]));
        for bad in ["", "red", "rgb:", "rgb:1/2", "rgb:1/22/3", "#12", "#12345g", "rgb:12345/1/1", "#é1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_cube_and_the_greys_are_xterm_s() {
        let palette = Palette::default();
        assert_eq!(palette.color(Slot::Indexed(16)), [0, 0, 0]);
        assert_eq!(palette.color(Slot::Indexed(231)), [255, 255, 255]);
        assert_eq!(palette.color(Slot::Indexed(196)), [255, 0, 0]);
        assert_eq!(palette.color(Slot::Indexed(255)), [238, 238, 238]);
    }
}
