//! What ends a connection besides its socket, and besides what its viewer is woken for: that its session is closed, or
//! that another connection took its place.
//!
//! It comes once and output comes often, so it is a future that is looked at when it has something to say and not at
//! every turn.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::session::{Session, until};

/// What ends a connection from outside its session.
pub(super) struct Ends {
    /// The server is going away.
    pub(super) drain: CancellationToken,
    /// What it was made with was revoked, or its access taken back.
    pub(super) locked_out: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// When its credential runs out.
    pub(super) expires: Option<Instant>,
}

/// What ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The session is left to the next server.
    Left,
    Draining,
    LockedOut,
    Expired,
}

/// What may still end a connection.
pub(super) struct Ending {
    session: Arc<Session>,
    ends: FuturesUnordered<BoxFuture<'static, End>>,
}

impl Ending {
    pub(super) fn new(session: &Arc<Session>, ends: Ends) -> Self {
        let ending = Self { session: Arc::clone(session), ends: FuturesUnordered::new() };
        let session = Arc::clone(session);
        ending.ends.push(Box::pin(async move {
            tokio::select! {
                biased;
                () = session.leaving().cancelled() => End::Left,
                () = ends.drain.cancelled() => End::Draining,
                () = ends.locked_out => End::LockedOut,
                () = until(ends.expires) => End::Expired,
            }
        }));
        ending
    }

    /// The first thing that ends the connection; then only its session's being left; then nothing.
    pub(super) async fn next(&mut self) -> End {
        let Some(end) = self.ends.next().await else { return std::future::pending().await };
        if end != End::Left {
            let session = Arc::clone(&self.session);
            self.ends.push(Box::pin(async move {
                session.leaving().cancelled().await;
                End::Left
            }));
        }
        end
    }
}
