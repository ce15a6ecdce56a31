//! The session resource: what REST can ask of the registry and of one session.

mod listing;
mod object;
mod open;
mod output;
mod reach;
mod renderings;
mod screen;
mod sharing;
mod snapshot;
mod tag;

use std::ops::Range;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::App;
use super::caller::{Caller, Open, View, With};
use super::error::ApiError;
use super::extract::{Body, OptionalBody};
use super::openapi::words;
use super::parameters::Parameters;
use crate::auth::audit::Event;
use crate::auth::revocation::{Bond, Root};
use crate::auth::{Access, AccountId, Right, Who};
use crate::registry::{Left, OpenError, ReopenError};
use crate::session::{
    InputRefused, NotRunning, Opening, Principal, SESSION_VARIABLE, Session, SessionId, Signal, SpawnError,
};
use crate::terminal::{Offset, Size};
pub(super) use listing::Listing;
pub use object::SessionObject;
use open::{Invalid, Plan};
pub(super) use open::{NAME_CHARS_MAX, OpenRequest};
use output::Wanted;
pub use reach::Reached;
pub(super) use renderings::Renderings;
pub(super) use screen::{SCROLLBACK_ASKED_MAX, WAIT_MAX, screen, text};
pub(super) use sharing::{
    GrantObject, LABEL_CHARS_MAX, LIFETIME_MAX as SHARE_LIFETIME_MAX, MadeShare, NewGrant, NewShare, ShareObject,
    grant, grants, revoke, share, shares, take_back,
};
pub(super) use snapshot::snapshot;

/// How long an answer to input waits for that to be written: what is in the terminal is safe from the server's end.
const WRITTEN_PATIENCE: Duration = Duration::from_secs(1);
const OFFSET: &str = "fantail-offset";
const COLS: &str = "fantail-cols";
const ROWS: &str = "fantail-rows";
const END: &str = "fantail-end";

/// Whom the core knows an account as.
const fn principal(account: AccountId) -> Principal {
    Principal(account.0)
}

/// Whom the core knows someone as who attaches: an account, or one of those who came by a share.
#[must_use]
pub const fn attaching(who: Who, bond: Option<Bond>) -> Principal {
    match (who, bond) {
        (Who::Account { id, .. }, _) => principal(id),
        (Who::Share { .. }, Some(Bond { root: Root::Login(login), .. })) => Principal(login.0),
        (Who::Share { id, .. }, _) => Principal(id.0),
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Opened {
    session_id: String,
    #[serde(flatten)]
    session: SessionObject,
}

pub(super) async fn open(
    State(app): State<App>,
    With(caller, ..): With<Open>,
    Body(request): Body<OpenRequest>,
) -> Result<(StatusCode, Json<Opened>), ApiError> {
    let plan = request.plan(&app.settings().profiles, caller.role())?;
    let opening = opening(&app, principal(caller.account()?), plan)?;
    let session = app.registry().open(opening).await?;
    app.audit().note(caller.does(&app, Event::Opened).of(session.id()));
    Ok(created(&session))
}

/// What [`reopen`] can be told: nothing.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {}

pub(super) async fn reopen(
    State(app): State<App>,
    With(caller, ..): With<Open>,
    reached: Reached,
    OptionalBody(Again {}): OptionalBody<Again>,
) -> Result<(StatusCode, Json<Opened>), ApiError> {
    let old = reached.for_owner()?;
    let plan = Plan::again(&old, &app.settings().profiles, caller.role())?;
    let opening = opening(&app, old.owner(), plan)?;
    let session = app.registry().reopen(&old, opening).await?;
    app.audit().note(caller.does(&app, Event::Opened).of(session.id()).with(format!("again, after {}", old.id())));
    Ok(created(&session))
}

fn opening(app: &App, owner: Principal, plan: Plan) -> Result<Opening, ApiError> {
    let Plan { profile, mut launch, name, size, start_on, pace, sizes } = plan;
    let id = SessionId::from_random(app.outside().bytes()?);
    launch.add(SESSION_VARIABLE, &id.to_string());
    Ok(Opening { id, owner, name, profile, launch, size, start_on, pace, sizes })
}

fn created(session: &Session) -> (StatusCode, Json<Opened>) {
    let opened = Opened { session_id: session.id().to_string(), session: SessionObject::of(session, Access::Own) };
    (StatusCode::CREATED, Json(opened))
}

/// One's own sessions and those one was granted access to; with `all`, for those who run the server, everyone's.
pub(super) async fn list(
    State(app): State<App>,
    With(caller, ..): With<View>,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let all = parameters.take_switch("all")?;
    parameters.finish()?;
    if all {
        caller.needs(Right::Users)?;
    }
    let list = app.listing().of(caller.who, all, app.registry(), app.grants());
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], list).into_response())
}

