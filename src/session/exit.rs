//! How a program ended.

use rustix::process::WaitIdStatus;
use serde::{Deserialize, Serialize};

/// How a session's program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Exit {
    /// It exited by itself.
    Code(i32),
    /// A signal ended it: the signal's number.
    Signal(i32),
    /// The kernel killed it, because there was no memory left for it.
    OutOfMemory,
    /// An `onAttach` program that could not be started: the code a shell would give, and why.
    NotStarted {
        /// 126 when the program cannot be executed, else 127.
        code: i32,
        /// What went wrong, naming the field at fault.
        reason: String,
    },
    /// Nobody can tell any more.
    Unknown,
    /// It ended with all that could have told how.
    Lost {
        /// What took them.
        reason: Lost,
    },
}

/// Why nobody was left to see a program's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lost {
    /// Every program of the machine ended.
    MachineRestarted,
    /// The server's end alone, or the holder's, loses nothing: the other one has the session's terminal.
    HolderKilled,
}

impl Lost {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MachineRestarted => "the machine was restarted",
            Self::HolderKilled => "the server ended, and nothing was left that kept its terminal",
        }
    }
}

impl Exit {
    /// From what waitid(2) says. A state that is not an end (stopped, continued) is not asked for, and reads as 0.
    #[must_use]
    pub fn from_status(status: &WaitIdStatus) -> Self {
        match status.terminating_signal() {
            Some(signal) => Self::Signal(signal),
            None => Self::Code(status.exit_status().unwrap_or(0)),
        }
    }

    /// The exit code, when there is one.
    #[must_use]
    pub const fn code(&self) -> Option<i32> {
        match self {
            Self::Code(code) | Self::NotStarted { code, .. } => Some(*code),
            Self::Signal(_) | Self::OutOfMemory | Self::Lost { .. } | Self::Unknown => None,
        }
    }

    /// The name of the signal that ended it, as `SIGTERM`; a real-time signal by number.
    #[must_use]
    pub fn signal(&self) -> Option<String> {
        match self {
            Self::Signal(number) => Some(super::signal::name_of(*number)),
            Self::OutOfMemory => Some(super::signal::name_of(libc::SIGKILL)),
            _ => None,
        }
    }

    /// Why it could not be started, which limit ended it, or why neither code nor signal is known.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::NotStarted { reason, .. } => Some(reason),
            Self::Lost { reason } => Some(reason.as_str()),
            Self::Unknown => Some("how it ended was lost with the process that kept it"),
            Self::OutOfMemory => Some("out of memory: the kernel killed it"),
            Self::Signal(libc::SIGXCPU) => Some("it used up the processor time that it may take"),
            Self::Signal(libc::SIGXFSZ) => Some("it wrote a larger file than it may"),
            Self::Code(_) | Self::Signal(_) => None,
        }
    }
}
