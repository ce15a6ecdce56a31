//! A session's task while its program runs: everything that happens to the terminal and the log happens in this loop.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rustix::process::{Pid, kill_process_group};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::Instant;

use super::deadline::{Linger, until};
use super::delivery::Delivery;
use super::fitting::Fitting;
use super::handle::Session;
use super::oom;
use super::pace::{self, Pacing, Verdict};
use super::processes::{Ending, Signaller};
use super::pty::{Child, Pty, Readable, Spawned};
use super::task::{Handles, Order, Task};
use super::{Exit, Pace, Signal, State, ViewerId};
use crate::terminal::log::SEGMENT_BYTES;
use crate::terminal::{Offset, Size};

/// Most output read in one turn: some reads from a terminal, a tenth of a millisecond. Then all who wait for something
/// else come first, so that a flood does not make the echo of other sessions slow.
const READ_TURN: usize = 16 * 1024;
/// Most bytes that look like the echo of a key, with what an editor or a shell redraws of its line.
const ECHO_MAX: usize = 256;
/// What questions to a terminal begin with: ENQ, ESC, CSI.
const ASKING: [u8; 3] = [0x05, 0x1b, 0x9b];
/// How long the screen may be behind what somebody types. To wake its thread for each key would take as long as the
/// echo; who looks at the screen asks for what was printed then.
const SCREEN_PATIENCE: Duration = Duration::from_millis(10);
/// How long a program is held when there is no memory for what it prints, before that is asked for again.
const MEMORY_PAUSE: Duration = Duration::from_secs(1);

/// A session's task while its program runs.
pub(super) struct Running {
    task: Task,
    session: Arc<Session>,
    pty: Arc<Pty>,
    child: Box<dyn Child>,
    pid: Pid,
    pacing: Pacing,
    /// The terminal has been hung up: nothing more can be read.
    hung_up: bool,
    /// There was no memory for what the program prints: nothing is read before this.
    starved_until: Option<Instant>,
    delivery: Delivery,
    /// Who typed what was last written: the next output is most likely its echo.
    typist: Option<ViewerId>,
    /// The screen or viewers that stand in line are to be woken.
    waking: bool,
    /// The screen has not been told of an echo.
    untold: Linger,
    /// More was there last time than is read in one turn.
    floods: bool,
    /// The end of the output whose time was noted last.
    noted: Offset,
    fitting: Fitting,
}

/// How a burst of reading ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Burst {
    /// There was nothing more.
    Drained,
    /// So little, and nothing more, that it is most likely what somebody typed: it is on its way before more is looked
    /// for. Plain where nothing in it asks for an answer.
    Echo { is_plain: bool },
    /// The segment is full.
    Full,
    /// As much was read as may be in one turn.
    Cut,
    /// Nothing more can be read, for now or for ever.
    Stopped,
}

/// The turn to read.
struct Turn<'a> {
    readable: Readable<'a>,
    _flood: Option<SemaphorePermit<'a>>,
}

impl<'a> Turn<'a> {
    /// Waits for output, and where that is a flood until no other is read on this lane. May be dropped and called again.
    async fn next(pty: &'a Pty, lane: &'a Semaphore, floods: bool) -> Self {
        let readable = pty.readable().await;
        // It is never closed.
        let flood = if floods { lane.acquire().await.ok() } else { None };
        Self { readable, _flood: flood }
    }
}

/// Why a run ended.
enum Ended {
    /// The program has, or its session is being closed: what ends the rest of it, if that has begun.
    Exited { exit: Exit, ending: Option<Ending> },
    /// The next server goes on.
    Left,
}

impl Running {
    /// Of a program that was just started.
    pub(super) fn begin(task: Task, Spawned { pty, child }: Spawned) -> Self {
        let (session, pid) = (Arc::clone(&task.session), child.pid());
        *session.session_leader.lock() = Some(pid);
        session.update(|status| status.state = State::Running { pid });
        let pty = Arc::new(pty);
        Self {
            delivery: Delivery::new(&session, &pty),
            task,
            session,
            pty,
            child,
            pid,
            pacing: Pacing::default(),
            hung_up: false,
            starved_until: None,
            typist: None,
            waking: false,
            untold: Linger::default(),
            floods: false,
            noted: Offset::ZERO,
            fitting: Fitting::default(),
        }
    }

    /// Of a program that another server ran.
    pub(super) fn take_up(task: Task, spawned: Spawned) -> Self {
        let mut running = Self::begin(task, spawned);
        running.delivery.take_up();
        running.noted = running.task.log.end();
        // The other server may have ended between the event and the terminal's change.
        if let Ok(size) = running.pty.size()
            && size != running.session.status().size
        {
            running.task.resized(size);
        }
        running
    }

    pub(super) async fn run(mut self) {
        match self.until_ended().await {
            Ended::Exited { exit, ending } => self.finish(exit, ending).await,
            Ended::Left => {
                self.deliver();
                self.task.log.publish();
            }
        }
    }

