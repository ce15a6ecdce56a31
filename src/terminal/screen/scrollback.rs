//! The lines above the screen, packed: text as UTF-8 and runs of one look, about a byte a character.
//!
//! Looks are kept by value and links by reference here, so that nothing in it has to be visited when the screen's
//! tables are swept.

use std::collections::VecDeque;

use super::attr::{Attr, LinkId};
use super::cell::{Cell, Content, StyleId};
use super::row::Row;
use super::tables::{Link, Tables};

/// Lines of a page, the unit that is given back.
const PAGE_LINES: usize = 64;
/// Cells of a run: a cluster is at most 260 bytes, and a run's length has two.
const RUN_CELLS_MAX: usize = 240;
/// Bytes of the links that all lines may hold; beyond, text is no link.
const LINK_BYTES_MAX: usize = 4 * 1024 * 1024;

// What is in a cell, where it is not one UTF-8 character one column wide. No character below a space is ever shown.
const EMPTY: u8 = 0x00;
/// A character and the cell that is its second half.
const WIDE: u8 = 0x01;
const TAIL: u8 = 0x02;
/// Width, length in two bytes, UTF-8.
const CLUSTER: u8 = 0x03;
/// Width, character.
const ODD: u8 = 0x04;
/// Count: that many empty cells.
const EMPTIES: u8 = 0x05;

const WRAPPED: u8 = 1;

const HAS_FG: u8 = 1;
const HAS_BG: u8 = 2;
const HAS_EXT: u8 = 4;
const HAS_LINK: u8 = 8;

/// Packed lines, oldest first.
#[derive(Default)]
pub(super) struct Scrollback {
    pages: VecDeque<Page>,
    /// Lines of the first page that were dropped.
    dropped: usize,
    len: usize,
    link_bytes: usize,
}

#[derive(Default)]
struct Page {
    bytes: Vec<u8>,
    /// Where each line begins.
    starts: Vec<u32>,
    links: Vec<Link>,
}

impl Scrollback {
    /// How many lines there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Adds a line below the others.
    pub(super) fn push(&mut self, row: &Row, tables: &Tables) {
        if self.pages.back().is_none_or(|page| page.starts.len() == PAGE_LINES) {
            if let Some(full) = self.pages.back_mut() {
                full.bytes.shrink_to_fit();
            }
            self.pages.push_back(Page { starts: Vec::with_capacity(PAGE_LINES), ..Page::default() });
        }
        let Some(page) = self.pages.back_mut() else { return };
        page.starts.push(u32::try_from(page.bytes.len()).unwrap_or(u32::MAX));
        pack(row, tables, page, &mut self.link_bytes);
        self.len += 1;
    }

    /// Drops the oldest lines beyond `max`.
    pub(super) fn trim(&mut self, max: usize) {
        while self.len > max {
            self.len -= 1;
            self.dropped += 1;
            if self.dropped == PAGE_LINES || self.len == 0 {
                if let Some(page) = self.pages.pop_front() {
                    self.link_bytes -= page.link_bytes();
                }
                self.dropped = 0;
            }
        }
    }

    /// The line `index`, from the oldest, no longer continues the one before.
    pub(super) fn end_wrap_at(&mut self, index: usize) {
        let at = index + self.dropped;
        if index < self.len
            && let Some(page) = self.pages.get_mut(at / PAGE_LINES)
            && let Some(&start) = page.starts.get(at % PAGE_LINES)
            && let Some(flags) = page.bytes.get_mut(start as usize)
        {
            *flags &= !WRAPPED;
        }
    }

    /// Takes the newest line back.
    pub(super) fn pop(&mut self, cols: usize, tables: &mut Tables) -> Option<Row> {
        let row = self.row(self.len.checked_sub(1)?, cols, tables)?;
        let page = self.pages.back_mut()?;
        let start = page.starts.pop()?;
        page.bytes.truncate(start as usize);
        self.len -= 1;
        if page.starts.is_empty() || self.len == 0 {
            self.link_bytes -= page.link_bytes();
            self.pages.pop_back();
        }
        if self.len == 0 {
            self.dropped = 0;
        }
        Some(row)
    }

    /// The line `index`, from the oldest, as a row of `cols`.
    pub(super) fn row(&self, index: usize, cols: usize, tables: &mut Tables) -> Option<Row> {
        let (page, packed) = self.packed(index)?;
        let mut cells = Vec::with_capacity(cols);
        let mut style = 0;
        let wrapped = visit(page, packed, |piece| match piece {
            Piece::Look(look) => {
                let look = named(look, page, tables);
                style = tables.style(look);
            }
            Piece::Char(c, width) => cells.push(Cell::new(c, width, style)),
            Piece::Cluster(text, width) => cells.push(Cell::cluster(tables.cluster(text), width, style)),
            Piece::Empty(count) => cells.extend(std::iter::repeat_n(Cell::empty(style), count)),
            Piece::Tail => cells.push(Cell::tail(style)),
        });
        Some(Row::from_cells(cells, cols, wrapped))
    }

