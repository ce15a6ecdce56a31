//! The list of sessions as JSON, kept as it was last written: pages and programs ask for it often, and mostly nothing of
//! it is new. Where something is, only that is written anew.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use uuid::Uuid;

use super::object::SessionObject;
use crate::auth::{Access, AccountId, Who};
use crate::http::grants::Grants;
use crate::registry::Registry;
use crate::session::{Session, SessionId};

/// Most bytes of all lists that are kept: some times what the sessions of a full server take. Beyond it only the newest
/// list is, and the others are written anew when they are asked for.
const LISTS_BYTES_MAX: usize = 16 << 20;
/// Bytes that a session usually takes in a list.
const USUAL_BYTES: usize = 640;

/// The lists as they were last written, each of what one caller may see.
#[derive(Default)]
pub(crate) struct Listing(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    by_reader: HashMap<Reader, Arc<List>>,
    bytes: usize,
}

/// Who reads a list, and whether of everyone's sessions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Reader {
    id: Uuid,
    all: bool,
}

/// A JSON array, and what it tells of.
struct List {
    json: Bytes,
    entries: Vec<Entry>,
}

/// One session, and where in the array it was written.
struct Entry {
    id: SessionId,
    access: Access,
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
    /// The sessions that `who` may know of as a JSON array, newest first. Of those who run the server only with `all`
    /// those of others, which would be in their way.
    pub(super) fn of(&self, who: Who, all: bool, registry: &Registry, grants: &Grants) -> Bytes {
        let (reader, granted) = match who {
            Who::Account { id, .. } => (Reader { id: id.0, all }, grants.of_account(id)),
            Who::Share { id, session, access } => (Reader { id: id.0, all }, HashMap::from([(session, access)])),
        };
        let access = |session: &Session| {
            let owner = AccountId(session.owner().0);
            if all || who.account() == Some(owner) {
                return Some(Access::Own);
            }
            // Mostly there are none, and nothing is looked for.
            let granted = if granted.is_empty() { None } else { granted.get(&session.id().uuid()).copied() };
            granted.and_then(|granted| Access::of(session.id().uuid(), owner, who, Some(granted)))
        };
        let last = self.0.lock().by_reader.get(&reader).cloned();
        let found = registry.look_through(|oldest_first| {
            let seen = || oldest_first.iter().rev().filter_map(|session| Some((session, access(session)?)));
            match &last {
                Some(last) if last.tells_of(seen()) => Ok(last.json.clone()),
                // Written when nobody waits for the registry any more.
                _ => Err(seen().map(|(session, access)| (Arc::clone(session), access)).collect::<Vec<_>>()),
            }
        });
        found.unwrap_or_else(|sessions| {
            let list = List::of(&sessions, last.as_deref());
            let json = list.json.clone();
            self.0.lock().keep(reader, list);
            json
        })
    }
}

impl Lists {
    fn keep(&mut self, reader: Reader, list: List) {
        self.bytes += list.json.len();
        if let Some(last) = self.by_reader.insert(reader, Arc::new(list)) {
            self.bytes -= last.json.len();
        }
        if self.bytes > LISTS_BYTES_MAX {
            self.by_reader.retain(|kept, _| *kept == reader);
            self.bytes = self.by_reader.values().map(|list| list.json.len()).sum();
        }
    }
}

impl List {
    /// Writes what is not in `last` as it is now.
    fn of(sessions: &[(Arc<Session>, Access)], last: Option<&Self>) -> Self {
        let written =
            |entry: &Entry, last: &Self| (entry.id, (entry.access, entry.moment, last.json.slice(entry.range.clone())));
        let known: HashMap<_, _> =
            last.into_iter().flat_map(|last| last.entries.iter().map(|entry| written(entry, last))).collect();
        let mut json = Vec::with_capacity(2 + USUAL_BYTES * sessions.len());
        let mut entries = Vec::with_capacity(sessions.len());
        json.push(b'[');
        for (session, access) in sessions {
            if json.len() > 1 {
                json.push(b',');
            }
            let (id, moment, start) = (session.id(), Moment::of(session), json.len());
            match known.get(&id) {
                Some((had, known, written)) if (had, *known) == (access, moment) => json.extend_from_slice(written),
                // Plain fields of numbers and text: there is nothing in it that JSON cannot hold.
                _ => json.extend(serde_json::to_vec(&SessionObject::of(session, *access)).unwrap_or_default()),
            }
            entries.push(Entry { id, access: *access, moment, range: start..json.len() });
        }
        json.push(b']');
        Self { json: json.into(), entries }
    }

    /// Whether it is of just these, as they are.
    fn tells_of<'a>(&self, mut sessions: impl Iterator<Item = (&'a Arc<Session>, Access)>) -> bool {
        let mut entries = self.entries.iter();
        let is_as_written = |entry: &Entry, session: &Session, access| {
            entry.id == session.id() && entry.access == access && entry.moment == Moment::of(session)
        };
        sessions.all(|(session, access)| entries.next().is_some_and(|entry| is_as_written(entry, session, access)))
            && entries.next().is_none()
    }
}
