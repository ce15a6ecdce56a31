//! Where the mouse is on a session's screen of which a terminal shows a part. Pure.
//!
//! Knows the two encodings that programs ask for, SGR and the first one. Looks at whole reports, as terminals send them
//! in one piece, and must leave everything else that was typed alone.

use crate::terminal::Size;

/// The part of a screen that is shown, from this row and column of it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) left: u16,
    pub(super) top: u16,
    /// Of the session.
    pub(super) size: Size,
}

/// A button is let go or the mouse is dragged: wherever that is, the program must hear of it.
const RELEASE: u16 = 3;
const MOTION: u16 = 32;
/// What the first encoding adds to every number.
const OFFSET: u16 = 32;

impl Part {
    /// `typed`, with the mouse where it is on the session's screen, and without what it did beside it.
    pub(super) fn locate(self, typed: &[u8]) -> Vec<u8> {
        let mut located = Vec::with_capacity(typed.len());
        let mut rest = typed;
        while let Some(&byte) = rest.first() {
            let report = sgr(rest).or_else(|| first(rest));
            match report {
                None => located.push(byte),
                Some(Report { button, col, row, released, is_sgr, .. }) => {
                    let goes_on = released || button & MOTION != 0 || (!is_sgr && button & RELEASE == RELEASE);
                    if let Some((col, row)) = self.place(col, row, goes_on) {
                        located.extend(write(button, col, row, released, is_sgr));
                    }
                }
            }
            rest = &rest[report.map_or(1, |report| report.len)..];
        }
        located
    }

    /// Columns and rows from 1, here and there; beside the screen it is nowhere, or at its edge.
    fn place(self, col: u16, row: u16, goes_on: bool) -> Option<(u16, u16)> {
        let (col, row) = (col.saturating_add(self.left), row.saturating_add(self.top));
        let (cols, rows) = (self.size.cols(), self.size.rows());
        ((col <= cols && row <= rows) || goes_on).then_some((col.min(cols), row.min(rows)))
    }
}

#[derive(Clone, Copy)]
struct Report {
    button: u16,
    col: u16,
    row: u16,
    released: bool,
    is_sgr: bool,
    len: usize,
}

/// `CSI < button ; col ; row M`, or `m` when it is let go.
fn sgr(typed: &[u8]) -> Option<Report> {
    let body = typed.strip_prefix(b"\x1b[<")?;
    let end = body.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';'))?;
    let released = match body[end] {
        b'M' => false,
        b'm' => true,
        _ => return None,
    };
    let mut numbers = std::str::from_utf8(&body[..end]).ok()?.split(';').map(str::parse);
    let mut next = || numbers.next()?.ok();
    let (button, col, row) = (next()?, next()?, next()?);
    Some(Report { button, col, row, released, is_sgr: true, len: 3 + end + 1 })
}

/// `CSI M` and three bytes, as X10 and xterm had it at first.
fn first(typed: &[u8]) -> Option<Report> {
    let &[button, col, row] = typed.strip_prefix(b"\x1b[M")?.first_chunk()?;
    let number = |byte: u8| u16::from(byte).checked_sub(OFFSET);
    let (button, col, row) = (number(button)?, number(col)?, number(row)?);
    Some(Report { button, col, row, released: false, is_sgr: false, len: 6 })
}

fn write(button: u16, col: u16, row: u16, released: bool, is_sgr: bool) -> Vec<u8> {
    if is_sgr {
        return format!("\x1b[<{button};{col};{row}{}", if released { 'm' } else { 'M' }).into_bytes();
    }
    // It cannot tell of more.
    let byte = |number: u16| u8::try_from(number.saturating_add(OFFSET)).unwrap_or(u8::MAX);
    vec![0x1b, b'[', b'M', byte(button), byte(col), byte(row)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn located(left: u16, top: u16, typed: &str) -> String {
        let size = Size::new(80, 24).unwrap();
        String::from_utf8(Part { left, top, size }.locate(typed.as_bytes())).unwrap()
    }

    #[test]
    fn the_mouse_is_where_the_session_has_it() {
        assert_eq!(located(10, 5, "a\x1b[<0;3;4Mb\x1b[<0;3;4m"), "a\x1b[<0;13;9Mb\x1b[<0;13;9m");
        assert_eq!(located(1, 2, "\x1b[M !\"\x1b[A"), "\x1b[M \"$\x1b[A");
        assert_eq!(located(0, 0, "\x1b[<64;80;24M"), "\x1b[<64;80;24M");
    }

    #[test]
    fn beside_the_session_nothing_is_pressed_but_what_was_is_let_go() {
        assert_eq!(located(0, 0, "\x1b[<0;81;3M\x1b[<65;3;25M\x1b[M !9"), "");
        assert_eq!(located(0, 0, "\x1b[<0;90;30m\x1b[<32;90;3M"), "\x1b[<0;80;24m\x1b[<32;80;3M");
        assert_eq!(located(0, 0, "\x1b[M#!9"), "\x1b[M#!8");
    }

    #[test]
    fn keys_are_left_alone() {
        for keys in
            ["\x1b", "\x1b[", "\x1b[<", "\x1b[<1;2", "\x1b[<1;2M", "\x1b[<1;2;3x", "\x1b[M", "\x1b[M  ", "\x1b[<;;M"]
        {
            assert_eq!(located(3, 3, keys), keys);
        }
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic(typed: Vec<u8>, left: u16, top: u16) {
            let size = Size::new(80, 24).unwrap();
            Part { left, top, size }.locate(&typed);
        }
    }
}
