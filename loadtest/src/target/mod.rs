//! What can be measured: a server that opens sessions, and tells where they are attached to.
//!
//! A target knows how to speak to its server about sessions; bytes of sessions are the clients' affair.

pub(crate) mod http;
pub(crate) mod native;
pub(crate) mod started;
pub(crate) mod ttyd;
pub(crate) mod vibetunnel;

use std::sync::Arc;

use crate::client::Attachment;
use crate::client::crowd::Crowd;
use crate::client::expected::Expected;
use crate::process::Process;
use crate::program::{ENTER, Program};

/// A session at a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: String,
}

/// For whom a program's output is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As the server is set.
    Usual,
    /// For everyone: nobody misses a byte.
    Lossless,
}

/// Where a viewer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With the oldest byte held.
    Start,
    /// With the screen as it is, where the server can say it.
    Screen,
}

/// A server under test.
pub(crate) trait Target {
    /// What it is called in results.
    fn name(&self) -> &'static str;

    /// The flags it was started with, where that is not as it comes: what a reader of its figures must know.
    fn terms(&self) -> Option<String> {
        None
    }

    /// Has the server open a session running `command`.
    fn start_session(&mut self, command: &[String], pace: Pace) -> anyhow::Result<Session>;

    /// Has the server end it, and all that runs in it.
    fn end_session(&mut self, session: &Session) -> anyhow::Result<()>;

    /// The sessions that are open.
    fn opened(&mut self) -> &mut Vec<Session>;

    /// Opens a session running `command`.
    fn open(&mut self, command: &[String], pace: Pace) -> anyhow::Result<Session> {
        let session = self.start_session(command, pace)?;
        self.opened().push(session.clone());
        Ok(session)
    }

    fn close(&mut self, session: &Session) -> anyhow::Result<()> {
        self.opened().retain(|open| open != session);
        self.end_session(session)
    }

    /// Closes what a measurement that failed has left open, which would be in the way of the next.
    fn close_left(&mut self) {
        for session in std::mem::take(self.opened()) {
            // What is wrong has been told already.
            let _ = self.end_session(&session);
        }
    }

    fn attachment(&self, session: &Session, begin: Begin) -> anyhow::Result<Attachment>;

    /// Waits until all that the server does with what was printed is done, work behind its viewers' backs included.
    fn settle(&mut self, session: &Session) -> anyhow::Result<()>;

    /// Waits until a session that nobody watches has printed all of `expected`, and that is shown.
    fn until_printed(&mut self, session: &Session, expected: &Arc<Expected>) -> anyhow::Result<()> {
        let mut crowd = Crowd::attach(&self.attachment(session, Begin::Start)?, 1, expected)?;
        crowd.until(|seen| seen.at >= expected.len())?;
        drop(crowd);
        self.settle(session)
    }

    /// Its processes, where they are on this machine.
    fn processes(&self) -> &[Process];

    /// Opens a session running one of ours.
    fn open_program(&mut self, program: &Program, pace: Pace) -> anyhow::Result<Session> {
        self.open(&program.command()?, pace)
    }

    /// Types to `session`, whose viewer is one of the crowd.
    fn type_to(&mut self, _session: &Session, crowd: &mut Crowd, viewer: usize, bytes: &[u8]) -> anyhow::Result<()> {
        crowd.type_in(viewer, bytes)
    }

    /// Types the line for which floods wait.
    fn begin_flood(&mut self, session: &Session, crowd: &mut Crowd) -> anyhow::Result<()> {
        self.type_to(session, crowd, 0, ENTER)
    }

    /// Whether viewers of a session share it. Otherwise each has a program of its own.
    fn shares(&self) -> bool {
        true
    }
}
