//! The screen's one owner: follows the log off the hot path, and answers what is asked about the screen.
//!
//! Runs on a runtime of its own, a slice at a time, so that thousands of screens share its threads fairly and none of
//! them ever delays a byte between a program and its viewers. No lock: everything that wants the screen asks here.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::checkpoints::{Beside, Checkpoints};
use super::deadline::until;
use super::handle::Session;
use super::input::Answer;
use super::ledger::Ledger;
use super::origin::{Answered, Origin};
use super::screen::{ASKED_MAX, Asked, Question, ScreenAt, ScreenDoor, Snapshotted};
use super::shown::Shown;
use crate::terminal::log::{Chunk, Log, LogReader, Message, OUTPUT, Pull, snapshot_frame};
use crate::terminal::screen::Screen;
use crate::terminal::{Offset, Size};

/// A screen nobody looks at and nothing happens to for this long gives up what it can rebuild.
const HIBERNATES_AFTER: Duration = Duration::from_secs(30);
/// How long a closed session's screen can still be asked: while its viewers take the rest of the output.
const CLOSED_GRACE: Duration = Duration::from_secs(8);
/// Snapshots kept until the screen changes, each with another number of lines of scrollback: those of attaching, of
/// resyncs, and what programs ask for.
const SNAPSHOTS_MAX: usize = 4;
/// Frames remembered to be passed over because the engine failed on them twice.
const POISONED_MAX: usize = 16;

/// Follows one session's log with its screen. Holds no session alive.
pub(super) struct Follower {
    session: Weak<Session>,
    settings: Settings,
    log: Log,
    reader: LogReader,
    end: watch::Receiver<Offset>,
    leaving: CancellationToken,
    closed: CancellationToken,
    screen: Screen,
    /// Where output goes on for those who begin with the screen: behind what it shows, but before an exit, which they
    /// are to learn of.
    position: LogReader,
    at: ScreenAt,
    changes: watch::Sender<ScreenAt>,
    questions: mpsc::Receiver<Asked>,
    /// Those that want to see more than is shown yet.
    waiting: VecDeque<Asked>,
    snapshots: Vec<(usize, Arc<Snapshotted>)>,
    unwatched: Arc<Notify>,
    rebuild: Rebuild,
    shown: Shown,
    checkpoints: Checkpoints,
    /// Events taken at the very offset the screen is at, and those of them to be passed over because the screen it began
    /// with had seen them.
    events: usize,
    seen: usize,
    answered: Answered,
}

/// What a failure of the engine leaves to be remembered.
#[derive(Default)]
struct Rebuild {
    /// Output before this was answered and told of already, and is only parsed again.
    until: Offset,
    /// The frame the engine last failed on.
    failed_on: Option<Frame>,
    /// Frames it failed on twice: they are passed over.
    poisoned: VecDeque<Frame>,
}

/// A frame of the log: its kind and its offset. An event takes no room: the output behind it has the same offset.
type Frame = (u8, Offset);

/// Of the events in the log, the one that matters here.
#[derive(Deserialize)]
struct InOrder<'a> {
    event: &'a str,
    #[serde(default)]
    cols: u64,
    #[serde(default)]
    rows: u64,
}

/// The engine panicked while it took this frame.
struct Failed(Frame);

