//! Waiting until so many have arrived.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts down to one waiter.
#[derive(Default)]
pub(crate) struct Arrivals {
    missing: AtomicUsize,
    all: Notify,
}

impl Arrivals {
    /// So many are to arrive. Before any of them can, and when nobody waits.
    pub(crate) fn expect(&self, count: usize) {
        self.missing.store(count, Ordering::Release);
    }

    /// So many have.
    pub(crate) fn arrived(&self, count: usize) {
        if count > 0 && self.missing.fetch_sub(count, Ordering::AcqRel) == count {
            self.all.notify_one();
        }
    }

    /// Waits until all have.
    pub(crate) async fn all(&self) {
        self.all.notified().await;
    }
}
