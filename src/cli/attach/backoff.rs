//! How long to wait before connecting again: exponential, with full jitter, so that a thousand clients of a server
//! that restarts do not return as one. Pure: randomness and time come in.

use std::time::Duration;

/// The longest first wait: shorter than a person notices.
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// The longest wait: a server that is back is found while one still looks.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a connection must have lasted for the next wait to be a first one again. Shorter ones may fail for the
/// same cause each time.
pub(super) const SETTLED_AFTER: Duration = WAIT_MAX;
/// How long to go on trying: as long as a server keeps a client's id and input numbers, without which input could be
/// written twice or be lost.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// Counts attempts since the last connection that lasted.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The wait before the next attempt: evenly random between nothing and a bound that doubles.
    pub(super) fn next(&mut self, random: u64) -> Duration {
        let bound = WAIT_FIRST.saturating_mul(1u32.checked_shl(self.attempts).unwrap_or(u32::MAX)).min(WAIT_MAX);
        self.attempts = self.attempts.saturating_add(1);
        let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(random % millis.saturating_add(1))
    }

    /// Attempts since the last connection that lasted.
    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// A connection has ended that lasted so long.
    pub(super) fn lasted(&mut self, time: Duration) {
        if time >= SETTLED_AFTER {
            self.attempts = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bound` itself is drawn: the longest wait.
    fn longest(backoff: &mut Backoff, bound: u64) -> u128 {
        backoff.next(bound).as_millis()
    }

    #[test]
    fn waits_double_up_to_a_bound_and_start_anew_after_a_connection_that_lasted() {
        let mut backoff = Backoff::default();
        for bound in [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            assert_eq!(longest(&mut backoff, bound), u128::from(bound));
        }
        for _ in 0..100 {
            assert!(backoff.next(u64::MAX) <= WAIT_MAX);
        }
        backoff.lasted(SETTLED_AFTER / 2);
        assert_eq!(longest(&mut backoff, 10_000), 10_000);
        backoff.lasted(SETTLED_AFTER);
        assert_eq!((backoff.attempts(), longest(&mut backoff, 250)), (0, 250));
    }

    #[test]
    fn a_wait_is_anything_from_nothing_on() {
        assert_eq!(Backoff::default().next(0), Duration::ZERO);
        assert_eq!(Backoff::default().next(251 + 7), Duration::from_millis(7));
    }
}
