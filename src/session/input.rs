//! What was typed and is not yet written: each numbered byte taken once, in its client's order (law 5).

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::watch;

use super::clients::Clients;
use super::ledger::{Delivered, Recipient};
use super::{ClientId, ViewerId};
use crate::terminal::Offset;

/// Most bytes one client may have queued: its window of unacknowledged input (`welcome.limits.inputBytes`).
pub const QUEUED_PER_CLIENT_MAX: usize = 1024 * 1024;
/// Most bytes queued for one session, whoever sent them. A program that does not read its input makes this fill.
const QUEUED_MAX: usize = 4 * QUEUED_PER_CLIENT_MAX;
/// Most bytes of the terminal's answers queued: thousands of them. A program that asks on and reads nothing gets no
/// more.
const ANSWERS_MAX: usize = 64 * 1024;

/// Why input was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputRefused {
    /// The program has not been started or has ended.
    #[error("the session is not running")]
    NotRunning,
    /// The connection may only watch.
    #[error("this connection may only watch")]
    ViewOnly,
    /// Another client has taken exclusive control.
    #[error("another client has taken control")]
    ControlHeld,
    /// The program does not read its input, and the queue has reached its limit.
    #[error("too much input is waiting for the program to read it")]
    QueueFull,
    /// A numbered message is missing, so the order cannot be kept.
    #[error("input seq {got} came where {expected} was due")]
    Skipped {
        /// The seq that was due.
        expected: u64,
        /// The seq that came.
        got: u64,
    },
}

/// A message's place in its client's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) client: ClientId,
    /// From 1; 0 is not numbered: no deduplication, no ack.
    pub(super) seq: u64,
}

/// Input waiting for the PTY.
#[derive(Default)]
pub(super) struct InputQueue {
    entries: VecDeque<Entry>,
    /// Bytes of what was typed.
    bytes: usize,
    /// Bytes of what the terminal answers.
    answers: usize,
    /// Bytes of what was ever typed, and of what of that was written.
    typed: u64,
    written: watch::Sender<u64>,
}

/// Input that was taken, for whoever wants to know when it is written.
pub struct Typed {
    /// Everything is once so many bytes are.
    upto: u64,
    written: watch::Receiver<u64>,
}

impl Typed {
    /// Waits until all of it is written to the terminal; false when that will never be, because the program has ended.
    pub async fn is_written(mut self) -> bool {
        self.written.wait_for(|written| *written >= self.upto).await.is_ok()
    }
}

/// What the terminal answers its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// All that output before this asked and was not answered before.
    pub(super) upto: Offset,
    /// Bytes that stood before these and were written.
    pub(super) written: usize,
    pub(super) bytes: Bytes,
}

struct Entry {
    bytes: Bytes,
    /// Bytes that stood before these and were written.
    written: usize,
    from: Source,
    viewer: Option<ViewerId>,
}

/// Whose an entry is.
#[derive(Clone, Copy)]
enum Source {
    /// Typed, by whom nobody counts or by a client in its order.
    Typed(Option<Numbered>),
    /// An [`Answer`].
    Terminal { upto: Offset },
}

/// What to write next.
pub(super) struct Front {
    /// Empty for an empty message.
    pub(super) bytes: Bytes,
    /// Who typed it.
    pub(super) viewer: Option<ViewerId>,
    /// What is delivered with it.
    pub(super) delivered: Delivered,
}

impl InputQueue {
    /// Takes `bytes`, unless this client's seq was taken before: then they were, or will be, written already.
    pub(super) fn push(
        &mut self,
        clients: &mut Clients,
        from: Option<Numbered>,
        viewer: Option<ViewerId>,
        mut bytes: Bytes,
    ) -> Result<(), InputRefused> {
        let mut written = 0;
        let mut typist = from.and_then(|from| Some((clients.get_mut(from.client)?, from.seq)));
        if let Some((client, seq)) = &typist
            && *seq > 0
            && !due(client.taken, *seq)?
        {
            return Ok(()); // before the bounds: what is resent takes no room a second time
        }
        if self.bytes + bytes.len() > QUEUED_MAX {
            return Err(InputRefused::QueueFull);
        }
        if let Some((client, seq)) = &mut typist {
            if client.queued + bytes.len() > QUEUED_PER_CLIENT_MAX {
                return Err(InputRefused::QueueFull);
            }
            if *seq > 0 {
                written = std::mem::take(&mut client.part).min(bytes.len());
                bytes = bytes.slice(written..);
            }
            client.taken = client.taken.max(*seq);
            client.queued += bytes.len();
        }
        self.bytes += bytes.len();
        self.typed += bytes.len() as u64;
        self.entries.push_back(Entry { bytes, written, from: Source::Typed(from), viewer });
        Ok(())
    }

    /// Takes what the terminal answers its program. Beyond the bound it is dropped: the program does not read.
    pub(super) fn push_answer(&mut self, Answer { upto, written, bytes }: Answer) {
        if self.answers + bytes.len() <= ANSWERS_MAX {
            self.answers += bytes.len();
            self.entries.push_back(Entry { bytes, written, from: Source::Terminal { upto }, viewer: None });
        }
    }

