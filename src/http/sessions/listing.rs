//! The list of sessions as JSON. What it says of a session is kept as it was written until that changes: pages and
//! programs ask for the whole list often, and little of it is new.

use std::sync::Arc;

use dashmap::DashMap;
use jiff::Timestamp;

use super::object::SessionObject;
use crate::session::{Session, SessionId, Status};

/// How many more sessions than there are may be kept before those that are no more are looked for.
const STALE_MAX: usize = 256;

/// Bytes that a session usually takes in the list.
const USUAL_BYTES: usize = 640;

/// What was last written of each session. Bounded by how many there are.
#[derive(Default)]
pub(crate) struct Listing(DashMap<SessionId, Written>);

/// One session as it was written, and all of it that may change.
struct Written {
    status: Arc<Status>,
    moment: Moment,
    json: Vec<u8>,
}

/// What changes about a session besides its status.
#[derive(PartialEq, Eq)]
struct Moment {
    published: u64,
    modified: Timestamp,
}

impl Moment {
    fn of(session: &Session) -> Self {
        Self { published: session.published(), modified: session.modified_at() }
    }
}

impl Listing {
    /// These sessions, of `all` there are, as a JSON array; `is_there` tells of any session whether it still is.
    pub(super) fn of(&self, sessions: &[Arc<Session>], all: usize, is_there: impl Fn(SessionId) -> bool) -> Vec<u8> {
        let mut list = Vec::with_capacity(2 + USUAL_BYTES * sessions.len());
        list.push(b'[');
        for (index, session) in sessions.iter().enumerate() {
            if index > 0 {
                list.push(b',');
            }
            self.write(session, &mut list);
        }
        list.push(b']');
        if self.0.len() > all + STALE_MAX {
            self.0.retain(|id, _| is_there(*id));
        }
        list
    }

    fn write(&self, session: &Session, list: &mut Vec<u8>) {
        // Taken first: what changes while it is written is seen to have changed the next time.
        let moment = Moment::of(session);
        if let Some(written) = self.0.get(&session.id())
            && written.moment == moment
            && session.has_status(&written.status)
        {
            return list.extend_from_slice(&written.json);
        }
        let status = session.status();
        // Plain fields of numbers and text: there is nothing in it that JSON cannot hold.
        let json = serde_json::to_vec(&SessionObject::at(session, &status)).unwrap_or_default();
        list.extend_from_slice(&json);
        self.0.insert(session.id(), Written { status, moment, json });
    }
}
