//! A session as everyone but its task sees it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clients::Clients;
use super::input::{InputQueue, Numbered};
use super::reports;
use super::screen::ScreenDoor;
use super::sizing::Sizing;
use super::task::Order;
use super::viewer::{Parts, Viewer};
use super::viewers::Viewers;
use super::{
    ClientId, InputRefused, Launch, Pace, Principal, SessionId, Settings, Signal, Sizes, State, Status, ViewerId,
};
use crate::terminal::log::{Log, NotHeld};
use crate::terminal::{Offset, Size};

/// When a session's program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// One session. Shared by all who reach it; changed by its task, except for what the locks below hold.
pub struct Session {
    id: SessionId,
    owner: Principal,
    command: Vec<String>,
    dir: PathBuf,
    start_on: StartOn,
    opened_at: Timestamp,
    /// Milliseconds since 1970 of the last output or change.
    modified_at: AtomicI64,
    /// Milliseconds since 1970 of the last output; 0 before the first.
    printed_at: AtomicI64,
    log: Log,
    /// Closed when the task has ended.
    end: watch::Receiver<Offset>,
    status: watch::Sender<Status>,
    pub(super) input: Mutex<Input>,
    pub(super) input_added: Notify,
    pub(super) viewers: Mutex<Viewers>,
    pub(super) follower_moved: Notify,
    orders: mpsc::Sender<Order>,
    pub(super) screen: ScreenDoor,
    pub(super) pace: Pace,
    sizes: Sizes,
    resync_bytes: u64,
    pub(super) sizing: Mutex<Sizing>,
    /// The terminal is to have the size that [`Sizing::take_wanted`] tells.
    pub(super) size_wanted: Notify,
    closing: CancellationToken,
    closed: CancellationToken,
}

/// Input and those it comes from, which change together.
#[derive(Default)]
pub(super) struct Input {
    pub(super) clients: Clients,
    pub(super) queue: InputQueue,
}

/// The program has not been started or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is not running")]
pub struct NotRunning;

/// How a connection attaches.
pub struct Attach {
    /// Who.
    pub principal: Principal,
    /// The client id it had before, if it has one.
    pub client: Option<ClientId>,
    /// An id to give it otherwise, random.
    pub fresh: ClientId,
    /// Where to begin.
    pub from: Begin,
    /// Bytes it is sent past what it says it has drawn.
    pub window: u64,
    /// Its window's size, where it has one.
    pub size: Option<Size>,
    /// Whether it may type: only then does its window count.
    pub may_type: bool,
}

/// Where a viewer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With the screen as it is now.
    Screen {
        /// Most lines above it.
        scrollback: usize,
    },
    /// At the oldest byte held.
    Start,
    /// At this byte; when it is no longer held, with the screen and after being told of the gap.
    At(Offset),
}

/// Why a connection cannot attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// It wants bytes that were never printed.
    #[error("from: lies past the end, {}", .0.end)]
    PastTheEnd(NotHeld),
    /// The session has as many viewers as it may.
    #[error("the session has too many viewers")]
    TooManyViewers,
    /// The session has been closed.
    #[error("the session has been closed")]
    Closed,
}

