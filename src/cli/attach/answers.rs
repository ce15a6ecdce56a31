//! What a terminal says by itself, told from what a person types. Pure.
//!
//! Only the server answers a program's questions; they are taken out of the output before this terminal sees them.
//! Should one get through all the same, its answer ends here: typed into the program it would be noise. And a change of
//! the focus, which a program may want to know, is nothing that somebody typed.

/// What came from the terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// For the program.
    pub(super) input: Vec<u8>,
    /// Whether a person typed any of it.
    pub(super) by_hand: bool,
}

/// `typed` without the terminal's answers, and without its reports of the focus unless they are `wanted`. Looks at
/// whole sequences, as terminals send them in one piece.
pub(super) fn heard(typed: &[u8], wanted: bool) -> Heard {
    let mut heard = Heard { input: Vec::with_capacity(typed.len()), by_hand: false };
    let mut rest = typed;
    while !rest.is_empty() {
        let answer = answer_len(rest);
        let taken = answer.max(1);
        if answer == 0 {
            heard.input.push(rest[0]);
            heard.by_hand = true;
        } else if wanted && matches!(&rest[..answer], b"\x1b[I" | b"\x1b[O") {
            heard.input.extend_from_slice(&rest[..answer]);
        }
        rest = &rest[taken..];
    }
    heard
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
        b'R' => parameters.contains(&b';') && !is_modified_key(parameters),
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

/// F3 with Shift, Control and so on looks like the cursor's position in the first row.
fn is_modified_key(parameters: &[u8]) -> bool {
    let modifier = parameters.strip_prefix(b"1;").and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    matches!(modifier, Some(2..=16u8))
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
        let answers: [&[u8]; 13] = [
            b"\x1b[24;80R",
            b"\x1b[?24;80R",
            b"\x1b[?1;2c",
            b"\x1b[>0;276;0c",
            b"\x1b[?2026;2$y",
            b"\x1b[4;1$y",
            b"\x1b[0n",
            b"\x1b[8;24;80t",
            b"\x1b[?0u",
            b"\x1b[?997;1n",
            b"\x1b]11;rgb:0000/0000/0000\x1b\\",
            b"\x1bP1+r544e=787465726d\x1b\\",
            b"\x1b_Gi=1;OK\x1b\\",
        ];
        for answer in answers {
            let found = heard(&[b"a", answer, b"b"].concat(), true);
            assert_eq!(found.input, b"ab", "{}", answer.escape_ascii());
            assert_eq!(heard(answer, true), Heard { input: vec![], by_hand: false });
        }
        let keys: [&[u8]; 9] = [
            b"\x1b",
            b"\x1b[A",
            b"\x1b[1;5C",
            b"\x1bP",
            b"\x1b[97;5u",
            b"\x1b[<0;3;4M",
            b"\x1b[200~x\x1b[201~",
            b"\x1b[R",
            b"\x1b[1;5R",
        ];
        for key in keys {
            assert_eq!(heard(key, false), Heard { input: key.to_vec(), by_hand: true }, "{}", key.escape_ascii());
        }
    }

    #[test]
    fn the_focus_is_told_where_it_is_wanted_and_is_nothing_typed() {
        for focus in [b"\x1b[I", b"\x1b[O"] {
            assert_eq!(heard(focus, true), Heard { input: focus.to_vec(), by_hand: false });
            assert_eq!(heard(focus, false), Heard { input: vec![], by_hand: false });
        }
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic(typed: Vec<u8>, wanted: bool) {
            prop_assert!(heard(&typed, wanted).input.len() <= typed.len());
        }
    }
}
