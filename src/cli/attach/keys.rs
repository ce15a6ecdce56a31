//! The keys that are for this end, found in what is typed: `Ctrl-] d` detaches, others are about control. Pure: bytes in,
//! bytes out.
//!
//! `Ctrl-]` twice is one `Ctrl-]` for the program; followed by anything else, both go to the program.

use super::control::ControlKey;

/// `Ctrl-]` as terminals send it: as a byte, and as an escape sequence where the program has asked for unambiguous
/// keys (the kitty protocol, with and without event types, and xterm's modifyOtherKeys).
const PREFIXES: [&[u8]; 4] = [b"\x1d", b"\x1b[93;5u", b"\x1b[93;5:1u", b"\x1b[27;5;93~"];
/// `d`, in the same ways.
const DETACH: [&[u8]; 3] = [b"d", b"\x1b[100u", b"\x1b[100;1:1u"];

/// `c`, `g` and `n`, which are about control.
const CONTROL: [(ControlKey, [&[u8]; 3]); 3] = [
    (ControlKey::Control, [b"c", b"\x1b[99u", b"\x1b[99;1:1u"]),
    (ControlKey::Give, [b"g", b"\x1b[103u", b"\x1b[103;1:1u"]),
    (ControlKey::TurnDown, [b"n", b"\x1b[110u", b"\x1b[110;1:1u"]),
];

/// Waits for the keys. Holds back a `Ctrl-]` until the next key says what it meant.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The bytes of a `Ctrl-]` not yet decided about.
    held: Option<&'static [u8]>,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// For the program. What followed a detach key is for nobody.
    pub(super) input: Vec<u8>,
    /// What was pressed about control.
    pub(super) control: Vec<ControlKey>,
    /// Whether the user asked to leave.
    pub(super) detach: bool,
}

impl Keys {
    /// Most bytes that [`Self::read`] returns beyond those it is given.
    pub(super) const HELD_MAX: usize = 10;

    /// Reads what was typed next. A key's escape sequence is recognised when it comes in one piece, as terminals send
    /// it: waiting for the rest of one would delay a lone Escape.
    pub(super) fn read(&mut self, mut typed: &[u8]) -> Typed {
        let mut input = Vec::with_capacity(typed.len());
        let mut control = Vec::new();
        while !typed.is_empty() {
            let prefix = starts_with_one_of(typed, &PREFIXES);
            match (self.held, prefix) {
                (None, Some(prefix)) => {
                    self.held = Some(prefix);
                    typed = &typed[prefix.len()..];
                }
                (Some(held), Some(again)) => {
                    self.held = None;
                    input.extend_from_slice(held);
                    typed = &typed[again.len()..];
                }
                (Some(_), None) if starts_with_one_of(typed, &DETACH).is_some() => {
                    self.held = None;
                    return Typed { input, control, detach: true };
                }
                (Some(_), None) if let Some((key, pressed)) = control_key(typed) => {
                    self.held = None;
                    control.push(key);
                    typed = &typed[pressed.len()..];
                }
                (Some(held), None) => {
                    self.held = None;
                    input.extend_from_slice(held);
                }
                (None, None) => {
                    let key = &typed[..1];
                    input.extend_from_slice(key);
                    typed = &typed[1..];
                }
            }
        }
        Typed { input, control, detach: false }
    }
}

fn control_key(typed: &[u8]) -> Option<(ControlKey, &'static [u8])> {
    CONTROL.iter().find_map(|(key, ways)| Some((*key, starts_with_one_of(typed, ways)?)))
}

fn starts_with_one_of(typed: &[u8], keys: &[&'static [u8]]) -> Option<&'static [u8]> {
    keys.iter().copied().find(|key| typed.starts_with(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that got through of what was typed in these pieces, and whether it ended in a detach.
    fn read(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut key = Keys::default();
        let mut input = Vec::new();
        for piece in pieces {
            let typed = key.read(piece);
            input.extend(typed.input);
            if typed.detach {
                return (input, true);
            }
        }
        (input, false)
    }

    #[test]
    fn the_key_detaches_and_what_preceded_it_is_still_typed() {
        assert_eq!(read(&[b"ls\x1dd rest"]), (b"ls".to_vec(), true));
        assert_eq!(read(&[b"ls\x1d", b"d"]), (b"ls".to_vec(), true));
        assert_eq!(read(&[b"\x1b[93;5u", b"d"]), (vec![], true));
        assert_eq!(read(&[b"\x1b[93;5:1u\x1b[100;1:1u"]), (vec![], true));
        assert_eq!(read(&[b"\x1b[27;5;93~d"]), (vec![], true));
    }

    #[test]
    fn twice_sends_one_and_anything_else_sends_both() {
        assert_eq!(read(&[b"\x1d\x1d"]), (b"\x1d".to_vec(), false));
        assert_eq!(read(&[b"\x1d", b"\x1d", b"d"]), (b"\x1dd".to_vec(), false));
        assert_eq!(read(&[b"\x1dx"]), (b"\x1dx".to_vec(), false));
        assert_eq!(read(&[b"\x1d", b"\x1b[A"]), (b"\x1d\x1b[A".to_vec(), false));
        assert_eq!(read(&[b"\x1d\x1d\x1dd"]), (b"\x1d".to_vec(), true));
    }

    #[test]
    fn keys_about_control_are_not_typed_and_what_is_around_them_is() {
        let typed = Keys::default().read(b"a\x1dcb\x1d\x1b[103ud\x1dne");
        let control = vec![ControlKey::Control, ControlKey::Give, ControlKey::TurnDown];
        assert_eq!(typed, Typed { input: b"abde".to_vec(), control, detach: false });
    }

    #[test]
    fn a_lone_prefix_waits_and_a_lone_escape_does_not() {
        assert_eq!(read(&[b"a\x1d"]), (b"a".to_vec(), false));
        assert_eq!(read(&[b"\x1b"]), (b"\x1b".to_vec(), false));
        assert!(PREFIXES.iter().all(|prefix| prefix.len() <= Keys::HELD_MAX));
    }

    proptest! {
        #[test]
        fn what_holds_no_prefix_gets_through_unchanged(pieces: Vec<Vec<u8>>) {
            let typed: Vec<Vec<u8>> =
                pieces.into_iter().map(|piece| piece.into_iter().filter(|byte| *byte != 0x1d).collect()).collect();
            let holds = |piece: &[u8], prefix: &[u8]| piece.windows(prefix.len()).any(|window| window == prefix);
            prop_assume!(!typed.iter().any(|piece| PREFIXES.iter().any(|prefix| holds(piece, prefix))));
            let pieces: Vec<&[u8]> = typed.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(read(&pieces), (typed.concat(), false));
        }
    }
}
