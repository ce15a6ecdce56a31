//! What a client must remember across connections: how far it has read, what it has typed, who it is.
//!
//! Pure: messages in, decisions out. The loop around it moves bytes and knows nothing else.

use super::outbox::{Numbered, Outbox};
use crate::protocol::{INPUT_BYTES, Limits, Welcome};
use crate::terminal::Offset;

/// Output drawn that is reported at once; less is reported when output pauses. An eighth of the window, so that the
/// server never waits for a report.
const REPORT_BYTES: u64 = 64 * 1024;

/// One client's side of one session.
#[derive(Debug, Default)]
pub(super) struct Link {
    client_id: Option<String>,
    /// The offset after the last byte taken. None until the server said where output starts.
    next: Option<Offset>,
    /// Output or a SNAPSHOT has been taken. Until then a new connection has to begin as the first one did.
    begun: bool,
    /// A GAP came and its SNAPSHOT has not: what follows would make no sense without it.
    skipping: bool,
    /// What this connection has been told we have drawn. None at first, for only a report starts the window.
    reported: Option<Offset>,
    outbox: Outbox,
    limits: Limits,
}

/// A server that breaks the contract: the only remedy is a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Breach {
    /// Output is missing that no GAP announced.
    #[error("output from {from} to {to} is missing")]
    Hole {
        /// What should have come.
        from: Offset,
        /// What came.
        to: Offset,
    },
    /// Output behind a GAP without the SNAPSHOT it goes on from.
    #[error("a gap was not followed by a snapshot")]
    NoSnapshot,
    /// Anything before the welcome.
    #[error("the server did not begin with a welcome")]
    NoWelcome,
    /// Bytes that are no message of this version.
    #[error("the server sent something that is no message of this version")]
    BadMessage,
    /// An ack of what was never sent.
    #[error("input {0} was acked but never sent")]
    BadAck(u64),
}

impl Link {
    /// The query of the next connection; the first one begins at `first`.
    pub(super) fn query(&self, first: &str) -> Vec<(&'static str, String)> {
        let from = self.next.filter(|_| self.begun).map_or_else(|| first.to_owned(), |next| next.to_string());
        let client = self.client_id.iter().map(|id| ("client", id.clone()));
        std::iter::once(("from", from)).chain(client).collect()
    }

    /// A connection has begun. Returns the bytes of input that had to be dropped because the server no longer knows
    /// this client.
    pub(super) fn welcome(&mut self, welcome: &Welcome) -> usize {
        self.limits = welcome.limits;
        self.skipping = false;
        if !self.begun {
            self.next = Some(Offset(welcome.offset));
        }
        self.reported = None;
        if self.client_id.as_ref() == Some(&welcome.client_id) {
            return self.outbox.resume(welcome.input_seq);
        }
        self.client_id = Some(welcome.client_id.clone());
        self.outbox.restart(welcome.input_seq)
    }

