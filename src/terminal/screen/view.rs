//! What a screen shows, for those who render it: lines of runs of one style.

use std::sync::Arc;

use super::style::Style;

/// One line of the screen or its scrollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// It continues the line before it: the program did not break there, the width did.
    pub wrapped: bool,
    /// Left to right. Cells never written are spaces; those at the end of the line, if they look like nothing, are
    /// left out.
    pub runs: Vec<Run>,
}

/// Adjacent cells of one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What is in them.
    pub text: String,
    /// How many columns they take.
    pub cols: u16,
    /// How they look.
    pub style: Style,
    /// Where they lead (OSC 8).
    pub link: Option<Arc<str>>,
}

/// The cursor, as it is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// From 0; never past the last column, also when the next character would wrap.
    pub col: u16,
    /// From 0, within the screen.
    pub row: u16,
    /// DECTCEM.
    pub visible: bool,
    /// DECSCUSR.
    pub shape: CursorShape,
    /// DECSCUSR, mode 12. `None`: as the client likes it.
    pub blink: Option<bool>,
}

/// DECSCUSR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CursorShape {
    /// As the client likes it.
    #[default]
    Default,
    /// A block.
    Block,
    /// A line under the character.
    Underline,
    /// A line before the character.
    Bar,
}