    /// The answers that are not, or not wholly, written.
    pub(super) fn answers(&self) -> Vec<Answer> {
        let answer = |entry: &Entry| match entry.from {
            Source::Terminal { upto } => Some(Answer { upto, written: entry.written, bytes: entry.bytes.clone() }),
            Source::Typed(_) => None,
        };
        self.entries.iter().filter_map(answer).collect()
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What was typed so far.
    pub(super) fn typed(&self) -> Typed {
        Typed { upto: self.typed, written: self.written.subscribe() }
    }

    /// Counts a numbered message that was refused as handled, so that it is not sent again, and takes no room at a
    /// client that never hears of the refusal.
    pub(super) fn skip(clients: &mut Clients, Numbered { client, seq }: Numbered) -> Result<(), InputRefused> {
        if let Some(client) = clients.get_mut(client)
            && seq > 0
            && due(client.taken, seq)?
        {
            client.taken = seq;
            // It was of this message, which is not written on.
            client.part = 0;
            if client.queued == 0 {
                client.handled_up_to(seq);
            }
        }
        Ok(())
    }

    /// What to write next, at most `most` bytes of it. Empty messages come out too: they are acknowledged like others.
    pub(super) fn front(&self, clients: &mut Clients, most: usize) -> Option<Front> {
        let entry = self.entries.front()?;
        let bytes = entry.bytes.slice(..entry.bytes.len().min(most));
        let is_all = bytes.len() == entry.bytes.len();
        let part = if is_all { 0 } else { entry.written + bytes.len() };
        let (recipient, upto) = match entry.from {
            Source::Terminal { upto } => (Recipient::Answers, if is_all { upto.0 } else { 0 }),
            Source::Typed(from) => {
                let known =
                    from.filter(|from| from.seq > 0).and_then(|from| Some((from, clients.get_mut(from.client)?)));
                let counted = known.and_then(|(from, client)| {
                    let upto = match client.queued == bytes.len() {
                        // Of what was taken behind it, nothing is left to write where nothing is queued: it was refused.
                        true if is_all => client.taken,
                        _ => from.seq - u64::from(!is_all),
                    };
                    Some((Recipient::Client(client.row()?), upto))
                });
                counted.unwrap_or((Recipient::Nobody, 0))
            }
        };
        Some(Front { bytes, viewer: entry.viewer, delivered: Delivered { recipient, upto, part } })
    }

    /// The first `written` bytes of the front went into the PTY; a message is acknowledged when all of it did.
    pub(super) fn wrote(&mut self, clients: &mut Clients, written: usize) {
        let Some(front) = self.entries.front_mut() else { return };
        if matches!(front.from, Source::Terminal { .. }) {
            self.answers -= written;
        } else {
            self.bytes -= written;
            self.written.send_modify(|all| *all += written as u64);
        }
        front.bytes = front.bytes.slice(written..);
        front.written += written;
        let (from, done) = (front.from, front.bytes.is_empty());
        if let Source::Typed(Some(Numbered { client, seq })) = from
            && let Some(client) = clients.get_mut(client)
        {
            client.queued = client.queued.saturating_sub(written);
            if done {
                // Of what was taken behind it, nothing is left to write where nothing is queued: it was refused.
                client.handled_up_to(if client.queued == 0 { client.taken } else { seq });
            }
        }
        if done {
            self.entries.pop_front();
        }
    }

    /// Forgets what will never be written.
    pub(super) fn clear(&mut self, clients: &mut Clients) {
        for entry in self.entries.drain(..) {
            if let Source::Typed(Some(Numbered { client, .. })) = entry.from
                && let Some(client) = clients.get_mut(client)
            {
                client.queued = 0;
            }
        }
        (self.bytes, self.answers) = (0, 0);
        self.written = watch::Sender::new(0);
    }
}

/// Whether `seq` comes next after `taken`; false when it was taken already.
const fn due(taken: u64, seq: u64) -> Result<bool, InputRefused> {
    let expected = taken.saturating_add(1);
    if seq > expected {
        return Err(InputRefused::Skipped { expected, got: seq });
    }
    Ok(seq == expected)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;
    use crate::session::Principal;
    use crate::session::line::Place;

    fn attached(clients: &mut Clients) -> ClientId {
        let ann = Principal(uuid::Uuid::from_u128(1));
        clients.attach(None, ClientId::from_random([1; 16]), ann, Arc::new(Place::new(ViewerId(1))), Instant::now()).id
    }

    fn written(clients: &mut Clients, client: ClientId) -> u64 {
        clients.get_mut(client).expect("known").written.load(Ordering::Acquire)
    }

    /// Writes up to `budget` bytes, at most `most` in one write, as a PTY would take them.
    fn write(queue: &mut InputQueue, clients: &mut Clients, pty: &mut Vec<u8>, budget: usize, most: usize) {
        let mut left = budget;
        while let Some(Front { bytes, .. }) = queue.front(clients, most.min(left.max(1))) {
            let written = bytes.len().min(left);
            if written == 0 && !bytes.is_empty() {
                return;
            }
            pty.extend_from_slice(&bytes[..written]);
            queue.wrote(clients, written);
            left -= written;
        }
    }

    proptest! {
        /// The client numbers messages, loses its connection at random, and resends all that was not acknowledged.
        #[test]
        fn whatever_is_resent_each_byte_is_written_once_in_order(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..40),
            steps in prop::collection::vec((0usize..6, 0usize..60, 1usize..20), 1..80),
        ) {
            let (mut clients, mut queue, mut pty) = (Clients::default(), InputQueue::default(), Vec::new());
            let client = attached(&mut clients);
            let mut sent = 0; // the client's view: messages sent since it last connected
            for (send, budget, most) in steps {
                for _ in 0..send {
                    if let Some(message) = messages.get(sent) {
                        let from = Some(Numbered { client, seq: sent as u64 + 1 });
                        queue.push(&mut clients, from, None, Bytes::from(message.clone())).expect("in order");
                        sent += 1;
                    }
                }
                write(&mut queue, &mut clients, &mut pty, budget, most);
                if budget % 3 == 0 {
                    // The connection drops; the client goes back to what was acknowledged.
                    sent = usize::try_from(written(&mut clients, client)).expect("small");
                }
            }
            let taken = usize::try_from(clients.get_mut(client).expect("known").taken).expect("small");
            write(&mut queue, &mut clients, &mut pty, usize::MAX, 7);
            prop_assert_eq!(pty, messages[..taken].concat());
            let client = clients.get_mut(client).expect("known");
            prop_assert_eq!((client.written.load(Ordering::Acquire), client.queued), (taken as u64, 0));
            prop_assert_eq!(queue.bytes, 0);
        }
    }

