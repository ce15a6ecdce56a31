//! A screen as plain text: a line for every row, without the blanks at its end.

use super::sheet::{Sheet, TooLarge};
use crate::terminal::screen::Line;

/// # Errors
/// When the sheet is full.
pub(super) fn write(lines: impl Iterator<Item = Line>, sheet: &mut Sheet) -> Result<(), TooLarge> {
    for line in lines {
        let start = sheet.len();
        for run in &line.runs {
            sheet.words(&run.text)?;
        }
        sheet.trim_blanks(start);
        sheet.push('\n');
    }
    sheet.room()
}

#[cfg(test)]
mod tests {
    use super::super::laws::{line, plain, run};
    use super::*;
    use crate::terminal::screen::{Color, Style};

    fn text(lines: Vec<Line>) -> String {
        let mut sheet = Sheet::default();
        write(lines.into_iter(), &mut sheet).unwrap();
        sheet.into_string()
    }

    #[test]
    fn every_row_is_a_line_without_the_blanks_at_its_end() {
        let red = Style { foreground: Color::Ansi(1), ..Style::default() };
        let lines = vec![
            line(vec![plain("  a "), run("漢字", 4, red), plain("  ")]),
            line(vec![]),
            line(vec![plain("nbsp\u{a0}"), plain("   ")]),
        ];
        assert_eq!(text(lines), "  a 漢字\n\nnbsp\u{a0}\n");
    }
}
