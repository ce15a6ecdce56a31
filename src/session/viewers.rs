//! Who is attached to a session, and how far each has come.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::ViewerId;
use super::line::Place;
use crate::terminal::Offset;

/// Most viewers of one session: more than one machine can feed, so that a leak of connections meets a bound.
pub(super) const VIEWERS_MAX: usize = 16_384;

/// Most viewers that are told of each that comes or goes.
const CROWD: usize = 64;

/// Stands for what a client has drawn that does not say.
const SAYS_NOTHING: u64 = u64::MAX;

/// What the session's task may know of one viewer.
pub(super) struct Progress {
    taken: AtomicU64,
    /// What its client says it has drawn; [`SAYS_NOTHING`] before it says so at all.
    drawn: AtomicU64,
    /// It has skipped and not caught up since: it is further than it could have come by reading.
    has_skipped: AtomicBool,
    /// Its place among those that wait for output.
    pub(super) place: Arc<Place>,
}

impl Progress {
    /// The offset after the last byte this viewer has taken.
    pub(super) fn taken(&self) -> Offset {
        Offset(self.taken.load(Ordering::Relaxed))
    }

    /// How far its client has come, as well as can be known. What was taken for one that reads nothing fills its
    /// window and its sockets, which makes it no faster.
    fn reached(&self) -> Offset {
        let (taken, drawn) = (self.taken.load(Ordering::Relaxed), self.drawn.load(Ordering::Relaxed));
        Offset(if drawn == SAYS_NOTHING { taken } else { drawn })
    }

    pub(super) fn has_drawn(&self, offset: Offset) {
        self.drawn.store(offset.0, Ordering::Relaxed);
    }

    /// Whether it has come there by skipping.
    fn has_skipped(&self) -> bool {
        self.has_skipped.load(Ordering::Relaxed)
    }

    pub(super) fn has_taken(&self, offset: Offset, skipping: bool) {
        if skipping {
            self.has_skipped.store(true, Ordering::Relaxed);
        }
        self.taken.store(offset.0, Ordering::Relaxed);
    }

    /// It has everything. Whether it has come here by skipping: from now on it counts as others do.
    pub(super) fn has_caught_up(&self) -> bool {
        self.has_skipped.swap(false, Ordering::Relaxed)
    }
}

/// The viewers of one session.
#[derive(Default)]
pub(super) struct Viewers {
    attached: HashMap<ViewerId, Arc<Progress>>,
    last_id: u64,
    /// All are to be told how many they are.
    telling_is_due: bool,
}

/// When all are told how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Now,
    /// In a while, which begins now.
    Later,
    /// Soon, as was decided before.
    IsDue,
}

impl Viewers {
    /// A place for a viewer that begins at `from`, by skipping what is before or not; `None` when there are too many.
    pub(super) fn join(&mut self, from: Offset, skipping: bool) -> Option<Arc<Progress>> {
        if self.attached.len() >= VIEWERS_MAX {
            return None;
        }
        self.last_id += 1;
        let id = ViewerId(self.last_id);
        let progress = Arc::new(Progress {
            taken: AtomicU64::new(from.0),
            drawn: AtomicU64::new(SAYS_NOTHING),
            has_skipped: AtomicBool::new(skipping),
            place: Arc::new(Place::new(id)),
        });
        self.attached.insert(id, Arc::clone(&progress));
        Some(progress)
    }

    pub(super) fn leave(&mut self, id: ViewerId) -> Option<Arc<Progress>> {
        self.attached.remove(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.attached.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attached.is_empty()
    }

    /// How many there are now, and when they are told that: a crowd is not at each coming and going.
    pub(super) fn count(&mut self) -> (usize, Telling) {
        let count = self.attached.len();
        let telling = match count {
            ..=CROWD => Telling::Now,
            _ if self.telling_is_due => Telling::IsDue,
            _ => Telling::Later,
        };
        self.telling_is_due |= telling == Telling::Later;
        (count, telling)
    }

    /// What was to be told later is told.
    pub(super) const fn count_is_told(&mut self) {
        self.telling_is_due = false;
    }

    /// Their places.
    pub(super) fn places(&self) -> Vec<Arc<Place>> {
        self.attached.values().map(|progress| Arc::clone(&progress.place)).collect()
    }

    /// Wakes every viewer: something is new that is not output.
    pub(super) fn wake_all(&self) {
        self.attached.values().for_each(|progress| progress.place.wake());
    }

    pub(super) fn get(&self, id: ViewerId) -> Option<Arc<Progress>> {
        self.attached.get(&id).map(Arc::clone)
    }

    /// What the viewer has taken whose client has come furthest. One that has skipped is ahead without being fast, and
    /// counts only when there is no other.
    pub(super) fn fastest(&self) -> Option<Offset> {
        let rank = |progress: &Progress| (!progress.has_skipped(), progress.reached(), progress.taken());
        self.attached.values().map(|progress| rank(progress)).max().map(|(_, _, taken)| taken)
    }

    /// How far the viewer that is furthest behind has come.
    pub(super) fn slowest(&self) -> Option<Offset> {
        self.attached.values().map(|progress| progress.taken()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_is_whose_client_has_come_furthest_and_not_whose_window_is_full() {
        let mut viewers = Viewers::default();
        assert_eq!(viewers.fastest(), None);
        let mut join = |skipping| viewers.join(Offset(0), skipping).expect("room");
        let (stuck, fast, skipped) = (join(false), join(false), join(true));
        stuck.has_drawn(Offset(0));
        stuck.has_taken(Offset(500), false);
        fast.has_taken(Offset(100), false);
        skipped.has_taken(Offset(900), true);
        assert_eq!(viewers.fastest(), Some(Offset(100)));
        fast.has_drawn(Offset(90));
        assert_eq!(viewers.fastest(), Some(Offset(100)), "what it has taken is not needed any more");
        assert!(skipped.has_caught_up() && !skipped.has_caught_up());
        assert_eq!(viewers.fastest(), Some(Offset(900)));
        assert_eq!(viewers.slowest(), Some(Offset(100)));
    }

    #[test]
    fn a_few_are_told_of_each_that_comes_and_a_crowd_now_and_then() {
        let mut viewers = Viewers::default();
        let join = |viewers: &mut Viewers| {
            viewers.join(Offset(0), false).expect("room");
            viewers.count()
        };
        assert!((1..=CROWD).all(|count| join(&mut viewers) == (count, Telling::Now)));
        assert_eq!(join(&mut viewers), (CROWD + 1, Telling::Later));
        assert_eq!(join(&mut viewers), (CROWD + 2, Telling::IsDue));
        viewers.count_is_told();
        assert_eq!(join(&mut viewers), (CROWD + 3, Telling::Later));
    }
}
