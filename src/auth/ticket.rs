//! Tickets: how a browser, which cannot send a header with a WebSocket, shows who it is without a credential in a URL.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::revocation::Bond;
use super::{Access, Digest, Secret, Who};

/// How long a ticket can be used: a page asks for one and opens its socket at once.
pub const TICKET_LIFETIME: SignedDuration = SignedDuration::from_secs(30);
/// Tickets open at once: more than a server has connections in half a minute, about 2 MiB.
pub const TICKETS_MAX: usize = 10_000;

/// What stands before a ticket where a WebSocket's request offers it, beside the subprotocol.
pub const OFFERED_AS: &str = "ticket.";

/// What a ticket stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketGrant {
    /// Who asked for it.
    pub who: Who,
    /// What it hangs on; nothing for the local token and for a server without auth.
    pub bond: Option<Bond>,
    /// When the credential it was bought with expires, and with it the WebSocket.
    pub expires: Option<Timestamp>,
    /// What it allows.
    pub access: Access,
}

/// No more tickets can be made before some are used or expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tickets are open")]
pub struct TicketsFull;

/// The ticket was never made, has been used, has expired or is for another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ticket is not valid")]
pub struct TicketRefused;

struct Ticket {
    session: Uuid,
    grant: TicketGrant,
    expires: Timestamp,
}

/// The tickets that can still be used. Only digests are kept.
#[derive(Default)]
pub struct Tickets {
    open: HashMap<Digest, Ticket>,
    /// Every ticket made, oldest first. All live equally long, so the expired ones are at the front.
    order: VecDeque<(Timestamp, Digest)>,
}

impl Tickets {
    /// Makes a ticket for one WebSocket to `session`.
    ///
    /// # Errors
    /// When [`TICKETS_MAX`] are open.
    pub fn mint(
        &mut self,
        secret: &Secret,
        session: Uuid,
        grant: TicketGrant,
        now: Timestamp,
    ) -> Result<String, TicketsFull> {
        self.forget_expired(now);
        if self.order.len() >= TICKETS_MAX {
            return Err(TicketsFull);
        }
        let expires = now.saturating_add(TICKET_LIFETIME).unwrap_or(Timestamp::MAX);
        let digest = secret.digest();
        self.order.push_back((expires, digest));
        self.open.insert(digest, Ticket { session, grant, expires });
        Ok(secret.reveal())
    }

    /// Uses a ticket up, also when it turns out to be for another session: whoever presents it there has no good
    /// reason to have it.
    ///
    /// # Errors
    /// When it is not an open ticket for `session`.
    pub fn redeem(&mut self, presented: &str, session: Uuid, now: Timestamp) -> Result<TicketGrant, TicketRefused> {
        let ticket = self.open.remove(&Digest::of(presented)).ok_or(TicketRefused)?;
        if ticket.session == session && ticket.expires > now { Ok(ticket.grant) } else { Err(TicketRefused) }
    }

    /// Who has bought an open ticket, which stays open.
    #[must_use]
    pub fn buyer(&self, presented: &str, now: Timestamp) -> Option<TicketGrant> {
        self.open.get(&Digest::of(presented)).filter(|ticket| ticket.expires > now).map(|ticket| ticket.grant)
    }

    fn forget_expired(&mut self, now: Timestamp) {
        while let Some((_, digest)) = self.order.front().filter(|(expires, _)| *expires <= now) {
            self.open.remove(digest);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{AccountId, Role};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const BUILD: Uuid = Uuid::from_u128(10);
    const GRANT: TicketGrant = TicketGrant {
        who: Who::Account { id: AccountId(Uuid::from_u128(1)), role: Role::Member },
        bond: None,
        expires: None,
        access: Access::View,
    };

    fn secret(n: usize) -> Secret {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        Secret::new(bytes)
    }

    #[test]
    fn a_ticket_opens_its_session_once() {
        let mut tickets = Tickets::default();
        let ticket = tickets.mint(&secret(1), BUILD, GRANT, NOW).unwrap();
        assert_eq!(tickets.buyer(&ticket, NOW), Some(GRANT));
        assert_eq!(tickets.redeem(&ticket, BUILD, NOW), Ok(GRANT));
        assert_eq!(tickets.redeem(&ticket, BUILD, NOW), Err(TicketRefused));
    }

    #[test]
    fn a_ticket_shown_at_another_session_is_used_up() {
        let mut tickets = Tickets::default();
        let ticket = tickets.mint(&secret(1), BUILD, GRANT, NOW).unwrap();
        assert_eq!(tickets.redeem(&ticket, Uuid::from_u128(11), NOW), Err(TicketRefused));
        assert_eq!(tickets.redeem(&ticket, BUILD, NOW), Err(TicketRefused));
    }

    #[test]
    fn h30_a_ticket_is_dead_after_thirty_seconds() {
        let mut tickets = Tickets::default();
        let ticket = tickets.mint(&secret(1), BUILD, GRANT, NOW).unwrap();
        assert_eq!(tickets.redeem(&ticket, BUILD, NOW + TICKET_LIFETIME), Err(TicketRefused));
    }

    #[test]
    fn tickets_are_refused_at_the_ceiling_until_the_old_ones_expire() {
        let mut tickets = Tickets::default();
        for n in 0..TICKETS_MAX {
            tickets.mint(&secret(n), BUILD, GRANT, NOW).unwrap();
        }
        assert_eq!(tickets.mint(&secret(TICKETS_MAX), BUILD, GRANT, NOW), Err(TicketsFull));
        tickets.mint(&secret(TICKETS_MAX), BUILD, GRANT, NOW + TICKET_LIFETIME).unwrap();
        assert_eq!((tickets.open.len(), tickets.order.len()), (1, 1));
    }
}
