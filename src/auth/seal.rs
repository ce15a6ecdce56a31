//! Secrets as they are kept: encrypted (AES-256-GCM), and bound to the place they are kept in, so that none is taken for
//! another. What was changed by a bit, or moved, does not open.
//!
//! Who can read the database alone learns nothing of them, and who can write it cannot make one.

use std::fmt::{self, Write as _};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::IdentityId;

/// Bytes of a sealing key.
pub const SEALING_KEY_BYTES: usize = 32;
/// Bytes of randomness that each sealing takes. Even a billion values under one key are far from the first two that
/// share them (NIST SP 800-38D section 8.3), and there are some for each account.
pub const NONCE_BYTES: usize = 12;
/// Most keys of a ring: one seals, and some may still have to open what a rotation that was cut short has left.
pub const SEALING_KEYS_MAX: usize = 8;
/// How values are sealed today; the first byte of each.
const VERSION: u8 = 1;
const ID_BYTES: usize = 8;
const TAG_BYTES: usize = 16;
/// What comes before the encrypted bytes: version, key, nonce.
const HEAD_BYTES: usize = 1 + ID_BYTES + NONCE_BYTES;

/// Why a value could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with a key that is not in the ring.
    #[error("sealed with key {0}, which is not here")]
    UnknownKey(KeyId),
    /// It is not what was sealed there.
    #[error("not what was sealed in this place")]
    Broken,
    /// The crypto library failed.
    #[error("could not be sealed")]
    Failed,
}

/// Why a text is no ring of keys. Never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must hold 1 to {SEALING_KEYS_MAX} lines, each a key of {SEALING_KEY_BYTES} bytes as base64url")]
pub struct RingError;

/// Where a value is kept. It opens nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A key that signs access tokens, by its name.
    SigningKey(String),
    /// What an identity's provider has given for asking it again.
    IdentityTokens(IdentityId),
}

impl Place {
    /// Table, column and row, each with its length, so that none can lend another a part of itself.
    fn bound(&self) -> Vec<u8> {
        let (table, column, row) = match self {
            Self::SigningKey(kid) => ("signing_keys", "secret", kid.as_bytes()),
            Self::IdentityTokens(id) => ("identities", "tokens", id.0.as_bytes().as_slice()),
        };
        let parts = [table.as_bytes(), column.as_bytes(), row];
        parts
            .iter()
            .flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.iter().copied()))
            .collect()
    }
}

/// The name of a sealing key, made of the key itself: two that are called the same are the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_BYTES]);

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// A value that is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// What was kept, which may be anything: opening it tells.
    #[must_use]
    pub const fn kept(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As it is kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key that it says it was sealed with.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        let (version, rest) = self.0.split_first()?;
        let id = rest.first_chunk().filter(|_| *version == VERSION)?;
        Some(KeyId(*id))
    }
}

/// A key that seals. No `Debug`.
pub struct SealingKey {
    id: KeyId,
    bytes: [u8; SEALING_KEY_BYTES],
    cipher: LessSafeKey,
}

impl SealingKey {
    /// A key of bytes that came from the system's random source.
    ///
    /// # Errors
    /// When the crypto library does not take it.
    pub fn new(bytes: [u8; SEALING_KEY_BYTES]) -> Result<Self, SealError> {
        let cipher = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| SealError::Failed)?;
        let digest: [u8; 32] = Sha256::new().chain_update("fantail sealing key").chain_update(bytes).finalize().into();
        let id = digest.first_chunk().copied().ok_or(SealError::Failed)?;
        Ok(Self { id: KeyId(id), bytes, cipher: LessSafeKey::new(cipher) })
    }

    /// What it is called.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

/// The keys that open; the newest seals. No `Debug`.
pub struct Ring {
    newest: SealingKey,
    older: Vec<SealingKey>,
}

impl Ring {
    /// A ring of one key.
    #[must_use]
    pub const fn of(key: SealingKey) -> Self {
        Self { newest: key, older: Vec::new() }
    }