    async fn finish(mut self, exit: Exit, ending: Option<Ending>) {
        self.typist = None;
        let exit = if ending.is_none() { explained(exit, self.pid).await } else { exit };
        // Everything it wrote is in the terminal by now, and at most a log of it is read: a program that left the
        // session could go on printing for ever.
        for _ in 0..self.task.settings.log_bytes / SEGMENT_BYTES {
            // The screen's threads wait for nobody, so this is not for long.
            while self.task.log.needs_screen() {
                tokio::select! {
                    // Nothing was written down yet of the end: the next server sees it too.
                    () = self.session.leaving().cancelled() => {
                        self.task.log.publish();
                        return;
                    }
                    () = self.session.follower_moved.notified() => {}
                }
            }
            let burst = self.read_burst(SEGMENT_BYTES);
            self.task.log.publish();
            self.task.published();
            if matches!(burst, Burst::Drained | Burst::Stopped) {
                break;
            }
        }
        self.note_output();
        self.task.exited(&exit);
        self.task.orders.close();
        // Those who sent one just before hear now that nothing runs, not once all that was left has ended.
        while self.task.orders.try_recv().is_ok() {}
        self.session.input.lock().clear();
        self.task.end_what_is_left(&mut *self.child, ending).await;
    }

    async fn until_ended(&mut self) -> Ended {
        let session = Arc::clone(&self.session);
        tokio::select! {
            biased;
            () = session.leaving().cancelled() => Ended::Left,
            (exit, ending) = self.until_exited() => Ended::Exited { exit, ending },
        }
    }

    /// May be dropped.
    async fn until_exited(&mut self) -> (Exit, Option<Ending>) {
        let (session, pty) = (Arc::clone(&self.session), Arc::clone(&self.pty));
        let mut closing = pin!(session.closing().cancelled().fuse());
        let mut ending: Option<Ending> = None;
        loop {
            let hold = self.hold();
            let can_read = hold == Verdict::Read && !self.hung_up && self.starved_until.is_none();
            if !can_read {
                self.publish(Burst::Cut); // what a flood has begun does not wait for the rest of it
            }
            // While a crowd is still being woken for the last burst the next one grows, unless an echo is awaited.
            let may_read = can_read && (!self.waking || self.typist.is_some());
            tokio::select! {
                biased;
                () = &mut closing => ending = Some(Ending::begin(&*self.child, session.id())),
                () = wait_for(&mut ending), if ending.is_some() => ending = None,
                () = session.bell.rung() => self.attend(),
                _ = pty.writable(), if self.delivery.is_blocked() => self.deliver(),
                turn = Turn::next(&pty, &session.lane.flood, self.floods), if may_read => self.read_turn(turn).await,
                // Behind all that is ready now.
                () = yield_now(), if self.waking => {
                    self.task.tell_screen();
                    self.waking = session.line.wake_some();
                }
                () = until(self.fitting.due()), if self.fitting.waits() => self.fit_waiting(),
                () = self.untold.due(), if self.untold.is_set() => self.task.tell_screen(),
                () = session.follower_moved.notified(), if hold != Verdict::Read => {}
                () = until(hold.deadline()) => {}
                () = until(self.starved_until), if self.starved_until.is_some() => self.starved_until = None,
                exit = exit_of(&mut *self.child) => return (exit, ending),
            }
        }
    }

