//! UTF-8 to characters as xterm.js's decoder does it: what is not UTF-8 is dropped, not replaced. Keeps nothing.

/// The most bytes of a character that is not whole yet.
pub(super) const PARTIAL_MAX: usize = 3;

/// What the bytes of one feed begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A character, of so many bytes.
    Char(char, usize),
    /// So many bytes that are none: no UTF-8, or a byte order mark.
    Dropped(usize),
    /// The beginning of a character, and nothing after it.
    Partial,
}

/// Reads what `bytes` begin with: `bytes[0] >= 0x80`.
///
/// A character is cut short by the first byte that does not continue it, and that byte is read anew; one that is whole
/// but overlong, a surrogate, past U+10FFFF or U+FEFF is dropped whole.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let Some(&lead) = bytes.first() else { return Decoded::Partial };
    let (length, least, bits) = match lead {
        0xc0..=0xdf => (2, 0x80, lead & 0x1f),
        0xe0..=0xef => (3, 0x800, lead & 0x0f),
        0xf0..=0xf7 => (4, 0x1_0000, lead & 0x07),
        _ => return Decoded::Dropped(1),
    };
    let mut code = u32::from(bits);
    for at in 1..length {
        match bytes.get(at) {
            None => return Decoded::Partial,
            Some(&byte) if byte & 0xc0 == 0x80 => code = code << 6 | u32::from(byte & 0x3f),
            Some(_) => return Decoded::Dropped(at),
        }
    }
    match char::from_u32(code) {
        Some(c) if code >= least && c != '\u{feff}' => Decoded::Char(c, length),
        _ => Decoded::Dropped(length),
    }
}

/// How many bytes at the beginning of `bytes` are printable ASCII, 0x20–0x7e.
#[inline]
pub(super) fn printable_ascii(bytes: &[u8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        // A byte's high bit: below 0x20, or 0x7f, or beyond. Borrows and carries only go to bytes after the first hit.
        let hits = (word.wrapping_sub(EACH * 0x20) | word.wrapping_add(EACH) | word) & (EACH * 0x80);
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes[at..].iter().take_while(|byte| (0x20..=0x7e).contains(*byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_each_byte_that_is_not_printable() {
        for length in 0..20 {
            for byte in 0..=255u8 {
                let mut bytes = vec![b'~'; length];
                bytes.push(byte);
                bytes.extend([b' '; 12]);
                let whole = if (0x20..=0x7e).contains(&byte) { bytes.len() } else { length };
                assert_eq!(printable_ascii(&bytes), whole, "{length} {byte:#x}");
            }
        }
    }

    #[test]
    fn every_character_is_itself_but_the_byte_order_mark() {
        for c in ('\u{80}'..=char::MAX).filter(|c| *c != '\u{feff}') {
            let mut buffer = [0; 4];
            let length = c.encode_utf8(&mut buffer).len();
            assert_eq!(decode(&buffer[..length]), Decoded::Char(c, length));
            for short in 1..length {
                assert_eq!(decode(&buffer[..short]), Decoded::Partial);
                buffer[short] = b'x';
                assert_eq!(decode(&buffer), Decoded::Dropped(short));
                c.encode_utf8(&mut buffer);
            }
        }
    }

    #[test]
    fn what_is_not_utf8_is_dropped() {
        for (bytes, dropped) in [
            (&b"\x80"[..], 1),
            (b"\xbf", 1),
            (b"\xf8\x80\x80\x80\x80", 1),
            (b"\xff", 1),
            (b"\xc0\x80", 2),             // overlong
            (b"\xe0\x9f\xbf", 3),         // overlong
            (b"\xf0\x8f\xbf\xbf", 4),     // overlong
            (b"\xed\xa0\x80", 3),         // a surrogate
            (b"\xf4\x90\x80\x80", 4),     // past the last one
            (b"\xf7\xbf\xbf\xbf", 4),     // past the last one
            (b"\xef\xbb\xbf", 3),         // a byte order mark
            (b"\xc3\x1b", 1),             // cut short
            (b"\xe2\x82\x1b", 2),         // cut short
            (b"\xf0\x9f\x98\xf0\x9f", 3), // cut short
        ] {
            assert_eq!(decode(bytes), Decoded::Dropped(dropped), "{bytes:x?}");
        }
    }
}
