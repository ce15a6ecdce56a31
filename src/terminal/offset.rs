//! The address of an output byte.

use std::fmt;
use std::ops::{Add, Sub};

/// Address of one byte of a session's output: the number of bytes printed before it, from the session's first byte.
/// Law 1: a byte keeps its offset for ever, for every viewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// The address of the first byte a session ever prints.
    pub const ZERO: Self = Self(0);

    /// Bytes from `earlier` to here, or zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<usize> for Offset {
    type Output = Self;

    fn add(self, bytes: usize) -> Self {
        Self(self.0 + bytes as u64)
    }
}

impl Add<u64> for Offset {
    type Output = Self;

    /// Saturates, because a window is added to offsets that a peer named.
    fn add(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }
}

impl Sub<u64> for Offset {
    type Output = Self;

    fn sub(self, bytes: u64) -> Self {
        Self(self.0.saturating_sub(bytes))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
