//! What the holder keeps, and what becomes of it at each request.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;

use rustix::process::{
    Pid, PidfdFlags, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open, waitid,
};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer};
use rustix::termios::tcgetpgrp;

use super::message::{self, Id, PAGE, Reply, Request, refusal};
use super::{Serving, strays};
use crate::session::{
    ENCODED_MAX, Exit, Launch, Leader, Others, SessionId, SpawnError, Started, Whose, kill_all_now, signal_all, start,
};
use crate::terminal::Size;

/// An answer, and what goes with it.
pub(super) struct Answer<'a> {
    pub(super) reply: Reply,
    pub(super) kept: Vec<BorrowedFd<'a>>,
    /// Behind those: made for the answer, because a child's id is as good to keep and costs no descriptor.
    pub(super) pidfd: Option<OwnedFd>,
}

impl Answer<'_> {
    /// All of it, in order.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.kept.iter().copied().chain(self.pidfd.as_ref().map(OwnedFd::as_fd)).collect()
    }
}

/// The sessions kept. Bounded by the limit of descriptors: each takes at least one.
pub(super) struct Sessions {
    kept: BTreeMap<SessionId, Held>,
    /// The descriptor limit programs start with.
    descriptors: Rlimit,
    others: Others,
    serving: Serving,
}

struct Held {
    memory: OwnedFd,
    program: Option<Program>,
    /// How the program ended that is reaped.
    exit: Option<Exit>,
}

/// A program, running or ended, and its terminal.
struct Program {
    pid: Pid,
    master: OwnedFd,
    input: OwnedFd,
    /// Held open so that the terminal does not end while a program has merely closed it.
    _slave: OwnedFd,
    parent: Parent,
}

/// Whose child a program is.
enum Parent {
    /// Ours: its id is nobody else's before it is reaped here.
    Us { _known: Leader },
    /// Somebody's, who may have reaped it: only its pidfd names it.
    Another { pidfd: OwnedFd },
}

impl From<Reply> for Answer<'_> {
    fn from(reply: Reply) -> Self {
        Self { reply, kept: Vec::new(), pidfd: None }
    }
}

impl Sessions {
    pub(super) const fn new(descriptors: Rlimit, others: Others, serving: Serving) -> Self {
        Self { kept: BTreeMap::new(), descriptors, others, serving }
    }

    pub(super) const fn serving(&self) -> &Serving {
        &self.serving
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Does what is asked. What came with it and is not kept is closed.
    pub(super) fn answer(&mut self, request: Request, came: Vec<OwnedFd>) -> Answer<'_> {
        match request {
            Request::Hello { protocol } if protocol == message::PROTOCOL => {
                let pid = rustix::process::getpid().as_raw_nonzero().get();
                Reply::Hello { protocol, version: message::version().into(), pid }.into()
            }
            Request::Hello { protocol } => message::other_protocol(protocol).into(),
            Request::Spawn { session, cols, rows } => self.spawn(session.0, (cols, rows), came),
            Request::Keep { session } => self.keep(session.0, came).into(),
            Request::List { after } => self.list(after).into(),
            Request::Take { session } => self.take(session.0),
            Request::Exit { session } => self.exit(session.0).into(),
            Request::Reap { session } => self.reap(session.0).into(),
            Request::Forget { session } => self.forget(session.0).into(),
            Request::Adopt { session, pid } => self.adopt(session.0, pid, came).into(),
            Request::End => self.end().into(),
            Request::Signal { session, signal, all } => self.signal(session.0, signal, all).into(),
        }
    }

