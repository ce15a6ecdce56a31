//! What is left of limits that must hold across servers and restarts.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::auth::limit::{Left, Quota, Wait};

/// Budgets and penalties, each under a name. Of many who ask at once for what only one can have, one gets it.
#[async_trait]
pub trait Limits: Send + Sync {
    /// Takes one from a budget, or says how long until there is one.
    async fn take(&self, budget: &str, quota: Quota, now: Timestamp) -> Result<Result<Left, Wait>, StoreError>;
    /// Begins an attempt, which counts as failed under each of these names until it is forgiven; or under none, where
    /// one of them has to wait.
    async fn attempt(&self, names: &[String], quota: Quota, now: Timestamp) -> Result<Result<(), Wait>, StoreError>;
    /// An attempt under these names has succeeded.
    async fn forgive(&self, names: &[String], now: Timestamp) -> Result<(), StoreError>;
    /// Forgets what says nothing any more; and of more than `most` names, those that would be forgotten first.
    async fn forget_limits(&self, most: u32, now: Timestamp) -> Result<(), StoreError>;
}
