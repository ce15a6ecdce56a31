//! How a cell looks: colours, attributes, underline.

/// One colour of a cell, as the program named it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the sixteen of SGR 30–37, 40–47, 90–97 and 100–107. Kept apart from [`Color::Palette`], because a
    /// client may draw these brighter when bold.
    Ansi(u8),
    /// One of the 256 of SGR 38;5.
    Palette(u8),
    /// SGR 38;2.
    Rgb(u8, u8, u8),
}

/// The line under a cell: SGR 4 and 4:n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Underline {
    /// None.
    #[default]
    None,
    /// One line.
    Single,
    /// Two lines.
    Double,
    /// A wave.
    Curly,
    /// Dots.
    Dotted,
    /// Dashes.
    Dashed,
}

/// A cell's attributes that are on or off: a set of the constants below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(u16);

impl Attributes {
    /// SGR 1.
    pub const BOLD: Self = Self(1);
    /// SGR 2.
    pub const DIM: Self = Self(1 << 1);
    /// SGR 3.
    pub const ITALIC: Self = Self(1 << 2);
    /// SGR 5.
    pub const BLINK: Self = Self(1 << 3);
    /// SGR 7.
    pub const INVERSE: Self = Self(1 << 4);
    /// SGR 8.
    pub const INVISIBLE: Self = Self(1 << 5);
    /// SGR 9.
    pub const STRIKETHROUGH: Self = Self(1 << 6);
    /// SGR 53.
    pub const OVERLINE: Self = Self(1 << 7);
    /// DECSCA: selective erase leaves it.
    pub const PROTECTED: Self = Self(1 << 8);

    /// Whether all of `others` are on.
    #[must_use]
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Switches `others` on or off.
    pub const fn set(&mut self, others: Self, on: bool) {
        self.0 = if on { self.0 | others.0 } else { self.0 & !others.0 };
    }
}

/// How a cell looks, its hyperlink apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Of the text.
    pub foreground: Color,
    /// Behind it.
    pub background: Color,
    /// Of the line under it.
    pub underline_color: Color,
    /// The line under it.
    pub underline: Underline,
    /// The rest.
    pub attributes: Attributes,
}
