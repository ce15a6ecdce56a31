//! What holds for every rendering, whatever a screen holds: nothing the program wrote is obeyed by whoever reads it.

use proptest::prelude::*;

use super::sheet::Sheet;
use super::*;
use crate::terminal::Size;
use crate::terminal::screen::{Attributes, Color, Line, Run, Style, Underline};

pub(super) fn run(text: &str, cols: u16, style: Style) -> Run {
    Run { text: text.to_owned(), cols, style, link: None }
}

/// A run of ASCII in the terminal's own style.
pub(super) fn plain(text: &str) -> Run {
    run(text, u16::try_from(text.chars().count()).unwrap(), Style::default())
}

pub(super) fn line(runs: Vec<Run>) -> Line {
    Line { wrapped: false, runs }
}

fn colors() -> impl Strategy<Value = Color> {
    prop_oneof![
        Just(Color::Default),
        (0u8..16).prop_map(Color::Ansi),
        any::<u8>().prop_map(Color::Palette),
        any::<(u8, u8, u8)>().prop_map(|(red, green, blue)| Color::Rgb(red, green, blue)),
    ]
}

pub(super) fn styles() -> impl Strategy<Value = Style> {
    let underlines = prop_oneof![
        Just(Underline::None),
        Just(Underline::Single),
        Just(Underline::Double),
        Just(Underline::Curly),
        Just(Underline::Dotted),
        Just(Underline::Dashed),
    ];
    let switches = [
        Attributes::BOLD,
        Attributes::DIM,
        Attributes::ITALIC,
        Attributes::BLINK,
        Attributes::INVERSE,
        Attributes::INVISIBLE,
        Attributes::STRIKETHROUGH,
        Attributes::OVERLINE,
        Attributes::PROTECTED,
    ];
    let attributes = proptest::sample::subsequence(switches.to_vec(), 0..=switches.len()).prop_map(|on| {
        let mut attributes = Attributes::default();
        on.into_iter().for_each(|attribute| attributes.set(attribute, true));
        attributes
    });
    (colors(), colors(), colors(), underlines, attributes).prop_map(
        |(foreground, background, underline_color, underline, attributes)| Style {
            foreground,
            background,
            underline_color,
            underline,
            attributes,
        },
    )
}

/// Lines worse than any screen's: with control characters and markup in their text and links.
fn wicked_lines() -> impl Strategy<Value = Vec<Line>> {
    let text = prop_oneof![any::<String>(), r#"[<>&"'\[\]/a-z \x00-\x1f\x7f-\u{9f}]{0,12}"#];
    let link = prop_oneof![
        3 => Just(None),
        1 => r#"(https://|javascript:)[<>&"'a-z \x00-\x1f\u{80}-\u{9f}]{0,12}"#.prop_map(Some),
    ];
    let run = (text, styles(), link).prop_map(|(text, style, link)| Run {
        cols: u16::try_from(text.chars().count()).unwrap_or(u16::MAX),
        text,
        style,
        link: link.map(Into::into),
    });
    let line = (any::<bool>(), proptest::collection::vec(run, 0..5)).prop_map(|(wrapped, runs)| Line { wrapped, runs });
    proptest::collection::vec(line, 0..5)
}

fn written(write: impl FnOnce(&mut Sheet) -> Result<(), TooLarge>) -> String {
    let mut sheet = Sheet::default();
    write(&mut sheet).unwrap();
    sheet.into_string()
}

/// The elements of our own HTML, opened and closed; anything else is the program's.
fn without_elements(html: &str) -> String {
    let mut rest = html;
    let mut text = String::new();
    while let Some((before, behind)) = rest.split_once('<') {
        text.push_str(before);
        let (element, behind) = behind.split_once('>').expect("an element ends");
        let name = element.split(' ').next().expect("a name");
        assert!(["pre", "/pre", "span", "/span", "a", "/a"].contains(&name), "{element}");
        if let Some((_, href)) = element.split_once("href=\"") {
            assert!(href.starts_with("https://"), "{href}");
        }
        // An attribute more than ours would need a quote more.
        let quotes = match name {
            "pre" => 4,
            "span" => 2,
            "a" => 6,
            _ => 0,
        };
        assert_eq!(element.matches('"').count(), quotes, "{element}");
        rest = behind;
    }
    text + rest
}

proptest! {
    #[test]
    fn nothing_of_the_programs_is_obeyed(lines in wicked_lines()) {
        let text = written(|sheet| super::text::write(lines.clone().into_iter(), sheet));
        prop_assert!(!text.contains(|char: char| char.is_control() && char != '\n'));
        prop_assert_eq!(text.matches('\n').count(), lines.len());

        let styled = written(|sheet| styled::write(lines.clone().into_iter(), sheet));
        prop_assert!(!styled.contains(|char: char| char.is_control() && char != '\n'));
        prop_assert_eq!(styled.matches('\n').count(), lines.len());

        let html = written(|sheet| html::write(lines.clone().into_iter(), sheet));
        let words = without_elements(&html);
        prop_assert!(!words.contains(|char: char| char.is_control() && char != '\n'));
        prop_assert!(!words.contains(['>', '"', '\'']));

        let ansi = written(|sheet| ansi::write(lines.clone().into_iter(), sheet));
        prop_assert!(without_sequences(&ansi).is_some(), "{:?}", ansi);
    }
}

/// What is left without rows' ends, SGR and OSC 8; nothing if anything else is there to obey.
fn without_sequences(ansi: &str) -> Option<String> {
    let mut rest = ansi;
    let mut text = String::new();
    while let Some(at) = rest.find(char::is_control) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if let Some(behind) = rest.strip_prefix("\r\n") {
            behind
        } else if let Some(sgr) = rest.strip_prefix("\x1b[") {
            sgr.trim_start_matches(|char: char| char.is_ascii_digit() || char == ';' || char == ':')
                .strip_prefix('m')?
        } else {
            let link = rest.strip_prefix("\x1b]8;;")?;
            let end = link.find(char::is_control)?;
            link[end..].strip_prefix("\x1b\\")?
        };
    }
    Some(text + rest)
}

