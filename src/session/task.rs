//! The one owner of a session's terminal and log: everything that happens to them happens in this loop.

use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, kill_process_group};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::follower::Follower;
use super::handle::{Input, Opening, Session, StartOn};
use super::pace::{self, Pacing, Verdict};
use super::pty::{Child, INPUT_MAX, Pty, SpawnError, Spawned, Spawner};
use super::sizing::Decision;
use super::{Exit, Launch, Pace, Settings, Signal, State, ViewerId, processes};
use crate::terminal::log::{Log, LogWriter, SEGMENT_BYTES};
use crate::terminal::{Offset, Size};

/// Orders waiting for a session's task: each is answered at once, so this only smooths a burst.
const ORDERS_MAX: usize = 64;
/// Most input written in one turn, so that a large paste does not keep the task from reading what it causes.
const WRITE_TURN: usize = 64 * 1024;

/// What only the task can do.
pub(super) enum Order {
    /// A viewer has attached: start the program if it waits for one, at this size if there is one.
    Start(Option<Size>),
    Fit(Decision, oneshot::Sender<()>),
    Signal(Signal, oneshot::Sender<()>),
}

/// A session's task before it has started its program.
pub(super) struct Task {
    session: Arc<Session>,
    settings: Settings,
    spawner: Arc<dyn Spawner>,
    launch: Launch,
    log: LogWriter,
    end: watch::Sender<Offset>,
    orders: mpsc::Receiver<Order>,
}

/// Events that are in order with the output, as the wire spells them.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum InOrder<'a> {
    Resize { cols: u16, rows: u16 },
    Exit { code: Option<i32>, signal: Option<String>, reason: Option<&'a str> },
}

impl Session {
    /// Makes a session, and the futures that are its life.
    pub fn open(opening: Opening, settings: &Settings, spawner: Arc<dyn Spawner>) -> Opened {
        let (log, writer) = Log::create(settings.log_bytes, opening.size, Arc::clone(&settings.catch_up));
        let (end, end_seen) = watch::channel(Offset::ZERO);
        let (order, orders) = mpsc::channel(ORDERS_MAX);
        let launch = opening.launch.clone();
        let (follower, screen) = Follower::create(settings, &log, end_seen.clone(), opening.size);
        let session = Arc::new(Self::new(opening, settings, log, end_seen, order, screen));
        let screen = follower.follow(Arc::downgrade(&session), session.closed().clone());
        let task = Task {
            session: Arc::clone(&session),
            settings: settings.clone(),
            spawner,
            launch,
            log: writer,
            end,
            orders,
        };
        let (tell, started) = oneshot::channel();
        Opened { session, started, life: Box::pin(task.live(tell)), screen: Box::pin(screen) }
    }
}

/// A session that was just made, and the futures that are its life, which the caller must drive to their ends.
pub struct Opened {
    /// The session.
    pub session: Arc<Session>,
    /// Hears whether the program could be started, at once for one that starts on attach; when it could not, nothing
    /// is left behind.
    pub started: oneshot::Receiver<Result<(), SpawnError>>,
    /// Owns the terminal and the log. Ends with the program and all it started.
    pub life: Life,
    /// Owns the screen; to be driven on [`Settings::screens`]. Ends when nobody holds the session any more, or some
    /// seconds after it was closed.
    pub screen: Life,
}

/// A part of a session's life.
pub type Life = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Task {
    async fn live(self, tell: oneshot::Sender<Result<(), SpawnError>>) {
        let started = match self.session.start_on() {
            StartOn::Open => self.spawn(self.session.status().size).await.map(Some),
            StartOn::Attach => self.launch.resolve().map(|_| None),
        };
        // An opener that went away does not change what happens.
        match started {
            Err(error) => drop(tell.send(Err(error))),
            Ok(Some(spawned)) => {
                let running = Running::begin(self, spawned);
                drop(tell.send(Ok(())));
                running.run().await;
            }
            Ok(None) => {
                drop(tell.send(Ok(())));
                self.start_on_attach().await;
            }
        }
    }

    async fn spawn(&self, size: Size) -> Result<Spawned, SpawnError> {
        let memory = memfd_create("fantail-session", MemfdFlags::CLOEXEC)
            .map_err(|error| SpawnError::OutOfResources(error.into()))?;
        self.spawner.spawn(self.session.id(), memory.as_fd(), &self.launch, size).await
    }

    async fn start_on_attach(mut self) {
        let Some(size) = self.first_viewer().await else { return };
        if size != self.session.status().size {
            self.resized(size);
        }
        match self.spawn(size).await {
            Ok(spawned) => Running::begin(self, spawned).run().await,
            Err(error) => {
                let exit = Exit::NotStarted { code: error.exit_code(), reason: error.to_string() };
                self.exited(exit);
            }
        }
    }

    /// Waits for the first viewer, and returns the size to start at; `None` when the session is closed before.
    async fn first_viewer(&mut self) -> Option<Size> {
        let session = Arc::clone(&self.session);
        loop {
            let order = tokio::select! {
                () = session.closing().cancelled() => return None,
                order = self.orders.recv() => order?,
            };
            // Dropping an order unanswered says that nothing runs.
            if let Order::Start(size) = order {
                return Some(size.unwrap_or(session.status().size));
            }
        }
    }

    /// Records the terminal's new size, in order with the output.
    fn resized(&mut self, size: Size) {
        self.session.update(|status| status.size = size);
        self.log.resize(size, &in_order(&InOrder::Resize { cols: size.cols(), rows: size.rows() }));
        self.published();
    }

    /// Records the end, after the last output.
    fn exited(&mut self, exit: Exit) {
        let event = in_order(&InOrder::Exit { code: exit.code(), signal: exit.signal(), reason: exit.reason() });
        let at = (self.settings.now)();
        self.session.touch(at);
        // The last output is there before the state says so, and the state before the event does.
        self.log.publish();
        self.session.update(|status| status.state = State::Exited { exit, at });
        self.log.event(&event);
        self.published();
    }

    /// Wakes the viewers.
    fn published(&self) {
        self.end.send_replace(self.log.end());
    }
}

