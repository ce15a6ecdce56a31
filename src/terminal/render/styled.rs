//! A screen as text with marks of style, `[style fg="1" bold]x[/style]`, for readers that know no escape sequences.
//!
//! Marks stand for what text alone loses: `fg` and `bg` (0–255, or `r,g,b`), `bold`, `dim`, `italic`, `underline`,
//! `inverse`, `invisible`, `strikethrough`. They never nest and never span lines. What the program printed cannot be
//! taken for one: where it printed `[`, any number of backslashes and then `style` or `/style`, one backslash more
//! stands behind the `[`. Whoever takes it away again has what was printed.

use std::fmt::Write as _;

use super::sheet::{Sheet, TooLarge};
use crate::terminal::screen::{Attributes, Color, Line, Style, Underline};

/// # Errors
/// When the sheet is full.
pub(super) fn write(lines: impl Iterator<Item = Line>, sheet: &mut Sheet) -> Result<(), TooLarge> {
    for line in lines {
        let start = sheet.len();
        // Runs that differ in what no mark tells are one: an escape is decided by the text around it.
        let mut group = (String::new(), String::new());
        for run in &line.runs {
            let marks = marks(run.style);
            if marks != group.0 {
                flush(&group, sheet)?;
                group = (marks, String::new());
            }
            group.1.push_str(&run.text);
        }
        flush(&group, sheet)?;
        sheet.trim_blanks(start);
        sheet.push('\n');
    }
    sheet.room()
}

fn flush((marks, text): &(String, String), sheet: &mut Sheet) -> Result<(), TooLarge> {
    if marks.is_empty() || text.is_empty() {
        return escaped(text, sheet);
    }
    sheet.push_str("[style");
    sheet.push_str(marks);
    sheet.push(']');
    escaped(text, sheet)?;
    sheet.push_str("[/style]");
    Ok(())
}

fn escaped(text: &str, sheet: &mut Sheet) -> Result<(), TooLarge> {
    let mut written = 0;
    for (at, _) in text.match_indices('[') {
        let behind = text[at + 1..].trim_start_matches('\\');
        if behind.starts_with("style") || behind.starts_with("/style") {
            sheet.words(&text[written..=at])?;
            sheet.push('\\');
            written = at + 1;
        }
    }
    sheet.words(&text[written..])
}

/// What stands behind `[style`; empty for text that looks like any other.
fn marks(style: Style) -> String {
    let mut marks = String::new();
    color(&mut marks, "fg", style.foreground);
    color(&mut marks, "bg", style.background);
    let words = [
        (style.attributes.has(Attributes::BOLD), " bold"),
        (style.attributes.has(Attributes::DIM), " dim"),
        (style.attributes.has(Attributes::ITALIC), " italic"),
        (style.underline != Underline::None, " underline"),
        (style.attributes.has(Attributes::INVERSE), " inverse"),
        (style.attributes.has(Attributes::INVISIBLE), " invisible"),
        (style.attributes.has(Attributes::STRIKETHROUGH), " strikethrough"),
    ];
    marks.extend(words.into_iter().filter_map(|(on, word)| on.then_some(word)));
    marks
}

fn color(marks: &mut String, name: &str, color: Color) {
    // Writing to a string cannot fail.
    let _ = match color {
        Color::Default => Ok(()),
        Color::Ansi(index) | Color::Palette(index) => write!(marks, " {name}=\"{index}\""),
        Color::Rgb(red, green, blue) => write!(marks, " {name}=\"{red},{green},{blue}\""),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{line, plain, run, styles};
    use super::*;

    fn styled(runs: Vec<crate::terminal::screen::Run>) -> String {
        let mut sheet = Sheet::default();
        write(std::iter::once(line(runs)), &mut sheet).unwrap();
        sheet.into_string()
    }

    #[test]
    fn what_text_alone_loses_is_marked() {
        let mut all = Style { foreground: Color::Rgb(0, 0, 255), background: Color::Palette(17), ..Style::default() };
        all.underline = Underline::Curly;
        for attribute in [
            Attributes::BOLD,
            Attributes::DIM,
            Attributes::ITALIC,
            Attributes::INVERSE,
            Attributes::INVISIBLE,
            Attributes::STRIKETHROUGH,
        ] {
            all.attributes.set(attribute, true);
        }
        let mut bold = Style { foreground: Color::Ansi(1), ..Style::default() };
        bold.attributes.set(Attributes::BOLD, true);
        assert_eq!(
            styled(vec![plain("a "), run("x", 1, bold), run("y", 1, all), plain(" b  ")]),
            "a [style fg=\"1\" bold]x[/style][style fg=\"0,0,255\" bg=\"17\" bold dim italic underline inverse \
             invisible strikethrough]y[/style] b\n"
        );
    }

    #[test]
    fn what_the_program_prints_is_no_mark() {
        let red = Style { foreground: Color::Ansi(1), ..Style::default() };
        assert_eq!(
            styled(vec![plain(r#"[ok] [style fg="1"]x[/style] a[1]"#)]),
            "[ok] [\\style fg=\"1\"]x[\\/style] a[1]\n"
        );
        assert_eq!(styled(vec![plain(r"[\style [\\/style [\x")]), "[\\\\style [\\\\\\/style [\\x\n");
        // Across runs that look the same, and across those that do not.
        let overlined = {
            let mut style = Style::default();
            style.attributes.set(Attributes::OVERLINE, true);
            style
        };
        assert_eq!(styled(vec![plain("["), run("style]", 6, overlined)]), "[\\style]\n");
        assert_eq!(styled(vec![run("[", 1, red), plain("style]")]), "[style fg=\"1\"][[/style]style]\n");
    }

    /// The text and the marks, as a reader takes them.
    fn read(text: &str) -> Vec<(String, String)> {
        let mut read: Vec<(String, String)> = Vec::new();
        let (mut marks, mut rest) = (String::new(), text);
        while let Some(first) = rest.chars().next() {
            if let Some(behind) = rest.strip_prefix("[/style]") {
                (marks, rest) = (String::new(), behind);
                continue;
            }
            if let Some((mark, behind)) = rest.strip_prefix("[style").and_then(|rest| rest.split_once(']')) {
                (marks, rest) = (mark.to_owned(), behind);
                continue;
            }
            let behind = &rest[first.len_utf8()..];
            let escaped = first == '[' && {
                let word = behind.trim_start_matches('\\');
                behind.starts_with('\\') && (word.starts_with("style") || word.starts_with("/style"))
            };
            rest = if escaped { &behind[1..] } else { behind };
            match read.last_mut() {
                Some((same, text)) if *same == marks => text.push(first),
                _ => read.push((marks.clone(), first.into())),
            }
        }
        read
    }

    proptest! {
        #[test]
        fn a_reader_gets_back_what_was_printed_and_how_it_looked(
            runs in proptest::collection::vec((r"(\[|\\|/|style|\]| |x){0,6}x", styles()), 0..6)
        ) {
            let mut expected: Vec<(String, String)> = Vec::new();
            for (text, style) in &runs {
                match expected.last_mut() {
                    Some((same, before)) if *same == marks(*style) => before.push_str(text),
                    _ => expected.push((marks(*style), text.clone())),
                }
            }
            let shown = styled(runs.iter().map(|(text, style)| run(text, 1, *style)).collect());
            prop_assert_eq!(read(shown.trim_end_matches('\n')), expected, "{}", shown);
        }
    }
}
