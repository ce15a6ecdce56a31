//! What a renderer writes on: text of bounded size, into which nothing of the program's gets unlooked at.

/// Most bytes of a rendering. 10,000 lines of scrollback full of colours take half of it as HTML; a program that gives
/// every cell a link of its own must not make the server write gigabytes.
pub const RENDERED_MAX: usize = 16 * 1024 * 1024;

/// Shown in place of what must not be passed on.
const REPLACEMENT: char = '\u{fffd}';

/// A rendering would be larger than [`RENDERED_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rendering is larger than {RENDERED_MAX} bytes")]
pub struct TooLarge;

/// The text. Its methods for the program's words bound it; what a renderer adds of its own is a small multiple of that.
#[derive(Debug, Default)]
pub(super) struct Sheet(String);

impl Sheet {
    /// Writes something of the renderer's own.
    pub(super) fn push(&mut self, char: char) {
        self.0.push(char);
    }

    /// See [`Sheet::push`].
    pub(super) fn push_str(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Writes the program's `text` with control characters replaced.
    ///
    /// # Errors
    /// When the sheet is full.
    pub(super) fn words(&mut self, text: &str) -> Result<(), TooLarge> {
        if text.contains(char::is_control) {
            self.0.extend(text.chars().map(shown));
        } else {
            self.0.push_str(text);
        }
        self.room()
    }

    /// Writes the program's `text` so that it is text in HTML, within quotes too.
    ///
    /// # Errors
    /// When the sheet is full.
    pub(super) fn escaped(&mut self, text: &str) -> Result<(), TooLarge> {
        for char in text.chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                char => self.0.push(shown(char)),
            }
        }
        self.room()
    }

    /// # Errors
    /// When the sheet is full.
    pub(super) fn room(&self) -> Result<(), TooLarge> {
        if self.0.len() > RENDERED_MAX { Err(TooLarge) } else { Ok(()) }
    }

    /// Takes `char` off the end, as often as it stands there.
    pub(super) fn trim_end(&mut self, char: char) {
        self.0.truncate(self.0.trim_end_matches(char).len());
    }

    /// Takes blanks off the end, but nothing before `from`, an earlier length.
    pub(super) fn trim_blanks(&mut self, from: usize) {
        let kept = self.0[from..].trim_end_matches(' ').len();
        self.0.truncate(from + kept);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// A screen holds no control characters. Should one get there it gets no further.
fn shown(char: char) -> char {
    if char.is_control() { REPLACEMENT } else { char }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_obeyed_gets_on_a_sheet() {
        let all: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        let mut sheet = Sheet::default();
        sheet.words(&all).unwrap();
        sheet.escaped(&all).unwrap();
        let text = sheet.into_string();
        assert!(!text.contains(char::is_control));
        assert_eq!(text.matches('<').count(), 1, "the one of the words");
    }

    #[test]
    fn a_full_sheet_says_so() {
        let mut sheet = Sheet::default();
        assert_eq!(sheet.words(&"x".repeat(RENDERED_MAX)), Ok(()));
        assert_eq!(sheet.words("x"), Err(TooLarge));
    }

    #[test]
    fn blanks_are_taken_off_the_end_only() {
        let mut sheet = Sheet::default();
        sheet.push_str("a ");
        let from = sheet.len();
        sheet.push_str("  ");
        sheet.trim_blanks(from);
        assert_eq!(sheet.into_string(), "a ");
    }
}
