//! Who has typed into a session, remembered across reconnects, so that resending is safe (law 5).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::ledger::{ClientRow, Ledger, RowOwner};
use super::line::Place;
use super::{ClientId, Principal, ViewerId};

/// How long a client that has gone is remembered: a train ride without signal.
pub(super) const REMEMBERED: Duration = Duration::from_secs(10 * 60);
/// Most clients remembered that are not attached; beyond, the one gone longest is forgotten. Bounds what a storm of
/// connections can leave behind to about 200 KiB a session.
pub(super) const REMEMBERED_MAX: usize = 1024;

/// One client's place in the order of its input.
pub(super) struct Client {
    principal: Principal,
    /// Highest seq taken: queued, written or refused. What is not above it is dropped.
    pub(super) taken: u64,
    /// Bytes of the message behind that which were written before this process took the session up.
    pub(super) part: usize,
    /// Bytes of its input not yet written.
    pub(super) queued: usize,
    /// Highest seq written to the PTY or refused with all before it, for whoever is attached as this client.
    pub(super) written: Arc<AtomicU64>,
    presence: Presence,
    /// Where it is written down.
    row: Option<(Ledger, ClientRow)>,
}

enum Presence {
    Attached(Arc<Place>),
    Gone,
}

/// What an attaching client learns of itself.
pub(super) struct Identity {
    pub(super) id: ClientId,
    pub(super) taken: u64,
    pub(super) written: Arc<AtomicU64>,
}

/// All clients of one session.
#[derive(Default)]
pub(super) struct Clients {
    known: HashMap<ClientId, Client>,
    /// Those that have gone, longest ago first, each once.
    gone: VecDeque<(Instant, ClientId)>,
    /// Where they are written down.
    ledger: Option<Ledger>,
}

impl Client {
    /// Its row in the ledger.
    pub(super) fn row(&self) -> Option<ClientRow> {
        self.row.as_ref().map(|(_, row)| *row)
    }

    /// All up to `seq` is written, or was refused.
    pub(super) fn handled_up_to(&self, seq: u64) {
        if let Some((ledger, row)) = &self.row {
            ledger.handled_up_to(*row, seq);
        }
        let before = self.written.fetch_max(seq, Ordering::Release);
        if let Presence::Attached(place) = &self.presence
            && before < seq
        {
            place.wake();
        }
    }
}

impl Clients {
    /// Those of a session, which are written down in `ledger`.
    pub(super) fn written_down_in(ledger: Ledger) -> Self {
        Self { ledger: Some(ledger), ..Self::default() }
    }

    /// Takes up those that another server wrote down, as if they had gone now.
    pub(super) fn take_up(&mut self, now: Instant) {
        let Some(ledger) = self.ledger.clone() else { return };
        for RowOwner { row, id, principal, handled, part } in ledger.clients() {
            let row = Some((ledger.clone(), row));
            let written = Arc::new(AtomicU64::new(handled));
            let client = Client { principal, taken: handled, part, queued: 0, written, presence: Presence::Gone, row };
            self.known.insert(id, client);
            self.gone.push_back((now, id));
        }
        self.forget(now);
    }

    /// Attaches the viewer at `place` as the client `wanted`, if that is known and the same principal's, else as
    /// `fresh`. A connection still attached as that client is superseded: it is most often the dead half of a dropped
    /// one.
    pub(super) fn attach(
        &mut self,
        wanted: Option<ClientId>,
        fresh: ClientId,
        principal: Principal,
        place: Arc<Place>,
        now: Instant,
    ) -> Identity {
        self.forget(now);
        let id =
            wanted.filter(|id| self.known.get(id).is_some_and(|known| known.principal == principal)).unwrap_or(fresh);
        let ledger = &self.ledger;
        let client = self.known.entry(id).or_insert_with(|| Client {
            principal,
            taken: 0,
            part: 0,
            queued: 0,
            written: Arc::default(),
            presence: Presence::Gone,
            row: ledger.as_ref().and_then(|ledger| Some((ledger.clone(), ledger.add_client(id, principal)?))),
        });
        match std::mem::replace(&mut client.presence, Presence::Attached(place)) {
            Presence::Attached(superseded) => superseded.supersede(),
            Presence::Gone => self.gone.retain(|(_, gone)| *gone != id),
        }
        Identity { id, taken: client.taken, written: Arc::clone(&client.written) }
    }

