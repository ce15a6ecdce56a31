//! Which colour a number of the palette is: the sixteen of the page's theme, and the 240 that are the same everywhere.

use crate::terminal::screen::Color;

/// Red, green and blue.
pub(super) type Rgb = [u8; 3];

/// Of text, where the program asked for none.
pub(super) const FOREGROUND: Rgb = [0xd7, 0xdc, 0xe0];
/// Behind it.
pub(super) const BACKGROUND: Rgb = [0x14, 0x17, 0x1a];

/// As in `web/src/terminal/emulator.ts`, so that a page made of our HTML looks like ours.
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

/// What xterm's colour cube has on each of its axes.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The colour of a number.
pub(super) fn palette(index: u8) -> Rgb {
    match index {
        0..=15 => THEME[usize::from(index)],
        16..=231 => {
            let cube = usize::from(index - 16);
            [CUBE[cube / 36], CUBE[cube / 6 % 6], CUBE[cube % 6]]
        }
        grey => [8 + 10 * (grey - 232); 3],
    }
}

/// The colour, or `otherwise` where the program asked for none.
pub(super) fn resolve(color: Color, otherwise: Rgb) -> Rgb {
    match color {
        Color::Default => otherwise,
        Color::Ansi(index) | Color::Palette(index) => palette(index),
        Color::Rgb(red, green, blue) => [red, green, blue],
    }
}

/// Halfway between two.
pub(super) fn between(one: Rgb, other: Rgb) -> Rgb {
    std::array::from_fn(|channel| one[channel].midpoint(other[channel]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_is_xterms_above_sixteen() {
        assert_eq!(palette(16), [0, 0, 0]);
        assert_eq!(palette(21), [0, 0, 255]);
        assert_eq!(palette(196), [255, 0, 0]);
        assert_eq!(palette(231), [255, 255, 255]);
        assert_eq!(palette(232), [8, 8, 8]);
        assert_eq!(palette(255), [238, 238, 238]);
    }

    #[test]
    fn the_sixteen_are_those_of_the_page() {
        let source = include_str!("../../../web/src/terminal/emulator.ts");
        let (_, theme) = source.split_once("const THEME = {").unwrap();
        let hex = |[red, green, blue]: Rgb| format!("\"#{red:02x}{green:02x}{blue:02x}\"");
        let names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
        for (index, name) in (0u8..).zip(names) {
            let bright = format!("bright{}{}", name[..1].to_uppercase(), &name[1..]);
            assert!(theme.contains(&format!("  {name}: {}", hex(palette(index)))), "{name}");
            assert!(theme.contains(&format!("  {bright}: {}", hex(palette(index + 8)))), "{bright}");
        }
        assert!(theme.contains(&format!("foreground: {}", hex(FOREGROUND))));
        assert!(theme.contains(&format!("background: {}", hex(BACKGROUND))));
    }
}
