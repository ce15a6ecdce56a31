//! The threads beside those that serve requests: lanes, on which bytes move, and those on which screens follow.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::session::Lanes;

/// Tasks a lane runs at most before it looks for what has come from terminals and sockets meanwhile. A look costs less
/// than a microsecond, a task up to some dozens: that is how long a keystroke may lie there unseen.
const LOOKS_EVERY: u32 = 8;

/// Runtimes of their own: parsing a flood takes none of the threads that move bytes, and a request none of either.
pub(super) struct Threads {
    lane: Apart,
    more_lanes: Vec<Apart>,
    screens: Apart,
}

impl Threads {
    /// Starts a lane for each processor, and threads for screens for half of them: the other half is busy feeding them.
    pub(super) fn start(cores: usize) -> io::Result<Self> {
        let lane = || {
            let mut lane = Builder::new_multi_thread();
            Apart::start(lane.worker_threads(1).event_interval(LOOKS_EVERY).thread_name("lane").enable_all())
        };
        let more_lanes = (1..cores).map(|_| lane()).collect::<io::Result<_>>()?;
        let mut screens = Builder::new_multi_thread();
        let screens = screens.worker_threads((cores / 2).max(1)).thread_name("screens").enable_time();
        Ok(Self { lane: lane()?, more_lanes, screens: Apart::start(screens)? })
    }

    /// One of the lanes.
    pub(super) const fn lane(&self) -> &Handle {
        &self.lane.handle
    }

    pub(super) fn lanes(&self) -> Lanes {
        Lanes::new(self.lane.handle.clone(), self.more_lanes.iter().map(|lane| lane.handle.clone()))
    }

    pub(super) fn screens(&self) -> Handle {
        self.screens.handle.clone()
    }
}

/// A runtime that ends with its owner.
struct Apart {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Apart {
    fn start(builder: &mut Builder) -> io::Result<Self> {
        let runtime = builder.build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Its tasks have ended with their sessions; waiting for the threads is not possible within a runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
