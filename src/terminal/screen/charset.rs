//! Character sets that a program may designate for ASCII (ISO 2022): line drawing and the national variants of the
//! VT220.

/// A designated set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    /// What is sent is what is shown.
    #[default]
    Ascii,
    /// Another, by the final byte that designates it.
    Other(u8),
}

impl Charset {
    /// The set that `final_byte` designates, if the client knows it.
    pub(super) const fn designated(final_byte: u8) -> Option<Self> {
        match final_byte {
            b'B' => Some(Self::Ascii),
            // Two finals name one set.
            b'5' => Some(Self::Other(b'C')),
            b'6' => Some(Self::Other(b'E')),
            b'7' => Some(Self::Other(b'H')),
            b'0' | b'A' | b'4' | b'C' | b'R' | b'Q' | b'K' | b'Y' | b'E' | b'Z' | b'H' | b'=' => {
                Some(Self::Other(final_byte))
            }
            _ => None,
        }
    }

    /// The byte that designates it.
    pub(super) const fn final_byte(self) -> u8 {
        match self {
            Self::Ascii => b'B',
            Self::Other(final_byte) => final_byte,
        }
    }

    /// What is shown for the ASCII character `byte`.
    pub(super) fn shown(self, byte: u8) -> char {
        let Self::Other(final_byte) = self else { return char::from(byte) };
        let (sent, shown): (&str, &str) = match final_byte {
            b'0' => ("`abcdefghijklmnopqrstuvwxyz{|}~", "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"),
            b'A' => ("#", "£"),
            b'4' => ("#@\\{|}~", "£¾½¨f¼´"),
            b'C' => ("[\\]^`{|}~", "ÄÖÅÜéäöåü"),
            b'R' => ("#@[\\]{|}~", "£à°ç§éùè¨"),
            b'Q' => ("@[\\]^`{|}~", "àâçêîôéùèû"),
            b'K' => ("@[\\]{|}~", "§ÄÖÜäöüß"),
            b'Y' => ("#@[\\]`{|}~", "£§°çéùàòèì"),
            b'E' => ("@[\\]^`{|}~", "ÄÆØÅÜäæøåü"),
            b'Z' => ("#@[\\]{|}", "£§¡Ñ¿°ñç"),
            b'H' => ("@[\\]^`{|}~", "ÉÄÖÅÜéäöåü"),
            _ => ("#@[\\]^_`{|}~", "ùàéçêîèôäöüû"),
        };
        // The Dutch set shows `[` as the two letters ij, of which the client keeps the first, and `]` as `|`.
        match (final_byte, byte) {
            (b'4', b'[') => return 'i',
            (b'4', b']') => return '|',
            _ => {}
        }
        let found = sent.bytes().zip(shown.chars()).find(|(sent, _)| *sent == byte);
        found.map_or(char::from(byte), |(_, shown)| shown)
    }

    /// What to send for `text`, one character and what joins it, to be shown; nothing if this set does not have it.
    pub(super) fn sent(self, text: String) -> Option<String> {
        let Some(first) = text.chars().next().filter(char::is_ascii) else { return Some(text) };
        let byte = (0x20..0x7f).find(|&byte| self.shown(byte) == first)?;
        Some(format!("{}{}", char::from(byte), &text[1..]))
    }
}

/// The four sets designated and the one in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charsets {
    sets: [Charset; 4],
    /// How many of `sets` were ever designated, counting the gaps before: only those are restored with the cursor.
    len: u8,
    level: u8,
}

impl Charsets {
    /// The set in use.
    pub(super) const fn current(self) -> Charset {
        self.sets[self.level as usize & 3]
    }

    /// Which of the four is in use.
    pub(super) const fn level(self) -> u8 {
        self.level
    }

    pub(super) const fn sets(self) -> [Charset; 4] {
        self.sets
    }

    pub(super) const fn len(self) -> u8 {
        self.len
    }

    pub(super) const fn designate(&mut self, level: u8, charset: Charset) {
        self.sets[level as usize & 3] = charset;
        if self.len <= level {
            self.len = level + 1;
        }
    }

    pub(super) const fn invoke(&mut self, level: u8) {
        self.level = level;
    }

    /// As DECRC does.
    pub(super) fn restore(&mut self, saved: Self) {
        for level in 0..saved.len {
            self.designate(level, saved.sets[usize::from(level) & 3]);
        }
        self.level = saved.level;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_drawing_shows_boxes_and_leaves_the_rest() {
        let drawing = Charset::designated(b'0').expect("known");
        assert_eq!("lqk A".bytes().map(|byte| drawing.shown(byte)).collect::<String>(), "┌─┐ A");
    }

    #[test]
    fn every_table_pairs_what_is_sent_with_what_is_shown() {
        for final_byte in *b"0A4CRQKYEZH=" {
            let charset = Charset::designated(final_byte).expect("known");
            assert_eq!(charset.shown(b'1'), '1');
            assert!((0x20..0x7f).any(|byte| charset.shown(byte) != char::from(byte)));
        }
        assert_eq!(Charset::designated(b'4').map(|dutch| dutch.shown(b'~')), Some('´'));
        assert_eq!(Charset::designated(b'Z').map(|spanish| spanish.shown(b'}')), Some('ç'));
    }
}
