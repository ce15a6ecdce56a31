//! One character position, in eight bytes.

/// Names a look in the screen's table of looks; 0 is the default one.
pub(super) type StyleId = u32;

/// One character position: what is in it, how wide that is, and how it looks.
///
/// The content is a code point, or the name of a longer cluster of code points, or nothing. A wide character's second
/// half is a cell without content and without width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    content: u32,
    pub(super) style: StyleId,
}

const CODE: u32 = 0x1f_ffff;
/// The code bits name a cluster.
const CLUSTER: u32 = 1 << 21;
const WIDTH_SHIFT: u32 = 22;

impl Cell {
    /// Never written, or erased in the default colours.
    pub(super) const BLANK: Self = Self::empty(0);

    /// Never written, or erased: one column wide, in the look `style`.
    pub(super) const fn empty(style: StyleId) -> Self {
        Self { content: 1 << WIDTH_SHIFT, style }
    }

    /// The same in another look.
    pub(super) const fn styled(self, style: StyleId) -> Self {
        Self { style, ..self }
    }

    /// The second half of a wide character.
    pub(super) const fn tail(style: StyleId) -> Self {
        Self { content: 0, style }
    }

    /// A character of ASCII.
    pub(super) const fn ascii(byte: u8, style: StyleId) -> Self {
        Self { content: byte as u32 | 1 << WIDTH_SHIFT, style }
    }

    /// `c`, which takes `width` columns: 0, 1 or 2.
    pub(super) const fn new(c: char, width: u8, style: StyleId) -> Self {
        Self { content: c as u32 | (width as u32) << WIDTH_SHIFT, style }
    }

    /// The cluster `id`, which takes `width` columns.
    pub(super) const fn cluster(id: u32, width: u8, style: StyleId) -> Self {
        Self { content: id & CODE | CLUSTER | (width as u32) << WIDTH_SHIFT, style }
    }

    /// Columns: 1 or 2, or 0 for a wide character's second half.
    pub(super) const fn width(self) -> u8 {
        (self.content >> WIDTH_SHIFT).to_le_bytes()[0] & 3
    }

    /// Whether there is a character in it.
    pub(super) const fn has_content(self) -> bool {
        self.content & (CODE | CLUSTER) != 0
    }

    /// A second half, without the first one's help.
    pub(super) const fn is_tail(self) -> bool {
        self.content == 0
    }

    /// The byte, if it is a character of ASCII in one column.
    pub(super) const fn as_ascii(self) -> Option<u8> {
        match self.content.wrapping_sub(1 << WIDTH_SHIFT) {
            byte @ 0x20..0x7f => Some(byte.to_le_bytes()[0]),
            _ => None,
        }
    }

    /// The low byte of what is in it: all of it, if [`Cell::as_ascii`].
    pub(super) const fn low_byte(self) -> u8 {
        self.content.to_le_bytes()[0]
    }

    /// What is in it.
    pub(super) fn content(self) -> Content {
        match self.content & CODE {
            id if self.content & CLUSTER != 0 => Content::Cluster(id),
            0 => Content::Empty,
            code => char::from_u32(code).map_or(Content::Empty, Content::Char),
        }
    }
}

/// What is in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Empty,
    Char(char),
    /// Names a cluster in the screen's table of clusters.
    Cluster(u32),
}
