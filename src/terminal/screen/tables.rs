//! What cells only name: looks, clusters of code points, hyperlinks. Each is kept once.
//!
//! What no cell names any more is freed by a sweep: counting references would cost every cell written, a sweep costs
//! a look at the cells once in as many new entries as were alive after the last one.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::attr::{Attr, LinkId};
use super::cell::{Cell, Content, StyleId};

/// A sweep is not worth its while below this many entries.
const SWEEP_MIN: usize = 1024;
/// Looks found without hashing; a power of two. A program rarely has more in use.
const RECENT: usize = 256;
/// Bytes of the longest cluster. Ten times what the longest emoji sequence needs; more combining marks on one
/// character are dropped.
const CLUSTER_BYTES_MAX: usize = 256;
/// Bytes of the longest address a cell may lead to: what browsers take, and more. Longer ones are text without a link.
const URI_BYTES_MAX: usize = 8 * 1024;
/// Bytes of all links a screen may hold; beyond, text is no link.
const LINK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A hyperlink (OSC 8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    /// Cells of one id belong together, wherever they are.
    pub(super) id: Option<Arc<str>>,
    pub(super) uri: Arc<str>,
}

/// All that the cells of one screen name.
pub(super) struct Tables {
    looks: Interned<Attr>,
    recent: Box<[StyleId; RECENT]>,
    clusters: Interned<Box<str>>,
    links: Interned<Link>,
    /// Makes each link without an id one of its own, as the client does.
    anonymous: u64,
    link_bytes: usize,
    sweep_at: usize,
}

/// Values by name and names by value. Names are small and are given again once freed. The hash is seeded at random, so
/// a program cannot choose values that collide, and three times as fast as std's: a log in true colour looks up one
/// every few bytes.
struct Interned<T> {
    values: Vec<Option<T>>,
    names: HashMap<T, u32, RandomState>,
    free: Vec<u32>,
}

/// Who is still named: filled by the cells before a sweep.
pub(super) struct Marks {
    looks: Vec<bool>,
    clusters: Vec<bool>,
    /// The last look marked: neighbours mostly look alike.
    last: StyleId,
}

impl Default for Tables {
    fn default() -> Self {
        let mut looks = Interned::default();
        looks.name(Attr::default()); // 0
        let mut links = Interned::default();
        links.name(Link { id: None, uri: "".into() }); // 0: none
        Self {
            looks,
            recent: Box::new([0; RECENT]),
            clusters: Interned::default(),
            links,
            anonymous: 0,
            link_bytes: 0,
            sweep_at: SWEEP_MIN,
        }
    }
}

impl Tables {
    /// The name of a look.
    pub(super) fn style(&mut self, look: Attr) -> StyleId {
        let mixed = look.fg ^ look.bg.rotate_left(13) ^ look.ext.rotate_left(7) ^ look.link.wrapping_mul(0x9e37_79b9);
        let slot = (mixed.wrapping_mul(0x9e37_79b9) >> 24) as usize % RECENT;
        let recent = self.recent[slot];
        if self.looks.get(recent) == Some(&look) {
            return recent;
        }
        let name = self.looks.name(look);
        self.recent[slot] = name;
        name
    }

    /// The look of that name.
    pub(super) fn look(&self, style: StyleId) -> Attr {
        self.looks.get(style).copied().unwrap_or_default()
    }

    /// The name of a cluster of code points, which a cell keeps.
    pub(super) fn cluster(&mut self, text: &str) -> u32 {
        match self.clusters.names.get(text) {
            Some(&name) => name,
            None => self.clusters.name(text.into()),
        }
    }

    pub(super) fn cluster_text(&self, name: u32) -> &str {
        self.clusters.get(name).map_or("", |text| text)
    }

    /// `cell` with `c` joined to what is in it. Past the bound a cluster no longer grows.
    pub(super) fn joined(&mut self, cell: Cell, c: char, width: u8) -> Cell {
        let width = if width == 0 { cell.width() } else { width };
        let mut text = String::new();
        match cell.content() {
            // The client's own way with a character that joins nothing.
            Content::Empty => return Cell::new(c, if width == 0 { 1 } else { width }, cell.style),
            Content::Char(first) => text.push(first),
            Content::Cluster(name) => text.push_str(self.cluster_text(name)),
        }
        if text.len() + c.len_utf8() <= CLUSTER_BYTES_MAX {
            text.push(c);
        }
        Cell::cluster(self.cluster(&text), width, cell.style)
    }

