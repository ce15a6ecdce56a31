//! The session object, as REST and the welcome of a WebSocket give it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Access;
use crate::http::openapi::words;
use crate::session::{Exit, Pace, Session, Sizes, StartOn, State, Status};

/// What a client may know of a session. Field names are those VibeTunnel's clients know, where it has the same thing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionObject {
    id: String,
    name: String,
    owner_id: Uuid,
    /// What whoever asks may do with it.
    access: Access,
    /// What the program calls its terminal.
    title: Option<String>,
    /// Where the program says it works.
    cwd: Option<String>,
    bells: u64,
    /// Whether the alternate screen is shown.
    alternate: bool,
    /// What it was opened with, unless its command was named.
    profile: Option<String>,
    command: Vec<String>,
    working_dir: String,
    #[schema(schema_with = words::status)]
    status: &'static str,
    exit_code: Option<i32>,
    exit_signal: Option<String>,
    exit_reason: Option<String>,
    pid: Option<i32>,
    cols: u16,
    rows: u16,
    #[schema(schema_with = words::spawn)]
    spawn: &'static str,
    #[schema(schema_with = words::pace)]
    pace: &'static str,
    #[schema(schema_with = words::sizes)]
    sizes: &'static str,
    viewers: usize,
    started_at: Timestamp,
    last_modified: Timestamp,
    last_output_at: Option<Timestamp>,
    exited_at: Option<Timestamp>,
    output: Held,
}

/// The addresses of the bytes still held.
#[derive(Debug, Serialize, ToSchema)]
struct Held {
    start: u64,
    end: u64,
}

impl SessionObject {
    /// `session` as it is now, for someone who has this access.
    #[must_use]
    pub fn of(session: &Session, access: Access) -> Self {
        Self::at(session, &session.status(), access)
    }

    /// `session` as it was when this was its status.
    #[must_use]
    pub fn at(session: &Session, status: &Status, access: Access) -> Self {
        let held = session.log().held();
        let (word, pid, exit, exited_at) = match &status.state {
            State::Starting => ("starting", None, None, None),
            State::Running { pid } => ("running", Some(pid.as_raw_nonzero().get()), None, None),
            State::Exited { exit, at } => ("exited", None, Some(exit), Some(*at)),
        };
        Self {
            id: session.id().to_string(),
            name: status.name.clone(),
            owner_id: session.owner().0,
            access,
            title: status.title.as_deref().map(ToOwned::to_owned),
            cwd: status.cwd.as_deref().map(ToOwned::to_owned),
            bells: status.bells,
            alternate: status.alternate,
            profile: session.profile().map(|profile| profile.name.clone()),
            command: session.command().to_vec(),
            working_dir: session.dir().to_string_lossy().into_owned(),
            status: word,
            exit_code: exit.and_then(Exit::code),
            exit_signal: exit.and_then(Exit::signal),
            exit_reason: exit.and_then(|exit| exit.reason().map(ToOwned::to_owned)),
            pid,
            cols: status.size.cols(),
            rows: status.size.rows(),
            spawn: match session.start_on() {
                StartOn::Open => "now",
                StartOn::Attach => "onAttach",
            },
            pace: match session.pace() {
                Pace::Free => "free",
                Pace::Fastest => "fastest",
                Pace::Lossless => "lossless",
            },
            sizes: match session.sizes() {
                Sizes::Latest => "latest",
                Sizes::Owner => "owner",
                Sizes::Smallest => "smallest",
                Sizes::Fixed => "fixed",
            },
            viewers: status.viewers,
            started_at: session.opened_at(),
            last_modified: session.modified_at(),
            last_output_at: session.printed_at(),
            exited_at,
            output: Held { start: held.start.0, end: held.end.0 },
        }
    }
}