/// What a program may print that a screen shows as text and styles.
fn output() -> impl Strategy<Value = String> {
    let sgr = prop_oneof![
        (30u8..38).prop_map(|n| format!("\x1b[{n}m")),
        (90u8..98).prop_map(|n| format!("\x1b[{n};1m")),
        (0u8..=255).prop_map(|n| format!("\x1b[48;5;{n}m")),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| format!("\x1b[38;2;{r};{g};{b};7m")),
        (0u8..6).prop_map(|n| format!("\x1b[4:{n}m")),
        (0u8..=255).prop_map(|n| format!("\x1b[58:5:{n}m")),
        proptest::sample::select(vec!["1", "2", "3", "5", "7", "8", "9", "53", "22", "27", ""])
            .prop_map(|n| format!("\x1b[{n}m")),
    ];
    let piece = prop_oneof![
        4 => "[a-z <&\\[]{1,30}",
        2 => "[漢字éßя]{1,9}",
        3 => sgr,
        1 => Just("\r\n".to_owned()),
        1 => (1u16..8, 1u16..30).prop_map(|(row, col)| format!("\x1b[{row};{col}H")),
        1 => (0u8..3).prop_map(|n| format!("\x1b[{n}K")),
        1 => "[a-z]{1,8}".prop_map(|path| format!("\x1b]8;;https://h/{path}\x1b\\")),
        1 => Just("\x1b]8;;\x1b\\".to_owned()),
        1 => Just("\x1b[?1049h".to_owned()),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Lines by what is to be seen of them: not by how the program came to a width, nor by what may be erased.
fn seen(screen: &Screen) -> Vec<Vec<Run>> {
    let look = |mut run: Run| {
        run.style.attributes.set(Attributes::PROTECTED, false);
        run
    };
    screen.lines(0).map(|line| line.runs.into_iter().map(look).collect()).collect()
}

proptest! {
    #[test]
    fn a_terminal_fed_the_sequences_shows_the_same(output in output()) {
        let size = Size::new(30, 8).unwrap();
        let mut screen = Screen::new(size, 100);
        screen.feed(output.as_bytes());
        let ansi = render(&screen, Offset::ZERO, Format::Ansi, 0).unwrap();
        let mut blank = Screen::new(size, 100);
        blank.feed(ansi.as_bytes());
        prop_assert_eq!(seen(&blank), seen(&screen), "{:?} as {:?}", output, ansi);
    }
}
