//! What a session writes down so that another server can take it up: who it is, how far its clients' input has come,
//! what was answered, and its screen. Beside the log in the session's memory.
//!
//! Every change is right at every instruction: what is more than one word is written where nobody looks and then made
//! valid by one store.

mod blob;
mod clients;
mod input;
#[cfg(test)]
mod kills;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::Record;
use crate::terminal::Offset;
use crate::terminal::log::{Memory, MemoryError};
pub(super) use blob::Checkpoint;
use blob::{CHECKPOINT, LAUNCH, Place, RECORD};
use clients::Rows;
pub(super) use clients::{ClientRow, RowOwner};
pub(super) use input::{Delivered, Recipient};

// The session's words. Clients come behind the first page (`clients`).
const RECORD_WORD: usize = 0;
const CHECKPOINT_WORD: usize = 1;
const PRINTED_AT: usize = 2;
const MODIFIED_AT: usize = 3;
/// Output before this was answered, if it asked anything.
const ANSWERED: usize = 4;
/// Bytes of answers behind that which were delivered already.
const ANSWERED_PART: usize = 5;
const LAUNCH_WORD: usize = 6;
// 7: `clients`. 8 to 11: `input`.
/// What output before this rang and copied was told.
const TOLD: usize = 12;
/// Bells that were told.
const BELLS: usize = 13;

/// A session's ledger. Cheap to clone.
#[derive(Clone)]
pub(super) struct Ledger {
    memory: Arc<Memory>,
    rows: Arc<Rows>,
    /// Held by whoever replaces a record: of two, the later one says more.
    replacing: Arc<Mutex<()>>,
}

impl Ledger {
    /// The ledger in this memory.
    pub(super) fn new(memory: Arc<Memory>) -> Self {
        Self { memory, rows: Arc::default(), replacing: Arc::default() }
    }

    /// The memory it is in.
    pub(super) const fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    fn get(&self, word: usize) -> u64 {
        self.memory.session_words()[word].load(Ordering::Acquire)
    }

    fn set(&self, word: usize, value: u64) {
        self.memory.session_words()[word].store(value, Ordering::Release);
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    }

    /// Writes down who the session is, and how it ended if it has: what `record` tells when it is its turn.
    pub(super) fn keep_record(&self, record: impl FnOnce() -> Record) -> io::Result<()> {
        let _turn = self.replacing.lock();
        let record = record();
        self.replace(RECORD_WORD, RECORD, &[record.to_json().as_bytes()])
    }

    /// Who the session is.
    pub(super) fn record(&self) -> Result<Record, MemoryError> {
        let json = self.current(RECORD_WORD, RECORD)?.ok_or(MemoryError::Damaged("no record"))?;
        let json = String::from_utf8(json).map_err(|_| MemoryError::Damaged("its record is not text"))?;
        Record::from_json(&json).map_err(|_| MemoryError::Damaged("its record is not ours"))
    }

    /// Writes down what is started later.
    pub(super) fn keep_launch(&self, launch: &[u8]) -> io::Result<()> {
        self.replace(LAUNCH_WORD, LAUNCH, &[launch])
    }

    /// What is started later.
    pub(super) fn launch(&self) -> Result<Vec<u8>, MemoryError> {
        self.current(LAUNCH_WORD, LAUNCH)?.ok_or(MemoryError::Damaged("nothing to start"))
    }

    /// Writes down the screen.
    pub(super) fn keep_checkpoint(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        self.replace(CHECKPOINT_WORD, CHECKPOINT, &[&checkpoint.head()?, &checkpoint.bytes])
    }

    /// The screen, if it was ever written down.
    pub(super) fn checkpoint(&self) -> Result<Option<Checkpoint>, MemoryError> {
        self.current(CHECKPOINT_WORD, CHECKPOINT)?.map(Checkpoint::parse).transpose()
    }

    /// Notes when the session last printed, and when it last changed.
    pub(super) fn keep_times(&self, printed: Option<Timestamp>, modified: Timestamp) {
        let word = |at: Timestamp| u64::from_ne_bytes(at.as_millisecond().to_ne_bytes());
        if let Some(printed) = printed {
            self.set(PRINTED_AT, word(printed));
        }
        self.set(MODIFIED_AT, word(modified));
    }

    /// When it last printed and last changed, where that is known: milliseconds since 1970.
    pub(super) fn times(&self) -> (i64, i64) {
        let millis = |word| i64::from_ne_bytes(u64::to_ne_bytes(self.get(word)));
        (millis(PRINTED_AT), millis(MODIFIED_AT))
    }

    /// Notes that what output before `upto` rang and copied was told, `bells` in all.
    pub(super) fn keep_told(&self, upto: Offset, bells: u64) {
        self.set(BELLS, bells);
        self.set(TOLD, upto.0);
    }

    /// Up to where it was told, and how many bells.
    pub(super) fn told(&self) -> (Offset, u64) {
        (Offset(self.get(TOLD)), self.get(BELLS))
    }

    /// Up to where the program's questions were answered, and how many bytes of the answers behind that it has.
    pub(super) fn answered(&self) -> (Offset, usize) {
        (Offset(self.get(ANSWERED)), usize::try_from(self.get(ANSWERED_PART)).unwrap_or(0))
    }

    /// Writes `parts` where the present ones do not lie, and makes them the present ones.
    fn replace(&self, word: usize, places: [Place; 2], parts: &[&[u8]]) -> io::Result<()> {
        let before = Which::of(self.get(word));
        let which = Which { second: before.len > 0 && !before.second, len: parts.iter().map(|part| part.len()).sum() };
        let place = places[usize::from(which.second)];
        if which.len > place.bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut at = place.at;
        for part in parts {
            self.memory.write(at, part)?;
            at += part.len() as u64;
        }
        self.set(word, which.word());
        if before.len > 0 {
            let old = places[usize::from(before.second)];
            self.memory.discard(old.at, (before.len as u64).next_multiple_of(4096))?;
        }
        Ok(())
    }

    fn current(&self, word: usize, places: [Place; 2]) -> Result<Option<Vec<u8>>, MemoryError> {
        let which = Which::of(self.get(word));
        let place = places[usize::from(which.second)];
        if which.len == 0 {
            return Ok(None);
        }
        if which.len > place.bytes_max {
            return Err(MemoryError::Damaged("something in it is too long"));
        }
        Ok(Some(self.memory.read(place.at, which.len)?))
    }
}

/// Which of two places holds what is valid, and how much of it: one word. Nothing, while that is zero.
#[derive(Clone, Copy)]
struct Which {
    second: bool,
    len: usize,
}

impl Which {
    fn of(word: u64) -> Self {
        Self { second: word >> 63 == 1, len: usize::try_from(word << 1 >> 1).unwrap_or(usize::MAX) }
    }

    const fn word(self) -> u64 {
        (self.second as u64) << 63 | self.len as u64
    }
}
