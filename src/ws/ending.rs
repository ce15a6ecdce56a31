//! What ends a connection besides its socket.
//!
//! It comes once and output comes often, so it is a future that is looked at when it has something to say and not at
//! every turn.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::session::Session;

/// What ends a connection besides its peer and its session.
pub(super) struct Ends {
    /// The server is going away.
    pub(super) drain: CancellationToken,
    /// The login it was made with has been ended.
    pub(super) revoked: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// When its credential runs out.
    pub(super) expires: Option<Instant>,
}

/// What ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The session is left to the next server.
    Left,
    Closed,
    Superseded,
    Draining,
    Revoked,
    Expired,
}

/// What may still end a connection.
pub(super) struct Ending {
    session: Arc<Session>,
    ends: FuturesUnordered<BoxFuture<'static, End>>,
}

impl Ending {
    pub(super) fn new(session: &Arc<Session>, superseded: CancellationToken, ends: Ends) -> Self {
        let ending = Self { session: Arc::clone(session), ends: FuturesUnordered::new() };
        ending.ends.push(Box::pin(first_end(Arc::clone(session), superseded, ends)));
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

async fn first_end(session: Arc<Session>, superseded: CancellationToken, ends: Ends) -> End {
    let Ends { drain, revoked, expires } = ends;
    let expired = async {
        match expires {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = session.leaving().cancelled() => End::Left,
        () = session.closed().cancelled() => End::Closed,
        () = superseded.cancelled() => End::Superseded,
        () = drain.cancelled() => End::Draining,
        () = revoked => End::Revoked,
        () = expired => End::Expired,
    }
}
