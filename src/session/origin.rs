//! Where a session's screen begins: blank, or as another server wrote it down, and what of the program's questions that
//! one has answered.

use bytes::Bytes;

use super::follower::unless_it_panics;
use super::ledger::{Checkpoint, Ledger};
use super::task::LastShown;
use crate::terminal::log::{Log, MemoryError};
use crate::terminal::screen::Screen;
use crate::terminal::{Offset, Size};

/// Where a screen begins: blank, or as another server wrote it down.
pub(super) struct Origin {
    pub(super) offset: Offset,
    pub(super) size: Size,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) answered: Answered,
}

/// What of a program's questions was answered by another server.
#[derive(Clone, Copy, Default)]
pub(super) struct Answered {
    /// What output before this asked.
    pub(super) upto: Offset,
    /// And so many bytes of the answers to what comes behind it.
    part: usize,
    /// As many of these as were made again so far.
    made: usize,
}

impl Origin {
    /// A new session's.
    pub(super) const fn blank(size: Size) -> Self {
        let answered = Answered { upto: Offset::ZERO, part: 0, made: 0 };
        Self { offset: Offset::ZERO, size, checkpoint: None, answered }
    }

    /// That of a session whose ledger and log this is.
    pub(super) fn of(ledger: &Ledger, log: &Log) -> Result<Self, MemoryError> {
        let checkpoint = ledger.checkpoint()?;
        let (upto, part) = ledger.answered();
        let offset = checkpoint.as_ref().map_or_else(|| log.held().start, |checkpoint| checkpoint.offset);
        let size = checkpoint.as_ref().map_or_else(|| log.size_at(offset), |checkpoint| checkpoint.size);
        Ok(Self { offset, size, checkpoint, answered: Answered { upto, part, made: 0 } })
    }

    /// That of a session of which nothing else is left.
    pub(super) fn last_shown(LastShown { offset, size, bytes }: LastShown) -> Self {
        let checkpoint = Some(Checkpoint { offset, events: 0, size, bells: 0, cwd: None, bytes });
        Self { offset, size, checkpoint, answered: Answered::default() }
    }

    /// The screen itself.
    pub(super) fn screen(&self, scrollback_lines: usize) -> Screen {
        let mut screen = Screen::new(self.size, scrollback_lines);
        if let Some(checkpoint) = &self.checkpoint {
            if unless_it_panics(|| screen.feed(&checkpoint.bytes)).is_none() {
                tracing::error!(offset = %self.offset, "a screen that was written down cannot be shown");
                screen = Screen::new(self.size, scrollback_lines);
            }
            screen.take_answers();
            screen.set_cwd(checkpoint.cwd.as_deref());
        }
        screen
    }
}

impl Answered {
    /// What of `answers`, made when all output before `at` was seen, the program was not given before; with it how many
    /// bytes that stood before it were.
    pub(super) fn left(&mut self, at: Offset, answers: &Bytes) -> Option<(Bytes, usize)> {
        if at <= self.upto {
            return None;
        }
        let again = (self.part - self.made).min(answers.len());
        self.made += again;
        let left = answers.slice(again..);
        if left.is_empty() {
            return None;
        }
        self.made = 0;
        Some((left, std::mem::take(&mut self.part)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_server_answered_is_not_answered_again() {
        let mut answered = Answered { upto: Offset(10), part: 5, made: 0 };
        let mut left = |at, answers: &'static [u8]| answered.left(Offset(at), &Bytes::from_static(answers));
        assert_eq!(left(10, b"before"), None);
        assert_eq!(left(20, b"abc"), None);
        assert_eq!(left(25, b""), None);
        assert_eq!(left(30, b"defg"), Some((Bytes::from_static(b"fg"), 5)));
        assert_eq!(left(40, b"hi"), Some((Bytes::from_static(b"hi"), 0)));
    }
}
