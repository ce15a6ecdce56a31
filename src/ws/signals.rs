//! What a connection hears of besides output and its socket: what ends it, and what changes about its session.
//!
//! These come rarely and output comes often, so each is a future that is looked at when it has something to say and
//! not at every turn: no token or value that all viewers of a session share is touched for a chunk of output.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::session::{Session, Status};

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

/// What is only worth knowing in its latest value, and has another.
pub(super) enum Change {
    Status(watch::Receiver<Status>),
    /// The highest seq of the client's input that was written.
    Written(watch::Receiver<u64>),
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

/// What is listened to for changes.
#[derive(Default)]
pub(super) struct Changes(FuturesUnordered<BoxFuture<'static, Change>>);

impl Changes {
    /// The next change of what is listened to, which is not listened to any more then.
    pub(super) async fn next(&mut self) -> Change {
        match self.0.next().await {
            Some(change) => change,
            None => std::future::pending().await,
        }
    }

    /// Listens to the session's latest values.
    pub(super) fn listen_to_status(&self, mut status: watch::Receiver<Status>) {
        self.0.push(Box::pin(async move {
            changed(&mut status).await;
            Change::Status(status)
        }));
    }

    /// Listens for what is written of the client's input.
    pub(super) fn listen_to_written(&self, mut written: watch::Receiver<u64>) {
        self.0.push(Box::pin(async move {
            changed(&mut written).await;
            Change::Written(written)
        }));
    }
}

async fn changed<T>(value: &mut watch::Receiver<T>) {
    if value.changed().await.is_err() {
        std::future::pending::<()>().await; // it will not change any more
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