impl Follower {
    /// A follower from `origin` on, still to be given its session, and the way to it.
    pub(super) fn create(
        settings: &Settings,
        log: &Log,
        end: watch::Receiver<Offset>,
        origin: &Origin,
        ledger: Ledger,
    ) -> (Self, ScreenDoor) {
        let reader = log.reader_anywhere(origin.offset);
        // One that is not blank has changed since there was nothing.
        let revision = u64::from(origin.checkpoint.is_some());
        let at = ScreenAt { offset: origin.offset, revision, size: origin.size };
        let (ask, questions) = mpsc::channel(ASKED_MAX);
        let (changes, changes_seen) = watch::channel(at);
        let unwatched = Arc::new(Notify::new());
        log.has_shown(origin.offset);
        let follower = Self {
            session: Weak::new(),
            settings: settings.clone(),
            log: log.clone(),
            position: reader.clone(),
            reader,
            end,
            leaving: CancellationToken::new(),
            closed: CancellationToken::new(),
            screen: origin.screen(settings),
            at,
            changes,
            questions,
            waiting: VecDeque::new(),
            snapshots: Vec::new(),
            unwatched: Arc::clone(&unwatched),
            rebuild: Rebuild::default(),
            shown: Shown::new(settings.clipboard, ledger.clone(), origin),
            checkpoints: Checkpoints::new(ledger, settings.log_bytes, origin.offset),
            events: 0,
            seen: origin.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.events),
            answered: origin.answered,
        };
        (follower, ScreenDoor { questions: ask, changes: changes_seen, unwatched })
    }

    /// Follows `session` until nobody can ask about it any more.
    pub(super) fn follow(mut self, session: &Arc<Session>) -> impl Future<Output = ()> + Send + use<> {
        self.session = Arc::downgrade(session);
        (self.leaving, self.closed) = (session.leaving().clone(), session.closed().clone());
        session.update(|status| self.shown.begin(status, &self.screen));
        // Borrowed there: a future has room for what it was given beside what that becomes in it, and this is large.
        async move { self.run().await }
    }

    async fn run(&mut self) {
        let mut idle_at = Some(Instant::now() + HIBERNATES_AFTER);
        let mut gone_at = None;
        let mut program_ended = false;
        loop {
            if self.hear().is_break() {
                return;
            }
            let more = self.step();
            self.answer(!more);
            if more {
                idle_at = Some(Instant::now() + HIBERNATES_AFTER);
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                biased;
                asked = self.questions.recv() => match asked {
                    Some(asked) => {
                        self.waiting.push_back(asked);
                        idle_at = Some(Instant::now() + HIBERNATES_AFTER);
                    }
                    None => return,
                },
                changed = self.end.changed(), if !program_ended => program_ended = changed.is_err(),
                () = self.unwatched.notified() => idle_at = Some(Instant::now() + HIBERNATES_AFTER),
                () = until(self.checkpoints.due_at()) => self.keep_all(),
                () = until(idle_at), if idle_at.is_some() => {
                    idle_at = None;
                    self.hibernate();
                }
                // Behind the questions: those that came before are answered.
                () = self.leaving.cancelled() => break,
                () = self.closed.cancelled(), if gone_at.is_none() => gone_at = Some(Instant::now() + CLOSED_GRACE),
                () = until(gone_at), if gone_at.is_some() => return,
            }
        }
        if let Some(session) = self.session.upgrade() {
            session.until_unread().await;
        }
    }

    /// Writes the screen down with all lines above it.
    fn keep_all(&mut self) {
        self.checkpoints.keep_all(&self.screen, self.beside());
        self.log.has_shown(self.checkpoints.offset());
        if let Some(session) = self.session.upgrade() {
            session.follower_moved();
        }
    }

    /// What a checkpoint says besides what the screen does.
    fn beside(&self) -> Beside {
        let answers = self.session.upgrade().map(|session| session.input.lock().queue.answers());
        Beside {
            at: self.at,
            events: self.events,
            bells: self.shown.bells(&self.screen),
            answers: answers.unwrap_or_default(),
        }
    }

    /// Takes the questions there are, so that what is looked at next is not older than they are. Breaks when nobody
    /// is left to ask.
    fn hear(&mut self) -> ControlFlow<()> {
        while self.waiting.len() < ASKED_MAX {
            match self.questions.try_recv() {
                Ok(asked) => self.waiting.push_back(asked),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes one slice of the log, at most a segment. Returns whether there may be more.
    fn step(&mut self) -> bool {
        // What is parsed a second time ends exactly where what is new begins, and so does what was answered.
        let ends =
            [self.rebuild.until, self.answered.upto, self.shown.told()].into_iter().filter(|end| self.at.offset < *end);
        let limit = ends.min().unwrap_or(Offset(u64::MAX));
        match self.reader.pull(limit) {
            Pull::Chunk(chunk) => {
                match self.take(&chunk) {
                    Ok(wire) => self.moved(wire),
                    Err(failed) => self.rebuild(&failed),
                }
                true
            }
            Pull::Gap { from, to } => {
                // The log keeps what the screen has not seen, so this is for a screen rebuilt from what it still had.
                tracing::warn!(%from, %to, "a screen missed output");
                self.at.offset = to;
                true
            }
            Pull::Limited | Pull::CaughtUp => false,
        }
    }

    /// Takes `chunk`, and tells how much of the log that is.
    fn take(&mut self, chunk: &Chunk) -> Result<usize, Failed> {
        let (mut left_out, mut taken) = (0, 0);
        for Message { kind, offset, payload, wire } in chunk.messages() {
            taken += wire;
            let screen = &mut self.screen;
            if kind == OUTPUT {
                (self.events, self.seen) = (0, 0);
            } else {
                self.events += 1;
                if self.events <= self.seen {
                    left_out = if is_exit(payload) { wire } else { 0 };
                    continue;
                }
            }
            let frame = (kind, offset);
            let is_poisoned = self.rebuild.poisoned.contains(&frame);
            if kind == OUTPUT {
                if !is_poisoned {
                    unless_it_panics(|| screen.feed(payload)).ok_or(Failed(frame))?;
                }
            } else if let Some(size) = resized(payload) {
                if is_poisoned {
                    // Its size is right at least.
                    *screen = self.settings.blank_screen(size);
                } else {
                    unless_it_panics(|| screen.resize(size)).ok_or(Failed(frame))?;
                }
                self.at.size = size;
            } else {
                left_out = wire; // an exit, and so the last of all
            }
        }
        self.position = self.reader.before(left_out);
        self.at.offset = chunk.end();
        self.at.revision += 1;
        self.snapshots.clear();
        Ok(taken)
    }

    /// Tells what a slice of so much of the log changed, and answers what it asked.
    fn moved(&mut self, wire: usize) {
        let answers = self.screen.take_answers();
        if self.at.offset < self.rebuild.until {
            return;
        }
        // What was parsed again has been answered before.
        let is_new = std::mem::take(&mut self.rebuild.until) == Offset::ZERO;
        let session = self.session.upgrade();
        let answer = Answer { upto: self.at.offset, written: 0, bytes: answers.into() };
        if let Some(session) = &session {
            if is_new && let Some(answer) = self.answered.left(answer) {
                session.answer(answer);
            }
            session.update(|status| self.shown.moved(status, &self.screen, self.at.offset, is_new));
        }
        // Behind that, so that it says what is still to be answered, and what an engine that was rebuilt counts from.
        let now = Instant::now();
        if self.checkpoints.moved(wire, now) {
            self.checkpoints.keep_some(&self.screen, self.beside(), now);
        }
        self.log.has_shown(self.checkpoints.offset());
        if let Some(session) = session {
            session.follower_moved();
        }
        self.changes.send_replace(self.at);
    }

    /// Begins again with what the log holds, after a failure of the engine. It costs this screen what the log no
    /// longer had; a frame that makes it fail again is passed over.
    fn rebuild(&mut self, &Failed(frame): &Failed) {
        let again = self.rebuild.failed_on.replace(frame) == Some(frame);
        let (_, offset) = frame;
        tracing::error!(session = ?self.session.upgrade().map(|session| session.id().to_string()), %offset, again,
            "a screen failed and is rebuilt from the log");
        if again {
            self.rebuild.poisoned.push_back(frame);
            if self.rebuild.poisoned.len() > POISONED_MAX {
                self.rebuild.poisoned.pop_front();
            }
        }
        let start = self.log.held().start;
        if let Ok(reader) = self.log.reader(start) {
            self.reader = reader;
        }
        self.position = self.reader.clone();
        let size = self.log.size_at(start);
        self.screen = self.settings.blank_screen(size);
        self.rebuild.until = self.rebuild.until.max(self.at.offset);
        (self.events, self.seen) = (0, 0);
        self.at = ScreenAt { offset: start, revision: self.at.revision + 1, size };
        self.snapshots.clear();
    }

    /// Answers the questions whose time has come.
    fn answer(&mut self, caught_up: bool) {
        if self.at.offset < self.rebuild.until {
            return;
        }
        let due = |asked: &Asked| caught_up || asked.upto < self.at.offset;
        let (due, later): (Vec<_>, VecDeque<_>) = {
            let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(due);
            (due, later.into())
        };
        self.waiting = later;
        for Asked { question, .. } in due {
            match question {
                Question::Snapshot { scrollback, answer } => {
                    if !answer.is_closed()
                        && let Some(snapshot) = self.snapshot(scrollback)
                    {
                        drop(answer.send(snapshot));
                    }
                }
                Question::Read(read) => {
                    let (screen, at) = (&self.screen, self.at);
                    if unless_it_panics(|| read(screen, at)).is_none() {
                        tracing::error!(offset = %at.offset, "a screen could not be read");
                    }
                }
            }
        }
    }

    /// The snapshot with so much scrollback, made anew only when the screen has changed. None when the engine fails.
    fn snapshot(&mut self, scrollback: usize) -> Option<Arc<Snapshotted>> {
        let scrollback = scrollback.min(self.screen.scrollback_len());
        if let Some((_, made)) = self.snapshots.iter().find(|(lines, _)| *lines == scrollback) {
            return Some(Arc::clone(made));
        }
        let screen = &self.screen;
        let Some(snapshot) = unless_it_panics(|| screen.snapshot(scrollback)) else {
            tracing::error!(offset = %self.at.offset, "no snapshot of a screen could be made");
            return None;
        };
        let (frame, payload) = snapshot_frame(self.at.offset, &snapshot);
        let made = Arc::new(Snapshotted {
            at: self.at,
            scrollback: snapshot.scrollback,
            frame: frame.into(),
            payload,
            position: self.position.clone(),
        });
        if self.snapshots.len() == SNAPSHOTS_MAX {
            self.snapshots.remove(0);
        }
        self.snapshots.push((scrollback, Arc::clone(&made)));
        Some(made)
    }

    fn hibernate(&mut self) {
        let is_watched = self.session.upgrade().is_some_and(|session| session.status().viewers > 0);
        if !is_watched {
            if self.checkpoints.due_at().is_some() {
                self.keep_all();
            }
            self.snapshots = Vec::new();
            self.waiting = VecDeque::new();
            self.screen.hibernate();
        }
    }
}

impl Drop for Follower {
    /// However it ends: the log keeps nothing for a screen that follows no more, and the program waits for none.
    fn drop(&mut self) {
        if self.leaving.is_cancelled() {
            return; // the next server's screen goes on from the checkpoint
        }
        self.log.has_shown(Offset(u64::MAX));
        if let Some(session) = self.session.upgrade() {
            session.follower_moved();
        }
    }
}

/// Whether this event is a program's end.
pub(super) fn is_exit(json: &[u8]) -> bool {
    serde_json::from_slice(json).is_ok_and(|InOrder { event, .. }| event == "exit")
}

/// The size a resize event tells of.
pub(super) fn resized(json: &[u8]) -> Option<Size> {
    let InOrder { event, cols, rows } = serde_json::from_slice(json).ok()?;
    (event == "resize").then(|| Size::new(cols, rows).ok())?
}

/// What `work` gives, unless the engine panics in it: that must cost no more than one screen.
pub(super) fn unless_it_panics<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

#[cfg(test)]
#[path = "follower_tests.rs"]
mod tests;
