//! A screen as HTML: one `<pre>` with its colours in it, to be put into any page.
//!
//! Styles are attributes of elements, which a `style-src 'unsafe-inline'` allows; there is no script, and nothing is
//! loaded. Links lead to `http`, `https` and `mailto` only. Text that blinks stands still.

use std::fmt::Write as _;

use super::color::{self, Rgb};
use super::sheet::{Sheet, TooLarge};
use crate::terminal::screen::{Attributes, Color, Line, Run, Style, Underline};

/// Where links may lead: what a browser opens without running anything.
const SCHEMES: [&str; 3] = ["http:", "https:", "mailto:"];

/// # Errors
/// When the sheet is full.
pub(super) fn write(lines: impl Iterator<Item = Line>, sheet: &mut Sheet) -> Result<(), TooLarge> {
    let opening = format!(
        "<pre class=\"fantail-screen\" style=\"margin:0;direction:ltr;font-family:ui-monospace,Menlo,Consolas,\
         monospace;color:{};background:{}\">\n",
        hex(color::FOREGROUND),
        hex(color::BACKGROUND)
    );
    // Its newline is the one that HTML drops, so that a first row that is blank is kept.
    sheet.push_str(&opening);
    for (row, line) in lines.enumerate() {
        if row > 0 {
            sheet.push('\n');
        }
        for run in &line.runs {
            span(run, sheet)?;
        }
        sheet.room()?;
    }
    sheet.push_str("</pre>\n");
    Ok(())
}

fn span(run: &Run, sheet: &mut Sheet) -> Result<(), TooLarge> {
    let link = run.link.as_deref().filter(|link| is_safe(link));
    let mut css = css(run.style);
    if !run.text.is_ascii() {
        // Fonts rarely make a wide character as wide as two others: what follows keeps its column all the same.
        let _ = write!(css, ";display:inline-block;width:{}ch", run.cols);
    }
    let css = css.trim_start_matches(';');
    if let Some(link) = link {
        sheet.push_str("<a href=\"");
        sheet.escaped(link)?;
        sheet.push_str("\" rel=\"noopener noreferrer\" style=\"");
        if !css.split(';').any(|rule| rule.starts_with("color:")) {
            sheet.push_str("color:inherit;");
        }
        sheet.push_str(css);
        sheet.push_str("\">");
        sheet.escaped(&run.text)?;
        sheet.push_str("</a>");
    } else if css.is_empty() {
        sheet.escaped(&run.text)?;
    } else {
        sheet.push_str("<span style=\"");
        sheet.push_str(css);
        sheet.push_str("\">");
        sheet.escaped(&run.text)?;
        sheet.push_str("</span>");
    }
    Ok(())
}

fn is_safe(link: &str) -> bool {
    let leads = |scheme: &str| link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    SCHEMES.into_iter().any(leads) && !link.contains(char::is_control)
}

/// Each rule begins with `;`.
fn css(style: Style) -> String {
    let has = |attribute| style.attributes.has(attribute);
    let mut css = String::new();
    let (mut front, mut back) = (style.foreground, style.background);
    let (mut front_default, mut back_default) = (color::FOREGROUND, color::BACKGROUND);
    if has(Attributes::INVERSE) {
        std::mem::swap(&mut front, &mut back);
        std::mem::swap(&mut front_default, &mut back_default);
    }
    // As the page draws them: bold text in the dark eight takes the bright eight.
    if has(Attributes::BOLD) {
        front = match front {
            Color::Ansi(index @ 0..8) => Color::Ansi(index + 8),
            Color::Palette(index @ 0..8) => Color::Palette(index + 8),
            other => other,
        };
    }
    let behind = color::resolve(back, back_default);
    let mut text = color::resolve(front, front_default);
    if has(Attributes::DIM) {
        text = color::between(text, behind);
    }
    // Writing to a string cannot fail, here and below.
    let _ = match (has(Attributes::INVISIBLE), text == color::FOREGROUND) {
        (true, _) => write!(css, ";color:transparent"),
        (false, true) => Ok(()),
        (false, false) => write!(css, ";color:{}", hex(text)),
    };
    if behind != color::BACKGROUND {
        let _ = write!(css, ";background:{}", hex(behind));
    }
    if has(Attributes::BOLD) {
        css.push_str(";font-weight:bold");
    }
    if has(Attributes::ITALIC) {
        css.push_str(";font-style:italic");
    }
    decorate(&mut css, style);
    css
}

