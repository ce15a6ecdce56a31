//! What is only worth knowing in its latest value: kept in a `watch`, never queued.

use jiff::Timestamp;
use rustix::process::Pid;

use super::{ClientId, Exit};
use crate::terminal::Size;

/// Where a session is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its program has not been started yet.
    Starting,
    /// Its program runs.
    Running {
        /// The program's process id, and its process group's and POSIX session's.
        pid: Pid,
    },
    /// Its program has ended; output stays readable until the session is closed.
    Exited {
        /// How.
        exit: Exit,
        /// When.
        at: Timestamp,
    },
}

/// The latest values of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What people call it.
    pub name: String,
    /// Where it is in its life.
    pub state: State,
    /// The terminal's size now.
    pub size: Size,
    /// How many viewers are attached.
    pub viewers: usize,
    /// The client that has taken exclusive control, if one has.
    pub control: Option<ClientId>,
}