    /// Hands out the line `index` piece by piece, and returns whether it continues the line before.
    pub(super) fn visit<'a>(&'a self, index: usize, mut each: impl FnMut(Shown<'a>)) -> bool {
        let Some((page, packed)) = self.packed(index) else { return false };
        visit(page, packed, |piece| {
            each(match piece {
                Piece::Look((look, link)) => Shown::Look(look, link.and_then(|link| page.links.get(link))),
                Piece::Char(c, width) => Shown::Char(c, width),
                Piece::Cluster(text, width) => Shown::Cluster(text, width),
                Piece::Empty(count) => Shown::Empty(count),
                Piece::Tail => Shown::Tail,
            });
        })
    }

    fn packed(&self, index: usize) -> Option<(&Page, &[u8])> {
        if index >= self.len {
            return None;
        }
        let at = index + self.dropped;
        let page = self.pages.get(at / PAGE_LINES)?;
        let line = at % PAGE_LINES;
        let start = *page.starts.get(line)? as usize;
        let end = page.starts.get(line + 1).map_or(page.bytes.len(), |&next| next as usize);
        Some((page, page.bytes.get(start..end)?))
    }

    /// Gives back what is kept for growth.
    pub(super) fn shrink(&mut self) {
        for page in &mut self.pages {
            page.bytes.shrink_to_fit();
        }
        self.pages.shrink_to_fit();
    }
}

impl Page {
    fn link_bytes(&self) -> usize {
        self.links.iter().map(bytes_of).sum()
    }
}

fn bytes_of(link: &Link) -> usize {
    link.uri.len() + link.id.as_ref().map_or(0, |id| id.len())
}

/// A piece of a line, for those who show it.
pub(super) enum Shown<'a> {
    /// What follows looks like this and leads there.
    Look(Attr, Option<&'a Link>),
    Char(char, u8),
    Cluster(&'a str, u8),
    Empty(usize),
    Tail,
}

/// A look, and the place of its link in the page's list.
type PackedLook = (Attr, Option<usize>);

/// A piece of a packed line. A look's link is a place in the page's list.
enum Piece<'a> {
    Look(PackedLook),
    Char(char, u8),
    Cluster(&'a str, u8),
    Empty(usize),
    Tail,
}

fn named((look, link): (Attr, Option<usize>), page: &Page, tables: &mut Tables) -> Attr {
    let link = link.and_then(|link| page.links.get(link));
    let link: LinkId = link.map_or(0, |link| tables.link(link.id.as_deref(), &link.uri));
    Attr { link, ..look }
}

/// Lines are `[flags]` and then runs: `[bytes of text, u16][which words][words][text]`.
fn pack(row: &Row, tables: &Tables, page: &mut Page, link_bytes: &mut usize) {
    page.bytes.push(if row.wrapped { WRAPPED } else { 0 });
    let used = row.used();
    let end = used.iter().rposition(|cell| *cell != Cell::BLANK).map_or(0, |last| last + 1);
    let mut rest = &used[..end];
    while let Some(first) = rest.first() {
        let head = page.bytes.len();
        page.bytes.extend_from_slice(&[0, 0]);
        pack_look(tables.look(first.style), tables, page, link_bytes);
        let text = page.bytes.len();
        rest = pack_run(rest, first.style, tables, &mut page.bytes);
        let len = u16::try_from(page.bytes.len() - text).unwrap_or(u16::MAX);
        page.bytes[head..head + 2].copy_from_slice(&len.to_le_bytes());
    }
}

/// Packs what the cells look like alike at the beginning of `cells`; the cells after that.
fn pack_run<'a>(cells: &'a [Cell], style: StyleId, tables: &Tables, out: &mut Vec<u8>) -> &'a [Cell] {
    // Mostly all of it is ASCII: then one look at each cell is enough.
    let mut ascii = [0; RUN_CELLS_MAX];
    let mut len = 0;
    for (cell, place) in cells.iter().zip(&mut ascii) {
        if cell.style != style || cell.as_ascii().is_none() {
            break;
        }
        *place = cell.low_byte();
        len += 1;
    }
    out.extend_from_slice(&ascii[..len]);
    let (run, after) = cells[len..]
        .split_at(cells[len..].iter().take(RUN_CELLS_MAX - len).take_while(|cell| cell.style == style).count());
    if !run.is_empty() {
        pack_text(run, tables, out);
    }
    after
}

