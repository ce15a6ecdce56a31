//! How many columns a character takes, and which characters share a cell: exactly the client's rules, which are those
//! of its addon's `15-graphemes`. Knows characters; no cells, no cursor.

use super::width_table::{BLOCKS, RUNS};

/// What is left of the characters before: all that decides whether the next one joins them. xterm.js's
/// `precedingJoinState`, as far as it matters. The default is that nothing came before, and nothing joins that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Joining(u8);

impl Joining {
    /// What every character of printable ASCII leaves, whatever came before it.
    pub(super) const ASCII: Self = Self::new(OTHER, 1);

    /// All of it: the class, and 16 times the width.
    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    const fn new(class: u8, width: u8) -> Self {
        Self(width << 4 | class)
    }

    const fn class(self) -> u8 {
        self.0 & 15
    }

    /// How many columns the characters before take together; 0 if there are none.
    pub(super) const fn width(self) -> u8 {
        self.0 >> 4
    }
}

/// What a character does after those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    /// Columns: of all that are joined, if it joins, else its own. 1 or 2.
    pub(super) width: u8,
    /// It goes into the cell of those before it.
    pub(super) joins: bool,
    /// What it leaves.
    pub(super) state: Joining,
}

// Classes: the addon's numbers.
const OTHER: u8 = 0;
const PREPEND: u8 = 1;
const EXTEND: u8 = 2;
const REGIONAL_INDICATOR: u8 = 3;
const SPACING_MARK: u8 = 4;
const HANGUL_L: u8 = 5;
const HANGUL_V: u8 = 6;
const HANGUL_T: u8 = 7;
const HANGUL_LV: u8 = 8;
const HANGUL_LVT: u8 = 9;
const ZWJ: u8 = 10;
const PICTOGRAPH: u8 = 11;
const CLASSES: usize = 16;

/// `c` after `before`.
#[inline]
pub(super) fn join(before: Joining, c: char) -> Joined {
    let value = value(c);
    let (class, alone) = (value & 15, 1 + (value >> 4));
    if !joins(before, class) {
        return Joined { width: alone, joins: false, state: Joining::new(class, alone) };
    }
    // Two regional indicators are one flag, and the third begins the next.
    let (class, least) = if class == REGIONAL_INDICATOR { (OTHER, 2) } else { (class, alone) };
    let width = least.max(before.width());
    Joined { width, joins: true, state: Joining::new(class, width) }
}

/// How many columns `text` takes where nothing comes before it.
pub(super) fn columns(text: &str) -> usize {
    let (mut before, mut columns) = (Joining::default(), 0);
    for c in text.chars() {
        let joined = join(before, c);
        let shared = if joined.joins { before.width() } else { 0 };
        columns += usize::from(joined.width - shared);
        before = joined.state;
    }
    columns
}

/// Whether a character of printable ASCII joins `before`. If it does not, it takes one column of its own and leaves
/// [`Joining::ASCII`].
#[inline]
pub(super) const fn ascii_may_join(before: Joining) -> bool {
    before.class() == PREPEND
}

#[inline]
const fn joins(before: Joining, class: u8) -> bool {
    before.0 != 0 && JOINS[before.class() as usize] & 1 << class != 0
}

/// For each class before, the set of classes that join it.
static JOINS: [u16; CLASSES] = {
    let mut joins = [1 << EXTEND | 1 << ZWJ | 1 << SPACING_MARK; CLASSES];
    joins[PREPEND as usize] = u16::MAX;
    joins[REGIONAL_INDICATOR as usize] |= 1 << REGIONAL_INDICATOR;
    joins[HANGUL_L as usize] |= 1 << HANGUL_L | 1 << HANGUL_V | 1 << HANGUL_LV | 1 << HANGUL_LVT;
    joins[HANGUL_V as usize] |= 1 << HANGUL_V | 1 << HANGUL_T;
    joins[HANGUL_LV as usize] |= 1 << HANGUL_V | 1 << HANGUL_T;
    joins[HANGUL_T as usize] |= 1 << HANGUL_T;
    joins[HANGUL_LVT as usize] |= 1 << HANGUL_T;
    joins[ZWJ as usize] |= 1 << PICTOGRAPH;
    joins
};

const BLOCK_BITS: u32 = 6;

/// Which block each 64 code points are.
static INDEX: [u8; (char::MAX as usize + 1) >> BLOCK_BITS] = {
    let mut index = [0; (char::MAX as usize + 1) >> BLOCK_BITS];
    let (mut at, mut run) = (0, 0);
    while run < RUNS.len() {
        let end = at + RUNS[run].0 as usize;
        while at < end {
            index[at] = RUNS[run].1;
            at += 1;
        }
        run += 1;
    }
    index
};

/// The class, plus 16 if it is two columns wide.
#[inline]
fn value(c: char) -> u8 {
    let code = c as usize;
    let block = &BLOCKS[usize::from(INDEX[code >> BLOCK_BITS])];
    block[code & ((1 << BLOCK_BITS) - 1)] - b'0'
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::terminal::screen::width_table::DIGEST;

    #[test]
    fn the_table_is_the_clients() {
        let values: Vec<u8> = (0..=u32::from(char::MAX))
            // Surrogates have values in the client's table, too.
            .map(|code| char::from_u32(code).map_or(SURROGATE, value))
            .collect();
        let digest: String = Sha256::digest(&values).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, DIGEST);
    }

    /// The value of every surrogate.
    const SURROGATE: u8 = OTHER;

    #[test]
    fn ascii_takes_one_column_and_leaves_the_same() {
        for c in ' '..='~' {
            for before in (0..0x30).map(Joining).filter(|before| !ascii_may_join(*before)) {
                assert_eq!(join(before, c), Joined { width: 1, joins: false, state: Joining::ASCII });
            }
        }
    }

    #[test]
    fn clusters() {
        for (text, widths) in [
            ("e\u{301}", &[(1, false), (1, true)][..]),
            ("漢\u{301}字", &[(2, false), (2, true), (2, false)]),
            ("\u{301}", &[(1, false)]),
            ("👩\u{200d}🚀", &[(2, false), (2, true), (2, true)]),
            ("❤\u{fe0f}", &[(1, false), (2, true)]),
            ("🇩🇪🇫", &[(1, false), (2, true), (1, false)]),
            ("\u{1112}\u{1161}\u{11ab}", &[(2, false), (2, true), (2, true)]),
            ("\u{600}1a", &[(1, false), (1, true), (1, false)]),
        ] {
            let mut before = Joining::default();
            for (c, expected) in text.chars().zip(widths) {
                let joined = join(before, c);
                assert_eq!((joined.width, joined.joins), *expected, "{c:?} in {text:?}");
                before = joined.state;
            }
        }
    }
}
