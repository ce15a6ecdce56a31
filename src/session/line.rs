//! The line of viewers that have all there is, and the order in which they are woken when there is more: who typed
//! first, and the others a few at a time.
//!
//! A crowd is woken in portions, with a look at terminals and sockets between them: what one viewer types is not kept
//! waiting until hundreds of others have been written what was typed before. Those that come late to a portion are given
//! all there is by then, in one piece.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;

use super::ViewerId;
use super::bell::Bell;
use crate::terminal::Offset;

/// Viewers woken at once. Each is written a segment at most before the next portion: all of them take about as long as
/// one read from a terminal.
pub(super) const PORTION: usize = 8;

/// Those of one session. Its task publishes; viewers stand in line and are woken.
pub(super) struct Line {
    /// Counts what was published: events take no room in the output.
    published: AtomicU64,
    /// Offset after the last byte published.
    end: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    places: VecDeque<Arc<Place>>,
    /// Places from the front that have not been looked at since something was published.
    due: usize,
    /// Places whose viewers have left.
    left: usize,
}

/// One viewer's place, by which it is woken for whatever it is to look at.
pub(super) struct Place {
    pub(super) viewer: ViewerId,
    bell: Bell,
    /// What was published when it last found that it has all.
    seen: AtomicU64,
    stands: AtomicBool,
    has_left: AtomicBool,
    /// Another connection is its client now.
    is_superseded: AtomicBool,
}

impl Line {
    pub(super) fn new(end: Offset) -> Self {
        Self { published: AtomicU64::new(0), end: AtomicU64::new(end.0), waiting: Mutex::default() }
    }

    /// Offset after the last byte published.
    pub(super) fn end(&self) -> Offset {
        Offset(self.end.load(Acquire))
    }

    /// How much was published so far. To be asked before the log is looked at.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Acquire)
    }

    /// More was published, up to `end`: all who stand in line are due. Wakes nobody yet.
    pub(super) fn publish(&self, end: Offset) {
        self.end.store(end.0, Release);
        self.published.fetch_add(1, AcqRel);
        let mut waiting = self.waiting.lock();
        waiting.due = waiting.places.len();
    }

    /// Stands in line, having found that what was published up to `seen` is all; false when there is more by now.
    pub(super) fn stand(&self, place: &Arc<Place>, seen: u64) -> bool {
        // Under the lock, which whoever publishes takes afterwards: either it is seen here, or this place there.
        let mut waiting = self.waiting.lock();
        if self.published() != seen {
            return false;
        }
        place.seen.store(seen, Relaxed);
        if !place.stands.swap(true, Relaxed) {
            waiting.places.push_back(Arc::clone(place));
        }
        true
    }

    /// Wakes the next few that are due. Returns whether more are.
    pub(super) fn wake_some(&self) -> bool {
        let mut waiting = self.waiting.lock();
        let published = self.published();
        let mut woken = 0;
        while woken < PORTION && waiting.due > 0 {
            waiting.due -= 1;
            let Some(place) = waiting.places.pop_front() else { break };
            if place.has_left.load(Relaxed) {
                waiting.left -= 1;
            } else if place.seen.load(Relaxed) == published {
                // It was woken otherwise meanwhile, and has all.
                waiting.places.push_back(place);
            } else {
                place.stands.store(false, Relaxed);
                place.bell.ring();
                woken += 1;
            }
        }
        waiting.due > 0
    }

    /// Its viewer is no more.
    pub(super) fn leave(&self, place: &Place) {
        let mut waiting = self.waiting.lock();
        if place.has_left.swap(true, Relaxed) || !place.stands.load(Relaxed) {
            return;
        }
        waiting.left += 1;
        // Not at once, or a crowd of n that leaves would have n times n places looked at.
        if waiting.left > waiting.places.len() / 2 {
            waiting.places.retain(|place| !place.has_left.load(Relaxed));
            (waiting.left, waiting.due) = (0, waiting.places.len());
        }
    }
}

impl Place {
    pub(super) fn new(viewer: ViewerId) -> Self {
        Self {
            viewer,
            bell: Bell::default(),
            seen: AtomicU64::new(0),
            stands: AtomicBool::new(false),
            has_left: AtomicBool::new(false),
            is_superseded: AtomicBool::new(false),
        }
    }

    /// Another connection attached as its viewer's client.
    pub(super) fn supersede(&self) {
        self.is_superseded.store(true, Release);
        self.wake();
    }

    pub(super) fn is_superseded(&self) -> bool {
        self.is_superseded.load(Acquire)
    }

    /// Wakes its viewer, wherever it stands.
    pub(super) fn wake(&self) {
        self.bell.ring();
    }

    /// Waits to be woken. May be dropped and called again.
    pub(super) async fn woken(&self) {
        self.bell.rung().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn is_woken(place: &Place) -> bool {
        place.woken().now_or_never().is_some()
    }

    fn place() -> Arc<Place> {
        Arc::new(Place::new(ViewerId(1)))
    }

    fn standing(line: &Line, count: usize) -> Vec<Arc<Place>> {
        let places: Vec<_> = (0..count).map(|_| place()).collect();
        assert!(places.iter().all(|place| line.stand(place, line.published())));
        places
    }

    #[test]
    fn a_crowd_is_woken_in_portions_and_each_once() {
        let line = Line::new(Offset(7));
        let crowd = standing(&line, 2 * PORTION + 1);
        assert!(!line.wake_some() && !crowd.iter().any(|place| is_woken(place)), "nothing was published");
        line.publish(Offset(8));
        assert_eq!(line.end(), Offset(8));
        for (portion, more) in crowd.chunks(PORTION).zip([true, true, false]) {
            assert_eq!(line.wake_some(), more);
            let woken = crowd.iter().filter(|place| is_woken(place)).count();
            assert_eq!(woken, portion.len());
        }
        line.publish(Offset(9));
        assert!(!line.wake_some() && !crowd.iter().any(|place| is_woken(place)), "nobody stands in line");
    }

    #[test]
    fn whoever_has_all_already_is_not_woken_and_keeps_its_place() {
        let line = Line::new(Offset(0));
        let places = standing(&line, 2);
        line.publish(Offset(1));
        places[0].wake();
        assert!(is_woken(&places[0]) && line.stand(&places[0], line.published()));
        assert!(!line.wake_some());
        assert_eq!([0, 1].map(|at| is_woken(&places[at])), [false, true]);
        line.publish(Offset(2));
        assert!(!line.wake_some());
        assert_eq!([0, 1].map(|at| is_woken(&places[at])), [true, false]);
    }

    #[test]
    fn whoever_looked_before_something_was_published_does_not_stand_in_line() {
        let line = Line::new(Offset(0));
        let (place, seen) = (place(), line.published());
        line.publish(Offset(1));
        assert!(!line.stand(&place, seen));
        assert!(line.stand(&place, line.published()));
    }

    #[test]
    fn those_who_come_and_go_while_nothing_is_printed_leave_no_places() {
        let line = Line::new(Offset(0));
        let stays = standing(&line, 3);
        for _ in 0..1000 {
            let passing = standing(&line, 2);
            passing.iter().for_each(|place| line.leave(place));
        }
        assert!(line.waiting.lock().places.len() < 10, "{} places", line.waiting.lock().places.len());
        line.publish(Offset(1));
        while line.wake_some() {}
        assert!(stays.iter().all(|place| is_woken(place)));
    }
}
