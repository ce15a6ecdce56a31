//! All that a screen holds, as plain values: for comparing two screens. Decides nothing, and nothing decides by it.
//!
//! The form is the one of `tests/screen/support/state.mjs`, which makes the same of the client's terminal; how a line
//! is written is told there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde::Serialize;

use super::Screen;
use super::attr::{Attr, COLOR, COLOR_KIND, SavedPen, bit};
use super::buffer::Buffer;
use super::cell::{Cell, Content};
use super::charset::Charsets;
use super::modes::{MouseEncoding, MouseProtocol};
use super::palette::Slot;
use super::row::Row;
use super::scrollback::Shown;
use super::tables::Link;
use super::terminal::Terminal;
use super::view::CursorShape;

/// Everything a screen holds but its parser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as what they are")]
pub struct State {
    pub cols: usize,
    pub rows: usize,
    pub alternate: bool,
    pub primary: BufferState,
    pub secondary: BufferState,
    pub pen: String,
    pub charsets: String,
    pub glevel: u8,
    pub modes: ModesState,
    pub cursor_style: &'static str,
    pub cursor_blink: Option<bool>,
    pub mouse: String,
    pub kitty: KittyState,
    pub title: String,
    pub colors: BTreeMap<u16, String>,
    pub join: u8,
    /// What only xterm has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xterm: Option<String>,
}

/// One of the two buffers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "named as what they are")]
pub struct BufferState {
    pub base: usize,
    pub x: usize,
    pub y: usize,
    pub top: usize,
    pub bottom: usize,
    pub tabs: Vec<usize>,
    pub saved: SavedState,
    pub lines: Vec<String>,
    /// What lies beyond the last column, kept until the screen is wider again; empty when nothing does.
    pub hidden: Vec<String>,
}

/// What DECSC kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "named as what they are")]
pub struct SavedState {
    pub x: usize,
    pub y: usize,
    pub pen: String,
    pub charsets: String,
    pub glevel: u8,
    pub origin: bool,
    pub wrap: bool,
}

/// What is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as what they are")]
pub struct ModesState {
    pub application_cursor: bool,
    pub application_keypad: bool,
    pub bracketed_paste: bool,
    pub color_scheme: bool,
    pub cursor_hidden: bool,
    pub focus: bool,
    pub insert: bool,
    pub newline: bool,
    pub origin: bool,
    pub reverse_wrap: bool,
    pub synchronized: bool,
    pub wrap: bool,
}

/// The kitty keyboard protocol's flags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as what they are")]
pub struct KittyState {
    pub flags: u32,
    pub primary: u32,
    pub secondary: u32,
    pub primary_stack: Vec<u32>,
    pub secondary_stack: Vec<u32>,
}

/// The client's numbers for the three colours that are not in the palette.
const FOREGROUND: u16 = 256;

impl Screen {
    /// All that it holds.
    #[must_use]
    pub fn inspect(&self) -> State {
        let terminal = &self.terminal;
        let (modes, keyboard) = (&terminal.modes, &terminal.keyboard);
        State {
            cols: terminal.cols,
            rows: terminal.rows,
            alternate: terminal.is_alternate,
            primary: buffer(&terminal.primary, terminal),
            secondary: buffer(&terminal.alternate, terminal),
            pen: look(terminal.pen, terminal.tables.linked(terminal.pen.link), true),
            charsets: charsets(terminal.charsets),
            glevel: terminal.charsets.level(),
            modes: ModesState {
                application_cursor: modes.application_cursor,
                application_keypad: modes.application_keypad,
                bracketed_paste: modes.bracketed_paste,
                color_scheme: modes.color_scheme_updates,
                cursor_hidden: modes.cursor_hidden,
                focus: modes.focus_events,
                insert: modes.insert,
                newline: modes.newline,
                origin: modes.origin,
                reverse_wrap: modes.reverse_wrap,
                synchronized: modes.synchronized,
                wrap: modes.autowrap,
            },
            cursor_style: match modes.cursor_shape {
                CursorShape::Default => "default",
                CursorShape::Block => "block",
                CursorShape::Underline => "underline",
                CursorShape::Bar => "bar",
            },
            cursor_blink: modes.cursor_blink,
            mouse: mouse(modes.mouse, modes.mouse_encoding),
            kitty: KittyState {
                flags: keyboard.flags,
                primary: keyboard.primary,
                secondary: keyboard.alternate,
                primary_stack: keyboard.pushed.clone(),
                secondary_stack: keyboard.pushed_alternate.clone(),
            },
            title: terminal.title.as_ref().into(),
            colors: terminal.palette.changed().map(|(slot, rgb)| (index(slot), hex(rgb))).collect(),
            join: terminal.before.bits(),
            xterm: terminal.xterm.as_ref().map(|xterm| format!("{xterm:?}")),
        }
    }
}

