//! The bytes a session must print, and whether what came is they.

/// All that a program prints.
#[derive(Debug)]
pub(crate) struct Expected {
    bytes: Vec<u8>,
    /// Where it begins anew at the end of `bytes`, if it goes on for ever.
    again_from: Option<usize>,
    /// Some of it may be skipped, if that is said.
    skips: bool,
}

impl Expected {
    /// These bytes and no more.
    pub(crate) const fn once(bytes: Vec<u8>) -> Self {
        Self { bytes, again_from: None, skips: false }
    }

    /// `first`, and then `block` for ever.
    pub(crate) fn for_ever(first: &[u8], block: &[u8]) -> Self {
        Self { bytes: [first, block].concat(), again_from: Some(first.len()), skips: false }
    }

    /// The same where viewers may be made to skip: what they are sent must still be right.
    pub(crate) const fn or_skipped(mut self) -> Self {
        self.skips = true;
        self
    }

    pub(crate) const fn may_be_skipped(&self) -> bool {
        self.skips
    }

    /// The length of all of it.
    pub(crate) const fn len(&self) -> u64 {
        match self.again_from {
            None => self.bytes.len() as u64,
            Some(_) => u64::MAX,
        }
    }

    /// Compares `piece`, which came at `at`.
    pub(crate) fn check(&self, at: u64, mut piece: &[u8]) -> Result<(), String> {
        let mut at = at;
        while !piece.is_empty() {
            let here = self.from(at);
            let both = here.len().min(piece.len());
            if both == 0 {
                return Err(format!("{} bytes more than the {} expected", piece.len(), self.bytes.len()));
            }
            if here[..both] != piece[..both] {
                let same = here.iter().zip(piece).take_while(|(expected, came)| expected == came).count();
                return Err(format!("another byte than expected at {}", at + same as u64));
            }
            piece = &piece[both..];
            at += both as u64;
        }
        Ok(())
    }

    /// What is expected from `at` on, at least a byte unless all is over.
    fn from(&self, at: u64) -> &[u8] {
        let all = self.bytes.len();
        let index = match (usize::try_from(at), self.again_from) {
            (Ok(at), _) if at < all => at,
            (Ok(at), Some(again)) => again + (at - again) % (all - again),
            _ => all,
        };
        &self.bytes[index..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_compared_and_none_may_be_missing_or_more() {
        let expected = Expected::once(b"hello".to_vec());
        assert_eq!(expected.check(0, b"hello"), Ok(()));
        assert_eq!(expected.check(2, b"ll"), Ok(()));
        assert_eq!(expected.check(0, b"help"), Err("another byte than expected at 3".into()));
        assert!(expected.check(3, b"low").is_err());
        assert!(expected.check(5, b"!").is_err());
    }

    #[test]
    fn what_goes_on_for_ever_begins_anew_at_its_block() {
        let expected = Expected::for_ever(b"ready", b"abc");
        assert_eq!(expected.check(0, b"readyabcabcabca"), Ok(()));
        assert_eq!(expected.check(5 + 3_000_001, b"bcab"), Ok(()));
        assert!(expected.check(5 + 3_000_001, b"abc").is_err());
    }
}
