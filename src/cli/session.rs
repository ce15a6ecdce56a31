//! Sessions as the API describes them, and which one a person means.
//!
//! Plain values: asks nobody.

use serde::{Deserialize, Serialize};

use super::print::printable;

/// Characters of an id that people are shown: enough to tell sessions apart, and a prefix finds its session.
pub(super) const SHORT_ID_CHARS: usize = 8;

/// A session as the API describes it; what no command shows is left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    /// Its id in full.
    pub id: String,
    /// What its opener called it.
    pub name: Option<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How far it has got.
    pub status: Status,
    /// What the program returned.
    pub exit_code: Option<i32>,
    /// What killed the program.
    pub exit_signal: Option<String>,
    /// Why it could not be started, or why nobody saw how it ended.
    pub exit_reason: Option<String>,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// Whose window gives it its size.
    pub sizes: Sizes,
    /// How many watch.
    pub viewers: u64,
    /// When it was opened.
    pub started_at: jiff::Timestamp,
}

/// Whose window gives a session its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Sizes {
    Latest,
    Owner,
    Smallest,
    Fixed,
}

/// How far a session has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Status {
    /// Its program waits for the first viewer.
    Starting,
    /// Its program runs.
    Running,
    /// Its program has ended.
    Exited,
    /// A state of a later version.
    #[serde(other)]
    Unknown,
}

/// What to open. What is absent is left to the server.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenRequest {
    /// What the server starts under this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Words to append to its command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The program and its arguments; empty for the login shell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Where it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Additions to its environment.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub env: serde_json::Map<String, serde_json::Value>,
    /// What to call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Columns; with `rows` or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cols: Option<u16>,
    /// Rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u16>,
    /// `"now"` or `"onAttach"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawn: Option<&'static str>,
}

/// Why no session, or no single one, was meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotFound {
    /// None.
    #[error("no session has the id or name {0}; `fantail ls` lists them")]
    None(String),
    /// Several.
    #[error("{wanted} could be any of {}", candidates.join(", "))]
    Several {
        /// What was asked for.
        wanted: String,
        /// The ids it fits.
        candidates: Vec<String>,
    },
}

/// The session that `wanted` names: an id in full, else an exact name, else the only id that starts so.
///
/// # Errors
/// When it names none, or several.
pub(super) fn resolve<'a>(sessions: &'a [Session], wanted: &str) -> Result<&'a Session, NotFound> {
    let ways: [&dyn Fn(&Session) -> bool; 3] =
        [&|session| session.id == wanted, &|session| session.name.as_deref() == Some(wanted), &|session| {
            !wanted.is_empty() && session.id.starts_with(wanted)
        }];
    for fits in ways {
        let found: Vec<&Session> = sessions.iter().filter(|session| fits(session)).collect();
        match found.as_slice() {
            [] => {}
            [session] => return Ok(session),
            several => {
                let candidates = several.iter().map(|session| printable(&session.id)).collect();
                return Err(NotFound::Several { wanted: printable(wanted), candidates });
            }
        }
    }
    Err(NotFound::None(printable(wanted)))
}

impl Session {
    /// The start of its id, as people are shown it.
    #[must_use]
    pub(super) fn short_id(&self) -> String {
        printable(&self.id.chars().take(SHORT_ID_CHARS).collect::<String>())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cli) fn session(id: &str, name: &str) -> Session {
        Session {
            id: id.into(),
            name: Some(name.into()),
            command: vec!["/bin/sh".into()],
            status: Status::Running,
            exit_code: None,
            exit_signal: None,
            exit_reason: None,
            cols: 80,
            rows: 24,
            sizes: Sizes::Latest,
            viewers: 0,
            started_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_session_is_found_by_id_then_by_name_then_by_a_prefix_that_fits_one() {
        let sessions = [session("aa11", "build"), session("aa22", "aa1"), session("bb33", "build")];
        let found = |wanted| resolve(&sessions, wanted).map(|session| session.id.as_str());
        assert_eq!(found("aa11"), Ok("aa11"));
        assert_eq!(found("aa1"), Ok("aa22"), "an exact name wins over a prefix");
        assert_eq!(found("b"), Ok("bb33"));
        assert_eq!(
            found("aa"),
            Err(NotFound::Several { wanted: "aa".into(), candidates: vec!["aa11".into(), "aa22".into()] })
        );
        assert!(matches!(found("build"), Err(NotFound::Several { .. })), "two of that name");
        for wanted in ["", "c", "aa111"] {
            assert_eq!(found(wanted), Err(NotFound::None(wanted.into())));
        }
    }
}