    /// The part of an OUTPUT that is new. What was taken before is left out.
    pub(super) fn output<'a>(&mut self, offset: Offset, bytes: &'a [u8]) -> Result<&'a [u8], Breach> {
        let next = self.next.ok_or(Breach::NoWelcome)?;
        if self.skipping {
            return Err(Breach::NoSnapshot);
        }
        if offset > next {
            return Err(Breach::Hole { from: next, to: offset });
        }
        let known = usize::try_from(next.since(offset)).unwrap_or(usize::MAX).min(bytes.len());
        let new = &bytes[known..];
        (self.next, self.begun) = (Some(next + new.len()), true);
        Ok(new)
    }

    /// A GAP. What was taken stays where it is: a connection that breaks before the SNAPSHOT must ask for one again.
    pub(super) fn gap(&mut self, from: Offset) -> Result<(), Breach> {
        let next = self.next.ok_or(Breach::NoWelcome)?;
        if from > next {
            return Err(Breach::Hole { from: next, to: from });
        }
        self.skipping = true;
        Ok(())
    }

    /// A SNAPSHOT, and how many bytes of output were skipped before it.
    pub(super) fn snapshot(&mut self, offset: Offset) -> Result<u64, Breach> {
        let next = self.next.ok_or(Breach::NoWelcome)?;
        let skipped = if std::mem::take(&mut self.skipping) { offset.since(next) } else { 0 };
        (self.next, self.begun) = (Some(offset), true);
        Ok(skipped)
    }

    /// The offset to report, when the output up to `drawn` has been drawn: at once when a connection begins or when it
    /// is much, and when output pauses.
    pub(super) fn report(&mut self, drawn: Option<Offset>, paused: bool) -> Option<Offset> {
        let drawn = drawn.or(self.next)?;
        let due = if paused { 1 } else { REPORT_BYTES };
        if self.reported.is_some_and(|reported| drawn.since(reported) < due) {
            return None;
        }
        self.reported = Some(drawn);
        Some(drawn)
    }

    /// Whether a report will be due when output pauses.
    pub(super) fn has_unreported(&self) -> bool {
        self.next.is_some() && self.next != self.reported
    }

    /// Bytes of input there is room for, before the server must ack some.
    pub(super) fn input_room(&self) -> usize {
        let limit = usize::try_from(self.limits.input_bytes).unwrap_or(INPUT_BYTES);
        limit.saturating_sub(self.outbox.bytes())
    }

    /// Takes what was typed; the caller has asked for [`Self::input_room`].
    pub(super) fn typed(&mut self, bytes: &[u8]) {
        self.outbox.push(bytes);
    }

    /// Whether there is input to send.
    pub(super) fn has_input(&self) -> bool {
        self.outbox.has_next()
    }

    /// The next INPUT to send; it counts as sent.
    pub(super) fn take_input(&mut self) -> Option<Numbered<'_>> {
        self.outbox.take_next()
    }

    pub(super) fn ack(&mut self, seq: u64) -> Result<(), Breach> {
        if self.outbox.ack(seq) { Ok(()) } else { Err(Breach::BadAck(seq)) }
    }

    pub(super) fn refused(&mut self, seq: u64) {
        self.outbox.refused(seq);
    }

    /// Seconds between the server's pings.
    pub(super) const fn ping_seconds(&self) -> u64 {
        self.limits.ping_seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Access;

    fn welcome(client_id: &str, input_seq: u64, offset: u64) -> Welcome {
        Welcome {
            session: serde_json::Value::Null,
            access: Access::Control,
            owns: true,
            client_id: client_id.into(),
            input_seq,
            offset,
            cols: 80,
            rows: 24,
            limits: Limits::default(),
        }
    }

    fn welcomed(offset: u64) -> Link {
        let mut link = Link::default();
        assert_eq!(link.welcome(&welcome("c", 0, offset)), 0);
        link
    }

    #[test]
    fn a_client_first_asks_for_all_that_is_held_and_then_for_what_it_lacks() {
        let mut link = Link::default();
        assert_eq!(link.query("snapshot"), [("from", "snapshot".to_owned())]);
        link.welcome(&welcome("c", 0, 70));
        // The connection broke before the snapshot: output from 70 on would make no sense without it.
        assert_eq!(link.query("snapshot"), [("from", "snapshot".to_owned()), ("client", "c".to_owned())]);
        link.welcome(&welcome("c", 0, 100));
        assert_eq!(link.output(Offset(100), b"abc"), Ok(&b"abc"[..]));
        assert_eq!(link.query("snapshot"), [("from", "103".to_owned()), ("client", "c".to_owned())]);
    }

    #[test]
    fn output_that_is_known_is_left_out_and_a_hole_is_a_breach() {
        let mut link = welcomed(10);
        assert_eq!(link.output(Offset(8), b"abcd"), Ok(&b"cd"[..]));
        assert_eq!(link.output(Offset(8), b"abcd"), Ok(&b""[..]));
        assert_eq!(link.output(Offset(12), b""), Ok(&b""[..]));
        assert_eq!(link.output(Offset(13), b"x"), Err(Breach::Hole { from: Offset(12), to: Offset(13) }));
        assert_eq!(link.output(Offset(12), b"x"), Ok(&b"x"[..]), "a breach changes nothing");
    }

    #[test]
    fn output_goes_on_behind_a_gap_only_from_its_snapshot() {
        let mut link = welcomed(9);
        assert_eq!(link.output(Offset(9), b"w"), Ok(&b"w"[..]));
        assert_eq!(link.gap(Offset(11)), Err(Breach::Hole { from: Offset(10), to: Offset(11) }));
        assert_eq!(link.gap(Offset(10)), Ok(()));
        assert_eq!(link.output(Offset(10), b"x"), Err(Breach::NoSnapshot));
        assert_eq!(link.query("snapshot")[0].1, "10", "the gap is not passed yet");
        assert_eq!(link.snapshot(Offset(30)), Ok(20));
        assert_eq!(link.output(Offset(29), b"xy"), Ok(&b"y"[..]));
        assert_eq!(link.snapshot(Offset(40)), Ok(0), "nobody said that anything was skipped");
        assert_eq!(link.gap(Offset(40)), Ok(()));
        link.welcome(&welcome("c", 0, 40));
        assert_eq!(link.output(Offset(40), b"z"), Ok(&b"z"[..]), "a new connection skips nothing");
    }

    #[test]
    fn nothing_comes_before_the_welcome() {
        let mut link = Link::default();
        assert_eq!(link.output(Offset(0), b"x"), Err(Breach::NoWelcome));
        assert_eq!(link.gap(Offset(0)), Err(Breach::NoWelcome));
        assert_eq!(link.snapshot(Offset(0)), Err(Breach::NoWelcome));
        assert_eq!((link.report(None, true), link.has_unreported()), (None, false));
    }

    #[test]
    fn what_is_drawn_is_reported_when_it_is_much_or_when_output_pauses() {
        let mut link = welcomed(0);
        let drawn = |offset| Some(Offset(offset));
        assert_eq!(link.report(None, false), drawn(0), "starts the window");
        let block = vec![0; 70_000];
        let _ = link.output(Offset(0), &block);
        assert_eq!(link.report(drawn(0), false), None, "nothing is drawn yet");
        assert_eq!(link.report(drawn(60_000), false), None);
        assert_eq!(link.report(drawn(60_000), true), drawn(60_000));
        assert_eq!(link.report(drawn(70_000), false), None);
        assert!(link.has_unreported());
        assert_eq!(link.report(drawn(70_000), true), drawn(70_000));
        assert_eq!((link.report(drawn(70_000), true), link.has_unreported()), (None, false));
        let _ = link.output(Offset(70_000), &block);
        assert_eq!(link.report(drawn(140_000), false), drawn(140_000));
    }

    #[test]
    fn a_resumed_connection_goes_on_where_the_last_one_ended() {
        let mut link = welcomed(0);
        let _ = link.output(Offset(0), b"abc");
        link.typed(b"x");
        assert!(link.take_input().is_some());
        assert_eq!(link.welcome(&welcome("c", 1, 3)), 0);
        assert!(!link.has_input(), "the server has it");
        assert_eq!(link.ack(1), Ok(()));
        assert_eq!(link.output(Offset(3), b"d"), Ok(&b"d"[..]));
        link.typed(b"y");
        assert!(link.take_input().is_some());
        assert_eq!(link.welcome(&welcome("another", 0, 4)), 1, "nobody knows whether y was written");
        assert!(!link.has_input());
    }

    #[test]
    fn room_for_input_shrinks_until_the_server_acks() {
        let mut link = welcomed(0);
        let room = link.input_room();
        link.typed(b"abc");
        assert_eq!(link.input_room(), room - 3);
        assert_eq!(link.ack(1), Err(Breach::BadAck(1)), "not sent yet");
        assert_eq!(link.take_input(), Some(Numbered { seq: 1, bytes: b"abc" }));
        assert_eq!(link.ack(1), Ok(()));
        assert_eq!(link.input_room(), room);
    }
}
