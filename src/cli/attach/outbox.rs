//! Input on its way to the program: numbered once, kept until acked, sent again after a reconnect (law 5).
//!
//! Pure: says what to send next, sends nothing.

use std::collections::VecDeque;

/// Bytes of one INPUT at most: a paste takes several, each far below the largest message.
pub(super) const INPUT_MESSAGE_BYTES: usize = 16 * 1024;

/// What has been typed and is not known to have reached the program.
///
/// What must hold: `pending` is in order and numbered without a gap but for what was refused; all before `next` have
/// been sent on this connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pending: VecDeque<Pending>,
    /// The next of `pending` to send on this connection.
    next: usize,
    /// The last number given.
    last_seq: u64,
    /// The highest number sent to this client id's server, on any connection.
    sent_seq: u64,
    /// The highest number the server has said it holds.
    acked: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Pending {
    seq: u64,
    bytes: Vec<u8>,
}

/// One INPUT to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbered<'a> {
    pub(super) seq: u64,
    pub(super) bytes: &'a [u8],
}

impl Outbox {
    /// Bytes kept.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what was typed. Joins the last message while that has not been sent, so that typing into a dead
    /// connection stays small.
    pub(super) fn push(&mut self, typed: &[u8]) {
        self.bytes += typed.len();
        let mut rest = typed;
        if let Some(last) = self.pending.back_mut().filter(|last| last.seq > self.sent_seq) {
            let room = INPUT_MESSAGE_BYTES.saturating_sub(last.bytes.len()).min(rest.len());
            last.bytes.extend_from_slice(&rest[..room]);
            rest = &rest[room..];
        }
        for bytes in rest.chunks(INPUT_MESSAGE_BYTES) {
            self.last_seq += 1;
            self.pending.push_back(Pending { seq: self.last_seq, bytes: bytes.to_vec() });
        }
    }

    /// Whether anything is to be sent.
    pub(super) fn has_next(&self) -> bool {
        self.next < self.pending.len()
    }

