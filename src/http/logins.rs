//! Ended logins, and how a live WebSocket learns of its own.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::auth::LoginId;
use crate::auth::revocation::EndedLogins;

/// The logins that have ended. Cheap to clone.
#[derive(Clone)]
pub struct Logins {
    ended: Arc<Mutex<EndedLogins>>,
    /// Raised after every end: whoever waits looks again. Nothing is queued, so nothing can be missed or pile up.
    changed: Arc<watch::Sender<()>>,
}

impl Logins {
    pub(super) fn new(token_lifetime: SignedDuration) -> Self {
        let ended = EndedLogins::new(token_lifetime);
        Self { ended: Arc::new(Mutex::new(ended)), changed: Arc::new(watch::Sender::new(())) }
    }

    /// Ends a login for every access token and WebSocket of it.
    pub fn end(&self, login: LoginId, now: Timestamp) {
        if self.ended.lock().end(login, now) {
            self.changed.send_replace(());
        }
    }

    /// Whether a token of `login` issued at `issued` has lost its force.
    #[must_use]
    pub fn is_ended(&self, login: LoginId, issued: Timestamp) -> bool {
        self.ended.lock().is_ended(login, issued)
    }

    /// Resolves when that login has ended; never for a caller without one.
    pub fn ended(self, of: Option<(LoginId, Timestamp)>) -> impl Future<Output = ()> {
        let mut changed = self.changed.subscribe();
        // A block and not a function, which would hold its arguments twice: every WebSocket waits for this.
        async move {
            let Some((login, issued)) = of else { return std::future::pending().await };
            while !self.is_ended(login, issued) {
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

    #[tokio::test]
    async fn a_websocket_learns_of_the_end_of_its_login_and_of_no_other() {
        let (ann, bob) = (LoginId(Uuid::from_u128(1)), LoginId(Uuid::from_u128(2)));
        let now = Timestamp::UNIX_EPOCH;
        let logins = Logins::new(SignedDuration::from_secs(900));
        let mut anns = Box::pin(logins.clone().ended(Some((ann, now))));
        let mut nobodys = Box::pin(logins.clone().ended(None));
        logins.end(bob, now);
        assert!(anns.as_mut().now_or_never().is_none());
        logins.end(ann, now);
        anns.await;
        assert!(nobodys.as_mut().now_or_never().is_none());
        logins.clone().ended(Some((ann, now))).await;
    }
}
