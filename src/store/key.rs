//! Keys that sign access tokens, as they are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::auth::seal::Sealed;
use crate::auth::token::KEY_BYTES;

/// A key that signs access tokens. No `Debug`.
#[derive(Clone)]
pub struct StoredKey {
    /// Its name, as it stands in tokens.
    pub kid: String,
    /// The key.
    pub secret: KeptKey,
    /// When it was made.
    pub created: Timestamp,
    /// When another took its place.
    pub retired: Option<Timestamp>,
}

/// The secret of a key. No `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum KeptKey {
    /// As every key is kept that is made today.
    Sealed(Sealed),
    /// As they were kept before there was sealing. A start of the server seals it.
    Plain([u8; KEY_BYTES]),
}

impl KeptKey {
    /// What was kept. What is sealed is longer than a key.
    #[must_use]
    pub fn kept(bytes: &[u8]) -> Self {
        bytes.try_into().map_or_else(|_| Self::Sealed(Sealed::kept(bytes.to_vec())), Self::Plain)
    }

    /// As it is kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Sealed(sealed) => sealed.bytes(),
            Self::Plain(bytes) => bytes,
        }
    }
}

/// Signing keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The signing keys: the one that signs, then the others, the one that was retired last first.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError>;
    /// Adds the key that signs from now on, and retires the one before it.
    async fn rotate_signing_key(&self, key: &StoredKey) -> Result<(), StoreError>;
    /// Keeps the same key otherwise, unless it is not kept like `from` any more. Returns whether it did.
    async fn reseal_signing_key(&self, kid: &str, from: &KeptKey, to: &Sealed) -> Result<bool, StoreError>;
    /// Forgets keys that were retired before `before`.
    async fn forget_signing_keys(&self, before: Timestamp) -> Result<(), StoreError>;
}
