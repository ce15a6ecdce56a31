//! Where a session's screen begins: blank, or as another server wrote it down, and what of the program's questions that
//! one has answered.

use super::Settings;
use super::follower::unless_it_panics;
use super::input::Answer;
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
    /// What was asked before that and is still to be answered.
    pub(super) answers: Vec<Answer>,
    /// Viewers were told what output before this rang and copied.
    pub(super) told: Offset,
    /// Bells they were told of.
    pub(super) bells: u64,
}

/// What of a program's questions was answered by another server.
#[derive(Clone, Copy)]
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
        Self {
            offset: Offset::ZERO,
            size,
            checkpoint: None,
            answered,
            answers: Vec::new(),
            told: Offset::ZERO,
            bells: 0,
        }
    }

    /// That of a session whose ledger and log this is.
    pub(super) fn of(ledger: &Ledger, log: &Log) -> Result<Self, MemoryError> {
        let mut checkpoint = ledger.checkpoint()?;
        let (upto, part) = ledger.answered();
        let mut answered = Answered { upto, part, made: 0 };
        let made = checkpoint.as_mut().map(|checkpoint| std::mem::take(&mut checkpoint.answers)).unwrap_or_default();
        let answers = made.into_iter().filter_map(|answer| answered.left(answer)).collect();
        let offset = checkpoint.as_ref().map_or_else(|| log.held().start, |checkpoint| checkpoint.offset);
        let size = checkpoint.as_ref().map_or_else(|| log.size_at(offset), |checkpoint| checkpoint.size);
        let (told, bells) = ledger.told();
        Ok(Self { offset, size, checkpoint, answered, answers, told, bells })
    }

    /// That of a session of which nothing else is left.
    pub(super) fn last_shown(LastShown { offset, size, bytes }: LastShown) -> Self {
        let checkpoint = Some(Checkpoint { offset, events: 0, size, bells: 0, cwd: None, answers: Vec::new(), bytes });
        Self { offset, checkpoint, ..Self::blank(size) }
    }

    /// The screen itself.
    pub(super) fn screen(&self, settings: &Settings) -> Screen {
        let mut screen = settings.blank_screen(self.size);
        if let Some(checkpoint) = &self.checkpoint {
            if unless_it_panics(|| screen.feed(&checkpoint.bytes)).is_none() {
                tracing::error!(offset = %self.offset, "a screen that was written down cannot be shown");
                screen = settings.blank_screen(self.size);
            }
            screen.take_answers();
            screen.set_cwd(checkpoint.cwd.as_deref());
        }
        screen
    }
}

impl Answered {
    /// What of `answer` the program was not given before.
    pub(super) fn left(&mut self, Answer { upto, written, bytes }: Answer) -> Option<Answer> {
        if upto <= self.upto {
            return None;
        }
        self.made += written;
        let again = self.part.saturating_sub(self.made).min(bytes.len());
        self.made += again;
        let left = bytes.slice(again..);
        if left.is_empty() {
            return None;
        }
        self.made = 0;
        Some(Answer { upto, written: std::mem::take(&mut self.part), bytes: left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(upto: u64, written: usize, bytes: &'static [u8]) -> Answer {
        Answer { upto: Offset(upto), written, bytes: bytes.into() }
    }

    #[test]
    fn what_another_server_answered_is_not_answered_again() {
        let mut answered = Answered { upto: Offset(10), part: 5, made: 0 };
        assert_eq!(answered.left(answer(10, 0, b"before")), None);
        assert_eq!(answered.left(answer(20, 0, b"abc")), None);
        assert_eq!(answered.left(answer(25, 0, b"")), None);
        assert_eq!(answered.left(answer(30, 0, b"defg")), Some(answer(30, 5, b"fg")));
        assert_eq!(answered.left(answer(40, 0, b"hi")), Some(answer(40, 0, b"hi")));
    }

    #[test]
    fn what_was_written_down_before_it_was_answered_is_answered_from_where_that_stopped() {
        let answered = || Answered { upto: Offset(10), part: 5, made: 0 };
        // Written down when 3 bytes of it had been given, of which 5 are now.
        assert_eq!(answered().left(answer(30, 3, b"defg")), Some(answer(30, 5, b"fg")));
        assert_eq!(answered().left(answer(30, 5, b"fg")), Some(answer(30, 5, b"fg")));
    }
}
