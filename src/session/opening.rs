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

/// By which name of the server's a program was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The name.
    pub name: String,
    /// The words that were appended to its command.
    pub args: Vec<String>,
}

/// A session to open.
pub struct Opening {
    /// Its id, random.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Principal,
    /// What people call it.
    pub name: String,
    /// The profile it is opened with, and the words that were appended to that one's command; none where the command
    /// was named itself.
    pub profile: Option<Profile>,
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
            profile: self.profile,
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
