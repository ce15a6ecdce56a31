//! What was revoked while credentials that hang on it have not yet expired.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::api_token::ApiTokenId;
use super::{AccountId, LoginId};

/// Revocations remembered at once, about 8 MiB. Beyond it the oldest are forgotten by refusing everyone's credentials of
/// their time: that costs honest clients one renewal and lets nobody back in.
const REVOKED_MAX: usize = 100_000;

/// Something that is no longer good, for all that hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revocation {
    /// A login: it was logged out, its password was changed, its share revoked, its refresh token stolen.
    Login(LoginId),
    /// An API token.
    ApiToken(ApiTokenId),
    /// What an account may do has changed: all that was given out before that epoch.
    Account {
        /// Whose.
        id: AccountId,
        /// The first that is good.
        epoch: u64,
    },
}

/// What a credential, or a WebSocket opened with one, hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bond {
    /// The account, and its epoch when the credential was made.
    pub account: Option<(AccountId, u64)>,
    /// What it descends from.
    pub root: Root,
    /// When it was made.
    pub issued: Timestamp,
}

/// What a credential descends from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// A login.
    Login(LoginId),
    /// An API token.
    ApiToken(ApiTokenId),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Root(Root),
    Account(AccountId),
}

/// The set of revocations, each remembered for as long as a credential that hangs on it could live.
pub struct Revocations {
    /// Of accounts, the first epoch that is good.
    revoked: HashMap<Key, u64>,
    /// In the order they were made.
    order: VecDeque<(Timestamp, Key, u64)>,
    /// Every credential issued up to here counts as revoked.
    all_until: Option<Timestamp>,
    /// The longest a credential can live.
    lifetime: SignedDuration,
    capacity: usize,
}

impl Revocations {
    /// An empty set for credentials that live at most `lifetime`, leeway included.
    #[must_use]
    pub fn new(lifetime: SignedDuration) -> Self {
        Self { revoked: HashMap::new(), order: VecDeque::new(), all_until: None, lifetime, capacity: REVOKED_MAX }
    }

    /// Adds one. Returns whether that is news.
    pub fn add(&mut self, revocation: Revocation, at: Timestamp) -> bool {
        self.forget_outlived(at);
        let (key, epoch) = match revocation {
            Revocation::Login(id) => (Key::Root(Root::Login(id)), 0),
            Revocation::ApiToken(id) => (Key::Root(Root::ApiToken(id)), 0),
            Revocation::Account { id, epoch } => (Key::Account(id), epoch),
        };
        if self.revoked.get(&key).is_some_and(|known| *known >= epoch) {
            return false;
        }
        self.revoked.insert(key, epoch);
        self.order.push_back((at, key, epoch));
        if self.order.len() > self.capacity
            && let Some((at, oldest, epoch)) = self.order.pop_front()
        {
            self.forget(oldest, epoch);
            self.all_until = self.all_until.max(Some(at));
        }
        true
    }

    /// Whether what hangs on `bond` has lost its force.
    #[must_use]
    pub fn break_bond(&self, bond: &Bond) -> bool {
        let is_outdated = |(id, epoch)| self.revoked.get(&Key::Account(id)).is_some_and(|first| epoch < *first);
        self.revoked.contains_key(&Key::Root(bond.root))
            || bond.account.is_some_and(is_outdated)
            || self.all_until.is_some_and(|until| bond.issued <= until)
    }

    fn forget_outlived(&mut self, now: Timestamp) {
        let lifetime = self.lifetime;
        while let Some((_, key, epoch)) = self.order.front().filter(|(at, ..)| now.duration_since(*at) > lifetime) {
            let (key, epoch) = (*key, *epoch);
            self.order.pop_front();
            self.forget(key, epoch);
        }
    }

    /// An account's earlier change is forgotten with the later one.
    fn forget(&mut self, key: Key, epoch: u64) {
        if self.revoked.get(&key) == Some(&epoch) {
            self.revoked.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ANN: AccountId = AccountId(Uuid::from_u128(1));

    fn login(n: u128) -> LoginId {
        LoginId(Uuid::from_u128(n))
    }

    fn bond(n: u128, issued: i64) -> Bond {
        Bond { account: Some((ANN, 3)), root: Root::Login(login(n)), issued: at(issued) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_ended_login_stays_ended_for_as_long_as_its_tokens_live() {
        let mut revoked = Revocations::new(SignedDuration::from_secs(900));
        assert!(revoked.add(Revocation::Login(login(1)), at(0)));
        assert!(!revoked.add(Revocation::Login(login(1)), at(1)), "no news");
        assert!(revoked.break_bond(&bond(1, 0)));
        assert!(!revoked.break_bond(&bond(2, 0)));
        revoked.add(Revocation::Login(login(2)), at(901));
        assert!(!revoked.break_bond(&bond(1, 0)), "all of its tokens have expired by now");
    }

    #[test]
    fn a_change_of_an_account_ends_what_was_given_out_before_it_and_nothing_after() {
        let mut revoked = Revocations::new(SignedDuration::from_secs(900));
        let change = |epoch| Revocation::Account { id: ANN, epoch };
        assert!(revoked.add(change(3), at(0)));
        assert!(!revoked.break_bond(&bond(1, 0)), "from after it");
        assert!(revoked.add(change(4), at(10)));
        assert!(revoked.break_bond(&bond(1, 0)));
        assert!(!revoked.add(change(3), at(11)), "told late");
        let token = Root::ApiToken(ApiTokenId::from_random([1; 5]));
        assert!(revoked.break_bond(&Bond { root: token, ..bond(1, 0) }));
        revoked.add(Revocation::Login(login(9)), at(901));
        assert!(revoked.break_bond(&bond(1, 0)), "the earlier change is forgotten, the later is not");
    }

    #[test]
    fn at_the_ceiling_credentials_of_forgotten_times_are_refused_to_everyone() {
        let mut revoked = Revocations { capacity: 2, ..Revocations::new(SignedDuration::from_secs(900)) };
        for n in 1..=3 {
            revoked.add(Revocation::Login(login(n)), at(i64::try_from(n).unwrap() * 10));
        }
        assert!(revoked.break_bond(&bond(1, 5)), "forgotten, and still refused");
        assert!(revoked.break_bond(&bond(9, 10)), "the price");
        assert!(!revoked.break_bond(&bond(9, 11)));
        assert_eq!(revoked.revoked.len(), 2);
    }
}
