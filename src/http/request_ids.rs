//! Ids of requests, for logs and for people who ask about a refusal. Nothing secret: they can be guessed.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use uuid::Uuid;

use super::outside::Outside;

/// Bytes that tell this server's ids from another's of the same millisecond.
const SERVER_BYTES: usize = 4;
/// Bytes of the count, which tells one server's apart.
const COUNT_BYTES: usize = 6;

/// Makes them. Randomness is asked for once: for each it would take longer than all else that is done for an id.
pub(super) struct RequestIds {
    server: [u8; SERVER_BYTES],
    made: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(outside: &Outside) -> Self {
        Self { server: outside.bytes().unwrap_or_default(), made: AtomicU64::new(0) }
    }

    /// The next. It sorts by time (version 7).
    pub(super) fn next(&self, now: Timestamp) -> Uuid {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let count = self.made.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut rest = [0; SERVER_BYTES + COUNT_BYTES];
        rest[..SERVER_BYTES].copy_from_slice(&self.server);
        rest[SERVER_BYTES..].copy_from_slice(&count[count.len() - COUNT_BYTES..]);
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &rest).into_uuid()
    }
}
