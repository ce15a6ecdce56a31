//! The laws: cuts do not matter, and the tail is the state. The rest is by hand.

use proptest::prelude::*;

use super::{Actions, Function, PAYLOAD_KEPT, PAYLOAD_MAX, Params, Parser};

/// What was found, one after the other.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found(Vec<String>);

impl Found {
    /// What a parser finds in `bytes`.
    fn by(parser: &mut Parser, bytes: &[u8]) -> Self {
        let mut found = Self::default();
        parser.feed(bytes, &mut found);
        found
    }

    fn push(&mut self, what: &str, function: Function, params: &Params, data: &[u8]) {
        let params: Vec<String> = (0..params.len())
            .map(|index| {
                let subs: String = params.sub_params(index).iter().map(|sub| format!(":{sub}")).collect();
                format!("{}{subs}", params.get(index))
            })
            .collect();
        let bytes = [&[function.prefix], &function.intermediates[..], &[function.final_byte]].concat();
        let name = String::from_utf8_lossy(&bytes).replace('\0', "");
        self.0.push(format!("{what} {name} {} {}", params.join(";"), data.escape_ascii()));
    }
}

impl Actions for Found {
    fn print_ascii(&mut self, run: &[u8]) {
        assert!(!run.is_empty() && run.iter().all(|byte| (0x20..=0x7e).contains(byte)));
        run.iter().for_each(|byte| self.print(char::from(*byte)));
    }

    fn print(&mut self, c: char) {
        match self.0.last_mut() {
            Some(last) if last.starts_with("print") => last.push(c),
            _ => self.0.push(format!("print {c}")),
        }
    }

    fn execute(&mut self, control: u8) {
        self.0.push(format!("execute {control:02x}"));
    }

    fn csi(&mut self, function: Function, params: &Params) {
        self.push("csi", function, params, b"");
    }

    fn esc(&mut self, function: Function) {
        self.push("esc", function, &Params::new(), b"");
    }

    fn osc(&mut self, number: u32, data: &[u8]) {
        self.0.push(format!("osc {number} {}", data.escape_ascii()));
    }

    fn dcs(&mut self, function: Function, params: &Params, data: &[u8]) {
        self.push("dcs", function, params, data);
    }

    fn other(&mut self) {
        self.0.push("other".to_owned());
    }
}

/// Bytes in which something is to be found, and bytes that spoil it.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "\x1b", "\x1b[", "\u{9b}", "\x1b]", "\u{9d}", "\x1bP", "\u{90}", "\x1b_", "\u{9f}", "\x1bX", "\u{9e}",
            "\x07", "\x1b\\", "\u{9c}", "\x18", "\x1a", "\n", "\x7f", "\u{85}", "?", ">", ";", ":", "[", "$", " !", "  #+",
            "38:2::1:2:3", "2147483648", "m", "h", "8;;http://a/", "52;c;", "q", "plain text", "é漢😀", "\u{feff}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => "[ -~]{1,20}".prop_map(String::into_bytes),
        1 => "[0-9;:]{1,200}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 1..4),
        1 => prop::collection::vec(0x80..=0xffu8, 1..5),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn cuts_do_not_matter(bytes in bytes(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let whole = Found::by(&mut Parser::new(), &bytes);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let (mut parser, mut found) = (Parser::new(), Found::default());
        for cut in cuts.windows(2) {
            parser.feed(&bytes[cut[0]..cut[1]], &mut found);
        }
        prop_assert_eq!(&found, &whole);
        let (mut parser, mut found) = (Parser::new(), Found::default());
        bytes.iter().for_each(|byte| parser.feed(&[*byte], &mut found));
        prop_assert_eq!(&found, &whole);
    }

    #[test]
    fn the_tail_is_the_state(before in bytes(), after in bytes()) {
        let mut parser = Parser::new();
        parser.feed(&before, &mut Found::default());
        let tail = parser.tail();
        prop_assert_eq!(tail.is_empty(), parser.is_ground());
        let mut joined = Parser::new();
        prop_assert_eq!(Found::by(&mut joined, &tail), Found::default());
        prop_assert_eq!(joined.tail(), tail);
        prop_assert_eq!(Found::by(&mut joined, &after), Found::by(&mut parser, &after));
    }
}

