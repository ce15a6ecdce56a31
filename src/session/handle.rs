//! A session as everyone but its task sees it.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::clients::Clients;
use super::input::{Answer, InputQueue, Numbered, Typed};
use super::lanes::Lane;
use super::ledger::Ledger;
use super::line::Line;
use super::reports;
use super::screen::ScreenDoor;
use super::sizing::{Decision, Sizing};
use super::task::{Handles, Order};
use super::viewers::Viewers;
use super::{
    ClientId, End, InputRefused, Launch, Pace, Principal, Record, SessionId, Settings, Signal, Sizes, State, Status,
    ViewerId,
};
use crate::terminal::log::Log;
use crate::terminal::{Offset, Size};

/// When a session's program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartOn {
    /// When the session is opened.
    Open,
    /// When the first viewer attaches, at that viewer's size.
    Attach,
}

/// A session to open.
pub struct Opening {
    /// Its id, random.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Principal,
    /// What people call it.
    pub name: String,
    /// What to start.
    pub launch: Launch,
    /// The terminal's size.
    pub size: Size,
    /// When to start it.
    pub start_on: StartOn,
    /// For whom its output is held back; the server's default when none is said.
    pub pace: Option<Pace>,
    /// Whose window gives it its size; the server's default when none is said.
    pub sizes: Option<Sizes>,
}

impl Opening {
    /// What to start, and the session as it is written down.
    pub(super) fn into_record(self, settings: &Settings) -> (Launch, Record) {
        let record = Record {
            id: self.id,
            owner: self.owner,
            name: self.name,
            command: self.launch.command().iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            dir: self.launch.dir().to_path_buf(),
            start_on: self.start_on,
            pace: self.pace.unwrap_or(settings.pace),
            sizes: self.sizes.unwrap_or(settings.sizes),
            size: self.size,
            opened_at: (settings.now)(),
            ended: None,
        };
        (self.launch, record)
    }
}

/// One session. Shared by all who reach it; changed by its task, except for what the locks below hold.
pub struct Session {
    id: SessionId,
    pub(super) owner: Principal,
    command: Vec<String>,
    dir: PathBuf,
    start_on: StartOn,
    opened_at: Timestamp,
    since: Timestamp,
    pub(super) lane: Lane,
    pub(super) log: Log,
    pub(super) ledger: Ledger,
    /// Closed when the task has ended.
    pub(super) end: watch::Receiver<Offset>,
    pub(super) status: watch::Sender<Arc<Status>>,
    pub(super) input: Mutex<Input>,
    pub(super) input_added: Notify,
    pub(super) viewers: Mutex<Viewers>,
    pub(super) line: Line,
    pub(super) follower_moved: Notify,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) screen: ScreenDoor,
    pub(super) pace: Pace,
    sizes: Sizes,
    pub(super) resync_bytes: u64,
    pub(super) sizing: Mutex<Sizing>,
    /// The terminal is to have the size that [`Sizing::take_wanted`] tells.
    pub(super) size_wanted: Notify,
    /// The leader of its POSIX session.
    pub(super) session_leader: Mutex<Option<Pid>>,
    closing: CancellationToken,
    leaving: CancellationToken,
    closed: CancellationToken,
    gone: CancellationToken,
}

/// Input and those it comes from, which change together.
#[derive(Default)]
pub(super) struct Input {
    pub(super) clients: Clients,
    pub(super) queue: InputQueue,
}

impl Input {
    /// Forgets what will never be written.
    pub(super) fn clear(&mut self) {
        self.queue.clear(&mut self.clients);
    }
}

/// The program has not been started or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is not running")]
pub struct NotRunning;

/// What a session is made of besides who it is.
pub(super) struct Parts {
    pub(super) lane: Lane,
    pub(super) log: Log,
    pub(super) ledger: Ledger,
    pub(super) end: watch::Receiver<Offset>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) screen: ScreenDoor,
}

