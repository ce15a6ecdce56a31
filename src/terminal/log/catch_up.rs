//! How much output all logs together may hold beyond their size while their screens have not seen it.
//!
//! A screen that lags behind a flood is what the next viewer will be shown, so its log must not lose what it lacks.
//! That is bounded twice: for each session, and for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::segment::SEGMENT_BYTES;

/// The bound of one session unless the settings say otherwise: a third of a second of parsing.
const SESSION_BYTES: usize = 64 * 1024 * 1024;
/// The bound of all sessions together unless the settings say otherwise: four floods at once.
const SERVER_BYTES: usize = 256 * 1024 * 1024;

/// The segments that logs may take beyond their size. Shared by all logs of a server.
#[derive(Debug)]
pub struct CatchUp {
    session_max: usize,
    server_max: usize,
    taken: AtomicUsize,
}

impl CatchUp {
    /// At most `session` bytes for one log and `server` bytes for all.
    #[must_use]
    pub const fn new(session: usize, server: usize) -> Self {
        let (session_max, server_max) = (session / SEGMENT_BYTES, server / SEGMENT_BYTES);
        Self { session_max, server_max, taken: AtomicUsize::new(0) }
    }

    /// The right to one segment more for a log that has `has` beyond its size. None at either bound.
    pub(super) fn take(self: &Arc<Self>, has: usize) -> Option<Beyond> {
        if has >= self.session_max {
            return None;
        }
        let one_more = |taken| (taken < self.server_max).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Beyond(Arc::clone(self)))
    }
}

impl Default for CatchUp {
    fn default() -> Self {
        Self::new(SESSION_BYTES, SERVER_BYTES)
    }
}

/// The right to one segment beyond a log's size, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Beyond(Arc<CatchUp>);

impl Drop for Beyond {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}
