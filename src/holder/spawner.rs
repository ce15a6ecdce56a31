//! The server's way to programs that outlive it: [`Spawner`] by asking the holder.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::Pid;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::HolderError;
use super::child::Program;
use super::connection::{Answered, Asked};
use super::link::{Link, Question};
use super::message::{Id, Reply, Request, process, refusal};
use super::start::Place;
use crate::session::{Kept, Launch, Pty, SessionId, SpawnError, Spawned, Spawner};
use crate::terminal::Size;

/// Requests that wait for their turn; who comes then waits as well.
const WAITING_MAX: usize = 64;
/// How long a request may take in all, a new holder included.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a spawner is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the holder is.
    pub place: Place,
    /// Owns the task that talks to it, which ends when the spawner and all its programs are dropped.
    pub tracker: TaskTracker,
}

/// Starts programs as children of the holder, where they and their sessions' memory outlive this process.
pub struct HolderSpawner {
    requests: Requests,
    holder: watch::Receiver<Pid>,
    restarts: watch::Receiver<u64>,
}

/// The way to the task that talks to the holder.
#[derive(Clone)]
pub(super) struct Requests(mpsc::Sender<Question>);

impl Requests {
    pub(super) async fn ask(&self, request: Request, descriptors: Vec<OwnedFd>) -> Result<Answered, HolderError> {
        let (answer, answered) = oneshot::channel();
        let asked = async {
            let question = Question { asked: Asked { request, descriptors }, answer };
            self.0.send(question).await.map_err(|_| HolderError::Gone)?;
            answered.await.map_err(|_| HolderError::Gone)?
        };
        let answered = timeout(DEADLINE, asked).await.map_err(|_| HolderError::Silent)??;
        match answered.reply {
            Reply::Error { error, errno, message } => Err(HolderError::Refused { word: error, errno, message }),
            reply => Ok(Answered { reply, ..answered }),
        }
    }

    /// Asks for what is only done.
    async fn have_done(&self, request: Request, descriptors: Vec<OwnedFd>) -> Result<(), HolderError> {
        match self.ask(request, descriptors).await?.reply {
            Reply::Done => Ok(()),
            _ => Err(HolderError::Garbled),
        }
    }

    fn spawned(&self, session: SessionId, pid: i32, came: [OwnedFd; 3]) -> Result<Spawned, HolderError> {
        let [master, input, pidfd] = came;
        let pid = process(pid).ok_or(HolderError::Garbled)?;
        let child = Program::new(session, pid, pidfd, self.clone())?;
        Ok(Spawned { pty: Pty::new(master, input, None)?, child: Box::new(child) })
    }
}

impl HolderSpawner {
    /// Finds the holder, or starts one. Must be called within the runtime.
    ///
    /// # Errors
    /// When there is none to be had, or it cannot work with this version.
    pub async fn connect(options: Options) -> Result<Arc<Self>, HolderError> {
        let (requests, questions) = mpsc::channel(WAITING_MAX);
        let link = Link::open(options.place, questions).await?;
        let (holder, restarts) = link.holder();
        options.tracker.spawn(link.run());
        Ok(Arc::new(Self { requests: Requests(requests), holder, restarts }))
    }

    /// The holder's process id.
    #[must_use]
    pub fn holder(&self) -> Pid {
        *self.holder.borrow()
    }

    /// Counts the holders that died. At each change the new one keeps nothing: every session is to be handed over.
    #[must_use]
    pub fn restarts(&self) -> watch::Receiver<u64> {
        self.restarts.clone()
    }

    /// Which sessions are kept, in the order of their ids.
    ///
    /// # Errors
    /// When the holder does not say.
    pub async fn list(&self) -> Result<Vec<SessionId>, HolderError> {
        let mut kept = Vec::new();
        loop {
            let after = kept.last().copied().map(Id);
            match self.requests.ask(Request::List { after }, Vec::new()).await?.reply {
                Reply::Sessions { sessions, more } => {
                    let is_last = !more || sessions.is_empty();
                    kept.extend(sessions.into_iter().map(|Id(session)| session));
                    if is_last {
                        return Ok(kept);
                    }
                }
                _ => return Err(HolderError::Garbled),
            }
        }
    }

