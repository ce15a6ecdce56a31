//! Opaque secrets: what a refresh token, a ticket, a login link and the local token are made of. Only their digests
//! are ever kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Bytes of randomness in a secret: 256 bits cannot be guessed, so a fast hash at rest is enough.
pub const SECRET_BYTES: usize = 32;

/// A secret just made, to be handed out once. It has no `Debug` and no `Display`.
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// Makes a secret of bytes that must come from the system's random source.
    #[must_use]
    pub const fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(random)
    }

    /// The text given to its holder: base64url, 43 characters, at home in a cookie, a header and a URL fragment.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Whether a text is one that [`Self::reveal`] could have given.
    #[must_use]
    pub fn is_well_formed(text: &str) -> bool {
        URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == SECRET_BYTES)
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.reveal())
    }
}

/// SHA-256 of a secret's text. It is looked up instead of the secret, which leaves nothing to time: whoever guesses
/// cannot steer a digest byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of what a peer presented, whatever it is.
    #[must_use]
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// Whether what a peer presented is the secret this is the digest of. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        self.0.ct_eq(&Self::of(presented).0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_revealed_has_the_digest_that_was_kept() {
        let secret = Secret::new([7; SECRET_BYTES]);
        assert_eq!(secret.reveal().len(), 43);
        assert!(secret.digest().matches(&secret.reveal()));
        assert!(!secret.digest().matches("something else"));
    }
}
