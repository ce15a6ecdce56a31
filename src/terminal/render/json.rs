//! A screen as JSON, for programs: everything it shows, and where the cursor is.

use serde::Serialize;
use serde::ser::Serializer;

use super::sheet::{Sheet, TooLarge};
use crate::terminal::Offset;
use crate::terminal::screen::{Attributes, Color, Cursor, CursorShape, Line, Run, Screen, Underline};

/// What stands before the lines.
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    cols: u16,
    rows: u16,
    offset: u64,
    cursor: CursorObject,
    title: &'a str,
    cwd: Option<&'a str>,
    alternate: bool,
    /// How many of the lines are of the scrollback.
    scrollback: usize,
}

#[derive(Debug, Serialize)]
struct CursorObject {
    col: u16,
    row: u16,
    visible: bool,
    shape: &'static str,
    blink: Option<bool>,
}

impl<'a> Head<'a> {
    pub(super) fn of(screen: &'a Screen, at: Offset, scrollback: usize) -> Self {
        Self {
            cols: screen.size().cols(),
            rows: screen.size().rows(),
            offset: at.0,
            cursor: screen.cursor().into(),
            title: screen.title(),
            cwd: screen.cwd(),
            alternate: screen.is_alternate(),
            scrollback: scrollback.min(screen.scrollback_len()),
        }
    }
}

impl From<Cursor> for CursorObject {
    fn from(Cursor { col, row, visible, shape, blink }: Cursor) -> Self {
        let shape = match shape {
            CursorShape::Default => "default",
            CursorShape::Block => "block",
            CursorShape::Underline => "underline",
            CursorShape::Bar => "bar",
        };
        Self { col, row, visible, shape, blink }
    }
}

#[derive(Serialize)]
struct LineObject<'a> {
    wrapped: bool,
    runs: Vec<RunObject<'a>>,
}

/// A run. What is as the terminal has it anyway is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunObject<'a> {
    text: &'a str,
    cols: u16,
    #[serde(skip_serializing_if = "is_default")]
    fg: ColorValue,
    #[serde(skip_serializing_if = "is_default")]
    bg: ColorValue,
    #[serde(skip_serializing_if = "is_off")]
    bold: bool,
    #[serde(skip_serializing_if = "is_off")]
    dim: bool,
    #[serde(skip_serializing_if = "is_off")]
    italic: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    underline: Option<&'static str>,
    #[serde(skip_serializing_if = "is_default")]
    underline_color: ColorValue,
    #[serde(skip_serializing_if = "is_off")]
    blink: bool,
    #[serde(skip_serializing_if = "is_off")]
    inverse: bool,
    #[serde(skip_serializing_if = "is_off")]
    invisible: bool,
    #[serde(skip_serializing_if = "is_off")]
    strikethrough: bool,
    #[serde(skip_serializing_if = "is_off")]
    overline: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
}

/// A number of the palette, or `#rrggbb`.
struct ColorValue(Color);

impl Serialize for ColorValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Color::Default => serializer.serialize_none(),
            Color::Ansi(index) | Color::Palette(index) => serializer.serialize_u8(index),
            Color::Rgb(red, green, blue) => serializer.collect_str(&format_args!("#{red:02x}{green:02x}{blue:02x}")),
        }
    }
}

fn is_default(color: &ColorValue) -> bool {
    color.0 == Color::Default
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it like this")]
fn is_off(on: &bool) -> bool {
    !on
}

impl<'a> From<&'a Run> for RunObject<'a> {
    fn from(run: &'a Run) -> Self {
        let has = |attribute| run.style.attributes.has(attribute);
        Self {
            text: &run.text,
            cols: run.cols,
            fg: ColorValue(run.style.foreground),
            bg: ColorValue(run.style.background),
            bold: has(Attributes::BOLD),
            dim: has(Attributes::DIM),
            italic: has(Attributes::ITALIC),
            underline: match run.style.underline {
                Underline::None => None,
                Underline::Single => Some("single"),
                Underline::Double => Some("double"),
                Underline::Curly => Some("curly"),
                Underline::Dotted => Some("dotted"),
                Underline::Dashed => Some("dashed"),
            },
            underline_color: ColorValue(run.style.underline_color),
            blink: has(Attributes::BLINK),
            inverse: has(Attributes::INVERSE),
            invisible: has(Attributes::INVISIBLE),
            strikethrough: has(Attributes::STRIKETHROUGH),
            overline: has(Attributes::OVERLINE),
            link: run.link.as_deref(),
        }
    }
}

/// # Errors
/// When the sheet is full.
pub(super) fn write(head: &Head<'_>, lines: impl Iterator<Item = Line>, sheet: &mut Sheet) -> Result<(), TooLarge> {
    let head = json(head);
    // Line by line, so that what does not fit is noticed before it is all there.
    sheet.push_str(head.trim_end_matches('}'));
    sheet.push_str(",\"lines\":[");
    for (row, line) in lines.enumerate() {
        sheet.push_str(if row == 0 { "\n" } else { ",\n" });
        let runs = line.runs.iter().map(RunObject::from).collect();
        // C0 controls JSON escapes itself; the others would pass.
        sheet.words(&json(&LineObject { wrapped: line.wrapped, runs }))?;
    }
    sheet.push_str("\n]}\n");
    Ok(())
}

fn json(value: &impl Serialize) -> String {
    // Strings and numbers into memory: there is nothing to fail.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::laws::{line, plain, run};
    use super::*;
    use crate::terminal::screen::Style;

    fn head() -> Head<'static> {
        let cursor = Cursor { col: 3, row: 1, visible: true, shape: CursorShape::Bar, blink: None };
        Head {
            cols: 80,
            rows: 2,
            offset: 18_211,
            cursor: cursor.into(),
            title: "a } \"title\"}",
            cwd: Some("/tmp"),
            alternate: false,
            scrollback: 0,
        }
    }

    #[test]
    fn everything_is_told_and_what_is_as_always_is_left_out() {
        let mut style = Style { foreground: Color::Ansi(9), background: Color::Rgb(0, 0, 255), ..Style::default() };
        style.underline = Underline::Dotted;
        style.underline_color = Color::Palette(200);
        style.attributes.set(Attributes::BOLD, true);
        style.attributes.set(Attributes::OVERLINE, true);
        let linked = Run { link: Some("https://h".into()), ..run("漢", 2, style) };
        let lines = [line(vec![plain("a"), linked]), Line { wrapped: true, runs: vec![] }];
        let mut sheet = Sheet::default();
        write(&head(), lines.into_iter(), &mut sheet).unwrap();
        let value: Value = serde_json::from_str(&sheet.into_string()).unwrap();
        assert_eq!(
            value,
            json!({
                "cols": 80, "rows": 2, "offset": 18211,
                "cursor": {"col": 3, "row": 1, "visible": true, "shape": "bar", "blink": null},
                "title": "a } \"title\"}", "cwd": "/tmp", "alternate": false, "scrollback": 0,
                "lines": [
                    {"wrapped": false, "runs": [
                        {"text": "a", "cols": 1},
                        {"text": "漢", "cols": 2, "fg": 9, "bg": "#0000ff", "bold": true, "underline": "dotted",
                         "underlineColor": 200, "overline": true, "link": "https://h"},
                    ]},
                    {"wrapped": true, "runs": []},
                ],
            })
        );
    }
}
