//! The audit log, as it is kept: entries are only ever added.

use async_trait::async_trait;

use super::StoreError;
use crate::auth::audit::{Entry, Head, Placed};

/// Entries read at once.
pub const AUDIT_AT_ONCE: u32 = 500;

/// The audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Adds entries behind those there are, in one step.
    async fn append_audit(&self, entries: &[Entry]) -> Result<Head, StoreError>;
    /// The entries behind `after`, in order: at most [`AUDIT_AT_ONCE`].
    async fn audit(&self, after: i64) -> Result<Vec<Placed>, StoreError>;
    /// What the log says is its end.
    async fn audit_head(&self) -> Result<Head, StoreError>;
}
