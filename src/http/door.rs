//! The server's door: open, closing so gently that no request fails, or closed and to be opened again.
//!
//! Knows when requests may come and how many are being answered; touches no socket and answers nothing itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long connections that are kept alive have for their next request, whose answer tells them to come anew. Whoever
/// asks as often as once a second never has one cut.
const LINGER: Duration = Duration::from_secs(1);
/// How long a connection that was accepted last has to begin its request: a round trip to anywhere.
const BEGIN_GRACE: Duration = Duration::from_millis(250);
/// How long requests may take to be answered before those who come next, and wait meanwhile, matter more: the end of a
/// session takes three seconds at most.
const ANSWERS_MAX: Duration = Duration::from_secs(5);

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    stands: watch::Sender<Stands>,
    /// Requests that have come and whose answer is not made yet.
    answering: watch::Sender<usize>,
}

/// How the door stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    /// Everyone is let in and may stay.
    Open,
    /// Everyone is let in and is asked to come anew for the next request.
    Lingering,
    /// Nobody is let in; who is in may still ask. What only waits is told to ask anew.
    Emptying,
    /// Who asks nothing is shown out.
    Closed,
}

impl Default for Door {
    fn default() -> Self {
        let (stands, answering) = (watch::Sender::new(Stands::Open), watch::Sender::new(0));
        Self(Arc::new(Inner { stands, answering }))
    }
}

impl Door {
    /// Closes it, so that no request fails that comes on a connection used in the last second. Returns when nobody is
    /// being answered any more, or those who are take too long. Whoever comes meanwhile waits in the kernel's queue.
    pub async fn close(&self) {
        self.0.stands.send_replace(Stands::Lingering);
        sleep(LINGER).await;
        self.0.stands.send_replace(Stands::Emptying);
        sleep(BEGIN_GRACE).await;
        self.0.stands.send_replace(Stands::Closed);
        let mut answering = self.0.answering.subscribe();
        if timeout(ANSWERS_MAX, answering.wait_for(|count| *count == 0)).await.is_err() {
            tracing::warn!(requests = *self.0.answering.borrow(), "some requests take long to be answered");
        }
    }

    /// Opens it again.
    pub fn open(&self) {
        self.0.stands.send_replace(Stands::Open);
    }

    /// Whether whoever is answered may use the connection again.
    pub(super) fn may_stay(&self) -> bool {
        *self.0.stands.borrow() == Stands::Open
    }

    /// Resolves while whoever is in is asked to come anew.
    pub(super) async fn lingers(&self) {
        self.until(|stands| stands >= Stands::Lingering).await;
    }

    /// Resolves while somebody may be let in.
    pub(super) async fn lets_in(&self) {
        self.until(|stands| stands <= Stands::Lingering).await;
    }

    /// Resolves while nobody is let in: connections wait for whoever serves next.
    pub(super) async fn empties(&self) {
        self.until(|stands| stands >= Stands::Emptying).await;
    }

    /// Resolves while connections that ask nothing are ended.
    pub(super) async fn closed(&self) {
        self.until(|stands| stands == Stands::Closed).await;
    }

    /// A request has come. It is being answered until what is returned is dropped.
    pub(super) fn answering(&self) -> Answering {
        self.0.answering.send_modify(|count| *count += 1);
        Answering(self.clone())
    }

    async fn until(&self, reached: impl Fn(Stands) -> bool) {
        // The sender lives as long as this does, so the wait cannot fail.
        let _ = self.0.stands.subscribe().wait_for(|stands| reached(*stands)).await;
    }
}

/// One request that is being answered.
pub(super) struct Answering(Door);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.answering.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn it_closes_in_steps_waits_for_answers_and_opens_again() {
        let door = Door::default();
        let answering = door.answering();
        let mut closing = Box::pin(door.close());
        assert!(closing.as_mut().now_or_never().is_none());
        assert!(!door.may_stay(), "whoever is answered now comes anew");
        assert!(door.lets_in().now_or_never().is_some() && door.empties().now_or_never().is_none());
        tokio::select! {
            () = &mut closing => panic!("closed at once"),
            () = door.empties() => {}
        }
        assert!(door.lets_in().now_or_never().is_none() && door.closed().now_or_never().is_none());
        tokio::select! {
            () = &mut closing => panic!("closed before whoever is in could ask"),
            () = door.closed() => {}
        }
        assert!(closing.as_mut().now_or_never().is_none(), "somebody is being answered");
        drop(answering);
        closing.await;
        door.open();
        assert!(door.may_stay() && door.lets_in().now_or_never().is_some());
    }
}
