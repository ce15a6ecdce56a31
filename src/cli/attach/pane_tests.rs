//! Pictures of a session in terminals of other sizes.

use proptest::prelude::*;

use super::*;

fn size(cols: u64, rows: u64) -> Size {
    Size::new(cols, rows).unwrap()
}

fn screen(size: Size, output: &str) -> Screen {
    let mut screen = Screen::new(size, 100);
    screen.feed(output.as_bytes());
    screen
}

fn rows(screen: &Screen) -> Vec<String> {
    let text = |line: crate::terminal::screen::Line| line.runs.iter().map(|run| run.text.as_str()).collect::<String>();
    screen.lines(0).map(|line| text(line).trim_end().to_owned()).collect()
}

/// What a terminal of size `here` shows that is painted a session of `size` which has put out `output`.
fn painted(size: Size, output: &str, here: Size) -> Vec<String> {
    let mut terminal = Screen::new(here, 100);
    terminal.feed(&Pane::new().paint(&screen(size, output), here));
    rows(&terminal)
}

#[test]
fn a_larger_terminal_shows_all_of_it_with_an_edge_around() {
    let shown = painted(size(12, 2), "\x1b[1mbold\x1b[m 世界\r\n$ ", size(15, 5));
    assert_eq!(shown, ["bold 世界   │", "$           │", " 12x2 ──────┘", "", ""]);
    assert_eq!(painted(size(3, 1), "abc", size(4, 2)), ["abc│", "───┘"], "no room to tell the size");
    assert_eq!(painted(size(12, 1), "ab", size(12, 2)), ["ab", " 12x1 ──────"]);
    assert_eq!(painted(size(3, 2), "abc", size(4, 2)), ["abc│", "   │"]);
}

#[test]
fn a_smaller_terminal_shows_the_part_around_the_cursor() {
    let output = "0123456789\r\nabcdefghij\r\nABCDEFGHIJ";
    assert_eq!(painted(size(20, 3), output, size(20, 2)), ["abcdefghij", "ABCDEFGHIJ"]);
    assert_eq!(painted(size(20, 3), output, size(6, 3)), ["56789", "fghij", "FGHIJ"]);
    assert_eq!(painted(size(20, 3), &format!("{output}\x1b[H"), size(4, 2)), ["0123", "abcd"]);
    assert_eq!(painted(size(20, 3), &format!("{output}\x1b[2;6H"), size(4, 2)), ["2345", "cdef"]);
    let mut pane = Pane { left: 2, ..Pane::new() };
    pane.paint(&screen(size(20, 3), &format!("{output}\x1b[2;4H")), size(4, 2));
    assert_eq!(pane.left, 0, "where lines begin, if that can be seen");
}

#[test]
fn the_part_shown_moves_no_more_than_the_cursor_makes_it() {
    assert_eq!(following(0, 5, 4, 20), 2);
    assert_eq!(following(2, 3, 4, 20), 2);
    assert_eq!(following(2, 1, 4, 20), 1);
    assert_eq!(following(18, 19, 4, 20), 16);
    assert_eq!(following(7, 3, 20, 20), 0);
}

#[test]
fn a_wide_character_that_is_cut_is_blank_and_what_follows_stays_in_its_column() {
    let output = "世界ab👨‍👩‍👧e\u{301}z\x1b[1;5H";
    assert_eq!(painted(size(20, 1), output, size(5, 1)), ["世界a"]);
    assert_eq!(painted(size(20, 1), &format!("{output}\x1b[1;7H"), size(6, 1)), [" 界ab"], "half a family is blank");
    assert_eq!(painted(size(20, 1), &format!("{output}\x1b[1;12H"), size(6, 1)), ["👨‍👩‍👧e\u{301}z"]);
    let half = painted(size(20, 1), "a👨‍👩‍👧世世\x1b[1;7H", size(5, 1));
    assert_eq!(half, [" 世世"], "what joins it to the other half is left out with it");
    for wide in ["❤\u{fe0f}", "👍🏽", "1\u{fe0f}\u{20e3}"] {
        assert_eq!(painted(size(20, 1), &format!("a{wide}bcd\x1b[1;6H"), size(4, 1)), [" bcd"], "{wide}");
    }
}

