//! The holder itself: one loop over its listener, its connections and its children's ends, without a runtime.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Rlimit, chdir, getpid, set_child_subreaper, setsid};

use super::message::{self, NoRequest, Reply, Request, refusal};
use super::sessions::{Answer, Sessions};
use super::socket::{self, Received, Room};
use super::{HolderError, Serving, strays, system};
use crate::session::{Others, close_to_others, leave_no_core, raise_descriptors};

/// The lock that says there is a holder. It stays when the holder ends; the lock on it does not.
const LOCK: &str = "holder.lock";
/// Connections at once: a server, its successor at an upgrade, a command beside them, and one to spare.
const CONNECTIONS_MAX: usize = 4;
/// How long it stays when nothing is kept and nobody is connected: a server that is restarted finds it still there.
const IDLE_GRACE: Duration = Duration::from_secs(10);
/// How often strays are looked for at most: a look takes half a millisecond with thousands of sessions.
const STRAYS_EVERY: Duration = Duration::from_millis(100);

/// A holder that listens and does not answer yet.
pub struct Keeper {
    dir: PathBuf,
    listener: OwnedFd,
    ended_children: OwnedFd,
    connections: Vec<Connection>,
    sessions: Sessions,
    swept: Instant,
    sweep_due: bool,
    /// Held until the end, so that there is one.
    _lock: File,
}

struct Connection {
    socket: OwnedFd,
    room: Room,
    greeted: bool,
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Keep,
    Drop,
}

impl Keeper {
    /// Leaves whoever started this process, and listens in `dir`. None when there is a holder already. To be called
    /// before anything else is done in the process: it closes what it inherited.
    ///
    /// # Errors
    /// When the directory cannot be used or the system refuses.
    pub fn begin(
        dir: &Path,
        descriptors: Rlimit,
        serving: Serving,
        debuggable: bool,
    ) -> Result<Option<Self>, HolderError> {
        let others = if system::close_inherited() { Others::CloseOnExec } else { Others::CloseThem };
        system::ignore_hangups();
        if !debuggable {
            close_to_others();
        }
        leave_no_core();
        // Refused to the leader of a process group, such as a shell's job: then it leads its own session nearly.
        let _ = setsid();
        chdir("/").map_err(io::Error::from)?;
        set_child_subreaper(Some(getpid())).map_err(io::Error::from)?;
        // What cannot be raised bounds how many sessions are kept, and is told when one is opened.
        let _ = raise_descriptors();
        let Some(lock) = lock(dir)? else { return Ok(None) };
        Ok(Some(Self {
            dir: dir.to_owned(),
            listener: socket::bind_in(dir, serving.outlasts_idleness())?,
            ended_children: system::ended_children()?,
            connections: Vec::new(),
            sessions: Sessions::new(descriptors, others, serving),
            swept: Instant::now(),
            sweep_due: false,
            _lock: lock,
        }))
    }

    /// Answers until nothing is kept and nobody is connected for a while.
    ///
    /// # Errors
    /// When the system refuses what nothing can go on without.
    pub fn run(mut self) -> Result<(), HolderError> {
        let mut idle_since = Instant::now();
        loop {
            let is_idle =
                self.connections.is_empty() && self.sessions.is_empty() && !self.sessions.serving().outlasts_idleness();
            if !is_idle {
                idle_since = Instant::now();
            } else if idle_since.elapsed() >= IDLE_GRACE {
                break;
            }
            let idle = is_idle.then(|| IDLE_GRACE.saturating_sub(idle_since.elapsed()));
            let sweep = self.sweep_due.then(|| STRAYS_EVERY.saturating_sub(self.swept.elapsed()));
            self.wait(idle.into_iter().chain(sweep).min())?;
            if self.sweep_due && self.swept.elapsed() >= STRAYS_EVERY {
                self.sweep_due = false;
                strays::reap();
                self.swept = Instant::now();
            }
        }
        Ok(socket::remove_from(&self.dir)?)
    }