    /// The next INPUT to send; it counts as sent.
    pub(super) fn take_next(&mut self) -> Option<Numbered<'_>> {
        let pending = self.pending.get(self.next)?;
        self.next += 1;
        self.sent_seq = self.sent_seq.max(pending.seq);
        Some(Numbered { seq: pending.seq, bytes: &pending.bytes })
    }

    /// The server has written all up to `seq`. False when that was never sent.
    #[must_use]
    pub(super) fn ack(&mut self, seq: u64) -> bool {
        if seq > self.sent_seq {
            return false;
        }
        self.forget(|pending| pending.seq <= seq);
        self.acked = self.acked.max(seq);
        true
    }

    /// The server has refused `seq`: it is handled, and not to be sent again.
    pub(super) fn refused(&mut self, seq: u64) {
        if seq <= self.sent_seq {
            self.forget(|pending| pending.seq == seq);
        }
    }

    /// A new connection of the same client id, of which the server has taken all up to `input_seq`. What follows is
    /// sent again; what was taken still waits there for the program, and is kept until it is acked, or more would be
    /// sent than there is room for. Returns how many bytes had to be dropped: none, unless the server has forgotten
    /// this client, for then nobody knows whether what was sent has been written.
    pub(super) fn resume(&mut self, input_seq: u64) -> usize {
        if input_seq < self.acked || input_seq > self.sent_seq {
            return self.restart(input_seq);
        }
        self.acked = input_seq;
        self.next = self.pending.iter().take_while(|pending| pending.seq <= input_seq).count();
        0
    }

    /// A new connection of another client id, whose numbers go on from `input_seq`. What was sent under the old one
    /// may have been written, so sending it again might write it twice: it is dropped, and its bytes counted. What was
    /// never sent is numbered anew.
    pub(super) fn restart(&mut self, input_seq: u64) -> usize {
        let before = self.bytes;
        let sent_seq = self.sent_seq;
        self.forget(|pending| pending.seq <= sent_seq);
        self.last_seq = input_seq;
        self.sent_seq = input_seq;
        self.acked = input_seq;
        self.next = 0;
        for pending in &mut self.pending {
            self.last_seq += 1;
            pending.seq = self.last_seq;
        }
        before - self.bytes
    }

    fn forget(&mut self, gone: impl Fn(&Pending) -> bool) {
        let before = self.next;
        let mut index = 0;
        self.pending.retain(|pending| {
            let gone = gone(pending);
            if gone {
                self.bytes -= pending.bytes.len();
                if index < before {
                    self.next -= 1;
                }
            }
            index += 1;
            !gone
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn send_all(outbox: &mut Outbox) -> Vec<(u64, Vec<u8>)> {
        std::iter::from_fn(|| outbox.take_next().map(|next| (next.seq, next.bytes.to_vec()))).collect()
    }

    #[test]
    fn input_is_kept_until_it_is_acked() {
        let mut outbox = Outbox::default();
        outbox.push(b"a");
        assert_eq!(send_all(&mut outbox), [(1, b"a".to_vec())]);
        outbox.push(b"b");
        outbox.push(b"c");
        assert_eq!(send_all(&mut outbox), [(2, b"bc".to_vec())], "joined while unsent");
        assert_eq!(outbox.bytes(), 3);
        assert!(outbox.ack(1) && outbox.ack(1));
        assert_eq!(outbox.bytes(), 2);
        assert!(!outbox.ack(3), "never sent");
        assert!(outbox.ack(2));
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn after_a_reconnect_only_what_the_server_has_not_taken_is_sent_again() {
        let mut outbox = Outbox::default();
        for key in [b"a", b"b", b"c"] {
            outbox.push(key);
            let _ = outbox.take_next();
        }
        outbox.push(b"d");
        assert_eq!(outbox.resume(2), 0);
        assert_eq!(send_all(&mut outbox), [(3, b"c".to_vec()), (4, b"d".to_vec())]);
    }

    #[test]
    fn what_the_server_has_taken_takes_room_until_it_is_acked() {
        let mut outbox = Outbox::default();
        outbox.push(b"taken");
        let _ = outbox.take_next();
        outbox.push(b"lost");
        let _ = outbox.take_next();
        assert_eq!(outbox.resume(1), 0);
        assert_eq!(outbox.bytes(), 9, "the program has read none of it");
        assert_eq!(send_all(&mut outbox), [(2, b"lost".to_vec())]);
        assert!(outbox.ack(1));
        assert_eq!(outbox.bytes(), 4);
    }

    #[test]
    fn under_another_client_id_what_was_sent_is_dropped_and_the_rest_numbered_anew() {
        let mut outbox = Outbox::default();
        outbox.push(b"sent");
        let _ = outbox.take_next();
        outbox.push(b"never sent");
        assert_eq!(outbox.restart(0), 4);
        assert_eq!(send_all(&mut outbox), [(1, b"never sent".to_vec())]);
    }

    #[test]
    fn a_server_that_forgot_the_client_gets_nothing_twice() {
        for forgotten in [0, 9] {
            let mut outbox = Outbox::default();
            outbox.push(b"a");
            let _ = outbox.take_next();
            assert!(outbox.ack(1));
            outbox.push(b"b");
            let _ = outbox.take_next();
            assert_eq!(outbox.resume(forgotten), 1, "b may have been written");
            outbox.push(b"c");
            assert_eq!(send_all(&mut outbox), [(forgotten + 1, b"c".to_vec())]);
        }
    }

    #[test]
    fn what_was_refused_is_not_sent_again() {
        let mut outbox = Outbox::default();
        outbox.push(b"a");
        let _ = outbox.take_next();
        outbox.push(b"b");
        let _ = outbox.take_next();
        outbox.refused(1);
        outbox.refused(7);
        assert_eq!(outbox.resume(1), 0);
        assert_eq!(send_all(&mut outbox), [(2, b"b".to_vec())]);
        outbox.refused(2);
        outbox.push(b"c");
        assert_eq!(outbox.resume(2), 0, "handled by being refused");
        assert_eq!(send_all(&mut outbox), [(3, b"c".to_vec())]);
    }

    #[test]
    fn a_paste_is_cut_into_messages() {
        let mut outbox = Outbox::default();
        outbox.push(&vec![b'x'; INPUT_MESSAGE_BYTES + 1]);
        let lengths: Vec<usize> = send_all(&mut outbox).iter().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(lengths, [INPUT_MESSAGE_BYTES, 1]);
    }

    /// One step of a schedule over an unreliable connection.
    #[derive(Clone, Debug)]
    enum Step {
        Type(u8),
        /// Send and let the server take this many of what is to be sent.
        Send(usize),
        /// The server acks what it has taken.
        Ack,
        /// Send this many more than the server gets to see, and come back.
        Drop(usize),
    }

    proptest! {
        /// Law 5, whatever is lost: the server, which drops what it has and refuses gaps, gets each byte once.
        #[test]
        fn every_byte_typed_is_taken_once_and_in_order(steps in proptest::collection::vec(prop_oneof![
            any::<u8>().prop_map(Step::Type),
            (0usize..4).prop_map(Step::Send),
            Just(Step::Ack),
            (0usize..4).prop_map(Step::Drop),
        ], 0..60)) {
            let mut outbox = Outbox::default();
            let (mut typed, mut taken, mut taken_seq) = (Vec::new(), Vec::new(), 0);
            let mut take = |outbox: &mut Outbox, most: usize| {
                for _ in 0..most {
                    let Some(next) = outbox.take_next() else { break };
                    if next.seq > taken_seq {
                        assert_eq!(next.seq, taken_seq + 1, "no gap");
                        taken.extend_from_slice(next.bytes);
                        taken_seq = next.seq;
                    }
                }
                taken_seq
            };
            for step in steps {
                match step {
                    Step::Type(key) => {
                        typed.push(key);
                        outbox.push(&[key]);
                    }
                    Step::Send(most) => {
                        take(&mut outbox, most);
                    }
                    Step::Ack => {
                        let seq = take(&mut outbox, 0);
                        prop_assert!(outbox.ack(seq));
                    }
                    Step::Drop(lost) => {
                        for _ in 0..lost {
                            let _ = outbox.take_next();
                        }
                        let seq = take(&mut outbox, 0);
                        prop_assert_eq!(outbox.resume(seq), 0);
                    }
                }
            }
            take(&mut outbox, usize::MAX);
            prop_assert_eq!(taken, typed);
        }
    }
}
