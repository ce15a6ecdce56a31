//! A session as it is written down: what must be known to list it when nothing else of it is left, and to open it
//! again.
//!
//! Never holds its environment, which may hold secrets, nor any of its output.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Exit, Pace, Principal, Profile, Session, SessionId, Sizes, StartOn, State};
use crate::terminal::Size;

/// The form a record is written in. One that an older server would misread takes another number; one with more fields
/// does not, because unknown ones are passed over.
const VERSION: u32 = 1;

/// A session, written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Principal,
    /// What people call it.
    pub name: String,
    /// What it was opened with, unless its command was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// What its program is, word by word.
    pub command: Vec<String>,
    /// Where that is started.
    pub dir: PathBuf,
    /// When that is started.
    pub start_on: StartOn,
    /// For whom its output is held back.
    pub pace: Pace,
    /// Whose window gives it its size.
    pub sizes: Sizes,
    /// The terminal's size now: written as `cols` and `rows`.
    #[serde(flatten)]
    pub size: Size,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The end of its program, if that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<End>,
}

/// The end of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How it ended.
    pub exit: Exit,
    /// When.
    pub at: Timestamp,
}

/// What was written down cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A newer server wrote it.
    #[error("a session's record is of version {0}, which this version does not know")]
    Version(u32),
    /// It is not a record. What it says instead is not told: it may be anything.
    #[error("a session's record is damaged at column {0}")]
    Damaged(usize),
}

#[derive(Serialize)]
struct Versioned<'a> {
    version: u32,
    #[serde(flatten)]
    record: &'a Record,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Record {
    /// The record as JSON, its fields named in camelCase, in one line.
    #[must_use]
    #[expect(clippy::expect_used, reason = "derived, with string keys and text only: always JSON")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Versioned { version: VERSION, record: self }).expect("always JSON")
    }

    /// Reads what [`Record::to_json`] wrote, here or in another version.
    ///
    /// # Errors
    /// When it is of a version that cannot be read, or is no record.
    pub fn from_json(json: &str) -> Result<Self, RecordError> {
        let damaged = |error: serde_json::Error| RecordError::Damaged(error.column());
        match serde_json::from_str(json).map_err(damaged)? {
            Version { version: VERSION } => serde_json::from_str(json).map_err(damaged),
            Version { version } => Err(RecordError::Version(version)),
        }
    }
}

impl Session {
    /// The session as it is now, to be written down.
    #[must_use]
    pub fn record(&self) -> Record {
        let status = self.status();
        Record {
            id: self.id(),
            owner: self.owner(),
            name: status.name.clone(),
            profile: self.profile().cloned(),
            command: self.command().to_vec(),
            // JSON has only text; a directory whose name is none can be shown like this, if not entered.
            dir: self.dir().to_string_lossy().into_owned().into(),
            start_on: self.start_on(),
            pace: self.pace(),
            sizes: self.sizes(),
            size: status.size,
            opened_at: self.opened_at(),
            ended: match &status.state {
                State::Exited { exit, at } => Some(End { exit: exit.clone(), at: *at }),
                State::Starting | State::Running { .. } => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lost;
    use super::*;

    fn record() -> Record {
        Record {
            id: SessionId::from_random([1; 16]),
            owner: Principal(uuid::Uuid::from_u128(2)),
            name: "β \"build\"\n".into(),
            profile: None,
            command: vec!["sh".into(), "-c".into(), "make".into()],
            dir: "/home/ann/src".into(),
            start_on: StartOn::Attach,
            pace: Pace::Lossless,
            sizes: Sizes::Smallest,
            size: Size::new(132, 43).expect("valid"),
            opened_at: Timestamp::from_second(1_800_000_000).expect("a time"),
            ended: None,
        }
    }

    #[test]
    fn a_record_is_written_as_later_versions_will_read_it() {
        let written = r#"{"version":1,"id":"01010101-0101-4101-8101-010101010101","owner":"00000000-0000-0000-0000-000000000002","name":"β \"build\"\n","command":["sh","-c","make"],"dir":"/home/ann/src","startOn":"attach","pace":"lossless","sizes":"smallest","cols":132,"rows":43,"openedAt":"2027-01-15T08:00:00Z"}"#;
        assert_eq!(record().to_json(), written);
    }

    #[test]
    fn every_record_is_read_back() {
        let exits = [
            Exit::Code(-1),
            Exit::Signal(9),
            Exit::OutOfMemory,
            Exit::NotStarted { code: 127, reason: "command: no such program".into() },
            Exit::Lost { reason: Lost::MachineRestarted },
            Exit::Lost { reason: Lost::HolderKilled },
        ];
        let ends = exits.map(|exit| Some(End { exit, at: Timestamp::UNIX_EPOCH }));
        for ended in ends.into_iter().chain([None]) {
            let profile = ended.is_some().then(|| Profile { name: "build".into(), args: vec!["all".into()] });
            let record = Record { ended, profile, ..record() };
            assert_eq!(Record::from_json(&record.to_json()).expect("read"), record);
        }
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_what_it_changes_is_refused() {
        let json = record().to_json();
        let more = json.replacen('{', r#"{"smell":{"loud":true},"#, 1);
        assert_eq!(Record::from_json(&more).expect("read"), record());
        let changed = json.replacen(r#""version":1"#, r#""version":2"#, 1);
        assert!(matches!(Record::from_json(&changed), Err(RecordError::Version(2))));
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        let json = record().to_json();
        let broken = [
            String::new(),
            "[]".into(),
            r#"{"version":1}"#.into(),
            json[..json.len() / 2].into(),
            json.replace("132", "0"),
            json.replace("132", "70000"),
            json.replace("01010101-", "0101010-"),
        ];
        for json in broken {
            assert!(matches!(Record::from_json(&json), Err(RecordError::Damaged(_))), "{json}");
        }
    }
}
