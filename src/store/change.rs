//! How a server learns of what others have changed in its store: another server, or a command beside it.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::auth::revocation::Revocation;

/// Revocations read at once.
pub const REVOCATIONS_AT_ONCE: u32 = 1000;

/// Something that was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its place in the order of all.
    pub seq: i64,
    /// What.
    pub what: Revocation,
    /// When.
    pub at: Timestamp,
}

/// What was revoked, and word of any change.
#[async_trait]
pub trait Changes: Send + Sync {
    /// What was revoked behind `after`, in order: at most [`REVOCATIONS_AT_ONCE`].
    async fn revocations(&self, after: i64) -> Result<Vec<Revoked>, StoreError>;
    /// Waits until another server may have changed something. Never, where a store has only one.
    async fn changed_elsewhere(&self) -> Result<(), StoreError>;
}
