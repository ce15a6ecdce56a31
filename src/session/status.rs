//! What is only worth knowing in its latest value: kept in a `watch`, never queued.

use std::sync::Arc;

use jiff::Timestamp;
use rustix::process::Pid;

use super::Exit;
use super::control::Control;
use crate::terminal::Size;
use crate::terminal::screen::Clipboard;

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
    /// The client that has taken exclusive control, if one has, and those that ask for it.
    pub control: Control,
    /// What the program calls its terminal (OSC 0, 2), if it does.
    pub title: Option<Arc<str>>,
    /// Where the program told it works (OSC 7), as a path on this machine.
    pub cwd: Option<Arc<str>>,
    /// How many times the terminal rang.
    pub bells: u64,
    /// Whether the alternate screen is shown.
    pub alternate: bool,
    /// What the program last wanted to put on the clipboard (OSC 52). Always none where the setting forbids it.
    pub clipboard: Option<Arc<Clipboard>>,
}

impl Status {
    /// Of a session whose program has not been started.
    #[must_use]
    pub const fn starting(name: String, size: Size) -> Self {
        Self {
            name,
            state: State::Starting,
            size,
            viewers: 0,
            control: Control::NOBODY,
            title: None,
            cwd: None,
            bells: 0,
            alternate: false,
            clipboard: None,
        }
    }
}
