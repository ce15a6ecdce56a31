//! A screen as a terminal is told to draw it: text, SGR and OSC 8, nothing else.
//!
//! Rows are divided by CR LF, because a terminal in any mode then begins the next one at its left. Each begins and ends
//! in the terminal's own style, so that one taken out of the middle looks the same, and so that scrolling paints
//! nothing. What does not show, DECSCA, is not told.

use std::sync::Arc;

use super::sheet::{Sheet, TooLarge};
use crate::terminal::screen::{Attributes, Color, Line, Style, Underline};

const RESET: &str = "\x1b[m";

/// Attributes with the SGR that switches each on, and the one that switches it off.
const SWITCHES: [(Attributes, &str, &str); 8] = [
    (Attributes::BOLD, "1", "22"),
    (Attributes::DIM, "2", "22"),
    (Attributes::ITALIC, "3", "23"),
    (Attributes::BLINK, "5", "25"),
    (Attributes::INVERSE, "7", "27"),
    (Attributes::INVISIBLE, "8", "28"),
    (Attributes::STRIKETHROUGH, "9", "29"),
    (Attributes::OVERLINE, "53", "55"),
];

/// # Errors
/// When the sheet is full.
pub(super) fn write(lines: impl Iterator<Item = Line>, sheet: &mut Sheet) -> Result<(), TooLarge> {
    for (row, line) in lines.enumerate() {
        if row > 0 {
            sheet.push_str("\r\n");
        }
        let (mut pen, mut link) = (Style::default(), None);
        for run in &line.runs {
            lead(&mut link, run.link.as_ref(), sheet)?;
            let style = seen(run.style);
            sheet.push_str(&change(pen, style));
            pen = style;
            sheet.words(&run.text)?;
        }
        lead(&mut link, None, sheet)?;
        sheet.push_str(&change(pen, Style::default()));
        sheet.room()?;
    }
    sheet.push_str(RESET);
    Ok(())
}

/// Begins, changes or ends a hyperlink. One that could end its own sequence is none.
fn lead<'a>(now: &mut Option<&'a Arc<str>>, wanted: Option<&'a Arc<str>>, sheet: &mut Sheet) -> Result<(), TooLarge> {
    let wanted = wanted.filter(|link| !link.contains(char::is_control));
    if *now != wanted {
        sheet.push_str("\x1b]8;;");
        sheet.words(wanted.map_or("", |link| link))?;
        sheet.push_str("\x1b\\");
        *now = wanted;
    }
    Ok(())
}

/// The style without what does not show.
fn seen(mut style: Style) -> Style {
    style.attributes.set(Attributes::PROTECTED, false);
    style
}

/// The shortest SGR that makes `from` `to`.
fn change(from: Style, to: Style) -> String {
    if from == to {
        return String::new();
    }
    if to == Style::default() {
        return RESET.to_owned();
    }
    let mut afresh = parameters(Style::default(), to);
    afresh.insert(0, "0".to_owned());
    let afresh = sgr(&afresh);
    if from.underline_color != Color::Default && to.underline_color == Color::Default {
        // What would say it, SGR 59, makes the underline white in xterm.js.
        return afresh;
    }
    let altered = sgr(&parameters(from, to));
    if altered.len() <= afresh.len() { altered } else { afresh }
}

fn sgr(parameters: &[String]) -> String {
    format!("\x1b[{}m", parameters.join(";"))
}

/// What must be told for `from` to become `to`.
fn parameters(from: Style, to: Style) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut before = from.attributes;
    for (attribute, _, off) in SWITCHES {
        if before.has(attribute) && !to.attributes.has(attribute) {
            told.push(off.to_owned());
            before.set(attribute, false);
            if off == "22" {
                // It switches both off.
                before.set(Attributes::BOLD, false);
                before.set(Attributes::DIM, false);
            }
        }
    }
    for (attribute, on, _) in SWITCHES {
        if !before.has(attribute) && to.attributes.has(attribute) {
            told.push(on.to_owned());
        }
    }
    if from.underline != to.underline {
        told.push(
            match to.underline {
                Underline::None => "24",
                Underline::Single => "4",
                Underline::Double => "4:2",
                Underline::Curly => "4:3",
                Underline::Dotted => "4:4",
                Underline::Dashed => "4:5",
            }
            .to_owned(),
        );
    }
    if from.foreground != to.foreground {
        told.push(color(to.foreground, 30));
    }
    if from.background != to.background {
        told.push(color(to.background, 40));
    }
    if from.underline_color != to.underline_color {
        told.extend(underline_color(to.underline_color));
    }
    told
}

