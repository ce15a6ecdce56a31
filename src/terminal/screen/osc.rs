//! Operating system commands: title, colours, links, working directory, clipboard.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Clipboard;
use super::palette::{self, Slot};
use super::terminal::Terminal;

/// Bytes of a title that are kept: longer than any bar shows.
const TITLE_BYTES_MAX: usize = 4096;
/// Titles that a program may push: xterm.js's number.
const TITLES_PUSHED_MAX: usize = 10;
/// Bytes of a working directory: Linux's `PATH_MAX`.
const CWD_BYTES_MAX: usize = 4096;
/// Bytes of text that a program may put on a clipboard at once: what a person would look at before agreeing.
const CLIPBOARD_BYTES_MAX: usize = 100 * 1024;

impl Terminal {
    /// A whole command: its number, and what follows that.
    pub(super) fn command(&mut self, number: u32, data: &[u8]) {
        // What the parser hands over was made of characters.
        let Ok(data) = std::str::from_utf8(data) else { return };
        match number {
            0 | 2 => self.title = cut(data, TITLE_BYTES_MAX).into(),
            4 => self.indexed_colors(data),
            7 => self.working_directory(data),
            8 => self.hyperlink(data),
            10..=12 => self.special_colors(number, data),
            52 => self.clipboard_write(data),
            104 => self.restore_colors(data),
            110 => self.palette.restore(Slot::Foreground),
            111 => self.palette.restore(Slot::Background),
            112 => self.palette.restore(Slot::Cursor),
            _ => self.xterm_command(number, data),
        }
    }

    /// XTWINOPS 22: the title may be wanted again.
    pub(super) fn push_title(&mut self) {
        self.titles_pushed.push(Arc::clone(&self.title));
        if self.titles_pushed.len() > TITLES_PUSHED_MAX {
            self.titles_pushed.remove(0);
        }
    }

    /// XTWINOPS 23.
    pub(super) fn pop_title(&mut self) {
        if let Some(title) = self.titles_pushed.pop() {
            self.title = title;
        }
    }

    fn indexed_colors(&mut self, data: &str) {
        let mut parts = data.split(';');
        while let (Some(index), Some(spec)) = (parts.next(), parts.next()) {
            let Some(slot) = indexed(index).or_else(|| self.special_slot(index)) else { continue };
            let number = slot.number();
            self.set_color(slot, spec, &format!("4;{number}"));
        }
    }

    /// OSC 10 names the foreground, and what follows the next ones.
    fn special_colors(&mut self, first: u32, data: &str) {
        let slots = [Slot::Foreground, Slot::Background, Slot::Cursor];
        let skipped = usize::try_from(first - 10).unwrap_or(0);
        for (slot, spec) in slots.into_iter().skip(skipped).zip(data.split(';')) {
            self.set_color(slot, spec, &slot.number().to_string());
        }
    }

    /// Sets a colour, or tells it to who asks for it by `number`.
    pub(super) fn set_color(&mut self, slot: Slot, spec: &str, number: &str) {
        if spec == "?" {
            self.report_color(slot, number);
        } else if let Some(color) = palette::parse(spec).or_else(|| self.color_of_space(spec)) {
            self.palette.set(slot, color);
        }
    }

    fn restore_colors(&mut self, data: &str) {
        if data.is_empty() {
            self.palette.restore_indexed();
        }
        for slot in data.split(';').filter_map(indexed) {
            self.palette.restore(slot);
        }
    }

    /// OSC 8: `parameters;address`; an empty address ends the link.
    fn hyperlink(&mut self, data: &str) {
        let Some((parameters, uri)) = data.split_once(';') else { return };
        let mut pen = self.pen;
        if uri.is_empty() {
            if !parameters.trim().is_empty() {
                return;
            }
            pen.set_link(0);
        } else {
            let id = parameters.trim().split(':').find_map(|parameter| parameter.strip_prefix("id="));
            pen.set_link(self.tables.link(id.filter(|id| !id.is_empty()), uri));
        }
        self.set_pen(pen);
    }

    /// OSC 7: `file://host/path`, escaped as addresses are.
    fn working_directory(&mut self, data: &str) {
        let Some(path) = data.strip_prefix("file://").and_then(|rest| Some(&rest[rest.find('/')?..])) else { return };
        let mut bytes = Vec::with_capacity(path.len());
        let mut rest = path.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            let digits = after.get(..2).filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
            let escaped = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(escaped) => {
                    bytes.push(escaped);
                    rest = &after[2..];
                }
                None => {
                    bytes.push(byte);
                    rest = after;
                }
            }
        }
        match String::from_utf8(bytes) {
            Ok(path) if path.len() <= CWD_BYTES_MAX && !path.contains(char::is_control) => self.cwd = Some(path.into()),
            _ => {}
        }
    }

    /// OSC 52: `clipboards;base64`. Asking for what is on the clipboard (`?`) is refused by silence: programs must
    /// not read what people copied.
    fn clipboard_write(&mut self, data: &str) {
        let Some((selection, encoded)) = data.split_once(';') else { return };
        let is_known = |c: char| matches!(c, 'c' | 'p' | 'q' | 's' | '0'..='7');
        if !selection.chars().all(is_known) || selection.len() > 12 || encoded.len() > CLIPBOARD_BYTES_MAX / 3 * 4 + 4 {
            return;
        }
        let Some(text) = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { return };
        let count = self.clipboard.as_ref().map_or(0, |clipboard| clipboard.count + 1);
        self.clipboard = Some(Arc::new(Clipboard { count, selection: selection.into(), text }));
    }
}

fn indexed(index: &str) -> Option<Slot> {
    let is_number = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| index.parse().ok().map(Slot::Indexed)).flatten()
}

/// `text` up to `max` bytes, without its control characters.
fn cut(text: &str, max: usize) -> String {
    let mut kept: String = text.chars().filter(|c| !c.is_control()).collect();
    while kept.len() > max {
        kept.pop();
    }
    kept
}
