//! A session's life: made or taken up, started, run, ended, left. Its task is the one owner of its terminal and log.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;

use rustix::process::Pid;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use super::follower::{self, Follower};
use super::handle::{Parts, Session};
use super::lanes::Lane;
use super::ledger::Ledger;
use super::opening::{Opening, StartOn};
use super::origin::Origin;
use super::processes::{Ending, Signaller};
use super::pty::{Child, Kept, SpawnError, Spawned, Spawner};
use super::running::Running;
use super::sizing::Decision;
use super::{Exit, Launch, Record, Settings, Signal, State};
use crate::terminal::log::{Log, LogWriter, Memory, MemoryError};
use crate::terminal::{Offset, Size};

/// Orders waiting for a session's task: each is answered at once, so this only smooths a burst.
const ORDERS_MAX: usize = 64;

/// What only the task can do.
pub(super) enum Order {
    /// A viewer has attached: start the program if it waits for one, at this size if there is one.
    Start(Option<Size>),
    Fit(Decision, oneshot::Sender<()>),
    /// A size that follows from a window's, of which there may be floods.
    Window(Decision, oneshot::Sender<()>),
    /// Answered with who is to send it, where this process may not.
    Signal(Signal, oneshot::Sender<Option<Arc<dyn Signaller>>>),
    Handles(oneshot::Sender<io::Result<Handles>>),
}

/// A running program, for another process to keep.
pub struct Handles {
    /// Its process id.
    pub pid: Pid,
    /// Its terminal's master.
    pub master: OwnedFd,
    /// The pipe of its input.
    pub input: OwnedFd,
    /// Its pidfd.
    pub pidfd: OwnedFd,
}

/// A session's task, and what is its own as long as the session is there.
pub(super) struct Task {
    pub(super) session: Arc<Session>,
    pub(super) settings: Settings,
    spawner: Arc<dyn Spawner>,
    pub(super) log: LogWriter,
    end: watch::Sender<Offset>,
    pub(super) orders: mpsc::Receiver<Order>,
}

/// Where a session is to live.
struct Home<'a> {
    lane: Lane,
    settings: &'a Settings,
    spawner: Arc<dyn Spawner>,
}

impl<'a> Home<'a> {
    fn next(settings: &'a Settings, spawner: Arc<dyn Spawner>) -> Self {
        Self { lane: settings.lanes.next(), settings, spawner }
    }
}

/// Where a session is in its life when its task begins.
enum Stage {
    /// Its program is to be started.
    New(Launch),
    /// Its program has been started, by this or another server.
    Started(Spawned),
    /// Its program has ended, and has been reaped or not.
    Ended(Option<Box<dyn Child>>),
}

/// Events that are in order with the output, as the wire spells them.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum InOrder<'a> {
    Resize { cols: u16, rows: u16 },
    Exit { code: Option<i32>, signal: Option<String>, reason: Option<&'a str> },
}

/// A session that was just made or taken up, and the futures that are its life, which the caller must drive to their
/// ends.
pub struct Opened {
    /// The session.
    pub session: Arc<Session>,
    /// Hears whether the program could be started, at once for one that starts on attach or was started before; when
    /// it could not, nothing is left behind.
    pub started: oneshot::Receiver<Result<(), SpawnError>>,
    /// Owns the terminal and the log; to be driven on [`Session::lane`]. Ends with the program and all it started.
    pub life: Life,
    /// Owns the screen; to be driven on [`Settings::screens`]. Ends when nobody holds the session any more, or some
    /// seconds after it was closed.
    pub screen: Life,
}

/// The last that was seen of a session's screen.
pub struct LastShown {
    /// All output before this is in it.
    pub offset: Offset,
    /// Its size.
    pub size: Size,
    /// What redraws it on a blank one.
    pub bytes: Vec<u8>,
}