fn decorate(css: &mut String, style: Style) {
    let lines = [
        (style.underline != Underline::None, " underline"),
        (style.attributes.has(Attributes::STRIKETHROUGH), " line-through"),
        (style.attributes.has(Attributes::OVERLINE), " overline"),
    ];
    if lines.iter().all(|(on, _)| !on) {
        return;
    }
    css.push_str(";text-decoration:");
    let drawn: String = lines.into_iter().filter_map(|(on, line)| on.then_some(line)).collect();
    css.push_str(drawn.trim_start());
    css.push_str(match style.underline {
        Underline::None | Underline::Single => "",
        Underline::Double => " double",
        Underline::Curly => " wavy",
        Underline::Dotted => " dotted",
        Underline::Dashed => " dashed",
    });
    if style.underline != Underline::None && style.underline_color != Color::Default {
        css.push(' ');
        css.push_str(&hex(color::resolve(style.underline_color, color::FOREGROUND)));
    }
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::super::laws::{line, plain, run};
    use super::*;

    /// What stands within the `<pre>`.
    fn inner(lines: Vec<Line>) -> String {
        let mut sheet = Sheet::default();
        write(lines.into_iter(), &mut sheet).unwrap();
        let html = sheet.into_string();
        let (opening, inner) = html.split_once(">\n").unwrap();
        assert!(opening.starts_with("<pre class=\"fantail-screen\" style=\""));
        inner.strip_suffix("</pre>\n").unwrap().to_owned()
    }

    fn styled(change: impl FnOnce(&mut Style)) -> String {
        let mut style = Style::default();
        change(&mut style);
        let html = inner(vec![line(vec![run("x", 1, style)])]);
        html.trim_start_matches("<span style=\"").trim_end_matches("\">x</span>").to_owned()
    }

    #[test]
    fn rows_are_lines_and_markup_is_text() {
        let lines = vec![line(vec![]), line(vec![plain("<b>&\"'")]), line(vec![])];
        assert_eq!(inner(lines), "\n&lt;b&gt;&amp;&quot;&#39;\n");
    }

    #[test]
    fn styles_look_as_on_the_page() {
        assert_eq!(styled(|_| ()), "x");
        assert_eq!(styled(|style| style.foreground = Color::Ansi(1)), "color:#e5737a");
        assert_eq!(styled(|style| style.background = Color::Palette(196)), "background:#ff0000");
        let bold = |style: &mut Style| style.attributes.set(Attributes::BOLD, true);
        let inverse = |style: &mut Style| style.attributes.set(Attributes::INVERSE, true);
        assert_eq!(
            styled(|style| {
                style.foreground = Color::Ansi(1);
                bold(style);
            }),
            "color:#f28b91;font-weight:bold"
        );
        assert_eq!(styled(inverse), "color:#14171a;background:#d7dce0");
        assert_eq!(
            styled(|style| {
                style.foreground = Color::Rgb(0, 0, 255);
                inverse(style);
            }),
            "color:#14171a;background:#0000ff"
        );
        assert_eq!(styled(|style| style.attributes.set(Attributes::DIM, true)), "color:#75797d");
        assert_eq!(styled(|style| style.attributes.set(Attributes::INVISIBLE, true)), "color:transparent");
        assert_eq!(
            styled(|style| {
                style.underline = Underline::Curly;
                style.underline_color = Color::Rgb(255, 0, 0);
                style.attributes.set(Attributes::STRIKETHROUGH, true);
                style.attributes.set(Attributes::ITALIC, true);
            }),
            "font-style:italic;text-decoration:underline line-through wavy #ff0000"
        );
    }

    #[test]
    fn a_run_of_other_than_ascii_keeps_its_columns() {
        let runs = vec![run("漢字", 4, Style::default()), plain("x")];
        assert_eq!(inner(vec![line(runs)]), "<span style=\"display:inline-block;width:4ch\">漢字</span>x");
    }

    #[test]
    fn links_lead_to_where_a_browser_may_go() {
        let link = |to: &str| {
            let linked = Run { link: Some(to.into()), ..plain("x") };
            inner(vec![line(vec![linked])])
        };
        let anchor =
            |href: &str| format!("<a href=\"{href}\" rel=\"noopener noreferrer\" style=\"color:inherit;\">x</a>");
        assert_eq!(link("https://h/?a=1&b=\"2\""), anchor("https://h/?a=1&amp;b=&quot;2&quot;"));
        assert_eq!(link("MAILTO:ann@h"), anchor("MAILTO:ann@h"));
        for to in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            " https://h",
            "//h",
            "",
            "http",
            "https://h/\u{9b}",
            "vbscript:x",
            "é",
        ] {
            assert_eq!(link(to), "x", "{to:?}");
        }
    }
}