/// A session's task while its program runs.
struct Running {
    task: Task,
    session: Arc<Session>,
    pty: Pty,
    child: Box<dyn Child>,
    pid: Pid,
    pacing: Pacing,
    /// The terminal has been hung up: nothing more can be read.
    hung_up: bool,
    /// The PTY takes no more input now.
    input_blocked: bool,
    typing: Option<Typing>,
    /// Who typed what was last written: the next output is most likely its echo.
    typist: Option<ViewerId>,
    /// The end of the output whose time was noted last.
    noted: Offset,
    /// The number of the last decision on the size that was carried out.
    fitted: u64,
}

/// The beginning of the queue's front, on its way into the terminal.
struct Typing {
    len: usize,
    /// What the terminal has not taken of it.
    left: usize,
}

/// Why a run ended.
struct Ended {
    exit: Exit,
    /// Ends what else runs in the session, if that has begun.
    ending: Option<Ending>,
}

type Ending = Life;

impl Running {
    fn begin(task: Task, Spawned { pty, child }: Spawned) -> Self {
        let (session, pid) = (Arc::clone(&task.session), child.pid());
        *session.session_leader.lock() = Some(pid);
        session.update(|status| status.state = State::Running { pid });
        Self {
            task,
            session,
            pty,
            child,
            pid,
            pacing: Pacing::default(),
            hung_up: false,
            input_blocked: false,
            typing: None,
            typist: None,
            noted: Offset::ZERO,
            fitted: 0,
        }
    }

    async fn run(mut self) {
        let Ended { exit, ending } = self.until_exit().await;
        // Everything it wrote is in the terminal by now, and at most a log of it is read: a program that left the
        // session could go on printing for ever.
        for _ in 0..self.task.settings.log_bytes / SEGMENT_BYTES {
            // The screen's threads wait for nobody, so this is not for long.
            while self.task.log.needs_screen() {
                self.session.follower_moved.notified().await;
            }
            if self.read_burst().is_break() {
                break;
            }
            self.task.published();
        }
        self.task.log.publish();
        self.note_output();
        self.task.exited(exit);
        self.task.orders.close();
        // Those who sent one just before hear now that nothing runs, not once all that was left has ended.
        while self.task.orders.try_recv().is_ok() {}
        self.session.input.lock().queue.clear();
        match ending {
            Some(ending) => ending.await,
            None => processes::end_session(self.pid).await,
        }
        // From here on the id may be another process's.
        *self.session.session_leader.lock() = None;
        self.child.reap().await;
    }

    async fn until_exit(&mut self) -> Ended {
        let session = Arc::clone(&self.session);
        let mut ending: Option<Ending> = None;
        let mut ended = false;
        loop {
            let hold = self.hold();
            tokio::select! {
                biased;
                () = session.closing().cancelled(), if ending.is_none() && !ended => {
                    ending = Some(Box::pin(processes::end_session(self.pid)));
                }
                () = wait_for(&mut ending), if ending.is_some() => {
                    ending = None;
                    ended = true;
                }
                Some(order) = self.task.orders.recv() => self.obey(order),
                () = session.size_wanted.notified() => {
                    let wanted = session.sizing.lock().take_wanted();
                    wanted.into_iter().for_each(|decision| self.fit(decision));
                }
                () = session.input_added.notified() => self.write_input(),
                _ = self.pty.writable(), if self.input_blocked => self.write_input(),
                _ = self.pty.readable(), if hold == Verdict::Read && !self.hung_up => {
                    let _ = self.read_burst();
                    self.publish().await;
                }
                () = session.follower_moved.notified(), if hold != Verdict::Read => {}
                () = until(hold.deadline()) => {}
                exit = self.child.exited() => return Ended { exit, ending },
            }
        }
    }

