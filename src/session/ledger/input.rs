//! Input, exactly once, whenever this process is killed.
//!
//! A process cannot write to a terminal and write down that it did in one step. So input goes through a pipe, which
//! outlives it too. The kernel moves bytes from the pipe into the terminal (splice(2)) and thereby out of the pipe: no
//! instruction lies between. What is left is to know whether a chunk went into the pipe:
//!
//! ```text
//! 1 written down: whose bytes come next, and what will be delivered with them   (PREPARED)
//! 2 the chunk is put into the pipe, which is empty, whole
//! 3 written down: it is in the pipe                                              (PIPED)
//! 4 written down: it is delivered
//! 5 it is moved into the terminal
//! 6 nothing is on its way                                                        (0)
//! ```
//! Whoever finds PREPARED and an empty pipe knows that nothing was put there, because nothing is moved out before PIPED;
//! PREPARED and bytes in the pipe is PIPED. From PIPED on the chunk is delivered: what is still in the pipe is moved on.

use std::io;

use super::{ANSWERED, ANSWERED_PART, ClientRow, Ledger};

const PHASE: usize = 8;
const RECIPIENT: usize = 9;
const HANDLED: usize = 10;
const PART: usize = 11;

const PREPARED: u64 = 1;
const PIPED: u64 = 2;

const NOBODY: u64 = 0;
const ANSWERS: u64 = 1;
/// Added to a client's row.
const CLIENTS: u64 = 2;

/// Whose account a chunk is delivered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Recipient {
    /// Nobody counts it.
    Nobody,
    /// The terminal's answers to its program.
    Answers,
    /// This client.
    Client(ClientRow),
}

/// What is delivered once a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct Delivered {
    pub(in crate::session) recipient: Recipient,
    /// The seq up to which all is, or the offset up to which all was answered.
    pub(in crate::session) upto: u64,
    /// And so many bytes of what comes behind that.
    pub(in crate::session) part: usize,
}

impl Ledger {
    /// Has `put` put a chunk into the empty pipe, on this account. From then on it is delivered, whatever happens.
    pub(in crate::session) fn deliver(
        &self,
        delivered: Delivered,
        put: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        self.set(RECIPIENT, delivered.recipient.word());
        self.set(HANDLED, delivered.upto);
        self.set(PART, delivered.part as u64);
        self.set(PHASE, PREPARED);
        if let Err(error) = put() {
            self.set(PHASE, 0);
            return Err(error);
        }
        self.set(PHASE, PIPED);
        self.count(delivered);
        Ok(())
    }

    /// The pipe is empty.
    pub(in crate::session) fn delivered(&self) {
        self.set(PHASE, 0);
    }

    /// What was prepared for this client goes on nobody's account.
    pub(super) fn nobody_instead_of(&self, row: ClientRow) {
        if self.get(RECIPIENT) == Recipient::Client(row).word() {
            self.set(RECIPIENT, NOBODY);
        }
    }

    /// Finishes what another server had begun when it ended, `in_pipe` bytes being in the pipe.
    pub(in crate::session) fn recover_delivery(&self, in_pipe: usize) {
        let phase = self.get(PHASE);
        if phase == PIPED || (phase == PREPARED && in_pipe > 0) {
            self.set(PHASE, PIPED);
            self.count(Delivered {
                recipient: Recipient::of(self.get(RECIPIENT)),
                upto: self.get(HANDLED),
                part: usize::try_from(self.get(PART)).unwrap_or(0),
            });
        }
        if in_pipe == 0 {
            self.delivered();
        }
    }

    /// May be done twice, or in part and then again: PIPED says what to do.
    fn count(&self, Delivered { recipient, upto, part }: Delivered) {
        let (upto_word, part_word) = match recipient {
            Recipient::Nobody => return,
            Recipient::Answers => (ANSWERED, ANSWERED_PART),
            // Counted before, and what was begun has been refused since: none of what comes behind is written.
            Recipient::Client(row) if self.get(row.handled()) > upto => return,
            Recipient::Client(row) => (row.handled(), row.part()),
        };
        self.set(upto_word, self.get(upto_word).max(upto));
        self.set(part_word, part as u64);
    }
}

impl Recipient {
    const fn word(self) -> u64 {
        match self {
            Self::Nobody => NOBODY,
            Self::Answers => ANSWERS,
            Self::Client(row) => CLIENTS + row.0 as u64,
        }
    }

    fn of(word: u64) -> Self {
        match word {
            NOBODY => Self::Nobody,
            ANSWERS => Self::Answers,
            row => u16::try_from(row - CLIENTS).map_or(Self::Nobody, |row| Self::Client(ClientRow(row))),
        }
    }
}