    fn spawn(&mut self, session: SessionId, (cols, rows): (u16, u16), came: Vec<OwnedFd>) -> Answer<'_> {
        let Ok([memory, launch]) = <[OwnedFd; 2]>::try_from(came) else { return wrong_descriptors().into() };
        if self.runs(session) {
            return exists(session).into();
        }
        let Ok(size) = Size::new(cols.into(), rows.into()) else {
            return Reply::refused(refusal::MALFORMED, "no terminal has this size").into();
        };
        let launch = match read_launch(launch) {
            Ok(launch) => launch,
            Err(error) => return Reply::refused(refusal::MALFORMED, error.to_string()).into(),
        };
        if !self.serving.may_run_as(launch.confinement().user.as_deref()) {
            return Reply::not_started(&SpawnError::UserForbidden).into();
        }
        let program = match Program::start(&launch, size, self.descriptors, self.others) {
            Ok(program) => program,
            Err(error) => return Reply::not_started(&error).into(),
        };
        let pid = program.pid.as_raw_nonzero().get();
        let pidfd = program.pidfd();
        self.kept.insert(session, Held { memory, program: Some(program), exit: None });
        match pidfd {
            Ok(pidfd) => {
                let kept = self.program(session).into_iter().flat_map(Program::terminal).collect();
                Answer { reply: Reply::Spawned { pid }, kept, pidfd: Some(pidfd) }
            }
            Err(error) => {
                self.undo_spawn(session);
                Reply::not_started(&SpawnError::OutOfResources(error)).into()
            }
        }
    }

    /// The program that was just started could not be handed to anybody: nothing of it is left behind.
    pub(super) fn undo_spawn(&mut self, session: SessionId) {
        if let Some(program) = self.program(session) {
            let _ = kill_process(program.pid, Signal::KILL);
            self.forget(session);
        }
    }

    fn keep(&mut self, session: SessionId, came: Vec<OwnedFd>) -> Reply {
        let Ok([memory]) = <[OwnedFd; 1]>::try_from(came) else { return wrong_descriptors() };
        if self.runs(session) {
            return exists(session);
        }
        self.kept.insert(session, Held { memory, program: None, exit: None });
        Reply::Done
    }

    fn list(&self, after: Option<Id>) -> Reply {
        let behind = after.map_or(Bound::Unbounded, |Id(session)| Bound::Excluded(session));
        let mut sessions: Vec<_> =
            self.kept.range((behind, Bound::Unbounded)).take(PAGE + 1).map(|(session, _)| Id(*session)).collect();
        let more = sessions.len() > PAGE;
        sessions.truncate(PAGE);
        Reply::Sessions { sessions, more }
    }

    fn take(&self, session: SessionId) -> Answer<'_> {
        let Some(held) = self.kept.get(&session) else { return none(session).into() };
        let Some(program) = &held.program else {
            return Answer { reply: Reply::Taken { pid: None }, kept: vec![held.memory.as_fd()], pidfd: None };
        };
        let [master, input] = program.terminal();
        match program.pidfd() {
            Ok(pidfd) => Answer {
                reply: Reply::Taken { pid: Some(program.pid.as_raw_nonzero().get()) },
                kept: vec![held.memory.as_fd(), master, input],
                pidfd: Some(pidfd),
            },
            Err(error) => Reply::not_started(&SpawnError::OutOfResources(error)).into(),
        }
    }

    fn exit(&self, session: SessionId) -> Reply {
        match self.kept.get(&session) {
            None => none(session),
            Some(Held { program: None, exit, .. }) => exit.as_ref().map_or(Reply::Unknown, Reply::ended),
            Some(Held { program: Some(program), .. }) => match program.wait(WaitIdOptions::NOWAIT) {
                Reply::Ended { code, signal, .. } => Reply::Ended { code, signal, last: strays::are_none() },
                reply => reply,
            },
        }
    }

    /// Only the memory is left of a program that is reaped: all its output has been read.
    fn reap(&mut self, session: SessionId) -> Reply {
        let Some(held) = self.kept.get_mut(&session) else { return none(session) };
        let Some(program) = &held.program else { return Reply::Unknown };
        let reply = program.wait(WaitIdOptions::empty());
        match reply {
            Reply::Running => return reply,
            Reply::Ended { code: Some(code), .. } => held.exit = Some(Exit::Code(code)),
            Reply::Ended { signal: Some(signal), .. } => held.exit = Some(Exit::Signal(signal)),
            _ => {}
        }
        held.program = None;
        reply
    }

    /// A program that still runs is from then on one that nobody waits for.
    fn forget(&mut self, session: SessionId) -> Reply {
        if let Some(Held { program: Some(program), .. }) = self.kept.remove(&session) {
            program.wait(WaitIdOptions::empty());
        }
        Reply::Done
    }

    fn adopt(&mut self, session: SessionId, pid: Option<i32>, came: Vec<OwnedFd>) -> Reply {
        if self.kept.contains_key(&session) {
            return exists(session);
        }
        let mut came = came.into_iter();
        let parts = (came.next(), came.next(), came.next(), came.next(), pid.map(message::process));
        let (memory, program) = match parts {
            (Some(memory), None, None, None, None) => (memory, None),
            (Some(memory), Some(master), Some(input), Some(pidfd), Some(Some(pid))) => {
                if !self.serving.may_keep(pid, &pidfd) {
                    return Reply::not_started(&SpawnError::UserForbidden);
                }
                let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
                let slave = match ioctl_tiocgptpeer(&master, flags) {
                    Ok(slave) => slave,
                    Err(error) => return Reply::not_started(&SpawnError::Other(error.into())),
                };
                (memory, Some(Program { pid, master, input, _slave: slave, parent: Parent::Another { pidfd } }))
            }
            _ => return wrong_descriptors(),
        };
        self.kept.insert(session, Held { memory, program, exit: None });
        Reply::Done
    }

    fn end(&mut self) -> Reply {
        let whose = |(session, held): (&SessionId, &Held)| {
            Some(Whose { leader: held.program.as_ref()?.pid, session: *session })
        };
        kill_all_now(&self.kept.iter().filter_map(whose).collect::<Vec<_>>());
        // Those that are still ending are reaped as strays.
        for session in self.kept.keys().copied().collect::<Vec<_>>() {
            self.forget(session);
        }
        Reply::Done
    }

    fn signal(&self, session: SessionId, signal: i32, all: bool) -> Reply {
        let Some(held) = self.kept.get(&session) else { return none(session) };
        let Some(program) = &held.program else { return Reply::Signalled { processes: Vec::new() } };
        let Some(signal) = Signal::from_named_raw(signal) else {
            return Reply::refused(refusal::MALFORMED, "no such signal");
        };
        let leader = program.pid;
        let processes = if all {
            signal_all(Whose { leader, session }, signal)
        } else {
            let group = tcgetpgrp(&program.master).unwrap_or(leader);
            kill_process_group(group, signal).map(|()| vec![group]).unwrap_or_default()
        };
        let processes = processes.into_iter().take(PAGE).map(|pid| pid.as_raw_nonzero().get()).collect();
        Reply::Signalled { processes }
    }

    fn program(&self, session: SessionId) -> Option<&Program> {
        self.kept.get(&session)?.program.as_ref()
    }

    fn runs(&self, session: SessionId) -> bool {
        self.program(session).is_some()
    }
}

