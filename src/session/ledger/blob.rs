//! Where a session's record and its checkpoints lie, and what a checkpoint says.

use std::io;

use serde::{Deserialize, Serialize};

use crate::session::input::Answer;
use crate::terminal::log::MemoryError;
use crate::terminal::{Offset, Size};

/// A place in a session's memory.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) at: u64,
    pub(super) bytes_max: usize,
}

const MIB: u64 = 1 << 20;
/// A command of half a megabyte, of which every byte is written `\u00xx` in JSON.
const RECORD_BYTES_MAX: usize = 3 << 20;
/// A thousand columns and ten thousand lines of coloured text. Of a screen that takes more, fewer lines are kept.
const CHECKPOINT_BYTES_MAX: usize = 64 << 20;

pub(super) const RECORD: [Place; 2] =
    [Place { at: MIB, bytes_max: RECORD_BYTES_MAX }, Place { at: 4 * MIB, bytes_max: RECORD_BYTES_MAX }];
pub(super) const CHECKPOINT: [Place; 2] =
    [Place { at: 8 * MIB, bytes_max: CHECKPOINT_BYTES_MAX }, Place { at: 72 * MIB, bytes_max: CHECKPOINT_BYTES_MAX }];

/// A command, its directory and its environment, as long as those may be, with their lengths.
const LAUNCH_BYTES_MAX: usize = 2 << 20;
pub(super) const LAUNCH: [Place; 2] =
    [Place { at: 136 * MIB, bytes_max: LAUNCH_BYTES_MAX }, Place { at: 138 * MIB, bytes_max: LAUNCH_BYTES_MAX }];

/// A screen at an offset: what rebuilds it on a blank one, and what goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Checkpoint {
    /// All output before this is shown.
    pub(in crate::session) offset: Offset,
    /// Events at that very offset that are in it too.
    pub(in crate::session) events: usize,
    pub(in crate::session) size: Size,
    pub(in crate::session) bells: u64,
    pub(in crate::session) cwd: Option<String>,
    /// Those to what is shown that were not written when this was: what asked for them is not seen again.
    pub(in crate::session) answers: Vec<Answer>,
    /// What redraws it.
    pub(in crate::session) bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    offset: u64,
    events: usize,
    cols: u64,
    rows: u64,
    bells: u64,
    cwd: Option<String>,
    /// Each with its offset and the bytes written before it.
    #[serde(default)]
    answers: Vec<(u64, usize, Vec<u8>)>,
}

impl Checkpoint {
    /// What stands before its bytes: the length of some JSON, and that.
    pub(super) fn head(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(&Head {
            offset: self.offset.0,
            events: self.events,
            cols: self.size.cols().into(),
            rows: self.size.rows().into(),
            bells: self.bells,
            cwd: self.cwd.clone(),
            answers: self.answers.iter().map(|it| (it.upto.0, it.written, it.bytes.to_vec())).collect(),
        })
        .map_err(io::Error::other)?;
        Ok([&(json.len() as u64).to_le_bytes()[..], &json].concat())
    }

    pub(super) fn parse(mut blob: Vec<u8>) -> Result<Self, MemoryError> {
        let damaged = || MemoryError::Damaged("its checkpoint is not ours");
        let len = blob.first_chunk::<8>().map(|len| u64::from_le_bytes(*len)).ok_or_else(damaged)?;
        let end = usize::try_from(len).ok().and_then(|len| len.checked_add(8)).ok_or_else(damaged)?;
        let head: Head = serde_json::from_slice(blob.get(8..end).ok_or_else(damaged)?).map_err(|_| damaged())?;
        let size = Size::new(head.cols, head.rows).map_err(|_| damaged())?;
        blob.drain(..end);
        let Head { offset, events, bells, cwd, answers, .. } = head;
        let answer =
            |(upto, written, bytes): (_, _, Vec<u8>)| Answer { upto: Offset(upto), written, bytes: bytes.into() };
        let answers = answers.into_iter().map(answer).collect();
        Ok(Self { offset: Offset(offset), events, size, bells, cwd, answers, bytes: blob })
    }
}
