//! What a terminal says by itself, told from what a person types. Pure.
//!
//! Output that is replayed may hold questions (where is the cursor, which terminal is this) that were answered when
//! the program asked them. This terminal answers them again: typed into the program, that is noise. And an answer, or
//! the window getting the focus, is no reason to resize the session (law 6).

use std::time::{Duration, Instant};

use crate::terminal::Offset;

/// How long after its question was drawn an answer may come: a terminal behind a slow link.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// The part of the output that happened before this terminal came.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// Where it ends; None once it has all been drawn.
    end: Option<Offset>,
    /// Until when its questions may still be answered.
    over: Option<Instant>,
}

impl Replay {
    /// Output up to `end` is being replayed.
    pub(super) fn until(end: Offset) -> Self {
        Self { end: Some(end), over: None }
    }

    /// All output before `offset` has been drawn.
    pub(super) fn drawn(&mut self, offset: Offset, now: Instant) {
        if self.end.is_some_and(|end| offset >= end) {
            self.end = None;
            self.over = Some(now + ANSWER_TIME);
        }
    }

    /// Whether an answer that comes now is one to the past.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.end.is_some() || self.over.is_some_and(|over| now < over)
    }
}

/// `typed` without what the terminal said by itself. Looks at whole sequences, as terminals send them in one piece.
pub(super) fn without_answers(typed: &[u8]) -> Vec<u8> {
    let mut by_hand = Vec::with_capacity(typed.len());
    let mut rest = typed;
    while !rest.is_empty() {
        let answer = answer_len(rest);
        if answer == 0 {
            by_hand.push(rest[0]);
        }
        rest = &rest[answer.max(1)..];
    }
    by_hand
}

/// Bytes of the answer that `typed` begins with, or none.
fn answer_len(typed: &[u8]) -> usize {
    match typed {
        [0x1b, b'[', sequence @ ..] => control_sequence_len(sequence).map_or(0, |len| len + 2),
        // OSC, DCS and APC: no key sends them. `ESC P` and the like, as Alt keys, come without an end.
        [0x1b, b']' | b'P' | b'_', string @ ..] => string_len(string).map_or(0, |len| len + 2),
        _ => 0,
    }
}

/// Cursor position, attributes, modes, status, window reports, key protocol flags, focus.
fn control_sequence_len(sequence: &[u8]) -> Option<usize> {
    let end = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
    let (parameters, last) = (&sequence[..end], sequence[end]);
    let private = matches!(parameters.first(), Some(b'?' | b'>' | b'='));
    let is_answer = match last {
        b'R' => parameters.contains(&b';'),
        b'c' => private,
        b'y' => parameters.contains(&b'$'),
        b'n' => !parameters.is_empty(),
        b't' => !parameters.is_empty(),
        b'u' => private,
        b'I' | b'O' => parameters.is_empty(),
        _ => false,
    };
    is_answer.then_some(end + 1)
}

fn string_len(string: &[u8]) -> Option<usize> {
    let bell = string.iter().position(|byte| *byte == 0x07).map(|at| at + 1);
    let terminator = string.windows(2).position(|pair| pair == b"\x1b\\").map(|at| at + 2);
    bell.into_iter().chain(terminator).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_are_taken_out_and_keys_are_not() {
        let answers: [&[u8]; 10] = [
            b"\x1b[24;80R",
            b"\x1b[?1;2c",
            b"\x1b[>0;276;0c",
            b"\x1b[?2026;2$y",
            b"\x1b[0n",
            b"\x1b[8;24;80t",
            b"\x1b[?0u",
            b"\x1b[I",
            b"\x1b]11;rgb:0000/0000/0000\x1b\\",
            b"\x1bP1+r544e=787465726d\x1b\\",
        ];
        for answer in answers {
            assert_eq!(without_answers(&[b"a", answer, b"b"].concat()), b"ab", "{}", answer.escape_ascii());
        }
        let keys: [&[u8]; 8] = [
            b"\x1b",
            b"\x1b[A",
            b"\x1b[1;5C",
            b"\x1bP",
            b"\x1b[97;5u",
            b"\x1b[<0;3;4M",
            b"\x1b[200~x\x1b[201~",
            b"\x1b[R",
        ];
        for key in keys {
            assert_eq!(without_answers(key), key, "{}", key.escape_ascii());
        }
    }

    #[test]
    fn a_replay_is_over_a_moment_after_its_last_byte_was_drawn() {
        let start = Instant::now();
        let mut replay = Replay::until(Offset(10));
        assert!(replay.is_on(start));
        replay.drawn(Offset(9), start);
        assert!(replay.is_on(start + ANSWER_TIME * 9));
        replay.drawn(Offset(10), start);
        assert!(replay.is_on(start) && !replay.is_on(start + ANSWER_TIME));
        replay.drawn(Offset(11), start + ANSWER_TIME);
        assert!(!replay.is_on(start + ANSWER_TIME), "what follows is live");
        assert!(!Replay::default().is_on(start));
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic(typed: Vec<u8>) {
            prop_assert!(without_answers(&typed).len() <= typed.len());
        }
    }
}
