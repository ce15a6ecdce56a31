//! A session as everyone but its task sees it.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use jiff::Timestamp;
use parking_lot::Mutex;
use rustix::process::Pid;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::bell::Bell;
use super::clients::Clients;
use super::lanes::Lane;
use super::ledger::Ledger;
use super::line::Line;
use super::opening::StartOn;
use super::processes::Whom;
use super::screen::ScreenDoor;
use super::sizing::{Decision, Sizing};
use super::task::{Handles, Order};
use super::typing::Input;
use super::viewers::Viewers;
use super::{End, Pace, Principal, Profile, Record, SessionId, Settings, Signal, Sizes, State, Status};
use crate::terminal::log::Log;
use crate::terminal::{Offset, Size};

/// One session. Shared by all who reach it; changed by its task, except for what the locks below hold.
pub struct Session {
    id: SessionId,
    pub(super) owner: Principal,
    profile: Option<Profile>,
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
    changes: AtomicU64,
    pub(super) input: Mutex<Input>,
    pub(super) viewers: Mutex<Viewers>,
    pub(super) line: Line,
    pub(super) follower_moved: Notify,
    pub(super) orders: mpsc::Sender<Order>,
    /// Rung for the task while its program runs: it has orders, input, or a size that [`Sizing::take_wanted`] tells.
    pub(super) bell: Bell,
    pub(super) screen: ScreenDoor,
    pub(super) pace: Pace,
    sizes: Sizes,
    pub(super) resync_bytes: u64,
    pub(super) sizing: Mutex<Sizing>,
    /// The leader of its POSIX session.
    pub(super) session_leader: Mutex<Option<Pid>>,
    closing: CancellationToken,
    leaving: CancellationToken,
    closed: CancellationToken,
    gone: CancellationToken,
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
            profile: record.profile,
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
            changes: AtomicU64::new(0),
            input: Mutex::new(Input { clients, ..Input::default() }),
            viewers: Mutex::default(),
            line: Line::new(log_end),
            follower_moved: Notify::new(),
            orders,
            bell: Bell::default(),
            screen,
            pace: record.pace,
            sizes: record.sizes,
            resync_bytes: settings.resync_bytes,
            sizing: Mutex::new(Sizing::new(record.sizes)),
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

    /// What it was opened with, unless its command was named.
    #[must_use]
    pub const fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
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

    /// Counts the changes of its latest values: they are the same as long as this is.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Acquire)
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
            self.count_change();
            self.tell_viewers();
        }
    }

    /// Behind a change of the latest values, so that who counted before it finds more the next time.
    pub(super) fn count_change(&self) {
        self.changes.fetch_add(1, Release);
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
            None => self.runs(),
        }
    }

    /// The same for what follows from a window's size: soon, but not for each of a flood.
    pub(super) async fn fit_window(&self, wanted: Option<Decision>) -> Result<(), NotRunning> {
        match wanted {
            Some(decision) => self.order(|done| Order::Window(decision, done)).await,
            None => self.runs(),
        }
    }

    fn runs(&self) -> Result<(), NotRunning> {
        if matches!(self.status.borrow().state, State::Running { .. }) { Ok(()) } else { Err(NotRunning) }
    }

    /// Sends a signal to the foreground processes.
    ///
    /// # Errors
    /// When no program runs.
    pub async fn signal(&self, signal: Signal) -> Result<(), NotRunning> {
        if let Some(other) = self.order(|done| Order::Signal(signal, done)).await? {
            other.signal(signal.number(), Whom::Foreground).await;
        }
        Ok(())
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, NotRunning> {
        let (done, answer) = oneshot::channel();
        self.call_for(order(done)).await?;
        answer.await.map_err(|_| NotRunning)
    }

    async fn call_for(&self, order: Order) -> Result<(), NotRunning> {
        self.orders.send(order).await.map_err(|_| NotRunning)?;
        self.bell.ring();
        Ok(())
    }

    /// What another process needs to keep it: its memory, and its program if that runs.
    ///
    /// # Errors
    /// When this process has no descriptors left.
    pub async fn handles(&self) -> io::Result<(BorrowedFd<'_>, Option<Handles>)> {
        let (answer, told) = oneshot::channel();
        let memory = self.ledger.memory().descriptor();
        if self.call_for(Order::Handles(answer)).await.is_err() {
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
