//! The numbers, as they are set, and the periods they are meant in.

use std::num::NonZeroU32;

use jiff::SignedDuration;

use crate::auth::limit::Quota;

/// How often one account, or one address where nobody is logged in, may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests in 10 seconds.
    pub requests: NonZeroU32,
    /// Sessions opened in a minute.
    pub openings: NonZeroU32,
    /// Tickets for WebSockets in a minute.
    pub tickets: NonZeroU32,
    /// Expensive requests in a minute.
    pub expensive: NonZeroU32,
    /// Users, tokens, shares and grants made or changed in an hour.
    pub saves: NonZeroU32,
    /// Attempts with a credential that fail in 15 minutes.
    pub attempts: NonZeroU32,
}

impl Rates {
    pub(super) const fn ordinary(self) -> Quota {
        Quota { count: self.requests, period: SignedDuration::from_secs(10) }
    }

    pub(super) const fn openings(self) -> Quota {
        Quota { count: self.openings, period: SignedDuration::from_mins(1) }
    }

    pub(super) const fn tickets(self) -> Quota {
        Quota { count: self.tickets, period: SignedDuration::from_mins(1) }
    }

    pub(super) const fn expensive(self) -> Quota {
        Quota { count: self.expensive, period: SignedDuration::from_mins(1) }
    }

    pub(super) const fn saves(self) -> Quota {
        Quota { count: self.saves, period: SignedDuration::from_hours(1) }
    }

    pub(super) const fn attempts(self) -> Quota {
        Quota { count: self.attempts, period: SignedDuration::from_mins(15) }
    }
}
