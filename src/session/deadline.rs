//! Waiting for a time that may never be set.

use tokio::time::{Instant, sleep_until};

/// Waits until `deadline`; for ever where there is none.
pub async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