/// A part of a session's life.
pub type Life = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Session {
    /// Makes a session, and the futures that are its life.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn open(opening: Opening, settings: &Settings, spawner: Arc<dyn Spawner>) -> Result<Opened, SpawnError> {
        let memory = Memory::create().map_err(SpawnError::OutOfResources)?;
        let ledger = Ledger::new(Arc::clone(&memory));
        let (launch, record) = opening.into_record(settings);
        if record.start_on == StartOn::Attach {
            ledger.keep_launch(&launch.encode()).map_err(SpawnError::OutOfResources)?;
        }
        ledger.keep_record(|| record.clone()).map_err(SpawnError::OutOfResources)?;
        let catch_up = Arc::clone(&settings.catch_up);
        let log = Log::create(memory, settings.log_bytes, Offset::ZERO, record.size, catch_up);
        let origin = Origin::blank(record.size);
        Ok(Self::begin(record, ledger, log, &origin, Stage::New(launch), Home::next(settings, spawner)))
    }

    /// Takes up a session that another server left or was killed in, and the futures that are its life. Its bytes keep
    /// their offsets, its clients their place in the order of their input; its program notices nothing.
    ///
    /// # Errors
    /// When its memory cannot be used: then its program is not touched.
    pub fn adopt(kept: Kept, settings: &Settings, spawner: Arc<dyn Spawner>) -> Result<Opened, MemoryError> {
        let memory = Memory::open(kept.memory)?;
        let ledger = Ledger::new(Arc::clone(&memory));
        let record = ledger.record()?;
        let catch_up = Arc::clone(&settings.catch_up);
        let log = Log::recover(&memory, settings.log_bytes, catch_up, follower::resized)?;
        let home = Home::next(settings, spawner);
        let stage = match (kept.spawned, &record.ended) {
            (Some(Spawned { pty, child }), None) => {
                let spawned = Spawned { pty: pty.moved_to(&home.lane.runtime).map_err(MemoryError::System)?, child };
                ledger.recover_delivery(spawned.pty.on_its_way().map_err(MemoryError::System)?);
                Stage::Started(spawned)
            }
            (spawned, Some(_)) => Stage::Ended(spawned.map(|spawned| spawned.child)),
            (None, None) => {
                let launch = Launch::decode(&ledger.launch()?);
                Stage::New(launch.map_err(|_| MemoryError::Damaged("what it is to start"))?)
            }
        };
        let origin = Origin::of(&ledger, &log.0)?;
        Ok(Self::begin(record, ledger, log, &origin, stage, home))
    }

    /// Makes an ended session again from what was written down of it, `shown` being the last that was seen of it.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn restore(
        record: Record,
        shown: Option<LastShown>,
        settings: &Settings,
        spawner: Arc<dyn Spawner>,
    ) -> Result<Opened, MemoryError> {
        let memory = Memory::create()?;
        let ledger = Ledger::new(Arc::clone(&memory));
        let origin = shown.map_or_else(|| Origin::blank(record.size), Origin::last_shown);
        let catch_up = Arc::clone(&settings.catch_up);
        let log = Log::create(memory, settings.log_bytes, origin.offset, origin.size, catch_up);
        Ok(Self::begin(record, ledger, log, &origin, Stage::Ended(None), Home::next(settings, spawner)))
    }

    fn begin(
        record: Record,
        ledger: Ledger,
        (log, writer): (Log, LogWriter),
        origin: &Origin,
        stage: Stage,
        home: Home<'_>,
    ) -> Opened {
        let Home { lane, settings, spawner } = home;
        let (end, end_seen) = watch::channel(writer.end());
        let (order, orders) = mpsc::channel(ORDERS_MAX);
        let size = log.size_at(writer.end());
        let (follower, screen) = Follower::create(settings, &log, end_seen.clone(), origin, ledger.clone());
        let parts = Parts { lane, log, ledger, end: end_seen, orders: order, screen };
        let session = Arc::new(Self::new(Record { size, ..record }, settings, parts));
        session.input.lock().clients.take_up(tokio::time::Instant::now());
        origin.answers.iter().for_each(|answer| session.answer(answer.clone()));
        let screen = follower.follow(&session);
        let task =
            Task { session: Arc::clone(&session), settings: settings.clone(), spawner, log: writer, end, orders };
        let (tell, started) = oneshot::channel();
        Opened { session, started, life: Box::pin(task.live(stage, tell)), screen: Box::pin(screen) }
    }
}

impl Task {
    async fn live(self, stage: Stage, tell: oneshot::Sender<Result<(), SpawnError>>) {
        // An opener that went away does not change what happens.
        match stage {
            Stage::New(launch) => match self.prepare(&launch).await {
                Err(error) => drop(tell.send(Err(error))),
                Ok(Some(spawned)) => {
                    let running = Running::begin(self, spawned);
                    drop(tell.send(Ok(())));
                    running.run().await;
                }
                Ok(None) => {
                    drop(tell.send(Ok(())));
                    self.start_on_attach(launch).await;
                }
            },
            Stage::Started(spawned) => {
                let running = Running::take_up(self, spawned);
                drop(tell.send(Ok(())));
                running.run().await;
            }
            Stage::Ended(child) => {
                drop(tell.send(Ok(())));
                self.ended_before(child).await;
            }
        }
    }

    /// Starts the program now, or keeps what is to be started later.
    async fn prepare(&self, launch: &Launch) -> Result<Option<Spawned>, SpawnError> {
        match self.session.start_on() {
            StartOn::Open => self.spawn(launch, self.session.status().size).await.map(Some),
            StartOn::Attach => {
                launch.check()?;
                let memory = self.session.ledger.memory().descriptor();
                self.spawner.keep(self.session.id(), memory).await.map(|()| None)
            }
        }
    }

