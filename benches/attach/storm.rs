//! Many that do the same thing at the same moment, and how long it took each of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::real::socket::PATIENCE;

/// What a storm left.
pub(crate) struct Storm<T> {
    /// How long after the one moment each was done. It waits for its turn on the machine within this time, too.
    pub(crate) times: Vec<Duration>,
    /// What each of them came to.
    pub(crate) done: Vec<T>,
    pub(crate) errors: Vec<String>,
}

/// Lets `count` do at once what `one` makes, and keeps what they came to until all are done.
pub(crate) async fn storm<T, F>(count: usize, one: impl Fn() -> F) -> Storm<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, String>> + Send + 'static,
{
    let ready = Arc::new(Barrier::new(count + 1));
    let (release, released) = watch::channel(None);
    let mut running = JoinSet::new();
    for _ in 0..count {
        let (ready, mut released, one) = (Arc::clone(&ready), released.clone(), one());
        running.spawn(async move {
            ready.wait().await;
            let moment: Instant =
                released.wait_for(Option::is_some).await.ok().and_then(|moment| *moment).expect("released");
            let done = timeout(PATIENCE, one).await.map_err(|_| "not done in time".to_owned())??;
            Ok::<_, String>((moment.elapsed(), done))
        });
    }
    ready.wait().await;
    release.send_replace(Some(Instant::now()));
    let mut storm = Storm { times: Vec::with_capacity(count), done: Vec::with_capacity(count), errors: Vec::new() };
    while let Some(ended) = running.join_next().await {
        match ended.map_err(|error| error.to_string()).flatten() {
            Ok((time, done)) => {
                storm.times.push(time);
                storm.done.push(done);
            }
            Err(error) => storm.errors.push(error),
        }
    }
    storm
}
