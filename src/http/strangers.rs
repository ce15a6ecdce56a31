//! Connections that have not shown a credential, counted for each address they come from.
//!
//! Whoever knows no password can open sockets all the same. This bounds what one address can hold, so that the places
//! there are stay free for others.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

/// Bits of an IPv6 address that name a customer; the rest is theirs to choose.
const IPV6_PREFIX: u32 = 64;

/// The count. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Strangers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    /// Only of addresses that have one, so that it is never larger than there are connections.
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl Strangers {
    /// At most `max` of each address.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Inner { max, counts: Mutex::default() }))
    }

    /// Counts a connection from there until what is returned is dropped; `None` when there are as many as may be.
    pub(super) fn admit(&self, from: IpAddr) -> Option<Stranger> {
        let from = block(from);
        let mut counts = self.0.counts.lock();
        let count = counts.entry(from).or_default();
        if *count >= self.0.max {
            return None;
        }
        *count += 1;
        Some(Stranger { among: self.clone(), from })
    }
}

/// One connection that counts.
#[derive(Debug)]
pub(super) struct Stranger {
    among: Strangers,
    from: IpAddr,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut counts = self.among.0.counts.lock();
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

/// What is counted as one: an IPv4 address, or the first half of an IPv6 address.
pub(super) fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << IPV6_PREFIX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_and_another_has_its_own() {
        let strangers = Strangers::new(2);
        let first = strangers.admit(ip("10.0.0.1")).unwrap();
        let _second = strangers.admit(ip("::ffff:10.0.0.1")).unwrap();
        assert!(strangers.admit(ip("10.0.0.1")).is_none());
        let other = strangers.admit(ip("10.0.0.2"));
        assert!(other.is_some());
        drop((first, other));
        assert!(strangers.admit(ip("10.0.0.1")).is_some(), "a place that was given back");
        assert_eq!(strangers.0.counts.lock().len(), 1, "nothing is kept of who has gone");
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let strangers = Strangers::new(1);
        let _first = strangers.admit(ip("2001:db8::1")).unwrap();
        assert!(strangers.admit(ip("2001:db8::2:1")).is_none());
        assert!(strangers.admit(ip("2001:db8:0:1::1")).is_some());
    }
}