    /// Takes every session that is kept and can be had: one that the holder refuses to give, which is told of in the log,
    /// does not cost the others.
    ///
    /// # Errors
    /// When the holder does not answer, or this process has no room for them.
    pub async fn kept(&self) -> Result<Vec<Kept>, HolderError> {
        let mut kept = Vec::new();
        for session in self.list().await? {
            match self.take(session).await {
                Ok(taken) => kept.push(taken),
                // Forgotten since it was listed.
                Err(HolderError::Refused { word, .. }) if word == refusal::NO_SUCH_SESSION => {}
                Err(error @ (HolderError::Refused { .. } | HolderError::Garbled)) => {
                    tracing::error!(%session, %error, "a session that is kept cannot be had");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(kept)
    }

    async fn take(&self, session: SessionId) -> Result<Kept, HolderError> {
        let Answered { reply, descriptors } =
            self.requests.ask(Request::Take { session: Id(session) }, Vec::new()).await?;
        let Reply::Taken { pid } = reply else { return Err(HolderError::Garbled) };
        let mut came = descriptors.into_iter();
        let memory = came.next().ok_or(HolderError::Garbled)?;
        let spawned = match (pid, <[OwnedFd; 3]>::try_from(came.collect::<Vec<_>>())) {
            (None, Err(rest)) if rest.is_empty() => None,
            (Some(pid), Ok(came)) => Some(self.requests.spawned(session, pid, came)?),
            _ => return Err(HolderError::Garbled),
        };
        Ok(Kept { session, memory, spawned })
    }

    /// Hands a session to a new holder: its memory, and its program if that has not been reaped, with its master, the
    /// pipe of its input and its pidfd.
    ///
    /// # Errors
    /// When the holder does not take it; `session_exists` when it has it already.
    pub async fn hand_over(
        &self,
        session: SessionId,
        memory: BorrowedFd<'_>,
        running: Option<(Pid, BorrowedFd<'_>, BorrowedFd<'_>, BorrowedFd<'_>)>,
    ) -> Result<(), HolderError> {
        let mut descriptors = vec![memory.try_clone_to_owned()?];
        if let Some((_, master, input, pidfd)) = running {
            for descriptor in [master, input, pidfd] {
                descriptors.push(descriptor.try_clone_to_owned()?);
            }
        }
        let pid = running.map(|(pid, ..)| pid.as_raw_nonzero().get());
        self.requests.have_done(Request::Adopt { session: Id(session), pid }, descriptors).await
    }
}

#[async_trait]
impl Spawner for HolderSpawner {
    async fn spawn(
        &self,
        session: SessionId,
        memory: BorrowedFd<'_>,
        launch: &Launch,
        size: Size,
    ) -> Result<Spawned, SpawnError> {
        // First here: a file system that hangs must not hang the holder, which does one thing at a time.
        let asked = launch.clone();
        spawn_blocking(move || asked.check())
            .await
            .map_err(|stopped| SpawnError::Other(io::Error::other(stopped)))??;
        let memory = memory.try_clone_to_owned().map_err(SpawnError::OutOfResources)?;
        let written = launch.written().map_err(SpawnError::OutOfResources)?;
        let request = Request::Spawn { session: Id(session), cols: size.cols(), rows: size.rows() };
        let answered = self.requests.ask(request, vec![memory, written]).await;
        let Answered { reply, descriptors } = answered.map_err(|error| match error {
            // A holder from before there was this form does not know how to read it.
            HolderError::Refused { word, .. } if word == refusal::MALFORMED && !launch.confinement().is_none() => {
                SpawnError::HolderTooOld
            }
            error => not_spawned(error),
        })?;
        let Reply::Spawned { pid } = reply else { return Err(not_spawned(HolderError::Garbled)) };
        let Ok(came) = <[OwnedFd; 3]>::try_from(descriptors) else { return Err(not_spawned(HolderError::Garbled)) };
        let spawned = self.requests.spawned(session, pid, came);
        if spawned.is_err() {
            self.give_up(session, pid).await;
        }
        spawned.map_err(not_spawned)
    }

    async fn keep(&self, session: SessionId, memory: BorrowedFd<'_>) -> Result<(), SpawnError> {
        let memory = memory.try_clone_to_owned().map_err(SpawnError::OutOfResources)?;
        self.requests.have_done(Request::Keep { session: Id(session) }, vec![memory]).await.map_err(not_spawned)
    }

    async fn forget(&self, session: SessionId) {
        if let Err(error) = self.requests.have_done(Request::Forget { session: Id(session) }, Vec::new()).await {
            tracing::error!(%session, %error, "a session that is no more is still kept");
        }
    }
}

impl HolderSpawner {
    /// The program that was just started cannot be watched here: nothing of it is left behind. Its id is safe to use,
    /// because the holder does not reap it before it forgets it.
    async fn give_up(&self, session: SessionId, pid: i32) {
        if let Some(pid) = process(pid) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        self.forget(session).await;
    }
}

fn not_spawned(error: HolderError) -> SpawnError {
    match error {
        HolderError::Refused { word, errno, message } if word != refusal::SESSION_EXISTS => {
            SpawnError::from_word(&word, errno, message)
        }
        HolderError::System(error) => SpawnError::OutOfResources(error),
        error => SpawnError::Other(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd as _;

    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    #[tokio::test]
    async fn a_session_that_the_holder_does_not_give_costs_no_other() {
        let [first, refused, last] = [1, 2, 3].map(|id| SessionId::from_random([id; 16]));
        let (requests, mut questions) = mpsc::channel(1);
        let (_, holder) = watch::channel(Pid::INIT);
        let (_, restarts) = watch::channel(0);
        let spawner = HolderSpawner { requests: Requests(requests), holder, restarts };
        let memory = File::from(memfd_create("memory", MemfdFlags::CLOEXEC).expect("a file"));
        let answers = async {
            while let Some(Question { asked, answer }) = questions.recv().await {
                let (reply, descriptors) = match asked.request {
                    Request::List { .. } => {
                        (Reply::Sessions { sessions: [first, refused, last].map(Id).to_vec(), more: false }, Vec::new())
                    }
                    Request::Take { session: Id(session) } if session == refused => {
                        let error = "out_of_resources".into();
                        (Reply::Error { error, errno: None, message: "no descriptors".into() }, Vec::new())
                    }
                    Request::Take { .. } => {
                        let memory = memory.as_fd().try_clone_to_owned().expect("a descriptor");
                        (Reply::Taken { pid: None }, vec![memory])
                    }
                    other => panic!("asked {other:?}"),
                };
                let _ = answer.send(Ok(Answered { reply, descriptors }));
            }
        };
        let kept = async {
            let kept = spawner.kept().await;
            drop(spawner);
            kept
        };
        let (kept, ()) = tokio::join!(kept, answers);
        let kept: Vec<_> = kept.expect("those that are given").into_iter().map(|kept| kept.session).collect();
        assert_eq!(kept, [first, last]);
    }
}
