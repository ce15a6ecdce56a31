//! Which of the sizes decided on the terminal is given, and when. Never decides on one.

use std::time::Duration;

use tokio::time::Instant;

use super::sizing::Decision;
use crate::terminal::Size;

/// The least time between sizes that windows ask for: twenty a second are as many as anybody who drags a window's edge
/// sees. A program draws its screen anew for each, and every viewer lays out its own.
const WINDOWS_EVERY: Duration = Duration::from_millis(50);

/// The decisions that were carried out, and one that waits.
#[derive(Debug, Default)]
pub(super) struct Fitting {
    /// The number of the last one carried out.
    carried_out: u64,
    /// A window's, until the time for the next has come.
    waiting: Option<Decision>,
    next: Option<Instant>,
}

impl Fitting {
    /// What to give the terminal when `decision` was made: nothing where a later one was carried out before.
    pub(super) fn now(&mut self, Decision { size, number }: Decision) -> Option<Size> {
        self.waiting.take_if(|waiting| waiting.number <= number);
        if number < self.carried_out {
            return None;
        }
        self.carried_out = number;
        Some(size)
    }

    /// The same for a decision that follows from a window's size: it may have to wait, and then the last one counts.
    pub(super) fn window(&mut self, decision: Decision, at: Instant) -> Option<Size> {
        if self.next.is_some_and(|next| at < next) {
            if self.waiting.is_none_or(|waiting| waiting.number < decision.number) {
                self.waiting = Some(decision);
            }
            return None;
        }
        self.next = Some(at + WINDOWS_EVERY);
        self.now(decision)
    }

    /// Whether one waits.
    pub(super) const fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// When one that waits is to be [taken](Self::take_waiting).
    pub(super) fn due(&self) -> Option<Instant> {
        self.next.filter(|_| self.waits())
    }

    /// What to give the terminal now that the time has come, or that the next key does not wait for it.
    pub(super) fn take_waiting(&mut self, at: Instant) -> Option<Size> {
        let decision = self.waiting.take()?;
        self.next = Some(at + WINDOWS_EVERY);
        self.now(decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(number: u64) -> Decision {
        Decision { size: size(number), number }
    }

    fn size(cols: u64) -> Size {
        Size::new(cols, 24).expect("valid")
    }

    #[test]
    fn of_a_flood_of_windows_the_first_counts_at_once_and_the_last_when_it_is_time() {
        let (mut fitting, now) = (Fitting::default(), Instant::now());
        assert_eq!(fitting.window(decision(1), now), Some(size(1)));
        assert_eq!(fitting.due(), None);
        for number in 2..=500 {
            assert_eq!(fitting.window(decision(number), now), None);
        }
        assert_eq!(fitting.due(), Some(now + WINDOWS_EVERY));
        assert_eq!(fitting.take_waiting(now + WINDOWS_EVERY), Some(size(500)));
        assert_eq!((fitting.due(), fitting.take_waiting(now + WINDOWS_EVERY)), (None, None));
        assert_eq!(fitting.window(decision(501), now + WINDOWS_EVERY), None, "one was given just now");
        assert_eq!(fitting.window(decision(502), now + 2 * WINDOWS_EVERY), Some(size(502)));
    }

    #[test]
    fn who_asks_for_a_size_does_not_wait_and_what_was_decided_before_is_forgotten() {
        let (mut fitting, now) = (Fitting::default(), Instant::now());
        assert_eq!(fitting.window(decision(1), now), Some(size(1)));
        assert_eq!(fitting.window(decision(2), now), None);
        assert_eq!(fitting.now(decision(3)), Some(size(3)));
        assert_eq!(fitting.due(), None);
        assert_eq!(fitting.now(decision(2)), None, "the later one counts, in whatever order they arrive");
    }
}
