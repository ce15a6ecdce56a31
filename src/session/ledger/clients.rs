//! One row for each client that a session remembers: who it is, and how far its input has come.

use std::io;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use uuid::Uuid;

use super::Ledger;
use crate::session::{ClientId, Principal};

/// Rows there are: twice as many as the clients that are remembered after they have gone. One that finds none is not
/// known to the next server.
const ROWS_MAX: u16 = 2048;
const FIRST: usize = 512;
/// The session's word that says how many rows were ever used.
const ROWS: usize = 7;
const ROW_WORDS: usize = 8;

// The words of a row.
const ID: usize = 0;
const PRINCIPAL: usize = 2;
const HANDLED: usize = 4;
const PART: usize = 5;
const USED: usize = 6;

/// Which rows are free. In this process only: the next server learns it from the rows themselves.
#[derive(Default)]
pub(super) struct Rows(Mutex<Free>);

#[derive(Default)]
struct Free {
    /// Rows given back.
    back: Vec<u16>,
    /// Rows from here on were never used.
    fresh: u16,
}

/// The row of one client. Its number on a row that it has until it is [`Ledger::forget_client`]ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct ClientRow(pub(super) u16);

/// A client as a row tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct RowOwner {
    pub(in crate::session) row: ClientRow,
    pub(in crate::session) id: ClientId,
    pub(in crate::session) principal: Principal,
    /// All up to this seq was written to the terminal or refused.
    pub(in crate::session) handled: u64,
    /// And so many bytes of the one behind it.
    pub(in crate::session) part: usize,
}

impl ClientRow {
    pub(super) const fn word(self, word: usize) -> usize {
        FIRST + self.0 as usize * ROW_WORDS + word
    }

    pub(super) const fn handled(self) -> usize {
        self.word(HANDLED)
    }

    pub(super) const fn part(self) -> usize {
        self.word(PART)
    }
}

impl Ledger {
    /// A row for a client that has typed nothing yet; none when there is no room for one.
    pub(in crate::session) fn add_client(&self, id: ClientId, principal: Principal) -> Option<ClientRow> {
        let row = self.rows.0.lock().take()?;
        if let Err(error) = self.write_row(row, id, principal) {
            tracing::warn!(%error, "a client will not be known to the next server");
            self.rows.0.lock().back.push(row.0);
            return None;
        }
        Some(row)
    }

    fn write_row(&self, row: ClientRow, id: ClientId, principal: Principal) -> io::Result<()> {
        self.memory.prepare_words(row.word(0)..row.word(ROW_WORDS))?;
        for (at, uuid) in [(ID, id.uuid()), (PRINCIPAL, principal.0)] {
            let (high, low) = uuid.as_u64_pair();
            self.set(row.word(at), high);
            self.set(row.word(at + 1), low);
        }
        self.set(row.handled(), 0);
        self.set(row.part(), 0);
        self.set(row.word(USED), 1);
        if self.get(ROWS) <= row.0.into() {
            self.set(ROWS, u64::from(row.0) + 1);
        }
        Ok(())
    }

    /// The client is not remembered any more. As with [`Ledger::deliver`], one call at a time.
    pub(in crate::session) fn forget_client(&self, row: ClientRow) {
        // What is in the pipe is not to count for whoever gets its row.
        self.nobody_instead_of(row);
        self.set(row.word(USED), 0);
        self.rows.0.lock().back.push(row.0);
    }

    /// All of the client's input up to `seq` is handled, outside of the terminal: it was refused, or was empty.
    pub(in crate::session) fn handled_up_to(&self, row: ClientRow, seq: u64) {
        if self.get(row.handled()) < seq {
            // In this order: a part counts from the message behind the one that is handled, and none of that is.
            self.set(row.part(), 0);
            self.set(row.handled(), seq);
        }
    }

    /// The clients that another server wrote down. To be called once, before any is added.
    pub(in crate::session) fn clients(&self) -> Vec<RowOwner> {
        let mut found = Vec::new();
        let mut free = self.rows.0.lock();
        let words = self.memory.session_words();
        // Behind these there may be no pages, which looking would make.
        let rows = u16::try_from(self.get(ROWS)).unwrap_or(u16::MAX).min(ROWS_MAX);
        free.fresh = rows;
        for row in (0..rows).map(ClientRow) {
            if words[row.word(USED)].load(Ordering::Acquire) == 0 {
                free.back.push(row.0);
                continue;
            }
            let uuid = |at| Uuid::from_u64_pair(self.get(row.word(at)), self.get(row.word(at + 1)));
            found.push(RowOwner {
                row,
                id: ClientId::from_uuid(uuid(ID)),
                principal: Principal(uuid(PRINCIPAL)),
                handled: self.get(row.handled()),
                part: usize::try_from(self.get(row.part())).unwrap_or(0),
            });
        }
        found
    }
}

impl Free {
    fn take(&mut self) -> Option<ClientRow> {
        if let Some(row) = self.back.pop() {
            return Some(ClientRow(row));
        }
        if self.fresh == ROWS_MAX {
            return None;
        }
        self.fresh += 1;
        Some(ClientRow(self.fresh - 1))
    }
}