    /// `viewer` has gone. Nothing changes when another has already taken its client's place.
    pub(super) fn detach(&mut self, id: ClientId, viewer: ViewerId, now: Instant) -> bool {
        let Some(client) = self.known.get_mut(&id) else { return false };
        let is_current = matches!(&client.presence, Presence::Attached(place) if place.viewer == viewer);
        if is_current {
            client.presence = Presence::Gone;
            self.gone.push_back((now, id));
        }
        self.forget(now);
        is_current
    }

    pub(super) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.known.get_mut(&id)
    }

    fn forget(&mut self, now: Instant) {
        while let Some(&(since, id)) = self.gone.front()
            && (self.gone.len() > REMEMBERED_MAX || now.duration_since(since) >= REMEMBERED)
        {
            self.gone.pop_front();
            if let Some(Client { row: Some((ledger, row)), .. }) = self.known.remove(&id) {
                ledger.forget_client(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ClientId {
        ClientId::from_random([byte; 16])
    }

    fn place(viewer: u64) -> Arc<Place> {
        Arc::new(Place::new(ViewerId(viewer)))
    }

    fn ann() -> Principal {
        Principal(uuid::Uuid::from_u128(1))
    }

    #[test]
    fn a_client_is_taken_up_again_only_by_the_same_principal_and_within_the_grace() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        let first = clients.attach(None, id(1), ann(), place(1), now);
        clients.get_mut(first.id).expect("known").taken = 7;
        clients.detach(first.id, ViewerId(1), now);
        let stranger = clients.attach(Some(id(1)), id(2), Principal(uuid::Uuid::from_u128(2)), place(2), now);
        assert_eq!((stranger.id, stranger.taken), (id(2), 0));
        let again = clients.attach(Some(id(1)), id(3), ann(), place(3), now);
        assert_eq!((again.id, again.taken), (id(1), 7));
        clients.detach(id(1), ViewerId(3), now);
        let late = clients.attach(Some(id(1)), id(4), ann(), place(4), now + REMEMBERED);
        assert_eq!((late.id, late.taken), (id(4), 0));
    }

    #[test]
    fn a_second_connection_of_a_client_supersedes_the_first_and_outlives_its_end() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        let (first, second) = (place(1), place(2));
        clients.attach(None, id(1), ann(), Arc::clone(&first), now);
        assert_eq!(clients.attach(Some(id(1)), id(2), ann(), Arc::clone(&second), now).id, id(1));
        assert!(first.is_superseded() && !second.is_superseded());
        assert!(!clients.detach(id(1), ViewerId(1), now), "the first one's end is not the client's");
        assert!(clients.detach(id(1), ViewerId(2), now));
    }

    #[test]
    fn clients_that_have_gone_are_bounded_and_those_attached_are_not_forgotten() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        let stays = clients.attach(None, id(0), ann(), place(0), now);
        for n in 1..=(REMEMBERED_MAX as u64 + 50) {
            let mut random = [1; 16];
            random[8..].copy_from_slice(&n.to_be_bytes());
            let at = now + Duration::from_millis(n);
            let client = clients.attach(None, ClientId::from_random(random), ann(), place(n), at);
            clients.detach(client.id, ViewerId(n), at);
        }
        assert_eq!(clients.known.len(), REMEMBERED_MAX + 1);
        assert!(clients.get_mut(stays.id).is_some());
    }
}
