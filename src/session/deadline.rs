//! Waiting for a time that may never be set, and for what may wait a little.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Waits until `deadline`; for ever where there is none, as is most often so: then it holds no timer.
pub async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => Box::pin(sleep_until(deadline)).await,
        None => std::future::pending().await,
    }
}

/// Something that waits a little for company. Setting a timer for each such thing would cost more than is saved, so one
/// that is set stays so though what it was set for has gone: most often more of it waits by then.
#[derive(Default)]
pub struct Linger {
    timer: Option<Pin<Box<Sleep>>>,
    is_set: bool,
}

impl Linger {
    /// Something waits from now on: it is [due](Self::due) after `patience` at the latest.
    pub fn begin(&mut self, patience: Duration) {
        if !self.is_set {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(patience)));
            timer.as_mut().reset(Instant::now() + patience);
            self.is_set = true;
        }
    }

    /// Whether [`Linger::due`] is to be waited for.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.is_set
    }

    /// Waits until what waits has waited long enough, if it still does. May be dropped and called again.
    pub async fn due(&mut self) {
        if let Some(timer) = &mut self.timer {
            timer.await;
        }
        self.is_set = false;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_begins_to_wait_while_something_waits_does_not_make_that_wait_longer() {
        let mut linger = Linger::default();
        assert!(!linger.is_set());
        linger.begin(Duration::from_millis(1));
        linger.begin(Duration::from_secs(3600));
        linger.due().await;
        assert!(!linger.is_set());
        linger.begin(Duration::from_secs(3600));
        assert!(linger.is_set() && linger.due().now_or_never().is_none() && linger.is_set());
    }
}
