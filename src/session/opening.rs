//! What a session is opened with.

use serde::{Deserialize, Serialize};

use super::{Launch, Pace, Principal, Record, SessionId, Settings, Sizes};
use crate::terminal::Size;

/// When a session's program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartOn {
    /// When the session is opened.
    Open,
    /// When the first viewer attaches, at that viewer's size.
    Attach,
}

/// A session to open.
pub struct Opening {
    /// Its id, random.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Principal,
    /// What people call it.
    pub name: String,
    /// What to start.
    pub launch: Launch,
    /// The terminal's size.
    pub size: Size,
    /// When to start it.
    pub start_on: StartOn,
    /// For whom its output is held back; the server's default when none is said.
    pub pace: Option<Pace>,
    /// Whose window gives it its size; the server's default when none is said.
    pub sizes: Option<Sizes>,
}

impl Opening {
    /// What to start, and the session as it is written down.
    pub(super) fn into_record(self, settings: &Settings) -> (Launch, Record) {
        let record = Record {
            id: self.id,
            owner: self.owner,
            name: self.name,
            command: self.launch.command().iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            dir: self.launch.dir().to_path_buf(),
            start_on: self.start_on,
            pace: self.pace.unwrap_or(settings.pace),
            sizes: self.sizes.unwrap_or(settings.sizes),
            size: self.size,
            opened_at: (settings.now)(),
            ended: None,
        };
        (self.launch, record)
    }
}
