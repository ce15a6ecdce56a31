//! The way into the audit log: a bounded queue, and one writer behind it, so that nobody waits for the store; and the way
//! to read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::App;
use super::caller::{self, With};
use super::error::ApiError;
use super::outside::Clock;
use super::parameters::Parameters;
use crate::auth::audit::{Entry, Event, Placed};
use crate::store::Store;

/// Entries that wait for the store: a few seconds of a storm of logins, about 2 MiB. Beyond it they are counted, and
/// their number is noted.
const WAITING_MAX: usize = 4096;
/// Entries written in one step.
const BATCH_MAX: usize = 256;
/// How long until the store is tried again that was away.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long the last entries may take when the server ends.
const FINISH_DEADLINE: Duration = Duration::from_secs(5);

/// Where entries are noted. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog {
    waiting: mpsc::Sender<Entry>,
    lost: Arc<AtomicU64>,
}

/// What writes them down.
pub struct AuditWriter {
    waiting: mpsc::Receiver<Entry>,
    lost: Arc<AtomicU64>,
    clock: Clock,
}

impl AuditLog {
    /// An empty queue, and what empties it.
    #[must_use]
    pub fn new(clock: Clock) -> (Self, AuditWriter) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        (Self { waiting: sender, lost: Arc::clone(&lost) }, AuditWriter { waiting, lost, clock })
    }

    /// Has an entry written down.
    pub fn note(&self, entry: Entry) {
        if self.waiting.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl AuditWriter {
    /// Writes what is noted until told to finish: then what is left, for a while.
    pub async fn run(mut self, store: Arc<dyn Store>, finish: CancellationToken) {
        loop {
            let mut batch = Vec::with_capacity(BATCH_MAX);
            tokio::select! {
                biased;
                _ = self.waiting.recv_many(&mut batch, BATCH_MAX) => {}
                () = finish.cancelled() => break,
            }
            tokio::select! {
                () = self.write(&*store, &mut batch) => {}
                () = finish.cancelled() => {
                    self.finish(&*store, batch).await;
                    return;
                }
            }
        }
        self.finish(&*store, Vec::new()).await;
    }

    async fn finish(&mut self, store: &dyn Store, mut batch: Vec<Entry>) {
        while let Ok(entry) = self.waiting.try_recv() {
            batch.push(entry);
        }
        let left = batch.len();
        if timeout(FINISH_DEADLINE, self.write(store, &mut batch)).await.is_err() {
            tracing::error!(entries = left, "entries of the audit log are lost: the store is away");
        }
    }

    /// Writes a batch, however often it takes. May be dropped and called again with what is left in it.
    async fn write(&self, store: &dyn Store, batch: &mut Vec<Entry>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            batch.push(Entry::new((self.clock)(), Event::Lost, "server").with(lost));
        }
        while !batch.is_empty() {
            match store.append_audit(batch).await {
                Ok(_) => batch.clear(),
                Err(error) => {
                    tracing::error!(entries = batch.len(), %error, "the audit log could not be written: tried again");
                    sleep(TRY_AGAIN).await;
                }
            }
        }
    }
}

/// An entry in its place.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryObject {
    seq: i64,
    at: Timestamp,
    event: String,
    actor: String,
    address: String,
    subject: String,
    detail: String,
    hash: String,
}

impl From<Placed> for EntryObject {
    fn from(Placed { entry, head }: Placed) -> Self {
        let Entry { at, event, actor, address, subject, detail } = entry;
        Self { seq: head.seq, at, event, actor, address, subject, detail, hash: head.hash.to_string() }
    }
}

/// The log from behind `after` on, a page at a time.
pub(super) async fn list(
    State(app): State<App>,
    With(..): With<caller::Audit>,
    mut parameters: Parameters,
) -> Result<Json<Vec<EntryObject>>, ApiError> {
    let after = parameters.take_number("after", 0..=u32::MAX)?.unwrap_or_default();
    parameters.finish()?;
    let page = app.store().audit(i64::from(after)).await?;
    Ok(Json(page.into_iter().map(EntryObject::from).collect()))
}
