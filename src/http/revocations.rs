//! What was revoked, and how a live WebSocket learns that what it hangs on was.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::auth::revocation::{self, Bond, Revocation};
use crate::store::{Store, StoreError};

/// The revocations that still matter. Cheap to clone.
#[derive(Clone)]
pub struct Revocations {
    revoked: Arc<Mutex<revocation::Revocations>>,
    /// The last one read from the store.
    read: Arc<AtomicI64>,
    /// Raised after every one: whoever waits looks again. Nothing is queued, so nothing can be missed or pile up.
    changed: Arc<watch::Sender<()>>,
}

impl Revocations {
    pub(super) fn new(lifetime: SignedDuration) -> Self {
        let revoked = revocation::Revocations::new(lifetime);
        Self { revoked: Arc::new(Mutex::new(revoked)), read: Arc::default(), changed: Arc::new(watch::Sender::new(())) }
    }

    /// Ends the force of everything that hangs on it.
    pub fn add(&self, what: Revocation, at: Timestamp) {
        if self.revoked.lock().add(what, at) {
            self.changed.send_replace(());
        }
    }

    /// Reads what was revoked since it was last read: by this server, another one, or a command beside it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn read(&self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let read = store.revocations(self.read.load(Ordering::Acquire)).await?;
            let Some(last) = read.last() else { return Ok(()) };
            self.read.fetch_max(last.seq, Ordering::AcqRel);
            for revoked in &read {
                self.add(revoked.what, revoked.at);
            }
        }
    }

    /// Whether what hangs on `bond` has lost its force.
    #[must_use]
    pub fn break_bond(&self, bond: &Bond) -> bool {
        self.revoked.lock().break_bond(bond)
    }

    /// Resolves when that bond is broken; never for a caller without one.
    pub fn broken(self, bond: Option<Bond>) -> impl Future<Output = ()> {
        let mut changed = self.changed.subscribe();
        // A block and not a function, which would hold its arguments twice: every WebSocket waits for this.
        async move {
            let Some(bond) = bond else { return std::future::pending().await };
            while !self.break_bond(&bond) {
                if changed.changed().await.is_err() {
                    return std::future::pending().await; // the server's end
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;
    use crate::auth::LoginId;
    use crate::auth::revocation::Root;

    #[tokio::test]
    async fn a_websocket_learns_of_the_end_of_its_login_and_of_no_other() {
        let (ann, bob) = (LoginId(Uuid::from_u128(1)), LoginId(Uuid::from_u128(2)));
        let now = Timestamp::UNIX_EPOCH;
        let revocations = Revocations::new(SignedDuration::from_secs(900));
        let bond = Bond { account: None, root: Root::Login(ann), issued: now };
        let mut anns = Box::pin(revocations.clone().broken(Some(bond)));
        let mut nobodys = Box::pin(revocations.clone().broken(None));
        revocations.add(Revocation::Login(bob), now);
        assert!(anns.as_mut().now_or_never().is_none());
        revocations.add(Revocation::Login(ann), now);
        anns.await;
        assert!(nobodys.as_mut().now_or_never().is_none());
        revocations.clone().broken(Some(bond)).await;
    }
}
