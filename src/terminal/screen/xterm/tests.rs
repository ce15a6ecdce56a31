//! What xterm does and the client does not, as a person would see it, and the law of snapshots on random output of it.

use proptest::prelude::*;

use super::super::{Emulation, Screen};
use crate::terminal::Size;

fn screen(cols: u64, rows: u64) -> Screen {
    Screen::emulating(Size::new(cols, rows).expect("within bounds"), 100, Emulation::Xterm { checksums: true })
}

fn fed(cols: u64, rows: u64, output: &str) -> Screen {
    let mut screen = screen(cols, rows);
    screen.feed(output.as_bytes());
    screen
}

fn text(screen: &Screen) -> Vec<String> {
    screen.lines(0).map(|line| line.runs.iter().map(|run| run.text.as_str()).collect()).collect()
}

fn answers(output: &str) -> String {
    String::from_utf8(fed(20, 6, output).take_answers()).expect("ASCII")
}

/// Rows of letters, and margins around the columns 2 to 4 and the rows 2 to 3.
const LETTERS: &str = "abcde\r\nfghij\r\nklmno\r\npqrst";
const MARGINS: &str = "\x1b[?69h\x1b[2;4s\x1b[2;3r";

fn within(output: &str) -> Vec<String> {
    text(&fed(5, 4, &format!("{LETTERS}{MARGINS}{output}")))
}

#[test]
fn text_wraps_at_the_right_margin_and_goes_on_at_the_left_one() {
    assert_eq!(text(&fed(10, 3, "\x1b[?69h\x1b[2;4sabcdefgh")), ["abcd", " efg", " h"]);
    assert_eq!(text(&fed(10, 3, "\x1b[?69h\x1b[2;4s\x1b[?7labcdefgh")), ["abch", "", ""]);
    assert_eq!(text(&fed(10, 3, "\x1b[?69h\x1b[2;4s\x1b[1;6Habcdefgh")), ["     abcde", " fgh", ""]);
    assert_eq!(text(&fed(10, 2, "\x1b[?69h\x1b[2;4s\x1b[1;3H漢字")), ["  漢", " 字"]);
}

#[test]
fn what_is_outside_the_margins_stays_when_the_rest_scrolls_and_shifts() {
    for (output, shown) in [
        ("\x1b[S", ["abcde", "flmnj", "k   o", "pqrst"]),
        ("\x1b[T", ["abcde", "f   j", "kghio", "pqrst"]),
        ("\x1b[99S", ["abcde", "f   j", "k   o", "pqrst"]),
        ("\x1b[3;3H\n", ["abcde", "flmnj", "k   o", "pqrst"]),
        ("\x1b[3;5H\n", ["abcde", "fghij", "klmno", "pqrst"]),
        ("\x1b[2;3H\x1bM", ["abcde", "f   j", "kghio", "pqrst"]),
        ("\x1b[2;3H\x1b[L", ["abcde", "f   j", "kghio", "pqrst"]),
        ("\x1b[2;3H\x1b[M", ["abcde", "flmnj", "k   o", "pqrst"]),
        ("\x1b[2;1H\x1b[M", ["abcde", "fghij", "klmno", "pqrst"]),
        ("\x1b[2;3H\x1b[@", ["abcde", "fg hj", "klmno", "pqrst"]),
        ("\x1b[2;3H\x1b[P", ["abcde", "fgi j", "klmno", "pqrst"]),
        ("\x1b[2;3H\x1b['}", ["abcde", "fg hj", "kl mo", "pqrst"]),
        ("\x1b[2;3H\x1b['~", ["abcde", "fgi j", "kln o", "pqrst"]),
        ("\x1b[2;2H\x1b6", ["abcde", "f ghj", "k lmo", "pqrst"]),
        ("\x1b[2;4H\x1b9", ["abcde", "fhi j", "kmn o", "pqrst"]),
        ("\x1b[2;3H\x1b[4hX", ["abcde", "fgXhj", "klmno", "pqrst"]),
    ] {
        assert_eq!(within(output), shown, "{output:?}");
    }
}

#[test]
fn a_wide_character_over_a_margin_is_not_left_in_halves() {
    let shown = text(&fed(6, 2, "漢漢漢\x1b[?69h\x1b[2;4s\x1b[1;2H\x1b[@"));
    assert_eq!(shown[0], "    漢");
}

#[test]
fn the_cursor_keeps_within_the_margins() {
    let at = |output: &str| {
        let cursor = fed(10, 4, &format!("\x1b[?69h\x1b[3;6s{output}")).cursor();
        (cursor.col + 1, cursor.row + 1)
    };
    assert_eq!(at("\x1b[2;4H\x1b[9D"), (3, 2));
    assert_eq!(at("\x1b[2;2H\x1b[9D"), (1, 2));
    assert_eq!(at("\x1b[2;4H\x1b[9C"), (6, 2));
    assert_eq!(at("\x1b[2;7H\x1b[9C"), (10, 2));
    assert_eq!(at("\x1b[2;4H\r"), (3, 2));
    assert_eq!(at("\x1b[2;2H\r"), (1, 2));
    assert_eq!(at("\x1b[2;4H\t"), (6, 2));
    assert_eq!(at("\x1b[2;3r\x1b[?6h\x1b[1;1H"), (3, 2));
    assert_eq!(at("\x1b[?6h\x1b[9;9H"), (6, 4));
    assert_eq!(at("\x1b[2;3Habcd"), (6, 2));
    assert_eq!(at("\x1b[?1045h\x1b[2;3H\x08"), (6, 1));
    assert_eq!(at("\x1b[?69l\x1b[2;4H\x1b[9D"), (1, 2));
}

