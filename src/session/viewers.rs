//! Who is attached to a session, and how far each has come.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use super::ViewerId;
use crate::terminal::Offset;

/// Most viewers of one session: more than one machine can feed, so that a leak of connections meets a bound.
pub(super) const VIEWERS_MAX: usize = 16_384;

/// What the session's task may know of one viewer.
pub(super) struct Progress {
    taken: AtomicU64,
    /// Wakes this viewer before the others: it has typed, and what comes now is most likely its echo.
    pub(super) echo: Notify,
}

impl Progress {
    /// The offset after the last byte this viewer has taken.
    pub(super) fn taken(&self) -> Offset {
        Offset(self.taken.load(Ordering::Relaxed))
    }

    pub(super) fn has_taken(&self, offset: Offset) {
        self.taken.store(offset.0, Ordering::Relaxed);
    }
}

/// The viewers of one session.
#[derive(Default)]
pub(super) struct Viewers {
    attached: HashMap<ViewerId, Arc<Progress>>,
    last_id: u64,
}

impl Viewers {
    /// A place for a viewer that begins at `from`; `None` when there are too many.
    pub(super) fn join(&mut self, from: Offset) -> Option<(ViewerId, Arc<Progress>)> {
        if self.attached.len() >= VIEWERS_MAX {
            return None;
        }
        self.last_id += 1;
        let id = ViewerId(self.last_id);
        let progress = Arc::new(Progress { taken: AtomicU64::new(from.0), echo: Notify::new() });
        self.attached.insert(id, Arc::clone(&progress));
        Some((id, progress))
    }

    pub(super) fn leave(&mut self, id: ViewerId) {
        self.attached.remove(&id);
    }

    pub(super) fn count(&self) -> usize {
        self.attached.len()
    }

    pub(super) fn get(&self, id: ViewerId) -> Option<Arc<Progress>> {
        self.attached.get(&id).map(Arc::clone)
    }

    /// How far the viewer that is furthest has come.
    pub(super) fn fastest(&self) -> Option<Offset> {
        self.attached.values().map(|progress| progress.taken()).max()
    }
}
