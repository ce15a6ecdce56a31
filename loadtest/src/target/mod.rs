//! What can be measured: a server that opens sessions, and tells where they are attached to.
//!
//! A target knows how to speak to its server about sessions; bytes of sessions are the clients' affair.

pub(crate) mod fantail;
pub(crate) mod floor;
pub(crate) mod http;
mod native;

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

    /// Opens a session running `command`.
    fn open(&mut self, command: &[String], pace: Pace) -> anyhow::Result<Session>;

    /// Ends it, and all that runs in it.
    fn close(&mut self, session: &Session) -> anyhow::Result<()>;

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

    /// Types the line for which floods wait.
    fn begin_flood(&mut self, _session: &Session, crowd: &mut Crowd) -> anyhow::Result<()> {
        crowd.type_in(0, ENTER)
    }
}
