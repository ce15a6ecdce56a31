//! Rows as runs of one look, for those who render them.

use std::sync::Arc;

use super::attr::Attr;
use super::cell::{Cell, Content};
use super::scrollback::{Scrollback, Shown};
use super::style::Style;
use super::tables::Link;
use super::terminal::Terminal;
use super::view::{Line, Run};

/// Row `y` of the screen shown.
pub(super) fn row(terminal: &Terminal, y: usize) -> Line {
    let buffer = terminal.buffer();
    if let Some(packed) = buffer.packed_rows() {
        return self::packed(packed, y);
    }
    let Some(row) = buffer.rows.get(y) else { return Line { wrapped: false, runs: Vec::new() } };
    let mut line = Builder::default();
    let mut style = None;
    for &cell in row.used().iter().take(terminal.cols) {
        if style != Some(cell.style) {
            style = Some(cell.style);
            let look = terminal.tables.look(cell.style);
            line.look(look, terminal.tables.linked(look.link));
        }
        line.cell(cell, |name| terminal.tables.cluster_text(name));
    }
    line.finish(row.wrapped)
}

/// The packed line `index`.
pub(super) fn packed(scrollback: &Scrollback, index: usize) -> Line {
    let mut line = Builder::default();
    let wrapped = scrollback.visit(index, |shown| match shown {
        Shown::Look(look, link) => line.look(look, link),
        Shown::Char(c, width) => line.text(c.encode_utf8(&mut [0; 4]), width),
        Shown::Cluster(text, width) => line.text(text, width),
        Shown::Empty(count) => (0..count).for_each(|_| line.text(" ", 1)),
        Shown::Tail => line.tail(),
    });
    line.finish(wrapped)
}

#[derive(Default)]
struct Builder {
    runs: Vec<Run>,
    style: Style,
    link: Option<Arc<str>>,
    /// The last cell was the first half of a wide character.
    is_open: bool,
}

impl Builder {
    fn look(&mut self, look: Attr, link: Option<&Link>) {
        self.style = look.style();
        self.link = link.map(|link| Arc::clone(&link.uri));
    }

    fn cell<'a>(&mut self, cell: Cell, cluster: impl Fn(u32) -> &'a str) {
        match cell.content() {
            Content::Empty if cell.is_tail() => self.tail(),
            Content::Empty => self.text(" ", 1),
            Content::Char(c) => self.text(c.encode_utf8(&mut [0; 4]), cell.width()),
            Content::Cluster(name) => self.text(cluster(name), cell.width()),
        }
    }

    /// One cell. The client's rows can have a wide character's half without the other one; each is one column then.
    fn text(&mut self, text: &str, width: u8) {
        self.is_open = width == 2;
        match self.runs.last_mut() {
            Some(run) if run.style == self.style && run.link == self.link => {
                run.text.push_str(text);
                run.cols += 1;
            }
            _ => self.runs.push(Run { text: text.into(), cols: 1, style: self.style, link: self.link.clone() }),
        }
    }

    fn tail(&mut self) {
        match self.runs.last_mut() {
            Some(run) if self.is_open => run.cols += 1,
            _ => self.text(" ", 1),
        }
        self.is_open = false;
    }

    /// Leaves out what looks like nothing at the end.
    fn finish(mut self, wrapped: bool) -> Line {
        while let Some(last) = self.runs.last_mut()
            && last.style == Style::default()
            && last.link.is_none()
        {
            let kept = last.text.trim_end_matches(' ').len();
            last.cols -= u16::try_from(last.text.len() - kept).unwrap_or(0);
            last.text.truncate(kept);
            if kept > 0 {
                break;
            }
            self.runs.pop();
        }
        Line { wrapped, runs: self.runs }
    }
}
