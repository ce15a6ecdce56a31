//! What a screen shows, written out for those who do not speak to a terminal: as text, as text with marks of style, with
//! escape sequences, as HTML, as JSON.
//!
//! Pure, as all of `terminal`. Never lets a control character or markup of the program's through, and never grows past
//! [`RENDERED_MAX`].

mod ansi;
mod color;
mod html;
mod json;
mod sheet;
mod styled;
mod text;

#[cfg(test)]
mod laws;

use std::str::FromStr;

use super::Offset;
use super::screen::Screen;
use sheet::Sheet;
pub use sheet::{RENDERED_MAX, TooLarge};

/// What a screen can be rendered as, with its scrollback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Its characters.
    #[default]
    Text,
    /// Its characters, and the escape sequences that make a terminal show them as they are shown.
    Ansi,
    /// A `<pre>` element in the colours of the page.
    Html,
    /// Everything: lines of runs of one style, the cursor, the title.
    Json,
}

/// There is no format of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of text, ansi, html and json")]
pub struct UnknownFormat;

impl Format {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Ansi, Self::Html, Self::Json];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ansi => "ansi",
            Self::Html => "html",
            Self::Json => "json",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or(UnknownFormat)
    }
}

/// What `screen`, which has been fed up to `at`, shows, below its last `scrollback` lines of scrollback.
///
/// # Errors
/// When that would be larger than [`RENDERED_MAX`].
pub fn render(screen: &Screen, at: Offset, format: Format, scrollback: usize) -> Result<String, TooLarge> {
    let lines = screen.lines(scrollback);
    let mut sheet = Sheet::default();
    match format {
        Format::Text => text::write(lines, &mut sheet)?,
        Format::Ansi => ansi::write(lines, &mut sheet)?,
        Format::Html => html::write(lines, &mut sheet)?,
        Format::Json => json::write(&json::Head::of(screen, at, scrollback), lines, &mut sheet)?,
    }
    Ok(sheet.into_string())
}

/// The characters `screen` shows, without the blank rows below them; with marks of their style if `styles` are wanted.
///
/// # Errors
/// When that would be larger than [`RENDERED_MAX`].
pub fn visible(screen: &Screen, styles: bool) -> Result<String, TooLarge> {
    let mut sheet = Sheet::default();
    if styles {
        styled::write(screen.lines(0), &mut sheet)?;
    } else {
        text::write(screen.lines(0), &mut sheet)?;
    }
    sheet.trim_end('\n');
    if !sheet.is_empty() {
        sheet.push('\n');
    }
    Ok(sheet.into_string())
}