    /// Looks at all it may have been called for. The program learns of a size before it reads what was typed for it.
    fn attend(&mut self) {
        while let Ok(order) = self.task.orders.try_recv() {
            self.obey(order);
        }
        let wanted = self.session.sizing.lock().take_wanted();
        wanted.and_then(|decision| self.fitting.now(decision)).into_iter().for_each(|size| self.fit(size));
        if self.fitting.waits() && !self.session.input.lock().queue.is_empty() {
            self.fit_waiting();
        }
        self.deliver();
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

    /// Reads for a turn, and publishes once the terminal has nothing more or a segment is full: a flood leaves in large
    /// pieces.
    async fn read_turn(&mut self, turn: Turn<'_>) {
        let burst = self.read_burst(READ_TURN);
        self.floods = matches!(burst, Burst::Cut | Burst::Full);
        if burst != Burst::Cut {
            self.publish(burst);
        }
        if matches!(burst, Burst::Drained | Burst::Echo { .. }) {
            turn.readable.drained();
        }
        if self.floods {
            // Whoever became ready meanwhile comes first, and then another that floods.
            yield_now().await;
        }
    }

    /// Reads until the terminal has nothing more, a segment is full or `most` has been read, without publishing.
    fn read_burst(&mut self, most: usize) -> Burst {
        let mut all = 0;
        loop {
            let space = match self.task.log.space() {
                Ok(space) => space,
                Err(error) => {
                    tracing::error!(session = %self.session.id(), %error, "no memory left for what a program prints");
                    self.starved_until = Some(Instant::now() + MEMORY_PAUSE);
                    return Burst::Stopped;
                }
            };
            match self.pty.read(space) {
                Ok(read @ 1..) => {
                    // A terminal gives all it has, so this was all.
                    if self.typist.is_some() && all == 0 && read <= ECHO_MAX && read < space.len() {
                        let is_plain = !space[..read].iter().any(|byte| ASKING.contains(byte));
                        self.task.log.commit(read);
                        return Burst::Echo { is_plain };
                    }
                    self.task.log.commit(read);
                    all += read;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Burst::Drained,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // EIO, or an end of file on other systems: the program's session has ended.
                Ok(0) | Err(_) => {
                    self.hung_up = true;
                    return Burst::Stopped;
                }
            }
            if self.task.log.is_full() {
                return Burst::Full;
            }
            if all >= most {
                return Burst::Cut;
            }
        }
    }

    /// Publishes what a burst gave: to the viewer that typed first, then to the screen and the others, some at a time.
    fn publish(&mut self, burst: Burst) {
        self.task.log.publish();
        if !self.note_output() {
            return;
        }
        self.session.line.publish(self.task.log.end());
        let typist = self.typist.take().and_then(|typist| {
            let viewers = self.session.viewers.lock();
            Some((viewers.get(typist)?, viewers.len()))
        });
        let Some((typist, viewers)) = typist else {
            self.task.tell_screen();
            self.waking = self.session.line.wake_some();
            return;
        };
        typist.place.wake();
        let is_plain = burst == Burst::Echo { is_plain: true };
        if is_plain {
            self.untold.begin(SCREEN_PATIENCE);
        }
        self.waking = viewers > 1 || !is_plain;
    }

    /// Notes the time when anything was printed since it was last noted, and tells whether it was: a terminal can be
    /// readable without output.
    fn note_output(&mut self) -> bool {
        let end = self.task.log.end();
        let is_news = end != self.noted;
        if is_news {
            self.noted = end;
            self.session.printed((self.task.settings.now)());
        }
        is_news
    }

    /// Hands input on to the program.
    fn deliver(&mut self) {
        self.typist = self.delivery.deliver().or(self.typist);
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(_) => {} // it has been
            Order::Fit(decision, done) => {
                self.fitting.now(decision).into_iter().for_each(|size| self.fit(size));
                let _ = done.send(());
            }
            Order::Window(decision, done) => {
                self.fitting.window(decision, Instant::now()).into_iter().for_each(|size| self.fit(size));
                let _ = done.send(());
            }
            Order::Signal(signal, done) => {
                let _ = done.send(self.signal(signal));
            }
            Order::Handles(answer) => drop(answer.send(self.handles())),
        }
    }

    fn handles(&self) -> io::Result<Handles> {
        let (master, input) = self.pty.descriptors();
        Ok(Handles {
            pid: self.pid,
            master: master.try_clone_to_owned()?,
            input: input.try_clone_to_owned()?,
            pidfd: self.child.handle().get_ref().try_clone()?,
        })
    }

    fn fit_waiting(&mut self) {
        self.fitting.take_waiting(Instant::now()).into_iter().for_each(|size| self.fit(size));
    }

    fn fit(&mut self, size: Size) {
        if size == self.session.status().size {
            return;
        }
        // What the program printed so far was for the old size.
        if !self.task.log.needs_screen() {
            let _ = self.read_burst(SEGMENT_BYTES);
        }
        // First where it is seen: what cannot be recorded must not happen.
        if self.task.resized(size)
            && let Err(error) = self.pty.resize(size)
        {
            tracing::warn!(session = %self.session.id(), %error, "cannot resize");
        }
    }

    /// To the foreground group, or to the program's own when there is none. Where that is not ours to signal, tells who
    /// may.
    fn signal(&self, signal: Signal) -> Option<Arc<dyn Signaller>> {
        let group = self.pty.foreground().unwrap_or(self.pid);
        match kill_process_group(group, signal.number()) {
            Err(rustix::io::Errno::PERM) => self.child.signaller(),
            Err(error) => {
                tracing::debug!(session = %self.session.id(), %error, "nothing there to signal");
                None
            }
            Ok(()) => None,
        }
    }
}

/// Waits for a program's end, at no cost where it is looked for often, and learns how that was.
async fn exit_of(child: &mut dyn Child) -> Exit {
    child.has_ended().await;
    child.exited().await
}

/// The end of the program `pid`, with why it was killed if the kernel tells.
async fn explained(exit: Exit, pid: Pid) -> Exit {
    if exit != Exit::Signal(libc::SIGKILL) {
        return exit;
    }
    // A failed join is a runtime going down.
    let is_out_of_memory = spawn_blocking(move || oom::has_killed(pid)).await.unwrap_or(false);
    if is_out_of_memory { Exit::OutOfMemory } else { exit }
}

async fn wait_for(ending: &mut Option<Ending>) {
    match ending {
        Some(ending) => ending.done().await,
        None => std::future::pending().await,
    }
}
