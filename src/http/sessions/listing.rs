//! The list of sessions as JSON, kept as it was last written: pages and programs ask for it often, and mostly nothing of
//! it is new. Where something is, only that is written anew.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;

use super::object::SessionObject;
use crate::registry::Registry;
use crate::session::{Principal, Session, SessionId};

/// Most bytes of all lists that are kept: some times what the sessions of a full server take. Beyond it only the newest
/// list is, and the others are written anew when they are asked for.
const LISTS_BYTES_MAX: usize = 16 << 20;
/// Bytes that a session usually takes in a list.
const USUAL_BYTES: usize = 640;

/// The lists as they were last written, each of one owner's sessions.
#[derive(Default)]
pub(crate) struct Listing(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    by_owner: HashMap<Principal, Arc<List>>,
    bytes: usize,
}

/// A JSON array, and what it tells of.
struct List {
    json: Bytes,
    entries: Vec<Entry>,
}

/// One session, and where in the array it was written.
struct Entry {
    id: SessionId,
    moment: Moment,
    range: Range<usize>,
}

/// All of a session that may change. Taken before it is written, so that what changes meanwhile is seen the next time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Moment {
    /// One that was left and taken up again counts from the start.
    since: Timestamp,
    published: u64,
    changes: u64,
    modified: Timestamp,
}

impl Moment {
    fn of(session: &Session) -> Self {
        Self {
            since: session.since(),
            published: session.published(),
            changes: session.changes(),
            modified: session.modified_at(),
        }
    }
}

impl Listing {
    /// The sessions of `owner` as a JSON array, newest first.
    pub(super) fn of(&self, owner: Principal, registry: &Registry) -> Bytes {
        let last = self.0.lock().by_owner.get(&owner).cloned();
        let found = registry.look_through(|oldest_first| {
            let own = || oldest_first.iter().rev().filter(|session| session.owner() == owner);
            match &last {
                Some(last) if last.tells_of(own()) => Ok(last.json.clone()),
                // Written when nobody waits for the registry any more.
                _ => Err(own().map(Arc::clone).collect::<Vec<_>>()),
            }
        });
        found.unwrap_or_else(|sessions| {
            let list = List::of(&sessions, last.as_deref());
            let json = list.json.clone();
            self.0.lock().keep(owner, list);
            json
        })
    }
}

impl Lists {
    fn keep(&mut self, owner: Principal, list: List) {
        self.bytes += list.json.len();
        if let Some(last) = self.by_owner.insert(owner, Arc::new(list)) {
            self.bytes -= last.json.len();
        }
        if self.bytes > LISTS_BYTES_MAX {
            self.by_owner.retain(|kept, _| *kept == owner);
            self.bytes = self.by_owner.values().map(|list| list.json.len()).sum();
        }
    }
}

impl List {
    /// Writes what is not in `last` as it is now.
    fn of(sessions: &[Arc<Session>], last: Option<&Self>) -> Self {
        let written = |entry: &Entry, last: &Self| (entry.id, (entry.moment, last.json.slice(entry.range.clone())));
        let known: HashMap<_, _> =
            last.into_iter().flat_map(|last| last.entries.iter().map(|entry| written(entry, last))).collect();
        let mut json = Vec::with_capacity(2 + USUAL_BYTES * sessions.len());
        let mut entries = Vec::with_capacity(sessions.len());
        json.push(b'[');
        for session in sessions {
            if json.len() > 1 {
                json.push(b',');
            }
            let (id, moment, start) = (session.id(), Moment::of(session), json.len());
            match known.get(&id) {
                Some((known, written)) if *known == moment => json.extend_from_slice(written),
                // Plain fields of numbers and text: there is nothing in it that JSON cannot hold.
                _ => json.extend(serde_json::to_vec(&SessionObject::of(session)).unwrap_or_default()),
            }
            entries.push(Entry { id, moment, range: start..json.len() });
        }
        json.push(b']');
        Self { json: json.into(), entries }
    }

    /// Whether it is of just these, as they are.
    fn tells_of<'a>(&self, mut sessions: impl Iterator<Item = &'a Arc<Session>>) -> bool {
        let mut entries = self.entries.iter();
        let is_as_written =
            |entry: &Entry, session: &Session| entry.id == session.id() && entry.moment == Moment::of(session);
        sessions.all(|session| entries.next().is_some_and(|entry| is_as_written(entry, session)))
            && entries.next().is_none()
    }
}
