//! The lanes sessions live on: runtimes of one thread each, so that a keystroke and its echo pass through no other.
//!
//! A session's task and all its connections are on one lane. What wakes one of them from there is a step in a queue, and
//! no other thread is woken, waited for or stolen from. Sessions take the lanes in turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// The lanes of a server. Cheap to clone.
#[derive(Clone)]
pub struct Lanes {
    lanes: Arc<[Lane]>,
    next: Arc<AtomicUsize>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Lane {
    pub(super) runtime: Handle,
    /// The turn of the sessions whose programs print without end: one of them reads at a time, so that who has a line to
    /// print waits for no more than one.
    pub(super) flood: Arc<Semaphore>,
}

impl Lanes {
    /// These, of which `first` is one, because there must be one.
    #[must_use]
    pub fn new(first: Handle, others: impl IntoIterator<Item = Handle>) -> Self {
        let lane = |runtime| Lane { runtime, flood: Arc::new(Semaphore::new(1)) };
        Self { lanes: std::iter::once(first).chain(others).map(lane).collect(), next: Arc::default() }
    }

    /// The lane whose turn it is.
    pub(super) fn next(&self) -> Lane {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.lanes[turn % self.lanes.len()].clone()
    }
}
