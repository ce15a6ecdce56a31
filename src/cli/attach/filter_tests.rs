//! What gets past the filter and what does not.

use proptest::prelude::*;

use super::*;

fn passed(pieces: &[&[u8]], draws: bool) -> Vec<u8> {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    for piece in pieces {
        filter.pass(piece, draws, &mut out);
    }
    out
}

const QUESTIONS: [&[u8]; 40] = [
    b"\x05",
    b"\x1bZ",
    b"\x1b[c",
    b"\x1b[0c",
    b"\x1b[>c",
    b"\x1b[=c",
    b"\x1b[5n",
    b"\x1b[6n",
    b"\x1b[?6n",
    b"\x1b[?996n",
    b"\x1b[?2026$p",
    b"\x1b[4$p",
    b"\x1b[>q",
    b"\x1b[>0q",
    b"\x1b[x",
    b"\x1b[1$w",
    b"\x1b[1$u",
    b"\x1b[1;1;1;1;1;1*y",
    b"\x1b[?1;1;0S",
    b"\x1b[?4m",
    b"\x1b[?u",
    b"\x1b[11t",
    b"\x1b[14t",
    b"\x1b[14;2t",
    b"\x1b[18t",
    b"\x1b[21t",
    b"\x1b[?2048h",
    b"\xc2\x9b6n",
    b"\x1bP$qm\x1b\\",
    b"\x1bP+q544e\x1b\\",
    b"\xc2\x90$q q\x1b\\",
    b"\x1b]4;1;?\x07",
    b"\x1b]4;1;?;2;?\x1b\\",
    b"\x1b]10;?\x07",
    b"\x1b]11;?\x1b\\",
    b"\x1b]12;?\x1b\\",
    b"\x1b]21;foreground=?\x1b\\",
    b"\x1b]52;c;?\x07",
    b"\x1b]52;c;eA==\x1b\\",
    b"\xc2\x9d11;?\x07",
];

const DRAWING: [&[u8]; 23] = [
    "grüße 世界 🙂 \u{a0}\u{bd}".as_bytes(),
    b"\r\n\t\x08\x0e\x0f",
    b"\x1b[1;31m",
    b"\x1b[38:2::1:2:3m",
    b"\x1b[H\x1b[2J",
    b"\x1b[3;9r",
    b"\x1b[u\x1b[s",
    b"\x1b7\x1b8\x1bM",
    b"\x1b(0\x1b)B",
    b"\x1b#8",
    b"\x1b[?25l",
    b"\x1b[?7;25h",
    b"\x1b[4h",
    b"\x1b[!p",
    b"\x1b[8;24;80t",
    b"\x1b[?2J",
    b"\x1b]8;;http://x/?q=1\x07",
    b"\x1b]7;file:///tmp\x1b\\",
    b"\x1b]133;A\x07",
    b"\x1bP0;1q#0~~\x1b\\",
    b"\x1b_Gf=24;AAAA\x1b\\",
    b"\x1b[?2026h",
    b"\x1b[1$x",
];

const STEERING: [&[u8]; 13] = [
    b"\x07",
    b"\x1b=",
    b"\x1b>",
    b"\x1b[?1049h",
    b"\x1b[?1000;1006h",
    b"\x1b[?2004l",
    b"\x1b[>1u",
    b"\x1b[<u",
    b"\x1b[=5;1u",
    b"\x1b[>4;2m",
    b"\x1b]2;title?\x07",
    b"\x1b[22;0t",
    b"\x1b]11;#fff\x1b\\",
];

#[test]
fn questions_are_taken_out_wherever_they_are_cut() {
    for question in QUESTIONS {
        for at in 0..=question.len() {
            let (before, after) = question.split_at(at);
            for draws in [true, false] {
                let shown = passed(&[b"a", before, after, b"b"], draws);
                assert_eq!(shown, if draws { &b"ab"[..] } else { b"" }, "{}", question.escape_ascii());
            }
        }
    }
}

