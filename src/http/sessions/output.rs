//! `GET /api/sessions/{id}/output`: which bytes a request means.

use crate::terminal::Offset;

/// The bytes asked for: by `?from=&to=`, or by `Range: bytes=a-b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All that is held.
    All,
    /// From an offset up to, and without, another; to the end without one.
    Between(u64, Option<u64>),
    /// The last n bytes.
    Last(u64),
}

/// The `Range` header is not one range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadRange;

impl Wanted {
    /// From a `Range` header (RFC 9110 section 14.2): one range of bytes; several are refused.
    ///
    /// # Errors
    /// When it is anything else.
    pub(super) fn from_range(header: &str) -> Result<Self, BadRange> {
        let (first, last) = header.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-')).ok_or(BadRange)?;
        let number = |text: &str| match text.trim() {
            "" => Ok(None),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map(Some).map_err(|_| BadRange)
            }
            _ => Err(BadRange),
        };
        match (number(first)?, number(last)?) {
            (Some(first), Some(last)) if first <= last => Ok(Self::Between(first, Some(last.saturating_add(1)))),
            (Some(first), None) => Ok(Self::Between(first, None)),
            (None, Some(last)) if last > 0 => Ok(Self::Last(last)),
            _ => Err(BadRange),
        }
    }

    /// The offsets meant, when `held` is held. They may lie outside of it. A range ends at the end at the latest, as
    /// HTTP has it.
    #[must_use]
    pub(super) fn within(self, held: &std::ops::Range<Offset>) -> std::ops::Range<Offset> {
        match self {
            Self::All => held.clone(),
            Self::Between(from, to) => {
                Offset(from)..to.map_or(held.end, |to| Offset(to).min(held.end).max(Offset(from)))
            }
            Self::Last(bytes) => (held.end - bytes).max(held.start)..held.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_header_is_one_range_of_bytes() {
        assert_eq!(Wanted::from_range("bytes=0-9"), Ok(Wanted::Between(0, Some(10))));
        assert_eq!(Wanted::from_range("bytes=5-"), Ok(Wanted::Between(5, None)));
        assert_eq!(Wanted::from_range("bytes=-5"), Ok(Wanted::Last(5)));
        for refused in ["bytes=9-5", "bytes=-", "bytes=-0", "lines=1-2", "bytes=1-2,4-5", "bytes=+1-2", "", "bytes=1"] {
            assert_eq!(Wanted::from_range(refused), Err(BadRange), "{refused}");
        }
    }

    #[test]
    fn a_range_is_cut_at_the_end_but_never_at_the_start() {
        let held = Offset(100)..Offset(200);
        assert_eq!(Wanted::All.within(&held), held);
        assert_eq!(Wanted::Between(0, Some(150)).within(&held), Offset(0)..Offset(150));
        assert_eq!(Wanted::Between(150, Some(1000)).within(&held), Offset(150)..Offset(200));
        assert_eq!(Wanted::Between(300, None).within(&held), Offset(300)..Offset(200));
        assert_eq!(Wanted::Last(10).within(&held), Offset(190)..Offset(200));
        assert_eq!(Wanted::Last(1000).within(&held), held);
    }
}
