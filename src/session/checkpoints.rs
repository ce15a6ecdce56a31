//! When a session's screen is written down for the next server, and how much of it.
//!
//! Often enough that little has to be parsed again; rarely enough that a flood is not spent on it: in one only the last
//! lines above the screen are written, and all of them once it is over.

use std::time::Duration;

use tokio::time::Instant;

use super::input::Answer;
use super::ledger::{Checkpoint, Ledger};
use super::screen::ScreenAt;
use crate::terminal::Offset;
use crate::terminal::screen::Screen;

/// Most that the log takes between two checkpoints, and so most that the next server parses: with a segment more that was
/// being parsed it stays below a megabyte.
const EVERY_MAX: u64 = 512 * 1024;
/// Of a log, this part at most is held for a checkpoint alone.
const LOG_PART: u64 = 4;
/// Lines above the screen while a flood goes on: what it parses again brings its own.
const LINES_IN_FLOOD: usize = 1000;
/// Without output for this long, a flood is over.
const QUIET: Duration = Duration::from_secs(1);

/// The checkpoints of one screen.
pub(super) struct Checkpoints {
    ledger: Ledger,
    every: u64,
    /// What the log has taken for the output since the last, small frames being mostly headers.
    wire: u64,
    /// What is written down shows all output before this.
    offset: Offset,
    /// When the lines that the last one left out are written down.
    rest_at: Option<Instant>,
    failing: bool,
}

/// What a checkpoint says besides what the screen does.
pub(super) struct Beside {
    pub(super) at: ScreenAt,
    /// Events at that very offset that the screen has seen.
    pub(super) events: usize,
    pub(super) bells: u64,
    /// To what is shown, and not written yet.
    pub(super) answers: Vec<Answer>,
}

impl Checkpoints {
    /// Of a screen that begins at `offset`, for a log of `log_bytes`.
    pub(super) fn new(ledger: Ledger, log_bytes: usize, offset: Offset) -> Self {
        let every = EVERY_MAX.min(log_bytes as u64 / LOG_PART);
        Self { ledger, every, wire: 0, offset, rest_at: None, failing: false }
    }

    /// Output from here on must be held for the next server.
    pub(super) const fn offset(&self) -> Offset {
        self.offset
    }

    /// When [`Checkpoints::keep_all`] is due.
    pub(super) const fn due_at(&self) -> Option<Instant> {
        self.rest_at
    }

    /// Whether the screen, which has taken `wire` bytes of the log more, has moved far enough to be written down. Not
    /// counted in output: the log could be full before, and its program be held for a screen that has seen everything.
    pub(super) fn moved(&mut self, wire: usize, now: Instant) -> bool {
        self.wire += wire as u64;
        if let Some(rest_at) = &mut self.rest_at {
            *rest_at = now + QUIET;
        }
        self.wire >= self.every
    }

    /// Writes it down with the last lines above it; the rest follow once it is quiet.
    pub(super) fn keep_some(&mut self, screen: &Screen, beside: Beside, now: Instant) {
        self.keep(screen, beside, LINES_IN_FLOOD);
        self.rest_at = (screen.scrollback_len() > LINES_IN_FLOOD).then(|| now + QUIET);
    }

    /// Writes it down with all lines above it.
    pub(super) fn keep_all(&mut self, screen: &Screen, beside: Beside) {
        self.rest_at = None;
        self.keep(screen, beside, usize::MAX);
    }

    fn keep(&mut self, screen: &Screen, beside: Beside, lines: usize) {
        let Beside { at, events, bells, answers } = beside;
        let snapshot = super::follower::unless_it_panics(|| screen.snapshot(lines));
        let Some(snapshot) = snapshot else {
            tracing::error!(offset = %at.offset, "a screen cannot be written down: the next server begins with an older one");
            (self.offset, self.wire) = (at.offset, 0);
            return;
        };
        let cwd = screen.cwd().map(ToOwned::to_owned);
        let checkpoint =
            Checkpoint { offset: at.offset, events, size: at.size, bells, cwd, answers, bytes: snapshot.bytes };
        match self.ledger.keep_checkpoint(&checkpoint) {
            Ok(()) => (self.offset, self.wire, self.failing) = (at.offset, 0, false),
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge && lines > 0 => {
                self.keep(screen, Beside { at, events, bells, answers: checkpoint.answers }, 0);
            }
            // What it would have shown is held on: nothing is lost, and the next one may find room.
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::error!(offset = %at.offset, %error, "a screen cannot be written down for now");
            }
            Err(_) => {}
        }
    }
}