#[test]
fn everything_else_gets_through_unchanged_and_only_what_steers_where_nothing_is_drawn() {
    for drawing in DRAWING {
        assert_eq!(passed(&[drawing], true), drawing, "{}", drawing.escape_ascii());
        let left = passed(&[drawing], false);
        assert!(left.is_empty() || left == STEERING_RESET, "{}", drawing.escape_ascii());
    }
    for steering in STEERING {
        for draws in [true, false] {
            assert_eq!(passed(&[steering], draws), steering, "{}", steering.escape_ascii());
        }
    }
}

#[test]
fn of_several_modes_at_once_each_is_judged() {
    assert_eq!(passed(&[b"\x1b[?25;2048;1000h"], true), b"\x1b[?25;1000h");
    assert_eq!(passed(&[b"\x1b[?25;2048;1000h"], false), b"\x1b[?1000h");
    assert_eq!(passed(&[b"\x1bc"], true), b"\x1bc");
    assert_eq!(passed(&[b"\x1bc"], false), [STEERING_FULL_RESET, STEERING_RESET].concat());
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    filter.pass(b"\x1b[?10", true, &mut out);
    assert!(!filter.take_focus_asked());
    filter.pass(b"04h\x1b[?1004l", true, &mut out);
    assert!(filter.take_focus_asked() && !filter.take_focus_asked());
}

#[test]
fn a_sequence_that_is_broken_off_takes_nothing_with_it() {
    assert_eq!(passed(&[b"\x1b[6\x18x"], true), b"x");
    assert_eq!(passed(&[b"\x1b[6\x1b[1mx"], true), b"\x1b[1mx");
    assert_eq!(passed(&[b"\x1b[1\n;2H"], true), b"\n\x1b[1;2H");
    assert_eq!(passed(&[b"\x1b]52;c;AAA\x1b[1mx"], true), b"\x1b[1mx");
    assert_eq!(passed(&[b"\x1b]2;x\x1b[1my"], true), b"\x1b]2;x\x18\x1b[1my");
    assert_eq!(passed(&[b"\xc2\x1b[6nx"], true), "\u{fffd}x".as_bytes());
    assert_eq!(passed(&[b"\x1b]\x07\x1bP\x1b\\x"], true), b"\x1b]\x07\x1bP\x1b\\x");
    let long = [b"\x1b[".to_vec(), vec![b'0'; 5000], b"6nx".to_vec()].concat();
    assert_eq!(passed(&[&long], true), b"x", "a question of any length");
    let long = [b"\x1b]4;1;".to_vec(), vec![b'x'; 5000], b"?\x07x".to_vec()].concat();
    assert_eq!(passed(&[&long], true), b"x");
}

#[test]
fn what_was_begun_before_an_interruption_is_not_shown_as_text() {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    filter.pass(b"\x1b]8;;http://", true, &mut out);
    filter.interrupted();
    out.clear();
    filter.pass(b"example.org\x07x\x1b[3", true, &mut out);
    filter.interrupted();
    filter.pass(b"1my", true, &mut out);
    assert_eq!(out, b"x\x1b[31my");
}

fn anything() -> impl Strategy<Value = Vec<u8>> {
    let known = QUESTIONS.into_iter().chain(DRAWING).chain(STEERING).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let piece = prop_oneof![prop::sample::select(known), proptest::collection::vec(any::<u8>(), 0..5)];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn where_output_is_cut_makes_no_difference(output in anything(), at: prop::sample::Index, draws: bool) {
        let (before, after) = output.split_at(at.index(output.len() + 1));
        prop_assert_eq!(passed(&[&output], draws), passed(&[before, after], draws));
    }

    /// What has passed once asks nothing: passing it again changes nothing.
    #[test]
    fn nothing_is_left_to_take_out(output in anything()) {
        let once = passed(&[&output, b"\x18\x18"], true);
        prop_assert_eq!(passed(&[&once], true), once);
    }
}