    /// Waits, at most for so long, and does what there is to do.
    fn wait(&mut self, at_most: Option<Duration>) -> Result<(), HolderError> {
        let fixed = [&self.listener, &self.ended_children];
        let all = fixed.into_iter().chain(self.connections.iter().map(|connection| &connection.socket));
        let mut watched: Vec<_> = all.map(|descriptor| PollFd::new(descriptor, PollFlags::IN)).collect();
        // Never shorter than asked, or the loop would turn until the time has come.
        let timeout = at_most.and_then(|time| Timespec::try_from(time + Duration::from_millis(1)).ok());
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let ready: Vec<_> = watched.iter().map(|watched| !watched.revents().is_empty()).collect();
        if ready[1] {
            let mut told = [0; 1024];
            // Read until there is nothing more: which children ended is looked up.
            while rustix::io::read(&self.ended_children, &mut told).is_ok_and(|read| read > 0) {}
            self.sweep_due = true;
        }
        let mut ready_connections = ready[2..].iter();
        let sessions = &mut self.sessions;
        self.connections.retain_mut(|connection| {
            let is_ready = ready_connections.next().is_some_and(|ready| *ready);
            !is_ready || connection.answer(sessions) == Next::Keep
        });
        if ready[0] {
            self.accept();
        }
        Ok(())
    }

    /// Takes one connection. A stranger is hung up on: the directory is closed to others, so hardly anybody gets here.
    fn accept(&mut self) {
        let Ok(socket) = socket::accept_from(&self.listener) else { return };
        if !socket::peer(&socket).is_ok_and(|peer| self.sessions.serving().takes(peer)) {
            return;
        }
        if self.connections.len() >= CONNECTIONS_MAX {
            // One that has not even said hello makes room for one that may.
            let Some(silent) = self.connections.iter().position(|connection| !connection.greeted) else {
                let refused = Reply::refused(refusal::TOO_MANY, "as many are connected as may be");
                let _ = send(&socket, &refused.into());
                return;
            };
            self.connections.remove(silent);
        }
        self.connections.push(Connection { socket, room: Room::default(), greeted: false });
    }
}

impl Connection {
    /// Answers one request. Whoever sends what is none, or does not read its answers, is hung up on.
    fn answer(&mut self, sessions: &mut Sessions) -> Next {
        let Received { bytes, descriptors } = match socket::receive(&self.socket, &mut self.room) {
            Ok(Some(received)) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Keep,
            Ok(None) | Err(_) => return Next::Drop,
        };
        let (answer, spawned) = match message::request(&bytes) {
            Err(NoRequest::Garbage) => return Next::Drop,
            Err(NoRequest::Refused(reply)) => (reply.into(), None),
            Ok(request) if !self.greeted && !matches!(request, Request::Hello { .. }) => {
                (Reply::refused(refusal::HELLO_FIRST, "the first word is hello").into(), None)
            }
            Ok(request) => {
                let spawned = if let Request::Spawn { session, .. } = &request { Some(session.0) } else { None };
                (sessions.answer(request, descriptors), spawned)
            }
        };
        self.greeted |= matches!(answer.reply, Reply::Hello { .. });
        let was_spawned = matches!(answer.reply, Reply::Spawned { .. });
        if send(&self.socket, &answer).is_ok() {
            return Next::Keep;
        }
        if let Some(session) = spawned.filter(|_| was_spawned) {
            sessions.undo_spawn(session);
        }
        Next::Drop
    }
}

fn send(socket: &OwnedFd, answer: &Answer<'_>) -> io::Result<()> {
    socket::send(socket, &serde_json::to_vec(&answer.reply)?, &answer.descriptors())
}

fn lock(dir: &Path) -> Result<Option<File>, HolderError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(dir.join(LOCK))?;
    Ok(flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file))
}