impl Session {
    pub(super) fn new(record: Record, settings: &Settings, parts: Parts) -> Self {
        let Parts { lane, log, ledger, end, orders, screen } = parts;
        let log_end = *end.borrow();
        let mut status = Status::starting(record.name, record.size);
        if let Some(End { exit, at }) = record.ended {
            status.state = State::Exited { exit, at };
        }
        let clients = Clients::written_down_in(ledger.clone());
        Self {
            id: record.id,
            owner: record.owner,
            command: record.command,
            dir: record.dir,
            start_on: record.start_on,
            opened_at: record.opened_at,
            since: (settings.now)(),
            lane,
            log,
            ledger,
            end,
            status: watch::Sender::new(Arc::new(status)),
            input: Mutex::new(Input { clients, ..Input::default() }),
            input_added: Notify::new(),
            viewers: Mutex::default(),
            line: Line::new(log_end),
            follower_moved: Notify::new(),
            orders,
            screen,
            pace: record.pace,
            sizes: record.sizes,
            resync_bytes: settings.resync_bytes,
            sizing: Mutex::new(Sizing::new(record.sizes)),
            size_wanted: Notify::new(),
            session_leader: Mutex::new(None),
            closing: settings.closing.child_token(),
            leaving: settings.leaving.child_token(),
            closed: CancellationToken::new(),
            gone: CancellationToken::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The leader of its POSIX session, as long as anything may be left of that: longer than the program runs.
    #[must_use]
    pub fn session_leader(&self) -> Option<Pid> {
        *self.session_leader.lock()
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(&self) -> Principal {
        self.owner
    }

    /// What was started, word by word.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// Where it was started.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// When its program is, or was, started.
    #[must_use]
    pub const fn start_on(&self) -> StartOn {
        self.start_on
    }

    /// For whom its output is held back.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// Whose window gives it its size.
    #[must_use]
    pub const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// When it was opened.
    #[must_use]
    pub const fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// When this server made it or took it up: a screen's revisions count from then on.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// When it last printed or changed.
    #[must_use]
    pub fn modified_at(&self) -> Timestamp {
        let (_, millis) = self.ledger.times();
        Timestamp::from_millisecond(millis).map_or(self.opened_at, |at| at.max(self.opened_at))
    }

    /// Counts what was added to its log: what it holds is the same as long as this is.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.line.published()
    }

    /// When it last printed, if it has.
    #[must_use]
    pub fn printed_at(&self) -> Option<Timestamp> {
        let (millis, _) = self.ledger.times();
        Timestamp::from_millisecond(millis).ok().filter(|at| *at != Timestamp::UNIX_EPOCH)
    }

    /// Where it lives: its task, and to be fast its connections too.
    #[must_use]
    pub const fn lane(&self) -> &Handle {
        &self.lane.runtime
    }

    /// Its output.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// Its latest values.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    /// Whether these, as it gave them, are still its latest values.
    #[must_use]
    pub fn has_status(&self, known: &Arc<Status>) -> bool {
        Arc::ptr_eq(&self.status.borrow(), known)
    }

    /// Its latest values, and a way to wait for their next change.
    #[must_use]
    pub fn status_changes(&self) -> watch::Receiver<Arc<Status>> {
        self.status.subscribe()
    }

    /// Changes the latest values. Only the task changes the state and the size.
    pub(super) fn update(&self, change: impl FnOnce(&mut Status)) {
        let has_changed = self.status.send_if_modified(|status| {
            let mut changed = Status::clone(status);
            change(&mut changed);
            let is_news = changed != **status;
            if is_news {
                *status = Arc::new(changed);
            }
            is_news
        });
        if has_changed {
            self.tell_viewers();
        }
    }

    pub(super) fn touch(&self, now: Timestamp) {
        self.ledger.keep_times(None, now);
    }

    pub(super) fn printed(&self, now: Timestamp) {
        self.ledger.keep_times(Some(now), now);
    }

    /// Gives it another name.
    pub fn rename(&self, name: String, now: Timestamp) {
        self.touch(now);
        self.update(|status| status.name = name);
        self.write_down();
    }

    /// Writes down who it is now, for the next server.
    pub(super) fn write_down(&self) {
        if let Err(error) = self.ledger.keep_record(|| self.record()) {
            tracing::warn!(session = %self.id, %error, "what changed is not known to the next server");
        }
    }

    pub(super) fn follower_moved(&self) {
        self.follower_moved.notify_one();
    }

    /// Takes bytes to type that come from no client, for a program that drives the session. What is returned tells when
    /// they, and all before them, are written.
    ///
    /// # Errors
    /// When the session does not take input now.
    pub fn input(&self, bytes: Bytes) -> Result<Typed, InputRefused> {
        self.input_from(None, None, bytes)?;
        Ok(self.input.lock().queue.typed())
    }

    pub(super) fn input_from(
        &self,
        from: Option<Numbered>,
        viewer: Option<ViewerId>,
        bytes: Bytes,
    ) -> Result<(), InputRefused> {
        let client = from.map(|from| from.client);
        let mut input = self.input.lock();
        // Under the lock: nothing is taken behind what forgets all that is left when the program ends.
        let refusal = {
            let status = self.status.borrow();
            match status.state {
                State::Running { .. } if status.control.is_none() || status.control == client => None,
                State::Running { .. } => Some(InputRefused::ControlHeld),
                _ => Some(InputRefused::NotRunning),
            }
        };
        let Input { clients, queue } = &mut *input;
        if let Some(refusal) = refusal {
            if let Some(numbered) = from {
                InputQueue::skip(clients, numbered)?;
            }
            return Err(refusal);
        }
        let typist = viewer.filter(|_| !reports::are_all_of(&bytes));
        queue.push(clients, from, viewer, bytes)?;
        drop(input);
        // The program learns of the size before it reads what was typed for it.
        if typist.is_some_and(|viewer| self.sizing.lock().typed(viewer)) {
            self.size_wanted.notify_one();
        }
        self.input_added.notify_one();
        Ok(())
    }

    /// Takes what the terminal answers its program: in order with what is typed, whoever has control. Answers that a
    /// program asks for and does not read are dropped beyond a bound.
    pub(super) fn answer(&self, answer: Answer) {
        // The screen of a program that another server ran may be here before its task, which says that it runs.
        if !matches!(self.status.borrow().state, State::Exited { .. }) {
            self.input.lock().queue.push_answer(answer);
            self.input_added.notify_one();
        }
    }

    pub(super) fn skip_input(&self, numbered: Numbered) -> Result<(), InputRefused> {
        InputQueue::skip(&mut self.input.lock().clients, numbered)
    }

    /// Lets only `client` type, resize and signal, until it releases control or leaves.
    pub fn take_control(&self, client: ClientId) {
        self.update(|status| status.control = Some(client));
    }

    /// Lets everyone with access type again, if `client` has control.
    pub fn release_control(&self, client: ClientId) {
        self.update(|status| {
            status.control.take_if(|holder| *holder == client);
        });
    }

    /// Whether `client` may type, resize and signal: nobody else has taken control.
    #[must_use]
    pub fn controls(&self, client: Option<ClientId>) -> bool {
        let status = self.status.borrow();
        status.control.is_none() || status.control == client
    }

    /// Gives the terminal another size, in order with the output.
    ///
    /// # Errors
    /// When no program runs.
    pub async fn resize(&self, size: Size) -> Result<(), NotRunning> {
        let decision = self.sizing.lock().decide(size);
        self.fit(Some(decision)).await
    }

    /// Gives the terminal the size that was decided on, if one was.
    pub(super) async fn fit(&self, wanted: Option<Decision>) -> Result<(), NotRunning> {
        match wanted {
            Some(decision) => self.order(|done| Order::Fit(decision, done)).await,
            None if matches!(self.status.borrow().state, State::Running { .. }) => Ok(()),
            None => Err(NotRunning),
        }
    }

    /// Sends a signal to the foreground processes.
    ///
    /// # Errors
    /// When no program runs.
    pub async fn signal(&self, signal: Signal) -> Result<(), NotRunning> {
        self.order(|done| Order::Signal(signal, done)).await
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) -> Result<(), NotRunning> {
        let (done, answer) = oneshot::channel();
        self.orders.send(order(done)).await.map_err(|_| NotRunning)?;
        answer.await.map_err(|_| NotRunning)
    }

    /// What another process needs to keep it: its memory, and its program if that runs.
    ///
    /// # Errors
    /// When this process has no descriptors left.
    pub async fn handles(&self) -> io::Result<(BorrowedFd<'_>, Option<Handles>)> {
        let (answer, told) = oneshot::channel();
        let memory = self.ledger.memory().descriptor();
        if self.orders.send(Order::Handles(answer)).await.is_err() {
            return Ok((memory, None));
        }
        match told.await {
            Ok(handles) => Ok((memory, Some(handles?))),
            Err(_) => Ok((memory, None)),
        }
    }

    /// Begins to end the session's program, if it runs. [`Session::ended`] tells when that is done.
    pub fn begin_closing(&self) {
        self.closing.cancel();
    }

    /// Whether it is being closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Cancelled when it is being closed, alone or with all.
    #[must_use]
    pub const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Cancelled when it is left to the next server, alone or with all: nothing of it may be read or typed here any more.
    #[must_use]
    pub const fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

    /// Waits until the program, and everything in its POSIX session, has ended and all it printed is in the log.
    pub async fn ended(&self) {
        let mut end = self.end.clone();
        while end.changed().await.is_ok() {}
    }

    /// Has every viewer look at what is new besides output.
    fn tell_viewers(&self) {
        self.viewers.lock().wake_all();
    }

    /// Tells viewers that the session is no more. The registry does this when it has forgotten it.
    pub fn mark_closed(&self) {
        self.closed.cancel();
        self.tell_viewers();
    }

    /// Cancelled when the session is no more.
    #[must_use]
    pub const fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Tells that nothing of it is kept anywhere any more. The registry does this.
    pub fn mark_gone(&self) {
        self.gone.cancel();
    }

    /// Cancelled when nothing of it is kept anywhere any more: no server will list it again.
    #[must_use]
    pub const fn gone(&self) -> &CancellationToken {
        &self.gone
    }
}