fn buffer(buffer: &Buffer, terminal: &Terminal) -> BufferState {
    let scrollback = &buffer.scrollback;
    let mut lines: Vec<String> = (0..scrollback.len()).map(|index| packed(scrollback, index)).collect();
    match buffer.packed_rows() {
        Some(rows) => lines.extend((0..buffer.height).map(|y| packed(rows, y))),
        None => lines.extend(buffer.rows.iter().map(|each| row(each, 0..terminal.cols, terminal))),
    }
    let mut hidden = vec![String::new(); scrollback.len()];
    hidden.extend(buffer.rows.iter().map(|each| row(each, terminal.cols..each.len(), terminal)));
    if hidden.iter().all(String::is_empty) {
        hidden.clear();
    }
    let saved = &buffer.saved;
    BufferState {
        base: buffer.base(),
        x: buffer.x,
        y: buffer.y,
        top: buffer.top,
        bottom: buffer.bottom,
        tabs: buffer.tabs.stops().collect(),
        saved: SavedState {
            x: saved.x,
            y: saved.line.saturating_sub(buffer.base()),
            pen: saved_pen(saved.pen),
            charsets: charsets(saved.charsets),
            glevel: saved.charsets.level(),
            origin: saved.origin,
            wrap: saved.autowrap,
        },
        lines,
        hidden,
    }
}

fn saved_pen(pen: SavedPen) -> String {
    look(Attr { fg: pen.fg, bg: pen.bg & !bit::BG_EXTENDED, ext: 0, link: 0 }, None, false)
}

fn charsets(charsets: Charsets) -> String {
    let sets = charsets.sets();
    sets.iter().take(charsets.len().into()).map(|set| char::from(set.final_byte())).collect()
}

fn mouse(protocol: MouseProtocol, encoding: MouseEncoding) -> String {
    let protocol = match protocol {
        MouseProtocol::None => "NONE",
        MouseProtocol::X10 => "X10",
        MouseProtocol::Vt200 => "VT200",
        MouseProtocol::Drag => "DRAG",
        MouseProtocol::Any => "ANY",
    };
    let encoding = match encoding {
        MouseEncoding::Default => "DEFAULT",
        MouseEncoding::Sgr => "SGR",
        MouseEncoding::SgrPixels => "SGR_PIXELS",
    };
    format!("{protocol} {encoding}")
}

