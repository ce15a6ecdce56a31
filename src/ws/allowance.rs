//! How many pings and pongs a client may send: each costs the server a turn, and a ping an answer.

use std::time::Duration;

use tokio::time::Instant;

/// Control frames a client may send at once: far more than any asks to measure its link with.
const AT_ONCE: u32 = 1000;
/// How long until it may send one more: a hundred a second.
const EACH_AFTER: Duration = Duration::from_millis(10);

/// What is left of a client's allowance.
pub(super) struct Allowance {
    left: u32,
    /// When what was left was last counted.
    counted: Instant,
}

impl Allowance {
    /// All of it.
    pub(super) const fn whole(now: Instant) -> Self {
        Self { left: AT_ONCE, counted: now }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let earned = now.duration_since(self.counted).as_micros() / EACH_AFTER.as_micros();
        if earned > 0 {
            self.left = self.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(AT_ONCE);
            self.counted = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut allowance = Allowance::whole(start);
        assert!((0..AT_ONCE).all(|_| allowance.take(start)));
        assert!(!allowance.take(start));
        let later = start + EACH_AFTER * 5;
        assert!((0..5).all(|_| allowance.take(later)) && !allowance.take(later));
        let much_later = start + EACH_AFTER * (2 * AT_ONCE);
        assert_eq!((0..2 * AT_ONCE).filter(|_| allowance.take(much_later)).count(), AT_ONCE as usize);
    }
}
