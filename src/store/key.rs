//! Keys that sign access tokens, as they are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// A key that signs access tokens. No `Debug`.
#[derive(Clone)]
pub struct StoredKey {
    /// Its name, as it stands in tokens.
    pub kid: String,
    /// The key.
    pub secret: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// When another took its place.
    pub retired: Option<Timestamp>,
}

/// Signing keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The signing keys: the one that signs, then the others, the one that was retired last first.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError>;
    /// Adds the key that signs from now on, and retires the one before it.
    async fn rotate_signing_key(&self, key: &StoredKey) -> Result<(), StoreError>;
    /// Forgets keys that were retired before `before`.
    async fn forget_signing_keys(&self, before: Timestamp) -> Result<(), StoreError>;
}
