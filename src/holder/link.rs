//! The one task that talks to the holder: requests in turn, and a new holder when one dies.

use std::time::Duration;

use rustix::process::{Pid, Signal, pidfd_send_signal};
use tokio::signal::unix::{Signal as Told, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::connection::{Answered, Asked, Connection};
use super::message::{Reply, Request};
use super::start::{Found, Place, find_or_start};
use super::{HolderError, strays};
use crate::session::until;

/// The first pause before another holder is started when the last did not live long; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
/// The longest: what is asked meanwhile still gets its answer in time.
const BACKOFF_LAST: Duration = Duration::from_secs(2);
/// A holder that lived for so long did not die of being started.
const CALM: Duration = Duration::from_secs(10);
/// How often strays are looked for at most.
const STRAYS_EVERY: Duration = Duration::from_millis(100);

/// A request on its way to the task, and where its answer goes.
pub(super) struct Question {
    pub(super) asked: Asked,
    pub(super) answer: oneshot::Sender<Result<Answered, HolderError>>,
}

pub(super) struct Link {
    place: Place,
    questions: mpsc::Receiver<Question>,
    connection: Connection,
    /// The holder that is connected.
    holder: watch::Sender<Pid>,
    /// How many died before it.
    restarts: watch::Sender<u64>,
    ended_children: Told,
    backoff: Backoff,
}

/// What to do next.
enum Turn {
    Ask(Question),
    Ended,
    ChildrenEnded,
    Closed,
}

impl Link {
    /// Finds or starts the holder. Must be called within the runtime.
    pub(super) async fn open(place: Place, questions: mpsc::Receiver<Question>) -> Result<Self, HolderError> {
        // Before there is a child, so that no end is missed.
        let ended_children = signal(SignalKind::child())?;
        let Found { socket, pid } = reach(&place).await?;
        let connection = Connection::new(socket)?;
        let (holder, restarts) = (watch::Sender::new(pid), watch::Sender::new(0));
        Ok(Self { place, questions, connection, holder, restarts, ended_children, backoff: Backoff::new() })
    }

    /// The holder that is connected, and how many died before it; in this order.
    pub(super) fn holder(&self) -> (watch::Receiver<Pid>, watch::Receiver<u64>) {
        (self.holder.subscribe(), self.restarts.subscribe())
    }

    /// Answers until nobody can ask any more.
    pub(super) async fn run(mut self) {
        let mut sweep_at: Option<Instant> = None;
        loop {
            let turn = tokio::select! {
                question = self.questions.recv() => question.map_or(Turn::Closed, Turn::Ask),
                () = self.connection.ended() => Turn::Ended,
                _ = self.ended_children.recv(), if sweep_at.is_none() => Turn::ChildrenEnded,
                () = until(sweep_at) => {
                    sweep_at = None;
                    // A failed join is a runtime going down.
                    let _ = spawn_blocking(strays::reap).await;
                    continue;
                }
            };
            match turn {
                Turn::Ask(question) => self.answer(question).await,
                Turn::Ended => self.reconnect().await,
                Turn::ChildrenEnded => sweep_at = Some(Instant::now() + STRAYS_EVERY),
                Turn::Closed => return,
            }
        }
    }

    /// Asks once more when the holder died meanwhile, but not what must not happen twice.
    async fn answer(&mut self, Question { asked, answer }: Question) {
        let mut answered = self.connection.ask(&asked).await;
        if answered.is_err() {
            self.reconnect().await;
            if !matches!(asked.request, Request::Spawn { .. }) {
                answered = self.connection.ask(&asked).await;
            }
        }
        let Err(Ok(unheard)) = answer.send(answered) else { return };
        // Who opened the session has gone: nothing of its program is left behind.
        if let (Request::Spawn { session, .. }, Reply::Spawned { .. }) = (&asked.request, &unheard.reply) {
            if let Some(pidfd) = unheard.descriptors.get(2) {
                let _ = pidfd_send_signal(pidfd, Signal::KILL);
            }
            let forget = Asked { request: Request::Forget { session: *session }, descriptors: Vec::new() };
            // One that is gone has forgotten.
            let _ = self.connection.ask(&forget).await;
        }
    }

    /// Connects again, to the same holder or to a new one, however long it takes while anybody may ask.
    async fn reconnect(&mut self) {
        while !self.questions.is_closed() {
            sleep(self.backoff.next(Instant::now())).await;
            let connected = match reach(&self.place).await {
                Ok(Found { socket, pid }) => Connection::new(socket).map(|it| (it, pid)).map_err(HolderError::System),
                Err(error) => Err(error),
            };
            match connected {
                Ok((connection, pid)) => {
                    self.connection = connection;
                    if self.holder.send_replace(pid) != pid {
                        tracing::warn!(
                            pid = pid.as_raw_nonzero(),
                            "another process keeps sessions now: the last one died"
                        );
                        self.restarts.send_modify(|restarts| *restarts += 1);
                    }
                    return;
                }
                Err(error) => tracing::error!(%error, "sessions are kept by nobody"),
            }
        }
    }
}

async fn reach(place: &Place) -> Result<Found, HolderError> {
    let place = place.clone();
    spawn_blocking(move || find_or_start(&place)).await.map_err(std::io::Error::other)?
}

/// How long to wait before a holder is started again.
struct Backoff {
    pause: Duration,
    last: Option<Instant>,
}

impl Backoff {
    const fn new() -> Self {
        Self { pause: Duration::ZERO, last: None }
    }

    fn next(&mut self, now: Instant) -> Duration {
        let is_calm = self.last.is_none_or(|last| now.duration_since(last) >= CALM);
        self.pause = if is_calm { Duration::ZERO } else { (self.pause * 2).clamp(BACKOFF_FIRST, BACKOFF_LAST) };
        self.last = Some(now);
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_that_keeps_dying_is_started_ever_more_rarely() {
        let (mut backoff, mut now) = (Backoff::new(), Instant::now());
        assert_eq!(backoff.next(now), Duration::ZERO, "the first at once");
        assert_eq!(backoff.next(now), BACKOFF_FIRST);
        assert_eq!(backoff.next(now), BACKOFF_FIRST * 2);
        for _ in 0..10 {
            now += CALM / 2;
            backoff.next(now);
        }
        assert_eq!(backoff.next(now), BACKOFF_LAST);
        assert_eq!(backoff.next(now + CALM), Duration::ZERO, "it lived");
    }
}
