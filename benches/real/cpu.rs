//! CPU time of this process or thread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What `clock` shows: of `ThreadCPUTime` this thread's, of `ProcessCPUTime` the whole process's.
pub(crate) fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