/// `base` is 30 for text and 40 for what is behind it.
fn color(color: Color, base: u8) -> String {
    match color {
        Color::Default => (base + 9).to_string(),
        Color::Ansi(index @ 0..8) => (base + index).to_string(),
        Color::Ansi(index @ 8..16) => (base + 60 + index - 8).to_string(),
        Color::Ansi(index) | Color::Palette(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    }
}

/// With colons: a terminal that does not know 58 would take what follows a semicolon for SGR of its own. The text's
/// own colour is not told, but begun with.
fn underline_color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Ansi(index) | Color::Palette(index) => Some(format!("58:5:{index}")),
        Color::Rgb(red, green, blue) => Some(format!("58:2::{red}:{green}:{blue}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::laws::{line, plain, run};
    use super::*;
    use crate::terminal::screen::Run;

    fn ansi(lines: Vec<Line>) -> String {
        let mut sheet = Sheet::default();
        write(lines.into_iter(), &mut sheet).unwrap();
        sheet.into_string().replace('\x1b', "E")
    }

    fn style(foreground: Color, attributes: &[Attributes]) -> Style {
        let mut style = Style { foreground, ..Style::default() };
        for attribute in attributes {
            style.attributes.set(*attribute, true);
        }
        style
    }

    #[test]
    fn every_row_stands_for_itself_and_the_whole_ends_reset() {
        let red = style(Color::Ansi(1), &[]);
        let lines = vec![line(vec![plain("a "), run("b", 1, red)]), line(vec![]), line(vec![run("c", 1, red)])];
        assert_eq!(ansi(lines), "a E[31mbE[m\r\n\r\nE[31mcE[mE[m");
    }

    #[test]
    fn only_what_changes_is_told() {
        let bold_red = style(Color::Ansi(1), &[Attributes::BOLD]);
        let dim_red = style(Color::Ansi(1), &[Attributes::DIM]);
        let both_red = style(Color::Ansi(1), &[Attributes::BOLD, Attributes::DIM]);
        let bright = style(Color::Ansi(9), &[]);
        assert_eq!(change(bold_red, bold_red), "");
        assert_eq!(change(Style::default(), bold_red), "\x1b[1;31m");
        assert_eq!(change(bold_red, bright), "\x1b[0;91m", "shorter than 22;91");
        assert_eq!(change(both_red, dim_red), "\x1b[22;2m");
        assert_eq!(change(bold_red, Style::default()), "\x1b[m");
        let deep = Style { background: Color::Rgb(1, 2, 3), underline_color: Color::Palette(200), ..bold_red };
        assert_eq!(change(bold_red, deep), "\x1b[48;2;1;2;3;58:5:200m");
        assert_eq!(change(deep, bold_red), "\x1b[0;1;31m", "never 59");
        assert_eq!(change(deep, Style { underline: Underline::Curly, ..deep }), "\x1b[4:3m");
        let protected = style(Color::Default, &[Attributes::PROTECTED]);
        assert_eq!(ansi(vec![line(vec![run("x", 1, protected)])]), "xE[m");
    }

    #[test]
    fn links_are_begun_changed_and_ended() {
        let to = |text: &str, link: &str| Run { link: Some(link.into()), ..plain(text) };
        let lines = vec![
            line(vec![to("a", "x:1"), to("b", "x:1"), to("c", "x:2"), plain("d")]),
            line(vec![to("e", "x:\x1b\\!")]),
            line(vec![to("f", "x:3")]),
        ];
        assert_eq!(ansi(lines), "E]8;;x:1E\\abE]8;;x:2E\\cE]8;;E\\d\r\ne\r\nE]8;;x:3E\\fE]8;;E\\E[m");
    }
}
