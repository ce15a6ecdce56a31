//! Who types: numbers messages, keeps them until they are acknowledged, and sends them again as docs/PROTOCOL.md says.
//! Knows of each byte that gets into the pipe whether it is the one that is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use crate::session::clients::Clients;
use crate::session::input::{InputQueue, Numbered};
use crate::session::line::Place;
use crate::session::{ClientId, Principal, ViewerId};

/// Typists there can be: a byte tells whose it is by its first three bits, and one of them is nobody's.
const TAGS: u8 = 7;
/// What is typed by nobody in particular.
pub(super) const ANYONE: u8 = TAGS << 5;
/// What a byte tells of its place in what was typed.
const PLACES: usize = 32;

struct Message {
    len: usize,
    /// Control was held when it came: nothing more of it is written.
    is_refused: bool,
}

struct Connected {
    viewer: ViewerId,
    /// Messages sent, over this connection or known by it to be there.
    sent: usize,
    written: Arc<AtomicU64>,
}

/// One client and what it has typed.
pub(super) struct Typist {
    tag: u8,
    client: Option<ClientId>,
    connected: Option<Connected>,
    /// Those with seq 1, 2, …
    messages: Vec<Message>,
    acknowledged: u64,
    /// The next byte that may come: of which message, and which of it.
    due: (usize, usize),
    /// The server does not know it any more: what was taken is written at most, and in order.
    is_forgotten: bool,
}

/// `bytes` went into the pipe.
pub(super) fn typed(typists: &mut [Typist], bytes: &[u8]) {
    for &byte in bytes {
        if let Some(typist) = typists.get_mut(usize::from(byte >> 5)) {
            typist.has_typed(byte);
        }
    }
}

impl Typist {
    pub(super) const fn new(tag: u8) -> Self {
        Self {
            tag,
            client: None,
            connected: None,
            messages: Vec::new(),
            acknowledged: 0,
            due: (0, 0),
            is_forgotten: false,
        }
    }

    /// One that is attached already; none when all tags are taken.
    pub(super) fn named(tag: u8, client: ClientId, viewer: ViewerId) -> Option<Self> {
        let connected = Some(Connected { viewer, sent: 0, written: Arc::default() });
        (tag < TAGS).then(|| Self { client: Some(client), connected, ..Self::new(tag) })
    }

    /// Whether the server may know it.
    pub(super) const fn is_known(&self) -> bool {
        !self.is_forgotten
    }

    fn principal(&self) -> Principal {
        Principal(Uuid::from_u128(self.tag.into()))
    }

    /// Types a message of so many bytes.
    pub(super) fn types(&mut self, len: usize) {
        self.messages.push(Message { len, is_refused: false });
    }

    /// Attaches as the client it was. Returns another id when it got one, because it was forgotten.
    pub(super) fn attaches(&mut self, clients: &mut Clients, viewer: ViewerId, now: Instant) -> Option<ClientId> {
        if self.is_forgotten {
            return None;
        }
        let fresh = fresh(viewer);
        let identity = clients.attach(self.client, fresh, self.principal(), Arc::new(Place::new(viewer)), now);
        if self.client.is_some_and(|client| client != identity.id) {
            assert_eq!((identity.id, identity.taken), (fresh, 0), "nobody else's");
            (self.is_forgotten, self.connected) = (true, None);
            return Some(identity.id);
        }
        assert!(identity.taken >= self.acknowledged, "what was acknowledged is not asked for again");
        let sent = usize::try_from(identity.taken).expect("few");
        assert!(sent <= self.messages.len(), "taken, and never sent");
        self.client = Some(identity.id);
        self.connected = Some(Connected { viewer, sent, written: identity.written });
        None
    }

    /// Another user tries to be this client.
    pub(super) fn is_imitated(&self, clients: &mut Clients, viewer: ViewerId, now: Instant) {
        let stranger = Principal(Uuid::from_u128(99));
        let identity = clients.attach(self.client, fresh(viewer), stranger, Arc::new(Place::new(viewer)), now);
        assert_eq!((identity.id, identity.taken), (fresh(viewer), 0), "a client is its own user's");
        clients.detach(identity.id, viewer, now);
    }

    /// Its connection is no more. Returns what the server has yet to see.
    pub(super) fn is_cut(&mut self) -> Option<(ClientId, ViewerId)> {
        self.hears();
        self.client.zip(self.connected.take().map(|connected| connected.viewer))
    }

    /// Sends what it has not sent yet, at most so many messages.
    pub(super) fn sends(&mut self, clients: &mut Clients, queue: &mut InputQueue, is_held: bool, most: usize) {
        let (Some(client), Some(connected)) = (self.client, &mut self.connected) else { return };
        for (index, message) in self.messages.iter_mut().enumerate().skip(connected.sent).take(most) {
            let numbered = Numbered { client, seq: index as u64 + 1 };
            if is_held {
                InputQueue::skip(clients, numbered).expect("the next in order");
            } else {
                let bytes = bytes(self.tag, index, message.len);
                queue.push(clients, Some(numbered), Some(connected.viewer), bytes).expect("the next in order");
            }
            message.is_refused = is_held;
            connected.sent += 1;
        }
    }

    /// What a dead connection still had on its way comes: the server has it, so that it changes nothing.
    pub(super) fn sends_again(&self, clients: &mut Clients, queue: &mut InputQueue, back: usize) {
        let (Some(client), Some(connected)) = (self.client, &self.connected) else { return };
        for index in connected.sent.saturating_sub(back)..connected.sent {
            let numbered = Some(Numbered { client, seq: index as u64 + 1 });
            queue
                .push(clients, numbered, None, bytes(self.tag, index, self.messages[index].len))
                .expect("taken before");
        }
    }

    /// Looks at what is acknowledged.
    pub(super) fn hears(&mut self) {
        if let Some(connected) = &self.connected {
            let written = connected.written.load(Ordering::Acquire);
            assert!(written <= connected.sent as u64, "acknowledged, and never sent");
            self.acknowledged = self.acknowledged.max(written);
        }
    }

    /// Law 5: the byte is the next of the message that is due.
    fn has_typed(&mut self, byte: u8) {
        self.pass_what_is_over();
        let (index, place) = self.due;
        let message = self.messages.get(index);
        assert!(message.is_some_and(|message| place < message.len), "more than was typed");
        assert_eq!(byte, byte_at(self.tag, index, place), "byte {place} of message {index} was due");
        self.due.1 += 1;
    }

    fn pass_what_is_over(&mut self) {
        while let Some(message) = self.messages.get(self.due.0)
            && (message.is_refused || self.due.1 == message.len)
        {
            self.due = (self.due.0 + 1, 0);
        }
    }

    /// All it typed and was not refused was written, and it knows.
    pub(super) fn has_everything(&mut self) {
        if self.is_forgotten {
            return;
        }
        self.hears();
        self.pass_what_is_over();
        assert_eq!(self.due, (self.messages.len(), 0), "of {} messages", self.messages.len());
        assert_eq!(self.acknowledged, self.messages.len() as u64);
    }
}

fn fresh(viewer: ViewerId) -> ClientId {
    ClientId::from_uuid(Uuid::from_u128(u128::from(viewer.0) << 64 | 1))
}

fn byte_at(tag: u8, index: usize, place: usize) -> u8 {
    tag << 5 | u8::try_from((index * 7 + place) % PLACES).expect("five bits")
}

fn bytes(tag: u8, index: usize, len: usize) -> Bytes {
    (0..len).map(|place| byte_at(tag, index, place)).collect()
}