    async fn spawn(&self, launch: &Launch, size: Size) -> Result<Spawned, SpawnError> {
        let memory = self.session.ledger.memory().descriptor();
        self.spawner.spawn(self.session.id(), memory, launch, size).await
    }

    async fn start_on_attach(mut self, launch: Launch) {
        let Some(size) = self.first_viewer().await else { return };
        if size != self.session.status().size {
            self.resized(size);
        }
        let size = self.session.status().size;
        match self.spawn(&launch, size).await {
            Ok(spawned) => Running::begin(self, spawned).run().await,
            Err(error) => {
                let exit = Exit::NotStarted { code: error.exit_code(), reason: error.to_string() };
                self.exited(&exit);
            }
        }
    }

    /// Waits for the first viewer, and returns the size to start at; `None` when the session is closed or left before.
    async fn first_viewer(&mut self) -> Option<Size> {
        let session = Arc::clone(&self.session);
        loop {
            let order = tokio::select! {
                () = session.closing().cancelled() => return None,
                () = session.leaving().cancelled() => return None,
                order = self.orders.recv() => order?,
            };
            // Dropping an order unanswered says that nothing runs.
            if let Order::Start(size) = order {
                return Some(size.unwrap_or(session.status().size));
            }
        }
    }

    /// What is left to do for a program whose end was written down by a server that then was killed.
    async fn ended_before(mut self, child: Option<Box<dyn Child>>) {
        if let State::Exited { exit, .. } = &self.session.status().state
            && !self.log.last_event().is_some_and(follower::is_exit)
        {
            self.tell_exit(exit);
        }
        // Nothing runs: who resizes or signals it hears so now, and not once all that was left has ended.
        self.orders.close();
        while self.orders.try_recv().is_ok() {}
        if let Some(mut child) = child {
            self.end_what_is_left(&mut *child, None).await;
        }
    }

    /// Ends what else runs in the POSIX session of a program that has ended, and lets go of it; or leaves that to the
    /// next server.
    pub(super) async fn end_what_is_left(&self, child: &mut dyn Child, begun: Option<Ending>) {
        let leader = child.pid();
        *self.session.session_leader.lock() = Some(leader);
        let ending = (!child.was_last()).then(|| begun.unwrap_or_else(|| Ending::begin(child, self.session.id())));
        let rest = async {
            if let Some(mut ending) = ending {
                ending.leader_has_ended();
                ending.done().await;
            }
        };
        tokio::select! {
            biased;
            () = self.session.leaving().cancelled() => return,
            () = rest => {}
        }
        // From here on the id may be another process's.
        *self.session.session_leader.lock() = None;
        // What closes the session has it forgotten next.
        if !(self.session.is_closing() && child.is_reaped_with_session()) {
            child.reap().await;
        }
    }

    /// Records the terminal's new size, in order with the output. Nothing changes when there is no memory for that.
    pub(super) fn resized(&mut self, size: Size) -> bool {
        let event = in_order(&InOrder::Resize { cols: size.cols(), rows: size.rows() });
        let is_recorded = self.unless_out_of_memory(|log| log.resize(size, &event));
        if is_recorded {
            self.session.update(|status| status.size = size);
            self.published();
        }
        is_recorded
    }

    /// Records the end, after the last output.
    pub(super) fn exited(&mut self, exit: &Exit) {
        let at = (self.settings.now)();
        self.session.touch(at);
        // The last output is there before the state says so, and the state before the event does.
        self.log.publish();
        self.session.update(|status| status.state = State::Exited { exit: exit.clone(), at });
        self.session.write_down();
        self.tell_exit(exit);
    }

    fn tell_exit(&mut self, exit: &Exit) {
        let event = in_order(&InOrder::Exit { code: exit.code(), signal: exit.signal(), reason: exit.reason() });
        self.unless_out_of_memory(|log| log.event(&event));
        self.published();
    }

    fn unless_out_of_memory(&mut self, append: impl FnOnce(&mut LogWriter) -> io::Result<()>) -> bool {
        let appended = append(&mut self.log);
        if let Err(error) = &appended {
            tracing::error!(session = %self.session.id(), %error, "no memory left for an event");
        }
        appended.is_ok()
    }

    /// Tells that more was published, and wakes all who wait for it.
    pub(super) fn published(&self) {
        self.session.line.publish(self.log.end());
        self.end.send_replace(self.log.end()); // also when it is an event, which takes no room
        while self.session.line.wake_some() {}
    }

    /// Wakes the screen's owner, on a thread of its own, for what was published.
    pub(super) fn tell_screen(&self) {
        let end = self.log.end();
        self.end.send_if_modified(|told| std::mem::replace(told, end) != end);
    }
}

fn in_order(event: &InOrder<'_>) -> Vec<u8> {
    // Plain fields of numbers and text: there is nothing in it that JSON cannot hold.
    serde_json::to_vec(event).unwrap_or_default()
}
