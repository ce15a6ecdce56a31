//! The process that keeps sessions while servers come and go: it starts programs, is their parent, and holds on to
//! what a session needs. Its own side (`keeper`, `sessions`) and the server's (`start`, `spawner`, `child`).
//!
//! The holder is small and early: no runtime, no threads, no network, no store. It never reads, writes or looks into a
//! terminal or a session's memory, and is on no path of output or input. Its protocol is docs/HOLDER.md, and frozen.

mod child;
mod connection;
mod exit_info;
mod keeper;
mod link;
mod message;
mod serving;
mod sessions;
mod socket;
mod spawner;
mod start;
mod strays;
mod system;

use std::io;
use std::path::PathBuf;

pub use keeper::Keeper;
pub use serving::Serving;
pub use socket::{Received, Room, receive, send};
pub use spawner::{HolderSpawner, Options};
pub use start::{LISTENS, Place, Systemd, TAKEN, end_all};

/// Why what the holder is for cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// The system refused.
    #[error("the process that keeps sessions cannot be reached: {0}")]
    System(#[from] io::Error),
    /// It runs as somebody else.
    #[error("the process that keeps sessions belongs to another user (uid {0})")]
    Foreign(u32),
    /// It could not be started.
    #[error("the process that keeps sessions did not start: {0}")]
    NotStarted(String),
    /// Somebody else was to start it, and has not.
    #[error("no process of root keeps sessions in {0} (fantail holder --serves): see docs/HOLDER.md")]
    NotThere(PathBuf),
    /// It and we have no version of the protocol in common.
    #[error("the process that keeps sessions cannot work with this version: {0}")]
    Protocol(String),
    /// It does not answer.
    #[error("the process that keeps sessions does not answer")]
    Silent,
    /// It ended, or hung up, before it answered.
    #[error("the process that keeps sessions ended before it answered")]
    Gone,
    /// It answered something else than was asked.
    #[error("the process that keeps sessions answered what makes no sense")]
    Garbled,
    /// It refused.
    #[error("the process that keeps sessions refused: {message}")]
    Refused {
        /// The stable word for why.
        word: String,
        /// The system's error, if that is why.
        errno: Option<i32>,
        /// The same for people.
        message: String,
    },
}

impl HolderError {
    /// The word of a refusal to keep a session that is kept already.
    pub const SESSION_EXISTS: &str = message::refusal::SESSION_EXISTS;
}
