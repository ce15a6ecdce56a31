//! What a running server does besides serving: it learns of what others have changed in its store, forgets what has
//! expired, and changes its signing key in time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::signal::unix::Signal;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerError;
use super::keys::{self, Kept};
use super::seals::SealFile;
use crate::auth::seal::Ring;
use crate::auth::token::KeyRing;
use crate::http::App;
use crate::http::audit::AuditWriter;
use crate::store::{Changes as _, SqlStore, Store};

/// How often it is looked for what has expired.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// How often it is looked for limits that say nothing any more: most end within minutes.
const LIMITS_EVERY: Duration = Duration::from_secs(5 * 60);
/// How long an expired refresh token is still known, so that its late use is told from a forgery.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long until the store is listened to again that was away.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// The audit log being written, which goes on when all else has ended.
pub(super) struct Writing {
    writer: TaskTracker,
    finish: CancellationToken,
}

impl Writing {
    pub(super) fn start(writer: Option<AuditWriter>, store: &Arc<SqlStore>) -> Self {
        let writing = Self { writer: TaskTracker::new(), finish: CancellationToken::new() };
        if let Some(writer) = writer {
            writing.writer.spawn(writer.run(Arc::clone(store) as Arc<dyn Store>, writing.finish.clone()));
        }
        writing.writer.close();
        writing
    }

    /// Has what is left written.
    pub(super) async fn finish(self) {
        self.finish.cancel();
        self.writer.wait().await;
    }
}

/// What is kept in order.
#[derive(Clone)]
pub(super) struct House {
    app: App,
    store: Arc<SqlStore>,
    seal_file: SealFile,
    token_lifetime: Duration,
}

impl House {
    pub(super) fn new(app: &App, store: &Arc<SqlStore>, seal_file: SealFile, token_lifetime: Duration) -> Self {
        Self { app: app.clone(), store: Arc::clone(store), seal_file, token_lifetime }
    }

    /// Listens for signals of the command line beside us, and does what is due.
    pub(super) async fn keep(self, look_again: io::Result<Signal>, closing: CancellationToken) {
        let mut told = match look_again {
            Ok(told) => told,
            Err(error) => return tracing::error!(%error, "no signals: a password changed now ends logins only later"),
        };
        let (mut due, mut limits) = (interval(LOOK_EVERY), interval(LIMITS_EVERY));
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                _ = told.recv() => self.look().await,
                _ = due.tick() => self.tidy().await,
                _ = limits.tick() => self.forget_limits().await,
            }
        }
    }

    /// Learns of what other servers on the same store change, as they do.
    pub(super) async fn follow_changes(self, closing: CancellationToken) {
        loop {
            let changed = tokio::select! {
                () = closing.cancelled() => return,
                changed = self.store.changed_elsewhere() => changed,
            };
            if let Err(error) = changed {
                tracing::warn!(%error, "the store does not tell of changes: it is asked again");
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = sleep(LISTEN_AGAIN) => {}
                }
            }
            // Also behind a failure: what was told meanwhile is not known.
            self.look().await;
        }
    }

    /// A failure is in the log; the next change tries again.
    async fn look(&self) {
        let _ = self.app.learn_changes().await;
        let read = async {
            let ring = self.seal_file.ready(&*self.store, self.app.outside()).await?;
            let keys = keys::read(self.kept(&ring), self.token_lifetime).await?;
            Ok((ring, keys))
        };
        self.take(read.await);
    }

    fn kept<'a>(&'a self, ring: &'a Ring) -> Kept<'a> {
        Kept { store: &*self.store, outside: self.app.outside(), file: &self.seal_file, ring }
    }

    /// Uses the keys that seal, and those that sign, from now on.
    fn take(&self, keys: Result<(Ring, KeyRing), ServerError>) {
        match keys {
            Ok((ring, keys)) => {
                self.app.change_seals(ring);
                self.app.change_keys(keys);
            }
            Err(error) => tracing::error!(%error, "the keys could not be read"),
        }
    }

    async fn forget_limits(&self) {
        if let Err(error) = self.app.forget_limits().await {
            tracing::warn!(%error, "limits that have passed could not be forgotten");
        }
    }

    async fn tidy(&self) {
        let made = async {
            let ring = self.seal_file.ready(&*self.store, self.app.outside()).await?;
            let keys = keys::ready(self.kept(&ring), self.token_lifetime).await?;
            Ok((ring, keys))
        };
        self.take(made.await);
        let before = self.app.now().saturating_sub(FORGET_AFTER).unwrap_or(Timestamp::MIN);
        if let Err(error) = self.app.store().forget_expired(before).await {
            tracing::warn!(%error, "expired logins could not be forgotten");
        }
    }
}
