//! The threads on which screens follow their logs.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime for screens alone: parsing a flood takes none of the threads that move bytes.
pub(super) struct Screens {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Screens {
    /// Starts the threads: half the processors, because the other half is busy feeding them.
    pub(super) fn start(cores: usize) -> io::Result<Self> {
        let threads = (cores / 2).max(1);
        let runtime =
            Builder::new_multi_thread().worker_threads(threads).thread_name("screens").enable_time().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Screens {
    fn drop(&mut self) {
        // Their tasks have ended with their sessions; waiting for the threads is not possible within a runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
