//! What a terminal types by itself: reports of its mouse and its focus, which no hand on a keyboard sent.
//!
//! Only tells them apart, for whoever asks who typed last. They reach the program like all input.

/// Whether `input` is nothing but such reports. A report cut in two by its sender counts as typed.
pub(super) fn are_all_of(input: &[u8]) -> bool {
    let mut rest = input;
    while let Some(behind) = rest.strip_prefix(b"\x1b[").and_then(after_report) {
        rest = behind;
    }
    rest.is_empty() && !input.is_empty()
}

/// What is left behind one report that lacks its introducer.
fn after_report(report: &[u8]) -> Option<&[u8]> {
    match report {
        // Focus in and out.
        [b'I' | b'O', rest @ ..] => Some(rest),
        // X10 and its UTF-8 form (1005): three characters of at least a blank.
        [b'M', rest @ ..] => after_characters(rest, 3),
        // SGR (1006, 1016).
        [b'<', rest @ ..] => after_numbers(rest).and_then(|rest| rest.strip_prefix(b"M").or(rest.strip_prefix(b"m"))),
        // urxvt (1015). One number and an M would be something else.
        _ => after_numbers(report).and_then(|rest| rest.strip_prefix(b"M")),
    }
}

/// What is left behind `count` characters, of one byte each or in UTF-8.
fn after_characters(bytes: &[u8], count: usize) -> Option<&[u8]> {
    let is_next = |byte: u8| byte & 0xc0 == 0x80;
    let mut rest = bytes;
    for _ in 0..count {
        let (&first, behind) = rest.split_first()?;
        let coordinate_in_two = (0xc2..0xe0).contains(&first) && behind.first().copied().is_some_and(is_next);
        rest = if coordinate_in_two { &behind[1..] } else { behind };
        if first < b' ' {
            return None;
        }
    }
    Some(rest)
}

/// What is left behind three numbers with semicolons between them.
fn after_numbers(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = after_number(bytes)?;
    for _ in 0..2 {
        rest = after_number(rest.strip_prefix(b";")?)?;
    }
    Some(rest)
}

fn after_number(bytes: &[u8]) -> Option<&[u8]> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &bytes[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_mouse_and_focus_are_told_from_keys() {
        for report in [
            &b"\x1b[I"[..],
            b"\x1b[O",
            b"\x1b[M !!",
            b"\x1b[M \xc4\x80\xc4\x81",
            b"\x1b[<35;10;20M",
            b"\x1b[<0;1;1m",
            b"\x1b[32;10;20M",
            b"\x1b[I\x1b[<35;10;20M\x1b[<35;11;20M",
        ] {
            assert!(are_all_of(report), "{}", report.escape_ascii());
        }
        for keys in [
            &b""[..],
            b"a",
            b"\x1b",
            b"\x1b[A",
            b"\x1bOP",
            b"\x1b[3~",
            b"\x1b[1;5A",
            b"\x1b[97;5u",
            b"\x1b[<35;10",
            b"\x1b[M !",
            b"\x1b[200~\x1b[I\x1b[201~",
            b"\x1b[Ix",
            b"\x03",
        ] {
            assert!(!are_all_of(keys), "{}", keys.escape_ascii());
        }
    }
}
