//! How many columns and rows a terminal has.

use serde::{Deserialize, Serialize};

/// A terminal's size in character cells. Both sides lie within [`Size::MIN`] and [`Size::MAX`], also when it is read
/// from where it was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Size {
    cols: u16,
    rows: u16,
}

#[derive(Deserialize)]
struct Unchecked {
    cols: u64,
    rows: u64,
}

impl TryFrom<Unchecked> for Size {
    type Error = SizeError;

    fn try_from(Unchecked { cols, rows }: Unchecked) -> Result<Self, SizeError> {
        Self::new(cols, rows)
    }
}

/// A size outside what a session may have. Names the side at fault, as the wire spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: must be between {} and {}, got {got}", Size::MIN, Size::MAX)]
pub struct SizeError {
    /// `"cols"` or `"rows"`.
    pub field: &'static str,
    /// What was asked for.
    pub got: u64,
}

impl Size {
    /// Smallest number of columns or rows.
    pub const MIN: u16 = 1;
    /// Largest number of columns or rows: what VibeTunnel's clients may send, and a bound on a screen's memory.
    pub const MAX: u16 = 1000;
    /// The size of a terminal nobody has sized: the VT100's.
    pub const DEFAULT: Self = Self { cols: 80, rows: 24 };

    /// # Errors
    /// When either side lies outside [`Size::MIN`]`..=`[`Size::MAX`].
    pub fn new(cols: u64, rows: u64) -> Result<Self, SizeError> {
        Ok(Self { cols: side("cols", cols)?, rows: side("rows", rows)? })
    }

    /// Columns.
    #[must_use]
    pub const fn cols(self) -> u16 {
        self.cols
    }

    /// Rows.
    #[must_use]
    pub const fn rows(self) -> u16 {
        self.rows
    }
}

fn side(field: &'static str, got: u64) -> Result<u16, SizeError> {
    u16::try_from(got).ok().filter(|side| (Size::MIN..=Size::MAX).contains(side)).ok_or(SizeError { field, got })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_outside_the_bounds_names_the_side_at_fault() {
        assert_eq!(Size::new(0, 24), Err(SizeError { field: "cols", got: 0 }));
        assert_eq!(Size::new(80, 1001), Err(SizeError { field: "rows", got: 1001 }));
        assert_eq!(Size::new(80, u64::MAX).unwrap_err().field, "rows");
        assert_eq!(Size::new(1000, 1).map(|size| (size.cols(), size.rows())), Ok((1000, 1)));
    }
}