pub(super) async fn inspect(reached: Reached) -> Json<SessionObject> {
    Json(SessionObject::of(&reached.session, reached.access))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rename {
    #[schema(schema_with = words::session_name)]
    name: String,
}

pub(super) async fn rename(
    State(app): State<App>,
    reached: Reached,
    Body(Rename { name }): Body<Rename>,
) -> Result<Json<SessionObject>, ApiError> {
    let access = reached.access;
    let session = reached.for_owner()?;
    session.rename(open::checked_name(name)?, app.now());
    Ok(Json(SessionObject::of(&session, access)))
}

pub(super) async fn close(State(app): State<App>, caller: Caller, reached: Reached) -> Result<StatusCode, ApiError> {
    let session = reached.for_owner()?;
    app.registry().close(&session).await?;
    app.audit().note(caller.does(&app, Event::Closed).of(session.id()));
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Resize {
    #[schema(schema_with = words::side)]
    cols: u64,
    #[schema(schema_with = words::side)]
    rows: u64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Resized {
    cols: u16,
    rows: u16,
}

pub(super) async fn resize(
    reached: Reached,
    Body(Resize { cols, rows }): Body<Resize>,
) -> Result<Json<Resized>, ApiError> {
    let session = reached.for_typing()?;
    let size = Size::new(cols, rows).map_err(Invalid::from)?;
    session.resize(size).await?;
    Ok(Json(Resized { cols: size.cols(), rows: size.rows() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    text: Option<String>,
    base64: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Taken {
    bytes: usize,
}

pub(super) async fn input(reached: Reached, Body(input): Body<Input>) -> Result<(StatusCode, Json<Taken>), ApiError> {
    let invalid = |field: &str, rule: &str| Invalid { field: field.to_owned(), rule: rule.to_owned() };
    let bytes = match (input.text, input.base64) {
        (Some(text), None) => Bytes::from(text),
        (None, Some(encoded)) => {
            STANDARD.decode(encoded).map_err(|_| invalid("base64", "must be standard base64 with padding"))?.into()
        }
        (None, None) => return Err(invalid("text", "or base64 must be given").into()),
        (Some(_), Some(_)) => return Err(invalid("base64", "must not be given beside text").into()),
    };
    let taken = bytes.len();
    let typed = reached.for_control()?.input(bytes)?;
    let is_written = timeout(WRITTEN_PATIENCE, typed.is_written()).await.unwrap_or(false);
    let status = if is_written { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(Taken { bytes: taken })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Signalling {
    #[schema(schema_with = words::signal)]
    signal: String,
}

pub(super) async fn signal(
    reached: Reached,
    Body(Signalling { signal }): Body<Signalling>,
) -> Result<StatusCode, ApiError> {
    let session = reached.for_typing()?;
    let signal: Signal = signal.parse().map_err(|_| {
        let rule = format!("must be one of {}", Signal::NAMES.join(", "));
        Invalid { field: "signal".into(), rule }
    })?;
    session.signal(signal).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputQuery {
    from: Option<u64>,
    to: Option<u64>,
}

pub(super) async fn output(reached: Reached, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    let Query(query) = Query::<OutputQuery>::try_from_uri(&uri)
        .map_err(|_| ApiError::InvalidQuery("from and to must be offsets, and nothing else is known".into()))?;
    let log = reached.session.log();
    let held = log.held();
    let range = headers.get(header::RANGE).map(|range| range.to_str().unwrap_or_default());
    let (wanted, is_range) = match (range, query) {
        (None, OutputQuery { from: None, to: None }) => (Wanted::All.within(&held), false),
        (None, OutputQuery { from, to }) => {
            let from = from.map_or(held.start, Offset);
            (from..to.map_or(held.end, Offset), false)
        }
        (Some(range), OutputQuery { from: None, to: None }) => {
            let wanted = Wanted::from_range(range);
            (wanted.map_err(|_| ApiError::InvalidQuery("Range must be one range of bytes".into()))?.within(&held), true)
        }
        (Some(_), _) => return Err(ApiError::InvalidQuery("give from and to, or Range, not both".into())),
    };
    let not_held = || ApiError::RangeNotHeld { start: held.start.0, end: held.end.0 };
    if is_range && wanted.is_empty() {
        return Err(not_held());
    }
    // Copying a whole log takes a millisecond or two: not for a runtime thread.
    let (log, copied) = (log.clone(), wanted.clone());
    let bytes = tokio::task::spawn_blocking(move || log.copy(copied)).await.map_err(|_| ApiError::Internal)?;
    let bytes = bytes.map_err(|now| ApiError::RangeNotHeld { start: now.start.0, end: now.end.0 })?;
    Ok(served(bytes, wanted, is_range.then_some(held.end)))
}

/// The bytes of `range`; as a part of a whole that ends at `of`, if it was asked for like that.
fn served(bytes: Vec<u8>, range: Range<Offset>, of: Option<Offset>) -> Response {
    let mut response = Bytes::from(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(OFFSET, range.start.0.into());
    headers.insert(END, range.end.0.into());
    if let Some(of) = of {
        let content_range = format!("bytes {}-{}/{of}", range.start, range.end.0 - 1);
        headers.extend(HeaderValue::try_from(content_range).map(|value| (header::CONTENT_RANGE, value)));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

impl From<Invalid> for ApiError {
    fn from(Invalid { field, rule }: Invalid) -> Self {
        Self::InvalidField { field, rule, got: None }
    }
}

impl From<NotRunning> for ApiError {
    fn from(_: NotRunning) -> Self {
        Self::NotRunning
    }
}

impl From<InputRefused> for ApiError {
    fn from(refused: InputRefused) -> Self {
        match refused {
            InputRefused::NotRunning => Self::NotRunning,
            InputRefused::ViewOnly => Self::ViewOnly,
            InputRefused::ControlHeld => Self::ControlHeld,
            InputRefused::QueueFull => Self::InputQueueFull,
            // REST numbers nothing, so nothing can be skipped.
            InputRefused::Skipped { .. } => Self::Internal,
        }
    }
}

impl From<Left> for ApiError {
    fn from(_: Left) -> Self {
        Self::Draining
    }
}

impl From<ReopenError> for ApiError {
    fn from(error: ReopenError) -> Self {
        match error {
            ReopenError::StillRunning => Self::StillRunning,
            ReopenError::Gone => Self::NoSuchSession,
            ReopenError::Open(error) => error.into(),
        }
    }
}

impl From<OpenError> for ApiError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::TooMany { .. } => Self::TooManySessions,
            OpenError::Draining => Self::Draining,
            OpenError::Spawn(error) => match (error.field(), &error) {
                (Some(field), _) => Self::SpawnFailed { field, reason: error.to_string() },
                (None, SpawnError::NoTerminalsLeft) => Self::NoTerminalsLeft,
                (None, SpawnError::OutOfResources(cause)) => {
                    tracing::warn!(%cause, "no program can be started for now");
                    Self::OutOfResources
                }
                (None, _) => {
                    tracing::error!(error = ?error, "a program could not be started");
                    Self::Internal
                }
            },
        }
    }
}