#[test]
fn rectangles_are_copied_erased_filled_and_summed_up() {
    let after = |output: &str| text(&fed(5, 4, &format!("{LETTERS}{output}")));
    assert_eq!(after("\x1b[1;1;2;2;1;3;3;1$v"), ["abcde", "fghij", "klabo", "pqfgt"]);
    assert_eq!(after("\x1b[1;1;9;9;1;2;2;1$v"), ["abcde", "fabcd", "kfghi", "pklmn"]);
    assert_eq!(after("\x1b[2;2;3;3$z"), ["abcde", "f  ij", "k  no", "pqrst"]);
    assert_eq!(after("\x1b[37;2;2;3;3$x"), ["abcde", "f%%ij", "k%%no", "pqrst"]);
    assert_eq!(after("\x1b[3;3;2;2$z"), ["abcde", "fghij", "klmno", "pqrst"]);
    assert_eq!(after("\x1b[1\"q\x1b[2;2HX\x1b[\"q\x1b[1;1;4;5${"), ["", " X", "", ""]);
    assert_eq!(answers("ab\x1b[7;1;1;1;1;3*y"), "\x1bP7!~00E3\x1b\\");
}

#[test]
fn looks_change_in_rectangles_or_from_place_to_place() {
    let bold = |output: &str| {
        let screen = fed(5, 2, &format!("abcde\r\nfghij{output}"));
        let lines = screen.lines(0).map(|line| {
            let bold = line.runs.into_iter().filter(|run| run.style.attributes.has(super::super::Attributes::BOLD));
            bold.map(|run| run.text).collect::<String>()
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(bold("\x1b[2*x\x1b[1;2;2;3;1$r"), ["bc", "gh"]);
    assert_eq!(bold("\x1b[1*x\x1b[1;2;2;3;1$r"), ["bcde", "fgh"]);
    assert_eq!(bold("\x1b[2*x\x1b[1;2;2;3;1$r\x1b[1;3;2;4;1$t"), ["bd", "gi"]);
}

#[test]
fn what_iso_protects_no_erasing_takes() {
    for erase in ["\x1b[2K", "\x1b[2J", "\r\x1b[9X", "\x1b[?2K"] {
        assert_eq!(text(&fed(5, 1, &format!("a\x1bVb\x1bWc{erase}")))[0], " b", "{erase:?}");
    }
    assert_eq!(text(&fed(5, 1, "a\x1b[1\"qb\x1b[\"qc\x1b[2K"))[0], "");
}

#[test]
fn checksums_are_told_only_where_that_is_asked_for() {
    let size = Size::new(20, 6).expect("within bounds");
    for emulation in [Emulation::Client, Emulation::Xterm { checksums: false }] {
        let mut screen = Screen::emulating(size, 100, emulation);
        screen.feed(b"secret\x1b[1;1;1;1;1;6*y");
        assert_eq!(screen.take_answers(), b"", "{emulation:?}");
    }
}

#[test]
fn questions_are_answered_by_what_is_so() {
    for (output, told) in [
        ("\x1b[c", "\x1b[?65;6;9;21;22;28c"),
        ("\x1b[62;1\"p\x1b[4$p\x1b[c", "\x1b[?62;6;9;22c"),
        ("\x1b[?69h\x1b[3;9s\x1bP$qs\x1b\\", "\x1bP1$r3;9s\x1b\\"),
        ("\x1b[?69$p\x1b[?5$p\x1b[1$p", "\x1b[?69;2$y\x1b[?5;2$y\x1b[1;4$y"),
        ("\x1b[?5h\x1b[?5s\x1b[?5l\x1b[?5r\x1b[?5$p", "\x1b[?5;1$y"),
        ("\x1b[?15n\x1b[?6n", "\x1b[?13n\x1b[?1;1;1R"),
        ("\x1b]5;0;#123\x07\x1b]5;0;?\x07", "\x1b]5;0;rgb:1010/2020/3030\x1b\\"),
        ("\x1b]2;rm -rf\x07\x1b[21t\x1b[20t", "\x1b]l\x1b\\\x1b]L\x1b\\"),
        ("\x1b[8;9;9t\x1b[30t\x1b[18t", "\x1b[8;6;20t"),
    ] {
        assert_eq!(answers(output), told, "{output:?}");
    }
}

#[test]
fn the_second_screen_is_kept_by_mode_47() {
    let shown = |output: &str| text(&fed(10, 2, output))[0].clone();
    assert_eq!(shown("\x1b[?47h\x1b[Habc\x1b[?47l\x1b[?47h"), "abc");
    assert_eq!(shown("\x1b[?47h\x1b[Habc\x1b[?1047l\x1b[?47h"), "");
    assert_eq!(shown("\x1b[?47h\x1b[Habc\x1b[?47l\x1b[?1049h"), "");
}

/// Output that only xterm makes something of, among text.
fn piece() -> impl Strategy<Value = String> {
    let numbers = prop::collection::vec(prop_oneof![Just(String::new()), (0..9u32).prop_map(|n| n.to_string())], 1..8);
    let last = prop::sample::select(vec![
        "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "P", "S", "T", "X", "Z", "@", "`", "a", "b",
        "d", "e", "r", "s", "u", " @", " A", "'}", "'~", "$v", "$x", "$z", "${", "$r", "$t", "*x", "\"q",
    ]);
    let sequences = prop::sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        "\x08",
        "\t",
        "\x1bM",
        "\x1bD",
        "\x1bE",
        "\x1b7",
        "\x1b8",
        "\x1b6",
        "\x1b9",
        "\x1bV",
        "\x1bW",
        "\x1b#8",
        "\x1b[?69h",
        "\x1b[?69h\x1b[2;5s",
        "\x1b[?69h\x1b[3s",
        "\x1b[?69l",
        "\x1b[?6h",
        "\x1b[?6l",
        "\x1b[?45h",
        "\x1b[?1045h",
        "\x1b[?41h",
        "\x1b[?7l",
        "\x1b[?7h",
        "\x1b[?7s",
        "\x1b[?7r",
        "\x1b[?40h",
        "\x1b[?3h",
        "\x1b[?95h",
        "\x1b[4h",
        "\x1b[4l",
        "\x1b[31;44m",
        "\x1b[m",
        "\x1b[!p",
        "\x1b[62\"p",
        "\x1b[64\"p",
        "\x1b[?47h",
        "\x1b[?47l",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[?2K",
        "\x1b[?J",
        "\x1b]5;1;#123456\x07",
        "\x1b[2*x",
    ]);
    prop_oneof![
        4 => "[a-z ]{1,9}",
        2 => sequences.prop_map(str::to_owned),
        3 => (numbers, last).prop_map(|(numbers, last)| format!("\x1b[{}{last}", numbers.join(";"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Law 2, of screens that emulate xterm.
    #[test]
    fn a_snapshot_and_the_rest_show_what_the_whole_shows(
        pieces in prop::collection::vec(piece(), 1..30),
        cut in any::<prop::sample::Index>(),
        cols in 2..12u64,
        rows in 2..6u64,
    ) {
        let cut = cut.index(pieces.len() + 1);
        let (before, after) = (pieces[..cut].concat(), pieces[cut..].concat());
        let mut whole = fed(cols, rows, &before);
        prop_assume!(!whole.terminal.pen.is_patched());
        let snapshot = whole.snapshot(usize::MAX);
        let mut resumed = screen(cols, rows);
        resumed.feed(&snapshot.bytes);
        let told = format!("{cols}x{rows} {before:?} AS {:?} THEN {after:?}", String::from_utf8_lossy(&snapshot.bytes));
        prop_assert_eq!(text(&resumed), text(&whole), "at the cut: {}", told);
        prop_assert_eq!(&resumed.terminal.xterm, &whole.terminal.xterm, "at the cut: {}", told);
        whole.feed(after.as_bytes());
        resumed.feed(after.as_bytes());
        prop_assert_eq!(text(&resumed), text(&whole), "at the end: {}", told);
        prop_assert!(resumed.lines(0).eq(whole.lines(0)), "looks at the end: {}", told);
        prop_assert_eq!(resumed.cursor(), whole.cursor(), "{}", told);
        prop_assert_eq!(&resumed.terminal.modes, &whole.terminal.modes, "{}", told);
        prop_assert_eq!(&resumed.terminal.xterm, &whole.terminal.xterm, "{}", told);
    }

    /// Any output and any sizes: what is drawn is within the screen.
    #[test]
    fn no_output_and_no_sizes_make_it_panic(
        pieces in prop::collection::vec((piece(), any::<[u8; 3]>(), 1..20u64, 1..9u64), 1..40),
    ) {
        let mut screen = screen(10, 4);
        for (piece, noise, cols, rows) in pieces {
            screen.feed(piece.as_bytes());
            match noise[0] % 8 {
                0 => screen.resize(Size::new(cols, rows).expect("within bounds")),
                1 => screen.feed(&noise),
                2 => screen.feed("漢e\u{301}👍🏽".as_bytes()),
                3 => screen.hibernate(),
                _ => {}
            }
            let cursor = screen.cursor();
            prop_assert!(cursor.row < screen.size().rows());
            prop_assert_eq!(screen.lines(0).count(), usize::from(screen.size().rows()));
            prop_assert!(!screen.snapshot(9).bytes.is_empty());
        }
    }
}
