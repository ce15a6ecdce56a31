//! Writing for people: lines that never carry a raw control character, and a stdout that may go away.

use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Between two columns of a table.
const GUTTER: &str = "  ";

/// `text` with every character that a terminal would obey, or that would reorder the line, written out instead.
#[must_use]
pub(super) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, char| {
        let _ = match char {
            '\n' => line.write_str("\\n"),
            '\t' => line.write_str("\\t"),
            '\r' => line.write_str("\\r"),
            char if char.is_ascii_control() => write!(line, "\\x{:02x}", u32::from(char)),
            char if obeyed(char) => write!(line, "\\u{{{:x}}}", u32::from(char)),
            char => line.write_char(char),
        };
        line
    })
}

/// C1 controls, line separators, and the directional marks that make a line read as what it is not.
fn obeyed(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Writes `text` to stdout. A reader that has gone, as in `| head`, is no failure.
///
/// # Errors
/// When stdout fails otherwise.
pub(super) fn out(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Writes `line` and a newline to stderr. When that fails there is nobody left to tell.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Rows under a header, in columns as wide as they need be.
#[must_use]
pub(super) fn aligned<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = std::iter::once(header.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut table = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        table.push_str(cells.collect::<Vec<_>>().join(GUTTER).trim_end());
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_obeys_gets_through() {
        assert_eq!(
            printable("a\x1b]0;x\x07\r\n\t\u{9b}2J\u{202e}β🙂"),
            "a\\x1b]0;x\\x07\\r\\n\\t\\u{9b}2J\\u{202e}β🙂"
        );
        let all: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        assert!(!printable(&all).chars().any(char::is_control));
    }
}
