//! Refresh tokens: what a presented one means. The store keeps their digests and enforces that only one rotation wins;
//! the meaning is decided here.

use jiff::{SignedDuration, Timestamp};

/// How long a refresh token can be used.
pub const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A token presented again this soon after it was spent is two tabs renewing at once, or an answer that got lost, and
/// not a thief: a thief who is that fast gets no token either.
pub const RACE_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// What is known of a presented refresh token.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// When it was exchanged for its successor.
    pub spent: Option<Timestamp>,
    /// When it stops being usable.
    pub expires: Timestamp,
    /// Whether its login has been ended: by logout, by a password change, by a reuse.
    pub login_ended: bool,
}

/// What a presented refresh token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Exchange it.
    Fresh,
    /// Someone has just exchanged it; use what they got.
    Raced,
    /// It was exchanged long ago: one of the two holders stole it. End the login.
    Reused,
    /// Nobody used it in time.
    Expired,
    /// Its login is over.
    Revoked,
}

/// Decides what a presented refresh token means.
#[must_use]
pub fn judge(facts: Facts, now: Timestamp) -> Verdict {
    if facts.login_ended {
        return Verdict::Revoked;
    }
    match facts.spent {
        Some(spent) if now.duration_since(spent) < RACE_GRACE => Verdict::Raced,
        Some(_) => Verdict::Reused,
        None if facts.expires <= now => Verdict::Expired,
        None => Verdict::Fresh,
    }
}

/// When a token made now stops being usable.
#[must_use]
pub fn expiry(now: Timestamp) -> Timestamp {
    now.saturating_add(REFRESH_LIFETIME).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn facts(spent: Option<i64>) -> Facts {
        Facts { spent: spent.map(at), expires: at(1_000), login_ended: false }
    }

    #[test]
    fn an_unspent_token_is_fresh_until_the_second_it_expires() {
        assert_eq!(judge(facts(None), at(999)), Verdict::Fresh);
        assert_eq!(judge(facts(None), at(1_000)), Verdict::Expired);
    }

    #[test]
    fn a_spent_token_is_a_race_for_ten_seconds_and_a_theft_afterwards() {
        assert_eq!(judge(facts(Some(100)), at(100)), Verdict::Raced);
        assert_eq!(judge(facts(Some(100)), at(109)), Verdict::Raced);
        assert_eq!(judge(facts(Some(100)), at(110)), Verdict::Reused);
        assert_eq!(judge(facts(Some(100)), at(5_000)), Verdict::Reused, "expiry does not hide a theft");
    }

    #[test]
    fn nothing_of_an_ended_login_counts() {
        for spent in [None, Some(100)] {
            let facts = Facts { login_ended: true, ..facts(spent) };
            assert_eq!(judge(facts, at(101)), Verdict::Revoked);
        }
    }
}