fn pack_look(look: Attr, tables: &Tables, page: &mut Page, link_bytes: &mut usize) {
    let link = tables.linked(look.link).and_then(|link| {
        let known = page.links.iter().rposition(|known| known == link);
        known.or_else(|| {
            let bytes = bytes_of(link);
            if *link_bytes + bytes > LINK_BYTES_MAX || page.links.len() > usize::from(u16::MAX) {
                return None;
            }
            *link_bytes += bytes;
            page.links.push(link.clone());
            Some(page.links.len() - 1)
        })
    });
    let which = page.bytes.len();
    page.bytes.push(0);
    for (word, bit) in [(look.fg, HAS_FG), (look.bg, HAS_BG), (look.ext, HAS_EXT)] {
        if word != 0 {
            page.bytes[which] |= bit;
            page.bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
    if let Some(link) = link {
        page.bytes[which] |= HAS_LINK;
        page.bytes.extend_from_slice(&u16::try_from(link).unwrap_or(u16::MAX).to_le_bytes());
    }
}

fn pack_text(run: &[Cell], tables: &Tables, out: &mut Vec<u8>) {
    let mut rest = run;
    loop {
        let ascii = rest.iter().position(|cell| cell.as_ascii().is_none()).unwrap_or(rest.len());
        let (text, others) = rest.split_at(ascii);
        out.extend(text.iter().map(|cell| cell.low_byte()));
        if others.is_empty() {
            return;
        }
        rest = pack_other(others, tables, out);
    }
}

/// Packs what the first cell, which is not ASCII, is part of; the cells after that.
fn pack_other<'a>(cells: &'a [Cell], tables: &Tables, out: &mut Vec<u8>) -> &'a [Cell] {
    let Some((&cell, rest)) = cells.split_first() else { return cells };
    let width = cell.width();
    let utf8 = &mut [0; 4];
    match cell.content() {
        Content::Empty if cell.is_tail() => out.push(TAIL),
        Content::Empty => {
            let more = rest.iter().take(usize::from(u8::MAX) - 1).take_while(|&&next| next == cell).count();
            match u8::try_from(more + 1) {
                Ok(count @ 2..) => out.extend_from_slice(&[EMPTIES, count]),
                _ => out.push(EMPTY),
            }
            return &rest[more..];
        }
        Content::Char(c) if width == 1 && c >= ' ' => out.extend_from_slice(c.encode_utf8(utf8).as_bytes()),
        Content::Char(c) if width == 2 && rest.first().is_some_and(|next| next.is_tail()) => {
            out.push(WIDE);
            out.extend_from_slice(c.encode_utf8(utf8).as_bytes());
            return &rest[1..];
        }
        Content::Char(c) => {
            out.extend_from_slice(&[ODD, width]);
            out.extend_from_slice(c.encode_utf8(utf8).as_bytes());
        }
        Content::Cluster(name) => {
            let text = tables.cluster_text(name);
            let len = u16::try_from(text.len()).unwrap_or(0);
            out.extend_from_slice(&[CLUSTER, width]);
            out.extend_from_slice(&len.to_le_bytes());
            out.extend_from_slice(&text.as_bytes()[..usize::from(len)]);
        }
    }
    rest
}

/// Reads a packed line. What [`pack`] wrote is always whole; anything else ends the line.
fn visit<'a>(page: &'a Page, packed: &'a [u8], mut each: impl FnMut(Piece<'a>)) -> bool {
    let mut reader = Reader(packed);
    let wrapped = reader.byte() == Some(WRAPPED);
    while let Some((look, text)) = reader.run() {
        each(Piece::Look((look.0, look.1.filter(|&link| link < page.links.len()))));
        let mut text = Reader(text);
        while text.piece(&mut each).is_some() {}
    }
    wrapped
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn word(&mut self, present: bool) -> Option<u32> {
        if present { Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?)) } else { Some(0) }
    }

    fn run(&mut self) -> Option<(PackedLook, &'a [u8])> {
        let len = usize::from(self.u16()?);
        let which = self.byte()?;
        let (fg, bg, ext) =
            (self.word(which & HAS_FG != 0)?, self.word(which & HAS_BG != 0)?, self.word(which & HAS_EXT != 0)?);
        let link = if which & HAS_LINK != 0 { Some(usize::from(self.u16()?)) } else { None };
        Some(((Attr { fg, bg, ext, link: 0 }, link), self.take(len)?))
    }

    fn char(&mut self) -> Option<char> {
        let len = match *self.0.first()? {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        std::str::from_utf8(self.take(len)?).ok()?.chars().next()
    }

    fn piece(&mut self, each: &mut impl FnMut(Piece<'a>)) -> Option<()> {
        match *self.0.first()? {
            EMPTY => each(Piece::Empty(self.byte().map(|_| 1)?)),
            EMPTIES => {
                self.byte()?;
                each(Piece::Empty(usize::from(self.byte()?)));
            }
            TAIL => {
                self.byte()?;
                each(Piece::Tail);
            }
            WIDE => {
                self.byte()?;
                each(Piece::Char(self.char()?, 2));
                each(Piece::Tail);
            }
            ODD => {
                self.byte()?;
                let width = self.byte()?;
                each(Piece::Char(self.char()?, width));
            }
            CLUSTER => {
                self.byte()?;
                let width = self.byte()?;
                let len = usize::from(self.u16()?);
                each(Piece::Cluster(std::str::from_utf8(self.take(len)?).ok()?, width));
            }
            _ => each(Piece::Char(self.char()?, 1)),
        }
        Some(())
    }
}