fn index(slot: Slot) -> u16 {
    match slot {
        Slot::Indexed(index) => index.into(),
        Slot::Foreground => FOREGROUND,
        Slot::Background => FOREGROUND + 1,
        Slot::Cursor => FOREGROUND + 2,
        Slot::Special(index) => FOREGROUND + 3 + u16::from(index),
    }
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn packed(scrollback: &super::scrollback::Scrollback, index: usize) -> String {
    let mut line = Line::default();
    let wrapped = scrollback.visit(index, |shown| match shown {
        Shown::Look(attr, link) => line.look(look(attr, link, false)),
        Shown::Char(c, width) => line.text(c.encode_utf8(&mut [0; 4]), width),
        Shown::Cluster(text, width) => line.cluster(text, width),
        Shown::Empty(count) => (0..count).for_each(|_| line.empty()),
        Shown::Tail => line.push("\u{1}"),
    });
    line.finish(wrapped)
}

/// The cells of a row in those columns.
fn row(row: &Row, columns: Range<usize>, terminal: &Terminal) -> String {
    let mut line = Line::default();
    let mut style = None;
    for &cell in row.used().iter().take(columns.end).skip(columns.start) {
        if style != Some(cell.style) {
            style = Some(cell.style);
            let attr = terminal.tables.look(cell.style);
            line.look(look(attr, terminal.tables.linked(attr.link), false));
        }
        match cell.content() {
            Content::Empty if cell == Cell::tail(cell.style) => line.push("\u{1}"),
            Content::Empty if cell == Cell::empty(cell.style) => line.empty(),
            Content::Empty => line.cluster("", cell.width()),
            Content::Char(c) => line.text(c.encode_utf8(&mut [0; 4]), cell.width()),
            Content::Cluster(name) => line.cluster(terminal.tables.cluster_text(name), cell.width()),
        }
    }
    line.finish(row.wrapped && columns.start == 0)
}

const PLAIN: &str = "-,-,";

/// A line being written.
#[derive(Default)]
struct Line {
    text: String,
    /// Of the cells that come now.
    look: String,
    /// Of those before them.
    written: String,
    /// How long the text is without the empty cells of the default look that end it.
    end: usize,
}

impl Line {
    fn look(&mut self, look: String) {
        self.look = look;
    }

    fn push(&mut self, cell: &str) {
        self.begin();
        self.text.push_str(cell);
        self.end = self.text.len();
    }

    fn text(&mut self, text: &str, width: u8) {
        if width == 1 { self.push(text) } else { self.cluster(text, width) }
    }

    fn cluster(&mut self, text: &str, width: u8) {
        self.push(&format!("\u{2}{width}{text}\u{3}"));
    }

    fn empty(&mut self) {
        self.begin();
        self.text.push('\0');
        if self.look != PLAIN {
            self.end = self.text.len();
        }
    }

    fn begin(&mut self) {
        if self.look.is_empty() {
            self.look = PLAIN.into();
        }
        if self.look != self.written {
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{{{}}}", self.look);
            self.written.clone_from(&self.look);
        }
    }

    fn finish(mut self, wrapped: bool) -> String {
        self.text.truncate(self.end);
        if wrapped {
            self.text.insert(0, '+');
        }
        self.text
    }
}

/// A look in words. A `pen`'s underline has a colour also while nothing is underlined.
fn look(attr: Attr, link: Option<&Link>, pen: bool) -> String {
    let mut text = format!("{},{},", color(attr.fg), color(attr.bg));
    for (word, bit, letter) in [
        (attr.fg, bit::FG_BOLD, 'B'),
        (attr.fg, bit::FG_BLINK, 'K'),
        (attr.fg, bit::FG_INVERSE, 'V'),
        (attr.fg, bit::FG_INVISIBLE, 'H'),
        (attr.fg, bit::FG_STRIKETHROUGH, 'S'),
        (attr.bg, bit::BG_DIM, 'D'),
        (attr.bg, bit::BG_ITALIC, 'I'),
        (attr.bg, bit::BG_OVERLINE, 'O'),
        (attr.bg, bit::BG_PROTECTED, 'P'),
    ] {
        if word & bit != 0 {
            text.push(letter);
        }
    }
    let underlined = attr.fg & bit::FG_UNDERLINE != 0;
    let extended = attr.bg & bit::BG_EXTENDED != 0;
    // Writing to a String cannot fail.
    if underlined {
        let _ = write!(text, ",u{}", if extended { (attr.ext & bit::EXT_STYLE) >> bit::EXT_STYLE_SHIFT } else { 1 });
    }
    if (pen || underlined && extended) && attr.ext & COLOR != 0 {
        let _ = write!(text, ",c{}", color(attr.ext));
    }
    if extended && let Some(link) = link {
        let id = link.id.as_deref().filter(|id| !id.starts_with(':')).unwrap_or_default();
        let _ = write!(text, ",l{id};{}", link.uri);
    }
    text
}

fn color(word: u32) -> String {
    let [value, green, red, _] = word.to_le_bytes();
    match (word & COLOR_KIND) >> 24 {
        0 => "-".into(),
        1 => format!("a{value}"),
        2 => format!("p{value}"),
        _ => hex([red, green, value]),
    }
}
