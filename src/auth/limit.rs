//! How often something may be done: budgets that fill again by themselves, and penalties that grow with every failure.
//!
//! Values alone. Where they are kept, and that of many who take the last one only one gets it, is the store's business.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};

/// The longest wait after a failure: whoever owns an account is never locked out of it for longer.
pub const WAIT_MAX: SignedDuration = SignedDuration::from_mins(15);
/// How long after the end of the last wait failures are forgotten: with less, whoever guesses would gain by pausing.
pub const FORGIVEN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// So many in a period: all at once, or spread over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub count: NonZeroU32,
    /// In which time they come back.
    pub period: SignedDuration,
}

/// What is left of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How many can be done at once.
    pub count: u32,
    /// Until all can.
    pub full_in: SignedDuration,
}

/// Not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(
    /// For how long.
    pub SignedDuration,
);

impl Quota {
    /// The time in which one comes back.
    #[must_use]
    pub fn each(self) -> SignedDuration {
        self.period / i32::try_from(self.count.get()).unwrap_or(i32::MAX)
    }
}

/// What is kept of a budget: when all of it is there again (the generic cell rate algorithm).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// When it is full.
    pub full: Timestamp,
}

impl Budget {
    /// A budget of which nothing was taken.
    pub const FULL: Self = Self { full: Timestamp::UNIX_EPOCH };

    /// Takes one, or says how long until there is one.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn take(self, quota: Quota, now: Timestamp) -> Result<(Self, Left), Wait> {
        // More than all of it is never missing, whatever another server's clock has written.
        let missing = self.full.duration_since(now).clamp(SignedDuration::ZERO, quota.period);
        let after = missing + quota.each();
        if after > quota.period {
            return Err(Wait(after - quota.period));
        }
        let full = now.saturating_add(after).unwrap_or(Timestamp::MAX);
        Ok((Self { full }, Left { count: whole(quota.period - after, quota.each()), full_in: after }))
    }
}

/// What is kept of attempts that failed, or are not decided yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Penalty {
    /// How many.
    pub failures: u32,
    /// When the next may be made.
    pub until: Timestamp,
}

impl Penalty {
    /// Nothing has failed.
    pub const NONE: Self = Self { failures: 0, until: Timestamp::UNIX_EPOCH };

    /// Begins an attempt, which counts as failed until it is [`Self::forgiven`]: so many at once as the quota has, and
    /// then each only after a wait, which doubles with every failure up to [`WAIT_MAX`].
    ///
    /// # Errors
    /// When it is not time yet.
    pub fn attempt(self, quota: Quota, now: Timestamp) -> Result<Self, Wait> {
        // Whatever another server's clock has written, nobody waits longer than the longest wait, nor before there is one:
        // of two at once the one that is written down last may have looked at the clock first.
        let wait = self.until.duration_since(now).min(WAIT_MAX);
        if self.failures >= quota.count.get() && wait > SignedDuration::ZERO {
            return Err(Wait(wait));
        }
        let failures = if self.is_over(now) { 1 } else { self.failures.saturating_add(1) };
        let until = now.saturating_add(wait_after(failures, quota)).unwrap_or(Timestamp::MAX);
        Ok(Self { failures, until })
    }

    /// An attempt has succeeded: it no longer counts, and nobody waits for it.
    #[must_use]
    pub fn forgiven(self, now: Timestamp) -> Self {
        Self { failures: self.failures.saturating_sub(1), until: self.until.min(now) }
    }

    /// When there is nothing left to remember.
    #[must_use]
    pub fn over(self) -> Timestamp {
        self.until.saturating_add(FORGIVEN_AFTER).unwrap_or(Timestamp::MAX)
    }

    fn is_over(self, now: Timestamp) -> bool {
        self.failures == 0 || self.over() <= now
    }
}

