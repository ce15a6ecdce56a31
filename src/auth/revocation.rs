//! Logins that have ended while access tokens of theirs have not yet expired.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::LoginId;

/// Ended logins remembered at once, about 8 MiB. Beyond it the oldest are forgotten by refusing everyone's tokens of
/// their time: that costs honest clients one renewal and lets no ended login back in.
const ENDED_MAX: usize = 100_000;

/// The set of ended logins, each remembered for as long as an access token of it could live.
pub struct EndedLogins {
    ended: HashMap<LoginId, Timestamp>,
    /// In the order they ended.
    order: VecDeque<(Timestamp, LoginId)>,
    /// Every token issued up to here counts as ended.
    all_until: Option<Timestamp>,
    /// The longest an access token can live.
    token_lifetime: SignedDuration,
    capacity: usize,
}

impl EndedLogins {
    /// An empty set for access tokens that live at most `token_lifetime`, leeway included.
    #[must_use]
    pub fn new(token_lifetime: SignedDuration) -> Self {
        Self { ended: HashMap::new(), order: VecDeque::new(), all_until: None, token_lifetime, capacity: ENDED_MAX }
    }

    /// Ends a login. Returns whether that is news.
    pub fn end(&mut self, login: LoginId, now: Timestamp) -> bool {
        self.forget_outlived(now);
        if self.ended.insert(login, now).is_some() {
            return false;
        }
        self.order.push_back((now, login));
        if self.order.len() > self.capacity
            && let Some((ended, oldest)) = self.order.pop_front()
        {
            self.ended.remove(&oldest);
            self.all_until = self.all_until.max(Some(ended));
        }
        true
    }

    /// Whether a token of `login` issued at `issued` has lost its force.
    #[must_use]
    pub fn is_ended(&self, login: LoginId, issued: Timestamp) -> bool {
        self.ended.contains_key(&login) || self.all_until.is_some_and(|until| issued <= until)
    }

    fn forget_outlived(&mut self, now: Timestamp) {
        let lifetime = self.token_lifetime;
        while let Some((_, login)) = self.order.front().filter(|(ended, _)| now.duration_since(*ended) > lifetime) {
            self.ended.remove(login);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn login(n: u128) -> LoginId {
        LoginId(Uuid::from_u128(n))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_ended_login_stays_ended_for_as_long_as_its_tokens_live() {
        let mut ended = EndedLogins::new(SignedDuration::from_secs(900));
        assert!(ended.end(login(1), at(0)));
        assert!(!ended.end(login(1), at(1)), "no news");
        assert!(ended.is_ended(login(1), at(0)));
        assert!(!ended.is_ended(login(2), at(0)));
        ended.end(login(2), at(901));
        assert!(!ended.is_ended(login(1), at(0)), "all of its tokens have expired by now");
    }

    #[test]
    fn at_the_ceiling_tokens_of_forgotten_times_are_refused_to_everyone() {
        let mut ended = EndedLogins { capacity: 2, ..EndedLogins::new(SignedDuration::from_secs(900)) };
        for n in 1..=3 {
            ended.end(login(n), at(i64::try_from(n).unwrap() * 10));
        }
        assert!(ended.is_ended(login(1), at(5)), "forgotten, and still refused");
        assert!(ended.is_ended(login(9), at(10)), "the price");
        assert!(!ended.is_ended(login(9), at(11)));
        assert_eq!(ended.ended.len(), 2);
    }
}