impl Session {
    pub(super) fn new(
        opening: Opening,
        settings: &Settings,
        log: Log,
        end: watch::Receiver<Offset>,
        orders: mpsc::Sender<Order>,
        screen: ScreenDoor,
    ) -> Self {
        let now = (settings.now)();
        let command = opening.launch.command().iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let sizes = opening.sizes.unwrap_or(settings.sizes);
        let status = Status::starting(opening.name, opening.size);
        Self {
            id: opening.id,
            owner: opening.owner,
            command,
            dir: opening.launch.dir().to_path_buf(),
            start_on: opening.start_on,
            opened_at: now,
            modified_at: AtomicI64::new(now.as_millisecond()),
            printed_at: AtomicI64::new(0),
            log,
            end,
            status: watch::Sender::new(status),
            input: Mutex::default(),
            input_added: Notify::new(),
            viewers: Mutex::default(),
            follower_moved: Notify::new(),
            orders,
            screen,
            pace: opening.pace.unwrap_or(settings.pace),
            sizes,
            resync_bytes: settings.resync_bytes,
            sizing: Mutex::new(Sizing::new(sizes)),
            size_wanted: Notify::new(),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
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

    /// When it last printed or changed.
    #[must_use]
    pub fn modified_at(&self) -> Timestamp {
        let millis = self.modified_at.load(Ordering::Relaxed);
        Timestamp::from_millisecond(millis).unwrap_or(self.opened_at)
    }

    /// When it last printed, if it has.
    #[must_use]
    pub fn printed_at(&self) -> Option<Timestamp> {
        let millis = self.printed_at.load(Ordering::Relaxed);
        Timestamp::from_millisecond(millis).ok().filter(|at| *at != Timestamp::UNIX_EPOCH)
    }

    /// Its output.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// Its latest values.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Changes the latest values. Only the task changes the state and the size.
    pub(super) fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            *status != before
        });
    }

    pub(super) fn touch(&self, now: Timestamp) {
        self.modified_at.store(now.as_millisecond(), Ordering::Relaxed);
    }

    pub(super) fn printed(&self, now: Timestamp) {
        self.printed_at.store(now.as_millisecond(), Ordering::Relaxed);
        self.touch(now);
    }

    /// Gives it another name.
    pub fn rename(&self, name: String, now: Timestamp) {
        self.touch(now);
        self.update(|status| status.name = name);
    }

    /// Attaches a viewer.
    ///
    /// # Errors
    /// When it asks for bytes never printed, there are too many viewers, or the session has been closed.
    pub async fn attach(self: &Arc<Self>, attach: &Attach, now: Instant) -> Result<(Viewer, Attached), AttachError> {
        let held = self.log.held();
        let from = match attach.from {
            Begin::Screen { .. } => held.end,
            Begin::Start => held.start,
            Begin::At(offset) => offset,
        };
        let end = self.end.clone();
        let reader = self.log.reader(from).map_err(AttachError::PastTheEnd)?;
        let (id, progress) = {
            let mut viewers = self.viewers.lock();
            let joined =
                viewers.join(from, matches!(attach.from, Begin::Screen { .. })).ok_or(AttachError::TooManyViewers)?;
            self.count_viewers(&mut viewers);
            joined
        };
        let identity = self.input.lock().clients.attach(attach.client, attach.fresh, attach.principal, id, now);
        let mut viewer = Viewer::new(Parts {
            session: Arc::clone(self),
            id,
            client: identity.id,
            reader,
            progress,
            window: attach.window,
            end,
        });
        // Before anything that attaching sets off, so that it is told.
        let known = self.status.borrow().clone();
        if known.state == State::Starting {
            // Dropped when another viewer came first: the program is started once.
            let _ = self.orders.try_send(Order::Start(attach.size.filter(|_| attach.may_type)));
        }
        if attach.may_type {
            let wanted = self.sizing.lock().join(id, attach.size, attach.principal == self.owner);
            // Where nothing runs there is nothing to resize.
            let _ = self.resize_to(wanted).await;
        }
        let mut attached = Attached {
            input_seq: identity.taken,
            offset: from,
            size: self.log.size_at(from),
            known,
            status: self.status.subscribe(),
            written: identity.written,
            superseded: identity.superseded,
        };
        if let Begin::Screen { scrollback } = attach.from {
            let snapshot = viewer.begin_with_screen(scrollback).await.map_err(|_| AttachError::Closed)?;
            (attached.offset, attached.size) = (snapshot.at.offset, snapshot.at.size);
        }
        Ok((viewer, attached))
    }

    pub(super) fn detach(&self, id: ViewerId, client: ClientId, now: Instant) {
        {
            let mut viewers = self.viewers.lock();
            viewers.leave(id);
            self.count_viewers(&mut viewers);
        }
        if self.sizing.lock().leave(id) {
            self.size_wanted.notify_one();
        }
        self.screen.unwatched.notify_one();
        self.follower_moved.notify_one();
        if self.input.lock().clients.detach(client, id, now) {
            self.update(|status| {
                status.control.take_if(|holder| *holder == client);
            });
        }
    }

    /// How far whoever the program is paced for has come; that of the log, which is at `end`, when it is for nobody.
    pub(super) fn leader(&self, end: Offset) -> Offset {
        match self.pace {
            Pace::Free => end,
            Pace::Fastest | Pace::Lossless => self.viewers.lock().fastest().unwrap_or(end),
        }
    }

    /// How far a viewer may fall behind before it skips.
    pub(super) const fn resync_bytes(&self) -> u64 {
        self.resync_bytes
    }

    fn count_viewers(&self, viewers: &mut Viewers) {
        let (count, is_news) = viewers.count();
        self.status.send_if_modified(|status| {
            status.viewers = count;
            is_news
        });
    }

    pub(super) fn follower_moved(&self) {
        self.follower_moved.notify_one();
    }

    /// Takes bytes to type that come from no client, for a program that drives the session.
    ///
    /// # Errors
    /// When the session does not take input now.
    pub fn input(&self, bytes: Bytes) -> Result<(), InputRefused> {
        self.input_from(None, None, bytes)
    }

    pub(super) fn input_from(
        &self,
        from: Option<Numbered>,
        viewer: Option<ViewerId>,
        bytes: Bytes,
    ) -> Result<(), InputRefused> {
        let client = from.map(|from| from.client);
        let refusal = {
            let status = self.status.borrow();
            match status.state {
                State::Running { .. } if status.control.is_none() || status.control == client => None,
                State::Running { .. } => Some(InputRefused::ControlHeld),
                _ => Some(InputRefused::NotRunning),
            }
        };
        let mut input = self.input.lock();
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
    pub(super) fn answer(&self, bytes: Vec<u8>) {
        if matches!(self.status.borrow().state, State::Running { .. }) {
            self.input.lock().queue.push_answer(bytes.into());
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
        self.order(|done| Order::Resize(size, done)).await
    }

    /// As [`Session::resize`], if a size is wanted.
    pub(super) async fn resize_to(&self, wanted: Option<Size>) -> Result<(), NotRunning> {
        match wanted {
            Some(size) => self.resize(size).await,
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

    /// Begins to end the session's program, if it runs. [`Session::ended`] tells when that is done.
    pub fn begin_closing(&self) {
        self.closing.cancel();
    }

    /// Whether it is being closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    pub(super) const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Waits until the program, and everything in its POSIX session, has ended and all it printed is in the log.
    pub async fn ended(&self) {
        let mut end = self.end.clone();
        while end.changed().await.is_ok() {}
    }

    /// Tells viewers that the session is no more. The registry does this when it has forgotten it.
    pub fn mark_closed(&self) {
        self.closed.cancel();
    }

    /// Cancelled when the session is no more.
    #[must_use]
    pub const fn closed(&self) -> &CancellationToken {
        &self.closed
    }
}

/// What an attaching client is told, now and later.
pub struct Attached {
    /// The highest seq already taken from this client.
    pub input_seq: u64,
    /// Where its output starts.
    pub offset: Offset,
    /// The size in force there.
    pub size: Size,
    /// The session's latest values when it attached.
    pub known: Status,
    /// And from then on.
    pub status: watch::Receiver<Status>,
    /// The highest seq of this client's input that was written to the PTY.
    pub written: watch::Receiver<u64>,
    /// Cancelled when another connection attaches as the same client.
    pub superseded: CancellationToken,
}