    /// The text of `cell`; empty when there is none.
    pub(super) fn push_text(&self, cell: Cell, out: &mut String) {
        match cell.content() {
            Content::Empty => {}
            Content::Char(c) => out.push(c),
            Content::Cluster(name) => out.push_str(self.cluster_text(name)),
        }
    }

    /// The name of a link, or 0 when it cannot be kept.
    pub(super) fn link(&mut self, id: Option<&str>, uri: &str) -> LinkId {
        let bytes = uri.len() + id.map_or(0, str::len);
        if bytes > URI_BYTES_MAX {
            return 0;
        }
        let id = match id {
            Some(id) => id.into(),
            None => {
                self.anonymous += 1;
                // No program's id can be this one: it would end the parameter.
                Arc::from(format!(":{}", self.anonymous))
            }
        };
        let link = Link { id: Some(id), uri: uri.into() };
        if let Some(&name) = self.links.names.get(&link) {
            return name;
        }
        if self.link_bytes + bytes > LINK_BYTES_MAX {
            return 0;
        }
        self.link_bytes += bytes;
        self.links.name(link)
    }

    /// The link of that name.
    pub(super) fn linked(&self, name: LinkId) -> Option<&Link> {
        if name == 0 { None } else { self.links.get(name) }
    }

    /// Whether enough has come for a sweep to be worth its while.
    pub(super) fn wants_sweep(&self) -> bool {
        self.looks.len() + self.clusters.len() > self.sweep_at || self.link_bytes > LINK_BYTES_MAX / 2
    }

    /// Marks for [`Tables::sweep`], with nothing marked but the default look.
    pub(super) fn marks(&self) -> Marks {
        let mut looks = vec![false; self.looks.values.len()];
        looks[0] = true;
        Marks { looks, clusters: vec![false; self.clusters.values.len()], last: 0 }
    }

    /// Frees what is not marked, and the links that only freed looks had. `pen` is kept too.
    pub(super) fn sweep(&mut self, marks: &Marks, pen: Attr) {
        self.looks.retain(&marks.looks);
        self.clusters.retain(&marks.clusters);
        let mut links = vec![false; self.links.values.len()];
        links[0] = true;
        for look in self.looks.values.iter().flatten().chain([&pen]) {
            if let Some(named) = links.get_mut(look.link as usize) {
                *named = true;
            }
        }
        self.links.retain(&links);
        self.link_bytes = self
            .links
            .values
            .iter()
            .flatten()
            .map(|link| link.uri.len() + link.id.as_ref().map_or(0, |id| id.len()))
            .sum();
        self.recent.fill(0);
        self.sweep_at = (2 * (self.looks.len() + self.clusters.len())).max(SWEEP_MIN);
    }

    /// How many looks, clusters and links are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> [usize; 3] {
        [self.looks.len(), self.clusters.len(), self.links.len()]
    }
}

impl Marks {
    pub(super) fn mark(&mut self, cell: Cell) {
        if cell.style != self.last {
            self.last = cell.style;
            if let Some(mark) = self.looks.get_mut(cell.style as usize) {
                *mark = true;
            }
        }
        if let Content::Cluster(name) = cell.content()
            && let Some(mark) = self.clusters.get_mut(name as usize)
        {
            *mark = true;
        }
    }
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), names: HashMap::default(), free: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn get(&self, name: u32) -> Option<&T> {
        self.values.get(name as usize)?.as_ref()
    }

    fn len(&self) -> usize {
        self.names.len()
    }

    fn name(&mut self, value: T) -> u32 {
        if let Some(&name) = self.names.get(&value) {
            return name;
        }
        let name = self.free.pop().unwrap_or_else(|| {
            self.values.push(None);
            // A screen has at most two million cells, and what they do not name is swept.
            u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
        });
        self.values[name as usize] = Some(value.clone());
        self.names.insert(value, name);
        name
    }

    fn retain(&mut self, marked: &[bool]) {
        for (name, value) in (0..).zip(&mut self.values) {
            if !marked.get(name as usize).copied().unwrap_or(false)
                && let Some(value) = value.take()
            {
                self.names.remove(&value);
                self.free.push(name);
            }
        }
        while self.values.last().is_some_and(Option::is_none) {
            self.values.pop();
        }
        self.free.retain(|&name| (name as usize) < self.values.len());
        self.values.shrink_to(self.values.len() * 2);
        self.names.shrink_to(self.names.len() * 2);
        self.free.shrink_to_fit();
    }
}