fn wait_after(failures: u32, quota: Quota) -> SignedDuration {
    let Some(beyond) = failures.checked_sub(quota.count.get()) else { return SignedDuration::ZERO };
    let doubled = 1_i32.checked_shl(beyond).filter(|doubled| *doubled > 0).and_then(|by| quota.each().checked_mul(by));
    doubled.map_or(WAIT_MAX, |doubled| doubled.min(WAIT_MAX))
}

/// How often `each` fits into `time`.
fn whole(time: SignedDuration, each: SignedDuration) -> u32 {
    let fits = time.as_nanos().checked_div(each.as_nanos()).unwrap_or_default();
    u32::try_from(fits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Quota = Quota { count: NonZeroU32::new(5).unwrap(), period: SignedDuration::from_mins(15) };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn mins(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    #[test]
    fn a_budget_is_spent_at_once_or_slowly_and_comes_back_one_by_one() {
        let mut budget = Budget::FULL;
        for left in (0..5).rev() {
            let taken = budget.take(FIVE, at(0)).unwrap();
            assert_eq!(taken.1, Left { count: left, full_in: mins(3 * (5 - i64::from(left))) });
            budget = taken.0;
        }
        assert_eq!(budget.take(FIVE, at(0)), Err(Wait(mins(3))));
        assert_eq!(budget.take(FIVE, at(2)), Err(Wait(mins(1))));
        let (budget, left) = budget.take(FIVE, at(3)).unwrap();
        assert_eq!(left.count, 0);
        assert_eq!(budget.take(FIVE, at(3)), Err(Wait(mins(3))));
        assert_eq!(budget.take(FIVE, at(60)).unwrap().1.count, 4, "no more than all of it comes back");
    }

    #[test]
    fn every_failure_beyond_the_quota_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let (mut penalty, mut now, mut waits) = (Penalty::NONE, at(0), Vec::new());
        for _ in 0..10 {
            penalty = penalty.attempt(FIVE, now).unwrap();
            waits.push(penalty.until.duration_since(now).as_mins());
            now = penalty.until;
        }
        assert_eq!(waits, [0, 0, 0, 0, 3, 6, 12, 15, 15, 15]);
        for _ in 0..100 {
            penalty = penalty.attempt(FIVE, now).unwrap();
            now = penalty.until;
        }
        let almost = now + FORGIVEN_AFTER - SignedDuration::from_secs(1);
        assert_eq!(penalty.attempt(FIVE, almost).unwrap().until, almost + WAIT_MAX);
        assert_eq!(penalty.attempt(FIVE, now + FORGIVEN_AFTER).unwrap().failures, 1, "it is forgotten");
    }

    #[test]
    fn only_what_fails_counts_and_what_is_not_decided_counts_as_failed() {
        let mut penalty = Penalty::NONE;
        for _ in 0..100 {
            penalty = penalty.attempt(FIVE, at(0)).unwrap().forgiven(at(0));
        }
        assert_eq!(penalty.failures, 0);
        for _ in 0..5 {
            penalty = penalty.attempt(FIVE, at(0)).unwrap();
        }
        let earlier = at(0) - SignedDuration::from_millis(1);
        assert!(Penalty { failures: 4, until: at(0) }.attempt(FIVE, earlier).is_ok(), "at once is in no order");
        assert_eq!(penalty.attempt(FIVE, at(0)), Err(Wait(mins(3))), "five are being checked");
        assert!(penalty.forgiven(at(0)).attempt(FIVE, at(0)).is_ok(), "one of them was right");
    }

    #[test]
    fn a_clock_that_was_wrong_keeps_nobody_out_for_longer_than_the_rule_does() {
        let wrong = at(1_000_000);
        assert_eq!(Penalty { failures: 5, until: wrong }.attempt(FIVE, at(0)), Err(Wait(WAIT_MAX)));
        assert_eq!(Budget { full: wrong }.take(FIVE, at(0)), Err(Wait(mins(3))));
        let again = Penalty { failures: 5, until: at(-1_000_000) }.attempt(FIVE, at(0));
        assert_eq!(again.unwrap().failures, 1);
    }
}