    /// Whether the program is held for its viewers or its screen.
    fn hold(&mut self) -> Verdict {
        if self.task.log.needs_screen() {
            return Verdict::Hold;
        }
        let drops = self.task.log.drops_next();
        let viewers = &self.session.viewers;
        match self.session.pace() {
            Pace::Free => Verdict::Read,
            Pace::Fastest => self.pacing.for_fastest(drops, || viewers.lock().fastest(), Instant::now()),
            Pace::Lossless => pace::for_slowest(drops, || viewers.lock().slowest()),
        }
    }

    /// Reads until the terminal has nothing more or a segment is full, without publishing. Breaks when there is
    /// nothing more.
    fn read_burst(&mut self) -> ControlFlow<()> {
        loop {
            match self.pty.read(self.task.log.space()) {
                Ok(read @ 1..) => self.task.log.commit(read),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return ControlFlow::Break(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // EIO, or an end of file on other systems: the program's session has ended.
                Ok(0) | Err(_) => {
                    self.hung_up = true;
                    return ControlFlow::Break(());
                }
            }
            if self.task.log.is_full() {
                self.task.log.publish();
                return ControlFlow::Continue(());
            }
        }
    }

    /// Publishes what was read: to the viewer that typed first, then to all.
    async fn publish(&mut self) {
        self.task.log.publish();
        self.note_output();
        let typist = self.typist.take().and_then(|typist| self.session.viewers.lock().get(typist));
        if let Some(typist) = typist {
            typist.echo.notify_one();
            tokio::task::yield_now().await;
        }
        self.task.published();
    }

    /// Notes the time when anything was printed since it was last noted: a terminal can be readable without output.
    fn note_output(&mut self) {
        let end = self.task.log.end();
        if end != self.noted {
            self.noted = end;
            self.session.printed((self.task.settings.now)());
        }
    }

    fn write_input(&mut self) {
        self.input_blocked = false;
        let mut turn = 0;
        loop {
            match self.push_input() {
                Ok(pushed) => turn += pushed,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.input_blocked = true;
                    return;
                }
                // The terminal is gone; the program's end is about to be seen.
                Err(_) => return,
            }
            if turn > WRITE_TURN {
                self.input_blocked = true; // it is not, but this comes back here after a look at the output
                return;
            }
            let Some((bytes, viewer)) = self.session.input.lock().queue.front() else { return };
            let chunk = &bytes[..bytes.len().min(INPUT_MAX)];
            if !chunk.is_empty() && self.pty.put(chunk).is_err() {
                return;
            }
            self.typist = viewer.or(self.typist);
            self.typing = Some(Typing { len: chunk.len(), left: chunk.len() });
        }
    }

    /// Moves what is on its way into the terminal. Returns how much that was, when nothing is left of it.
    fn push_input(&mut self) -> io::Result<usize> {
        let Some(Typing { len, left }) = &mut self.typing else { return Ok(0) };
        while *left > 0 {
            *left -= self.pty.push()?.min(*left);
        }
        let len = *len;
        self.typing = None;
        let mut input = self.session.input.lock();
        let Input { clients, queue } = &mut *input;
        queue.wrote(clients, len);
        Ok(len)
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(_) => {} // it has been
            Order::Fit(decision, done) => {
                self.fit(decision);
                let _ = done.send(());
            }
            Order::Signal(signal, done) => {
                self.signal(signal);
                let _ = done.send(());
            }
        }
    }

    fn fit(&mut self, Decision { size, number }: Decision) {
        if number < self.fitted {
            return;
        }
        self.fitted = number;
        if size == self.session.status().size {
            return;
        }
        // What the program printed so far was for the old size.
        if !self.task.log.needs_screen() {
            let _ = self.read_burst();
        }
        match self.pty.resize(size) {
            Ok(()) => self.task.resized(size),
            Err(error) => tracing::warn!(session = %self.session.id(), %error, "cannot resize"),
        }
    }

    /// To the foreground group, or to the program's own when there is none.
    fn signal(&self, signal: Signal) {
        let group = self.pty.foreground().unwrap_or(self.pid);
        if let Err(error) = kill_process_group(group, signal.number()) {
            tracing::debug!(session = %self.session.id(), %error, "nothing there to signal");
        }
    }
}

async fn wait_for(ending: &mut Option<Ending>) {
    match ending {
        Some(ending) => ending.await,
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn in_order(event: &InOrder<'_>) -> Vec<u8> {
    // Plain fields of numbers and text: there is nothing in it that JSON cannot hold.
    serde_json::to_vec(event).unwrap_or_default()
}
