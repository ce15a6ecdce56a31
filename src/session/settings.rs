//! What every session of a server has in common, and the policies each may have of its own.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Lanes;
use crate::terminal::Size;
use crate::terminal::log::CatchUp;
use crate::terminal::screen::{Emulation, Screen};

/// What every session of a server has in common.
#[derive(Clone)]
pub struct Settings {
    /// Bytes of memory a session's log may take.
    pub log_bytes: usize,
    /// What all sessions' logs together may take beyond that, while their screens catch up.
    pub catch_up: Arc<CatchUp>,
    /// Lines a screen keeps above itself.
    pub scrollback_lines: usize,
    /// How far a viewer whose window is full may fall behind before it is shown the screen instead.
    pub resync_bytes: u64,
    /// Whose terminal screens behave as.
    pub emulation: Emulation,
    /// What becomes of text a program puts on the clipboard.
    pub clipboard: ClipboardPolicy,
    /// For sessions that do not say.
    pub pace: Pace,
    /// For sessions that do not say.
    pub sizes: Sizes,
    /// Where sessions live.
    pub lanes: Lanes,
    /// Where screens follow their logs: off the threads that move bytes.
    pub screens: Handle,
    /// The wall clock.
    pub now: fn() -> Timestamp,
    /// Cancelled when all sessions are to be closed.
    pub closing: CancellationToken,
    /// Cancelled when all sessions are to be left to the next server.
    pub leaving: CancellationToken,
}

impl Settings {
    /// The defaults, with sessions that live, and screens that follow, `here`.
    #[must_use]
    pub fn new(here: Handle, now: fn() -> Timestamp) -> Self {
        Self {
            log_bytes: 4 * 1024 * 1024,
            catch_up: Arc::default(),
            scrollback_lines: 10_000,
            resync_bytes: 1024 * 1024,
            emulation: Emulation::default(),
            clipboard: ClipboardPolicy::default(),
            pace: Pace::default(),
            sizes: Sizes::default(),
            lanes: Lanes::new(here.clone(), []),
            screens: here,
            now,
            closing: CancellationToken::new(),
            leaving: CancellationToken::new(),
        }
    }

    /// A screen on which nothing was drawn yet.
    pub(super) fn blank_screen(&self, size: Size) -> Screen {
        Screen::emulating(size, self.scrollback_lines, self.emulation)
    }
}

/// For whom a program's output is held back. Never longer than what the log still holds makes necessary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pace {
    /// For nobody: viewers that cannot follow skip.
    Free,
    /// For the fastest viewer, unless it stalls: one viewer on a fast link gets every byte, slower ones skip.
    #[default]
    Fastest,
    /// For the slowest viewer, however long it takes: every viewer gets every byte, and one that does not read stops
    /// the program.
    Lossless,
}

/// Whose window gives a session its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sizes {
    /// That of the client that typed last.
    #[default]
    Latest,
    /// That of the session's owner.
    Owner,
    /// The least of all who may type.
    Smallest,
    /// Nobody's: it keeps the size it was opened with until REST resizes it.
    Fixed,
}

/// What becomes of text a program puts on the clipboard (OSC 52). Reading the clipboard is never possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClipboardPolicy {
    /// Viewers are told, and ask their users.
    #[default]
    View,
    /// Nothing.
    Off,
}
