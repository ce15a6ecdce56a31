//! One place where a task waits for whatever it may be called for, to look at all of that then.
//!
//! To wait at several places costs an entry in a shared list for each, and taking it off again, at every turn.

use std::future::poll_fn;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Release};
use std::task::Poll;

use futures_util::task::AtomicWaker;

/// A task's bell. What it is rung for is put where the task looks before it is rung.
#[derive(Default)]
pub(super) struct Bell {
    is_rung: AtomicBool,
    task: AtomicWaker,
}

impl Bell {
    /// Calls the task, at once or when it waits the next time.
    pub(super) fn ring(&self) {
        self.is_rung.store(true, Release);
        self.task.wake();
    }

    /// Waits until it was rung since the last time this ended. One task at a time may wait. May be dropped and called
    /// again.
    pub(super) async fn rung(&self) {
        poll_fn(|context| {
            // First, so that whoever rings between the two lines finds somebody to wake.
            self.task.register(context.waker());
            if self.is_rung.swap(false, AcqRel) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use futures_util::task::noop_waker;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_called_and_whoever_was_called_before_does_not_wait() {
        let bell = Bell::default();
        assert!(bell.rung().now_or_never().is_none());
        bell.ring();
        bell.ring();
        assert!(bell.rung().now_or_never().is_some() && bell.rung().now_or_never().is_none());
        tokio::join!(bell.rung(), async { bell.ring() });
        let mut waits = pin!(bell.rung());
        assert!(waits.as_mut().poll(&mut std::task::Context::from_waker(&noop_waker())).is_pending());
        bell.ring();
        waits.await;
    }

    /// Two threads, one of which rings each time the other has heard it: a ring that got lost would leave both waiting.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_ring_is_lost_between_threads() {
        const RINGS: usize = 20_000;
        let (there, back) = (std::sync::Arc::new(Bell::default()), std::sync::Arc::new(Bell::default()));
        #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
        let answering = tokio::spawn({
            let (there, back) = (std::sync::Arc::clone(&there), std::sync::Arc::clone(&back));
            async move {
                for _ in 0..RINGS {
                    there.rung().await;
                    back.ring();
                }
            }
        });
        let asking = async {
            for _ in 0..RINGS {
                there.ring();
                back.rung().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), asking).await.expect("heard each time");
        answering.await.expect("ends");
    }
}