#[test]
fn a_terminal_of_other_widths_still_finds_the_rest_of_the_row() {
    let mut ruler = Ruler::new();
    assert_eq!(ruler.cut("a界b\x1b[31mc\x1b[m", 0, 5), "a界\x1b[4Gb\x1b[31mc\x1b[m");
    assert_eq!(ruler.cut("a界", 0, 5), "a界\x1b[4G\x1b[K");
    assert_eq!(ruler.cut("\x1b]8;;x:m\x1b\\ab\x1b]8;;\x1b\\", 1, 1), "\x1b]8;;x:m\x1b\\b\x1b]8;;\x1b\\");
}

#[test]
fn only_what_changed_is_painted_and_nothing_if_nothing_did() {
    let (mut pane, here) = (Pane::new(), size(30, 4));
    let mut session = screen(size(20, 3), "one\r\ntwo\r\n");
    assert!(String::from_utf8_lossy(&pane.paint(&session, here)).contains("one"));
    assert_eq!(pane.paint(&session, here), b"");
    session.feed(b"three");
    let change = String::from_utf8(pane.paint(&session, here)).unwrap();
    assert!(change.contains("three") && !change.contains("one") && !change.contains("┘"), "{change:?}");
    session.feed(b"\x1b[?25l");
    assert!(!String::from_utf8(pane.paint(&session, here)).unwrap().contains("\x1b[?25h"));
    pane.forget();
    assert!(String::from_utf8_lossy(&pane.paint(&session, here)).contains("one"));
}

#[test]
fn a_notice_has_the_last_row_and_the_cursor_is_still_seen() {
    let (mut pane, here) = (Pane::new(), size(10, 2));
    let session = screen(size(20, 3), "1\r\n2\r\n3");
    let mut terminal = Screen::new(here, 0);
    pane.notice(Some("view only: nothing is sent"));
    terminal.feed(&pane.paint(&session, here));
    assert_eq!(rows(&terminal), ["3", "[view only"]);
    pane.notice(None);
    terminal.feed(&pane.paint(&session, here));
    assert_eq!(rows(&terminal), ["2", "3"]);
}

/// Something a program may write.
fn output() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z ]{1,12}",
        2 => prop::sample::select(vec!["世", "界", "é", "e\u{301}", "👨‍👩‍👧", "❤\u{fe0f}", "\u{1f1e6}\u{1f1e7}", "─"])
            .prop_map(str::to_owned),
        2 => Just("\r\n".to_owned()),
        2 => (1..12u8, 1..30u8).prop_map(|(row, col)| format!("\x1b[{row};{col}H")),
        1 => (30..48u8).prop_map(|color| format!("\x1b[{color}m")),
        1 => prop::sample::select(vec!["\x1b[m", "\x1b[7m", "\x1b[K", "\x1b[2J", "\x1b[2L", "\x1b[3P", "\x1b[4@", "\t",
            "\x1b]8;;x:1\x1b\\", "\x1b]8;;\x1b\\", "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25l", "\x1b[2;4r"])
            .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_larger_terminal_shows_the_same_rows(output in output(), cols in 2..24u64, rows_ in 1..8u64) {
        let here = size(25, 9);
        let session = screen(size(cols, rows_), &output);
        let shown = painted(session.size(), &output, here);
        for (row, expected) in shown.iter().zip(rows(&session)) {
            prop_assert_eq!(row.trim_end_matches('│').trim_end(), expected);
        }
    }

    /// However it came to what it shows, it is the same, and none of it went by.
    #[test]
    fn a_change_leaves_nothing_behind(
        outputs in proptest::collection::vec(output(), 1..5),
        cols in 2..30u64, rows_ in 1..8u64, here in (2..30u64, 1..8u64),
    ) {
        let here = size(here.0, here.1);
        let (mut pane, mut terminal) = (Pane::new(), Screen::new(here, 100));
        let mut session = Screen::new(size(cols, rows_), 100);
        for output in outputs {
            session.feed(output.as_bytes());
            terminal.feed(&pane.paint(&session, here));
            let mut afresh = Screen::new(here, 100);
            afresh.feed(&Pane { top: pane.top, left: pane.left, ..Pane::new() }.paint(&session, here));
            prop_assert_eq!(terminal.inspect(), afresh.inspect());
            prop_assert_eq!(terminal.scrollback_len(), 0);
            let (inner, outer) = (session.cursor(), terminal.cursor());
            prop_assert_eq!((inner.col - pane.left, inner.row - pane.top), (outer.col, outer.row));
            prop_assert_eq!(inner.visible, outer.visible);
        }
    }
}
