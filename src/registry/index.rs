//! The sessions that are listed, found by their ids and walked through in the order people see them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;

use crate::session::{Session, SessionId};

/// Both ways to a session, which change together.
#[derive(Default)]
pub(super) struct Index(RwLock<Sessions>);

#[derive(Default)]
struct Sessions {
    by_id: HashMap<SessionId, Arc<Session>>,
    /// Kept in order, so that a list is a walk: it is asked for more often than sessions come and go, and most of those
    /// are the last here.
    oldest_first: Vec<Arc<Session>>,
}

impl Index {
    /// Lists `session` in place of one with its id, if it is `wanted`; that is asked while nobody else changes the list.
    /// Returns whether it was.
    pub(super) fn insert_if(&self, session: &Arc<Session>, wanted: impl FnOnce() -> bool) -> bool {
        let mut sessions = self.0.write();
        if !wanted() {
            return false;
        }
        if let Some(replaced) = sessions.by_id.insert(session.id(), Arc::clone(session)) {
            sessions.take_out(&replaced);
        }
        let at = sessions.oldest_first.partition_point(|other| order(other) < order(session));
        sessions.oldest_first.insert(at, Arc::clone(session));
        true
    }

    /// Takes `session` off the list, if it is the one that is listed and `wanted` holds. Returns whether it was.
    pub(super) fn remove_if(&self, session: &Arc<Session>, wanted: impl FnOnce() -> bool) -> bool {
        let mut sessions = self.0.write();
        let is_listed = sessions.by_id.get(&session.id()).is_some_and(|listed| Arc::ptr_eq(listed, session));
        if !is_listed || !wanted() {
            return false;
        }
        sessions.by_id.remove(&session.id());
        sessions.take_out(session);
        true
    }

    /// Empties the list. Returns how many it had.
    pub(super) fn clear(&self) -> usize {
        let sessions = std::mem::take(&mut *self.0.write());
        sessions.oldest_first.len()
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Arc<Session>> {
        self.0.read().by_id.get(&id).map(Arc::clone)
    }

    pub(super) fn count(&self) -> usize {
        self.0.read().oldest_first.len()
    }

    /// What `look` makes of all that are listed. Nothing is listed or taken off meanwhile, so it is to be quick.
    pub(super) fn look_through<T>(&self, look: impl FnOnce(&[Arc<Session>]) -> T) -> T {
        look(&self.0.read().oldest_first)
    }
}

impl Sessions {
    fn take_out(&mut self, session: &Arc<Session>) {
        if let Ok(at) = self.oldest_first.binary_search_by_key(&order(session), order) {
            self.oldest_first.remove(at);
        }
    }
}

fn order(session: &Arc<Session>) -> (Timestamp, Reverse<SessionId>) {
    (session.opened_at(), Reverse(session.id()))
}