impl Program {
    fn start(launch: &Launch, size: Size, descriptors: Rlimit, others: Others) -> Result<Self, SpawnError> {
        let Started { pid, master, slave, input } = start(launch, size, Some(descriptors), others)?;
        Ok(Self { pid, master, input, _slave: slave, parent: Parent::Us { _known: Leader::known(pid) } })
    }

    fn terminal(&self) -> [BorrowedFd<'_>; 2] {
        [self.master.as_fd(), self.input.as_fd()]
    }

    fn pidfd(&self) -> io::Result<OwnedFd> {
        match &self.parent {
            Parent::Us { .. } => Ok(pidfd_open(self.pid, PidfdFlags::NONBLOCK)?),
            Parent::Another { pidfd } => pidfd.try_clone(),
        }
    }

    fn wait(&self, options: WaitIdOptions) -> Reply {
        if matches!(self.parent, Parent::Another { .. }) {
            return Reply::Unknown;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | options;
        match waitid(WaitId::Pid(self.pid), options) {
            Ok(Some(status)) => Reply::ended(&Exit::from_status(&status)),
            Ok(None) => Reply::Running,
            Err(_) => Reply::Unknown,
        }
    }
}

fn read_launch(launch: OwnedFd) -> io::Result<Launch> {
    let file = File::from(launch);
    let len = file.metadata()?.len();
    let len =
        usize::try_from(len).ok().filter(|len| *len <= ENCODED_MAX).ok_or_else(|| io::Error::other("too long"))?;
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    Launch::decode(&bytes).map_err(io::Error::other)
}

fn wrong_descriptors() -> Reply {
    Reply::refused(refusal::DESCRIPTORS, "not the descriptors that go with this request")
}

fn none(session: SessionId) -> Reply {
    Reply::refused(refusal::NO_SUCH_SESSION, format!("session {session} is not kept here"))
}

fn exists(session: SessionId) -> Reply {
    Reply::refused(refusal::SESSION_EXISTS, format!("session {session} is kept here already"))
}
