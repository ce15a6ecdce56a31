//! One limit of this server: a budget for each account, or for each address where nobody is logged in.
//!
//! Its memory is bounded by forgetting whose budget is full again, and beyond that by telling addresses apart no longer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::auth::AccountId;
use crate::auth::limit::{Left, Quota, Wait};
use crate::http::Clock;
use crate::http::strangers::block;

/// Whom budgets are kept for: about 6 MiB. Beyond it addresses that begin alike share one.
const KEYS_MAX: usize = 65_536;
/// How often it is looked for budgets that are full again when there are too many: a look takes some milliseconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// An account's.
    Account(AccountId),
    /// An address's: one of IPv4, or 2^64 of IPv6.
    Address(IpAddr),
    /// That of all addresses that begin so.
    Neighbourhood([u8; 2]),
}

impl Key {
    /// That of an address.
    pub(super) fn address(address: IpAddr) -> Self {
        Self::Address(block(address))
    }

    const fn coarser(self) -> Self {
        match self {
            Self::Address(IpAddr::V4(ip)) => {
                let [first, second, ..] = ip.octets();
                Self::Neighbourhood([first, second])
            }
            Self::Address(IpAddr::V6(ip)) => Self::Neighbourhood(ip.segments()[0].to_be_bytes()),
            Self::Account(_) | Self::Neighbourhood(_) => self,
        }
    }
}

/// The count of one kind of requests.
pub(super) struct Counter {
    quota: Quota,
    limiter: RateLimiter<Key, HashMapStateStore<Key>, Forward, StateInformationMiddleware>,
    clock: Forward,
    /// When it was last looked for budgets that are full again.
    looked: Mutex<Duration>,
}

impl Counter {
    pub(super) fn new(quota: Quota, clock: Clock) -> Self {
        let clock = Forward::new(clock);
        let each = Duration::try_from(quota.each()).ok().and_then(governor::Quota::with_period);
        let refill = each.unwrap_or(governor::Quota::per_second(quota.count)).allow_burst(quota.count);
        let budgets = HashMapStateStore::new(HashMap::new());
        let limiter = RateLimiter::new(refill, budgets, clock.clone());
        Self { quota, limiter, clock, looked: Mutex::default() }
    }

    pub(super) const fn quota(&self) -> Quota {
        self.quota
    }

    /// Counts one, or says how long until it would be counted.
    pub(super) fn count(&self, key: Key) -> Result<Left, Wait> {
        let key = if self.is_full() { key.coarser() } else { key };
        match self.limiter.check_key(&key) {
            Ok(state) => {
                let count = state.remaining_burst_capacity();
                let missing = i32::try_from(self.quota.count.get().saturating_sub(count)).unwrap_or(i32::MAX);
                Ok(Left { count, full_in: self.quota.each() * missing })
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                Err(Wait(SignedDuration::try_from(wait).unwrap_or(self.quota.period)))
            }
        }
    }

    /// Forgets budgets that are full again.
    pub(super) fn forget_full(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    fn is_full(&self) -> bool {
        if self.limiter.len() < KEYS_MAX {
            return false;
        }
        let now = self.clock.now();
        let is_due = {
            let mut looked = self.looked.lock();
            let is_due = now.saturating_sub(*looked) >= LOOK_EVERY;
            if is_due {
                *looked = now;
            }
            is_due
        };
        if is_due {
            self.limiter.retain_recent();
        }
        self.limiter.len() >= KEYS_MAX
    }
}

/// The app's clock as a budget needs it: one that never goes back. Where the wall clock is set back it stands still for
/// that moment and goes on, so that nobody waits for a time that has been.
#[derive(Clone)]
struct Forward {
    clock: Clock,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    wall: Timestamp,
    elapsed: Duration,
}

impl Forward {
    fn new(clock: Clock) -> Self {
        let wall = clock();
        Self { clock, seen: Arc::new(Mutex::new(Seen { wall, elapsed: Duration::ZERO })) }
    }
}

impl governor::clock::Clock for Forward {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut seen = self.seen.lock();
        let wall = (self.clock)();
        // Negative where the clock was set back.
        let passed = Duration::try_from(wall.duration_since(seen.wall)).unwrap_or_default();
        seen.elapsed += passed;
        seen.wall = wall;
        seen.elapsed
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::num::NonZeroU32;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const TEN: Quota = Quota { count: NonZeroU32::new(10).unwrap(), period: SignedDuration::from_secs(10) };

    fn counter() -> (Counter, Arc<AtomicI64>) {
        let clock = Arc::new(AtomicI64::new(1_800_000_000));
        let moved = Arc::clone(&clock);
        let now = move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap();
        (Counter::new(TEN, Arc::new(now)), moved)
    }

    fn v4(n: u32) -> Key {
        Key::address(Ipv4Addr::from_bits(n).into())
    }

    fn counted(counter: &Counter, key: Key) -> usize {
        (0..20).filter(|_| counter.count(key).is_ok()).count()
    }

    #[test]
    fn each_has_a_budget_that_comes_back_one_by_one() {
        let (counter, clock) = counter();
        let ann = Key::Account(AccountId(uuid::Uuid::from_u128(1)));
        assert_eq!(counter.count(ann), Ok(Left { count: 9, full_in: SignedDuration::from_secs(1) }));
        assert_eq!(counted(&counter, ann), 9);
        assert_eq!(counter.count(ann), Err(Wait(SignedDuration::from_secs(1))));
        assert_eq!(counted(&counter, v4(1)), 10, "another's is untouched");
        clock.fetch_add(3, Ordering::Relaxed);
        assert_eq!(counted(&counter, ann), 3);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_have_one_budget() {
        let (counter, _) = counter();
        assert_eq!(counted(&counter, Key::address("2001:db8::1".parse().unwrap())), 10);
        assert_eq!(counted(&counter, Key::address("2001:db8::ffff:1".parse().unwrap())), 0);
        assert_eq!(counted(&counter, Key::address("2001:db8:0:1::1".parse().unwrap())), 10);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let (counter, clock) = counter();
        assert_eq!(counted(&counter, v4(1)), 10);
        clock.fetch_sub(3600, Ordering::Relaxed);
        assert_eq!(counted(&counter, v4(1)), 0);
        clock.fetch_add(2, Ordering::Relaxed);
        assert_eq!(counted(&counter, v4(1)), 2);
    }

    #[test]
    fn beyond_the_ceiling_addresses_that_begin_alike_share_a_budget_and_accounts_do_not() {
        let (counter, clock) = counter();
        let most = u32::try_from(KEYS_MAX).unwrap();
        for n in 0..most {
            counter.count(v4(n)).unwrap();
        }
        let (one, neighbour, other) = (v4(0x0a00_0001), v4(0x0a00_0002), v4(0x0a01_0001));
        assert_eq!((counted(&counter, one), counted(&counter, neighbour), counted(&counter, other)), (10, 0, 10));
        assert_eq!(counted(&counter, Key::Account(AccountId(uuid::Uuid::from_u128(1)))), 10);
        assert!(counter.limiter.len() < KEYS_MAX + 10);
        clock.fetch_add(60, Ordering::Relaxed);
        assert_eq!((counted(&counter, one), counted(&counter, neighbour)), (10, 10), "the others' are full again");
        clock.fetch_add(60, Ordering::Relaxed);
        counter.forget_full();
        assert_eq!(counter.limiter.len(), 0);
    }
}