/// Each by hand from xterm.js's sources: its table, and the paths beside it.
#[test]
fn rules() {
    for (bytes, expected) in [
        // Controls, and what is no character.
        (&b"a\x07b\x7fc\xffd"[..], &["print a", "execute 07", "print bcd"][..]),
        (b"\xc2\x84\xc2\x90\x18\xc2\xa0", &["execute 84", "execute 18", "print \u{a0}"]),
        (b"\xc2\x9b1mx\xc2\x9c", &["csi m 1 ", "print x"]),
        // Within a CSI.
        (b"\x1b[3\n1\x7f;\xff2mx", &["execute 0a", "csi m 31;2 ", "print x"]),
        (b"\x1b[3\xe6\xbc\xa2mx", &["print mx"]),
        (b"\x1b[?1;2$p", &["csi ?$p 1;2 "]),
        (b"\x1b[1?2$\xe6\xbc\xa2\x7fhx", &["print x"]),
        (b"\x1b[ 1px", &["print x"]),
        (b"\x1b[?1 !p", &["csi ? !p 1 "]),
        (b"\x1b[?1 !\"p\x1b[ !\"#p", &["csi  !\"p 1 ", "csi !\"#p 0 "]),
        (b"\x1b[31\x1b[32m\x1b[3\x18m\x1b[3\x1am", &["csi m 32 ", "execute 18", "print m", "execute 1a", "print m"]),
        // A prefix after a control: the fast path of `ESC [` has left its first state by then, the others have not.
        (b"\x1b[\n?5hx", &["execute 0a", "print x"]),
        (b"\xc2\x9b\n?5hx", &["execute 0a", "csi ?h 5 ", "print x"]),
        (b"\x1b\n[\n?5hx", &["execute 0a", "execute 0a", "csi ?h 5 ", "print x"]),
        (b"\x1b]2;t\x1b[\n?5hx", &["osc 2 t", "execute 0a", "csi ?h 5 ", "print x"]),
        (b"\x1bP0\x1b[\n?5hx", &["execute 0a", "csi ?h 5 ", "print x"]),
        // Escapes.
        (b"\x1b(\n0\x1b7\x1b#8\x1b\\", &["execute 0a", "esc (0 0 ", "esc 7 0 ", "esc #8 0 ", "esc \\ 0 "]),
        (b"\x1b\xe6\xbc\xa2x\x1b\x1bM", &["print x", "esc M 0 "]),
        // OSC: its number, its ends, what is dropped from it.
        (b"\x1b]0;a;b\x07\x1b]104\x1b\\", &["osc 0 a;b", "osc 104 ", "esc \\ 0 "]),
        (b"\x1b]0\n2;a\nb\x00\x7f\xe6\xbc\xa2\xff\xc2\x9c", &["osc 2 ab\\x7f\\xe6\\xbc\\xa2"]),
        (b"\x1b];a\x07\x1b]a;b\x07\x1b]\x07\x1b]1a;b\x07", &["other"; 4]),
        (b"\x1b]2;a\x18b\x1b]2;a\x1ab", &["other", "print b", "other", "print b"]),
        (b"\x1b]2;a\xc2\x85b\x1b]2;a\xc2\x9b1mb", &["execute 85", "print b", "csi m 1 ", "print b"]),
        (b"\x1b]2;a\xc2\x9d4;b\x07\x1b]99999999999;a\x07", &["osc 4 b", "osc 4294967295 a"]),
        // DCS.
        (b"\x1bP$qm\x1b\\", &["dcs $q 0 m", "esc \\ 0 "]),
        (b"\x1bP?1;2:3|\x7fa\n\x7f\xe6\xbc\xa2\xc2\x9c", &["dcs ?| 1;2:3 a\\n\\x7f\\xe6\\xbc\\xa2"]),
        (b"\x1bP0:1|a\x18\x1bP:1|\xc2\x9c", &["other", "dcs | 0 "]),
        (b"\x1bP1<qabc\xe6\xbc\xa2\xc2\x9cx\x1bP$1qa\x07\x1b\\", &["print x", "esc \\ 0 "]),
        (b"\x1bP1\xe6\xbc\xa2x\x1bPqa\xc2\x84x", &["print x", "execute 84", "print x"]),
        // APC, SOS, PM.
        (b"\x1b_Ga\nb\xe6\xbc\xa2\x1b\\x\x1b_ \x18", &["other", "esc \\ 0 ", "print x", "execute 18"]),
        (b"\x1bXa\nb\x07c\x1b\\\x1b^a\xc2\x9cx", &["esc \\ 0 ", "print x"]),
        (b"\x1b^ab\xe6\xbc\xa2x\xc2\x98y\x18", &["print x", "execute 18"]),
    ] {
        assert_eq!(Found::by(&mut Parser::new(), bytes).0, expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_string_too_long_is_dropped_to_its_end() {
    for begin in ["\x1b]52;", "\x1bP0+q"] {
        let mut parser = Parser::new();
        let text = [begin.as_bytes(), &vec![b'x'; PAYLOAD_MAX]].concat();
        assert_eq!(Found::by(&mut parser, &text), Found::default());
        assert_eq!(parser.tail().len(), text.len());
        assert_eq!(Found::by(&mut parser, "ä".as_bytes()), Found::default());
        assert!(parser.tail().len() < 8, "{:?}", parser.tail());
        let mut joined = Parser::new();
        joined.feed(&parser.tail(), &mut Found::default());
        for parser in [&mut parser, &mut joined] {
            assert_eq!(Found::by(parser, &text[4..]), Found::default());
            assert_eq!(Found::by(parser, "\u{9c}y".as_bytes()).0, ["other", "print y"]);
        }
        assert!(parser.payload.capacity() <= PAYLOAD_KEPT);
        assert_eq!(Found::by(&mut parser, b"\x1b]2;t\x07").0, ["osc 2 t"]);
    }
}

#[test]
fn a_sequence_without_end_stays_small() {
    for piece in ["1", "1;", ":2", " ", "\n", "\x7f"] {
        for begin in ["\x1b[", "\x1bP", "\x1b", "\x1b_", "\x1bX"] {
            let mut parser = Parser::new();
            let _ = Found::by(&mut parser, format!("{begin}{}", piece.repeat(100_000)).as_bytes());
            assert!(parser.tail().len() < 1024, "{begin:?} {piece:?}");
            assert_eq!(parser.payload.capacity(), 0);
        }
    }
}