    /// Reads what [`Self::written`] has written: a key a line, the newest first.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(text: &str) -> Result<Self, RingError> {
        let key = |line: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(line).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(RingError)?;
            SealingKey::new(bytes).map_err(|_| RingError)
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut keys = lines.take(SEALING_KEYS_MAX + 1).map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() || keys.len() > SEALING_KEYS_MAX {
            return Err(RingError);
        }
        let newest = keys.remove(0);
        Ok(Self { newest, older: keys })
    }

    /// As it is kept in its file. A secret.
    #[must_use]
    pub fn written(&self) -> String {
        let mut text = String::from("# Keys that seal what fantail keeps secret. The first seals, all open.\n");
        for key in self.keys() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", URL_SAFE_NO_PAD.encode(key.bytes));
        }
        text
    }

    /// The same with a new key that seals. Of the others those stay that are `used`, and the one before it, with which
    /// a running server may be sealing something at this moment.
    ///
    /// # Errors
    /// When there would be too many.
    pub fn rotated(self, key: SealingKey, used: impl Fn(KeyId) -> bool) -> Result<Self, RingError> {
        let mut older = vec![self.newest];
        older.extend(self.older.into_iter().filter(|key| used(key.id)));
        if older.len() >= SEALING_KEYS_MAX { Err(RingError) } else { Ok(Self { newest: key, older }) }
    }

    /// The key that seals.
    #[must_use]
    pub const fn newest(&self) -> KeyId {
        self.newest.id
    }

    /// Seals a value for its place; `nonce` must be random.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn seal(&self, place: &Place, value: &[u8], nonce: [u8; NONCE_BYTES]) -> Result<Sealed, SealError> {
        let SealingKey { id, cipher, .. } = &self.newest;
        let mut sealed = Vec::with_capacity(HEAD_BYTES + value.len() + TAG_BYTES);
        sealed.push(VERSION);
        sealed.extend(id.0);
        sealed.extend(nonce);
        let bound = Aad::from([&sealed[..1 + ID_BYTES], &place.bound()].concat());
        let mut encrypted = value.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        cipher.seal_in_place_append_tag(nonce, bound, &mut encrypted).map_err(|_| SealError::Failed)?;
        sealed.append(&mut encrypted);
        Ok(Sealed(sealed))
    }

    /// Opens what was sealed for that place.
    ///
    /// # Errors
    /// When it was sealed with another key, or for another place, or was changed.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let id = sealed.key().ok_or(SealError::Broken)?;
        let key = self.keys().find(|key| key.id == id).ok_or(SealError::UnknownKey(id))?;
        let (head, encrypted) = sealed.0.split_at_checked(HEAD_BYTES).ok_or(SealError::Broken)?;
        let (said, nonce) = head.split_at(1 + ID_BYTES);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Broken)?;
        let bound = Aad::from([said, &place.bound()].concat());
        let mut value = encrypted.to_vec();
        let length = key.cipher.open_in_place(nonce, bound, &mut value).map_err(|_| SealError::Broken)?.len();
        value.truncate(length);
        Ok(value)
    }

    fn keys(&self) -> impl Iterator<Item = &SealingKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn key(n: u8) -> SealingKey {
        SealingKey::new([n; SEALING_KEY_BYTES]).unwrap()
    }

    fn place() -> Place {
        Place::SigningKey("k1".into())
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_and_nowhere_else() {
        let ring = Ring::of(key(1));
        let id = |n| IdentityId(Uuid::from_u128(n));
        let sealed = ring.seal(&Place::IdentityTokens(id(7)), b"secret", [3; NONCE_BYTES]).unwrap();
        assert_eq!(ring.open(&Place::IdentityTokens(id(7)), &sealed).unwrap(), b"secret");
        let same_bytes = String::from_utf8(id(7).0.as_bytes().to_vec()).unwrap();
        for other in [Place::IdentityTokens(id(8)), Place::SigningKey(same_bytes), place()] {
            assert_eq!(ring.open(&other, &sealed), Err(SealError::Broken), "{other:?}");
        }
        assert!(!sealed.bytes().windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn no_byte_can_be_changed_left_out_or_added() {
        let ring = Ring::of(key(1));
        let sealed = ring.seal(&place(), b"a secret of some length", [3; NONCE_BYTES]).unwrap();
        for at in 0..sealed.0.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed.0[at] ^= 1 << bit;
                assert!(ring.open(&place(), &changed).is_err(), "bit {bit} of byte {at}");
            }
            assert!(ring.open(&place(), &Sealed(sealed.0[..at].to_vec())).is_err(), "cut at {at}");
        }
        assert!(ring.open(&place(), &Sealed([&sealed.0[..], &[0]].concat())).is_err());
    }

    #[test]
    fn after_a_rotation_the_new_key_seals_and_the_old_one_opens_until_nobody_needs_it() {
        let first = Ring::of(key(1));
        let old = first.seal(&place(), b"old", [1; NONCE_BYTES]).unwrap();
        let (one, two) = (key(1).id(), key(2).id());
        let second = first.rotated(key(2), |_| true).unwrap();
        assert_eq!(second.newest(), two);
        assert_eq!(second.open(&place(), &old).unwrap(), b"old");
        let new = second.seal(&place(), b"new", [2; NONCE_BYTES]).unwrap();
        assert_eq!((old.key(), new.key()), (Some(one), Some(two)));
        let third = second.rotated(key(3), |_| false).unwrap();
        assert_eq!(third.open(&place(), &old), Err(SealError::UnknownKey(one)));
        assert_eq!(third.open(&place(), &new).unwrap(), b"new", "the one before stays for one more");
        let mut ring = third;
        for n in 4..u8::try_from(SEALING_KEYS_MAX).unwrap() + 2 {
            ring = ring.rotated(key(n), |_| true).unwrap();
        }
        assert!(ring.rotated(key(99), |_| true).is_err());
    }

    #[test]
    fn a_ring_is_read_as_it_is_written_and_nothing_else_is_one() {
        let ring = Ring::of(key(1)).rotated(key(2), |_| true).unwrap();
        let read = Ring::read(&ring.written()).unwrap();
        assert_eq!(read.keys().map(SealingKey::id).collect::<Vec<_>>(), [key(2).id(), key(1).id()]);
        let line = URL_SAFE_NO_PAD.encode([1; SEALING_KEY_BYTES]);
        for wrong in ["", "# nothing", "x", &line[1..], &format!("{line}A"), &format!("{line}\n").repeat(9)] {
            assert!(Ring::read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_and_whatever_else_is_kept_does_not(
            value in proptest::collection::vec(any::<u8>(), 0..200),
            (nonce, kid) in (any::<[u8; NONCE_BYTES]>(), "[a-z]{0,8}"),
            (other_kid, at, flip) in ("[a-z]{0,8}", any::<prop::sample::Index>(), 1..=255_u8),
            garbage in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let ring = Ring::of(key(1));
            let place = Place::SigningKey(kid.clone());
            let sealed = ring.seal(&place, &value, nonce).unwrap();
            prop_assert_eq!(ring.open(&place, &sealed).unwrap(), value);
            if other_kid != kid {
                prop_assert_eq!(ring.open(&Place::SigningKey(other_kid), &sealed), Err(SealError::Broken));
            }
            let mut changed = sealed.clone();
            let at = at.index(changed.0.len());
            changed.0[at] ^= flip;
            prop_assert!(ring.open(&place, &changed).is_err());
            prop_assert!(ring.open(&place, &Sealed::kept(garbage)).is_err());
        }
    }
}