    #[test]
    fn a_skipped_number_is_refused_and_a_refused_one_counts_as_handled() {
        let (mut clients, mut queue) = (Clients::default(), InputQueue::default());
        let client = attached(&mut clients);
        let push = |queue: &mut InputQueue, clients: &mut Clients, seq| {
            queue.push(clients, Some(Numbered { client, seq }), None, Bytes::from_static(b"x"))
        };
        assert_eq!(push(&mut queue, &mut clients, 2), Err(InputRefused::Skipped { expected: 1, got: 2 }));
        InputQueue::skip(&mut clients, Numbered { client, seq: 1 }).expect("due");
        assert_eq!(push(&mut queue, &mut clients, 1), Ok(()), "already handled");
        assert!(queue.front(&mut clients, 1).is_none());
        assert_eq!(written(&mut clients, client), 1, "nothing is left of it");
        push(&mut queue, &mut clients, 2).expect("due");
        InputQueue::skip(&mut clients, Numbered { client, seq: 3 }).expect("due");
        assert_eq!(written(&mut clients, client), 1, "2 is not written yet");
        queue.wrote(&mut clients, 1);
        assert_eq!(written(&mut clients, client), 3);
        push(&mut queue, &mut clients, 0).expect("not numbered");
        push(&mut queue, &mut clients, 0).expect("not numbered");
        assert_eq!(queue.bytes, 2);
    }

    #[test]
    fn what_is_never_written_keeps_no_later_refusal_from_counting() {
        let (mut clients, mut queue) = (Clients::default(), InputQueue::default());
        let client = attached(&mut clients);
        queue.push(&mut clients, Some(Numbered { client, seq: 1 }), None, Bytes::from_static(b"x")).expect("due");
        queue.clear(&mut clients);
        InputQueue::skip(&mut clients, Numbered { client, seq: 2 }).expect("due");
        assert_eq!(written(&mut clients, client), 2);
    }

    #[test]
    fn of_a_message_that_was_begun_and_is_refused_the_rest_is_not_taken_for_the_next_ones() {
        let (mut clients, mut queue) = (Clients::default(), InputQueue::default());
        let client = attached(&mut clients);
        clients.get_mut(client).expect("known").part = 2; // another server wrote so much of the first
        InputQueue::skip(&mut clients, Numbered { client, seq: 1 }).expect("due");
        queue.push(&mut clients, Some(Numbered { client, seq: 2 }), None, Bytes::from_static(b"abc")).expect("due");
        assert_eq!(queue.front(&mut clients, 9).expect("typed").bytes, "abc");
    }

    #[test]
    fn a_client_s_queue_is_bounded_and_so_is_the_session_s() {
        let (mut clients, mut queue) = (Clients::default(), InputQueue::default());
        let client = attached(&mut clients);
        let big = Bytes::from(vec![0; QUEUED_PER_CLIENT_MAX]);
        queue.push(&mut clients, Some(Numbered { client, seq: 1 }), None, big.clone()).expect("within");
        let more = queue.push(&mut clients, Some(Numbered { client, seq: 2 }), None, Bytes::from_static(b"x"));
        assert_eq!(more, Err(InputRefused::QueueFull));
        for _ in 0..3 {
            queue.push(&mut clients, None, None, big.clone()).expect("within");
        }
        assert_eq!(queue.push(&mut clients, None, None, Bytes::from_static(b"x")), Err(InputRefused::QueueFull));
    }
}
