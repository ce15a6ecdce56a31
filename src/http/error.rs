//! Refusals: the one shape in which every route says no, and the one match that gives each a status and a code.
//!
//! What went wrong inside stays inside: it is logged where it happened, and answered as `internal`.

use std::fmt::Display;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::limits::TooMany;
use crate::auth::Right;
use crate::store::StoreError;
use crate::terminal::render::RENDERED_MAX;

/// Seconds after which a client that met a ceiling may try again.
const RETRY_SOON: u64 = 1;
/// Seconds after which a login may be tried again: the queue takes about as long to empty.
const RETRY_LOGIN: u64 = 10;

/// Everything a route can refuse with. Adding one means adding its line to the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// 400: the body is not JSON. Holds why.
    InvalidJson(String),
    /// 400: a field of the body is missing, unknown, of the wrong type or out of range.
    InvalidField {
        /// Its path, as `env.PATH`.
        field: String,
        /// What it must be.
        rule: String,
        /// What it was, where that may be repeated.
        got: Option<String>,
    },
    /// 400: a parameter of the URL makes no sense. Holds which and why.
    InvalidQuery(String),
    /// 400: a parameter of the URL is unknown, given twice or not what it must be.
    InvalidParameter {
        /// Its name.
        name: String,
        /// What it must be.
        rule: String,
    },
    /// 400: a credential stands in the URL, where proxies and histories keep it.
    CredentialInUrl,
    /// 401: no credential.
    Unauthenticated,
    /// 401: a credential that is none of ours, or no longer.
    InvalidToken,
    /// 401: a credential that was good; renew it.
    ExpiredToken,
    /// 401: name and password do not belong together, or the login link is used up.
    InvalidLogin,
    /// 401: the ticket is used up, expired or for another session.
    InvalidTicket,
    /// 401: the share is used up, expired or revoked, or never was.
    InvalidShare,
    /// 403: the request was made by a page of another site.
    ForeignOrigin,
    /// 403: the caller may not start this command, or use this profile, or there is no such profile.
    CommandNotAllowed,
    /// 403: the caller may only look.
    ViewOnly,
    /// 403: the credential does not allow this, whosever the session is.
    NotAllowed(Right),
    /// 403: only who owns the session may.
    NotOwner,
    /// 404: no such session, or none that the caller may know of.
    NoSuchSession,
    /// 404: no such account.
    NoSuchUser,
    /// 404: no such login, API token, share or grant, or none of the caller's.
    NoSuchThing(&'static str),
    /// 404: no such route.
    NoSuchRoute,
    /// 405: the route does not take this method.
    MethodNotAllowed,
    /// 409: the session has not started, or has exited.
    NotRunning,
    /// 409: the session's program has not ended.
    StillRunning,
    /// 409: a client has taken exclusive control.
    ControlHeld,
    /// 409: another tab has just renewed.
    RefreshRaced,
    /// 409: another account has that name.
    NameTaken,
    /// 409: another account has that mail address.
    MailTaken,
    /// 409: nobody could run the server any more.
    LastAdmin,
    /// 413: the body is larger than this many bytes.
    TooLarge(usize),
    /// 415: a body must be `application/json`.
    UnsupportedMediaType,
    /// 416: these addresses are no longer, or not yet, held.
    RangeNotHeld {
        /// The oldest address held.
        start: u64,
        /// The address after the newest.
        end: u64,
    },
    /// 421: the request was meant for another server.
    ForeignHost,
    /// 422: what the screen shows would make too large an answer.
    ScreenTooLarge,
    /// 422: the program could not be started.
    SpawnFailed {
        /// `command`, `workingDir` or `profile`.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// 426: this route is a WebSocket.
    UpgradeRequired,
    /// 429: as many sessions as the server allows.
    TooManySessions,
    /// 429: as many connections as the server allows.
    TooManyConnections,
    /// 429: as many viewers as a session allows.
    TooManyViewers,
    /// 429: the program does not read its input.
    InputQueueFull,
    /// 429: too many logins at once.
    TooManyLogins,
    /// 429: more often than may be asked.
    RateLimited(TooMany),
    /// 429: as many of them as may be kept.
    TooManyKept {
        /// Of what.
        what: &'static str,
        /// How many may be.
        max: u32,
    },
    /// 500: our fault; the log knows more.
    Internal,
    /// 503: the server is going away.
    Draining,
    /// 503: the provider of logins cannot be asked.
    ProviderUnavailable,
    /// 503: the machine has no more terminals.
    NoTerminalsLeft,
    /// 503: the machine has no more of something.
    OutOfResources,
}

/// A refusal as it leaves the server. Rides on the response until the outermost layer, which knows the request's id.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    details: Option<Value>,
    pub(super) retry_after: Option<u64>,
    pub(super) too_many: Option<TooMany>,
}

impl ApiError {
    /// A field of the body that is not what `rule` says: "must be {rule}, got {got}".
    pub fn field(field: impl Into<String>, rule: impl Into<String>, got: impl Display) -> Self {
        Self::InvalidField { field: field.into(), rule: rule.into(), got: Some(got.to_string()) }
    }

    /// A parameter of the URL that is not what `rule` says. Its value is not repeated: it can be anything.
    pub fn parameter(name: impl Into<String>, rule: impl Display) -> Self {
        Self::InvalidParameter { name: name.into(), rule: rule.to_string() }
    }

    /// The one match: what each refusal is called outside.
    pub(super) fn refusal(self) -> Refusal {
        use StatusCode as S;
        let plain = |status, code, message: &str| Refusal::new(status, code, message.to_owned());
        let later = |code, message: &str| plain(S::TOO_MANY_REQUESTS, code, message).retry(RETRY_SOON);
        match self {
            Self::InvalidJson(why) => Refusal::new(S::BAD_REQUEST, "invalid_json", why),
            Self::InvalidField { field, rule, got } => Refusal::field(&field, &rule, got),
            Self::InvalidQuery(why) => Refusal::new(S::BAD_REQUEST, "invalid_query", why),
            Self::InvalidParameter { name, rule } => Refusal::parameter(&name, &rule),
            Self::CredentialInUrl => plain(S::BAD_REQUEST, "credential_in_url", "a credential must not be in the URL"),
            Self::Unauthenticated => plain(S::UNAUTHORIZED, "unauthenticated", "a credential is needed"),
            Self::InvalidToken => plain(S::UNAUTHORIZED, "invalid_token", "the token is not valid"),
            Self::ExpiredToken => plain(S::UNAUTHORIZED, "expired_token", "the token has expired"),
            Self::InvalidLogin => plain(S::UNAUTHORIZED, "invalid_login", "the login is not valid"),
            Self::InvalidTicket => plain(S::UNAUTHORIZED, "invalid_ticket", "the ticket is not valid"),
            Self::ForeignOrigin => plain(S::FORBIDDEN, "foreign_origin", "the page is of another site"),
            Self::InvalidShare => plain(S::UNAUTHORIZED, "invalid_share", "the share is not valid"),
            Self::CommandNotAllowed => {
                plain(S::FORBIDDEN, "command_not_allowed", "there is no such profile, or this command is not for you")
            }
            Self::ViewOnly => plain(S::FORBIDDEN, "view_only", "the access is to view only"),
            Self::NotAllowed(right) => Refusal::without(right),
            Self::NotOwner => plain(S::FORBIDDEN, "not_owner", "only who owns the session may do this"),
            Self::NoSuchSession => plain(S::NOT_FOUND, "no_such_session", "there is no such session"),
            Self::NoSuchUser => plain(S::NOT_FOUND, "no_such_user", "there is no such user"),
            Self::NoSuchThing(what) => Refusal::new(S::NOT_FOUND, "not_found", format!("there is no such {what}")),
            Self::NoSuchRoute => plain(S::NOT_FOUND, "no_such_route", "there is no such route"),
            Self::MethodNotAllowed => plain(S::METHOD_NOT_ALLOWED, "method_not_allowed", "not with this method"),
            Self::NotRunning => plain(S::CONFLICT, "not_running", "the session is not running"),
            Self::StillRunning => plain(S::CONFLICT, "still_running", "the session's program has not ended"),
            Self::ControlHeld => plain(S::CONFLICT, "control_held", "a client has taken control of the session"),
            Self::RefreshRaced => plain(S::CONFLICT, "refresh_raced", "another renewal has just been made"),
            Self::NameTaken => plain(S::CONFLICT, "name_taken", "another user is called that"),
            Self::MailTaken => plain(S::CONFLICT, "mail_taken", "another user has that mail address"),
            Self::LastAdmin => plain(S::CONFLICT, "last_admin", "the last administrator stays one"),
            Self::TooLarge(max) => {
                Refusal::new(S::PAYLOAD_TOO_LARGE, "too_large", format!("the body is larger than {max} bytes"))
            }
            Self::UnsupportedMediaType => {
                plain(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "a body must be application/json")
            }
            Self::RangeNotHeld { start, end } => {
                plain(S::RANGE_NOT_SATISFIABLE, "range_not_held", "these bytes are not held")
                    .with(json!({"start": start, "end": end}))
            }
            Self::ForeignHost => plain(S::MISDIRECTED_REQUEST, "foreign_host", "this server does not have that name"),
            Self::ScreenTooLarge => {
                let why = format!("larger than {RENDERED_MAX} bytes: ask for less scrollback, or for format=text");
                Refusal::new(S::UNPROCESSABLE_ENTITY, "screen_too_large", why).with(json!({"bytes": RENDERED_MAX}))
            }
            Self::SpawnFailed { field, reason } => {
                Refusal::new(S::UNPROCESSABLE_ENTITY, "spawn_failed", reason).with(json!({"field": field}))
            }
            Self::UpgradeRequired => plain(S::UPGRADE_REQUIRED, "upgrade_required", "this route is a WebSocket"),
            Self::TooManySessions => later("too_many_sessions", "as many sessions as allowed are open"),
            Self::TooManyConnections => later("too_many_connections", "as many connections as allowed are open"),
            Self::TooManyViewers => later("too_many_viewers", "as many viewers as allowed are attached"),
            Self::InputQueueFull => later("input_queue_full", "the program does not read its input"),
            Self::TooManyLogins => later("too_many_logins", "too many logins at once").retry(RETRY_LOGIN),
            Self::RateLimited(too_many) => Refusal::early(too_many),
            Self::TooManyKept { what, max } => Refusal::full(what, max),
            Self::Internal => plain(S::INTERNAL_SERVER_ERROR, "internal", "an internal error"),
            Self::Draining => plain(S::SERVICE_UNAVAILABLE, "draining", "the server is going away").retry(RETRY_SOON),
            Self::ProviderUnavailable => {
                plain(S::SERVICE_UNAVAILABLE, "oidc_unavailable", "the provider does not answer as it should")
            }
            Self::NoTerminalsLeft => plain(S::SERVICE_UNAVAILABLE, "no_terminals_left", "no terminals left"),
            Self::OutOfResources => plain(S::SERVICE_UNAVAILABLE, "out_of_resources", "the server is out of resources"),
        }
    }
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self { status, code, message, details: None, retry_after: None, too_many: None }
    }

    /// Of a credential without this right.
    fn without(right: Right) -> Self {
        let (right, status) = (right.as_str(), StatusCode::FORBIDDEN);
        let why = format!("the credential does not allow {right}");
        Self::new(status, "not_allowed", why).with(json!({"needs": right}))
    }

    /// Of one more than may be kept.
    fn full(what: &str, max: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "limit_reached", format!("there are {max} {what} already"))
    }

    /// Of a request that comes too early.
    fn parameter(name: &str, rule: &str) -> Self {
        let why = format!("{name}: {rule}");
        Self::new(StatusCode::BAD_REQUEST, "invalid_query", why).with(json!({"field": name, "rule": rule}))
    }

    fn early(too_many: TooMany) -> Self {
        let seconds = too_many.seconds();
        let wait = if seconds > 120 { format!("{} minutes", seconds.div_ceil(60)) } else { format!("{seconds} s") };
        let why = format!("too many {}: try again in {wait}", too_many.what());
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", why).retry(seconds);
        Self { too_many: Some(too_many), ..refusal.with(too_many.details()) }
    }

    fn field(field: &str, rule: &str, got: Option<String>) -> Self {
        let message = match got {
            Some(got) => format!("{field}: must be {rule}, got {got}"),
            None => format!("{field}: {rule}"),
        };
        Self::new(StatusCode::BAD_REQUEST, "invalid_field", message).with(json!({"field": field, "rule": rule}))
    }

    fn with(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    fn retry(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Whether who asks about a session is answered like this when the server leaves it meanwhile.
    pub(super) fn is_of_one_that_was_left(&self) -> bool {
        matches!(self.code, "no_such_session" | "not_running" | "internal")
    }

    /// The body, for the request of that id.
    pub(super) fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "error": self.message, "code": self.code, "status": self.status.as_u16(), "requestId": request_id,
        });
        if let Some(details) = &self.details {
            body["details"] = details.clone();
        }
        body
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let refusal = self.refusal();
        let mut response = refusal.status.into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = refusal.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(too_many) = refusal.too_many {
            too_many.show(headers);
        }
        match refusal.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                // RFC 6455 section 4.4: whoever came with another version learns which one is spoken.
                headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            _ => {}
        }
        response.extensions_mut().insert(refusal);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NameTaken => return Self::NameTaken,
            StoreError::MailTaken => return Self::MailTaken,
            StoreError::NoSuchAccount => return Self::NoSuchUser,
            StoreError::LastAdmin => return Self::LastAdmin,
            StoreError::TooMany { what, max } => return Self::TooManyKept { what, max },
            // Told to who comes back from a provider, which is no answer of this shape.
            StoreError::IdentityTaken
            | StoreError::TooLarge { .. }
            | StoreError::Damaged(_)
            | StoreError::Place { .. }
            | StoreError::Schema(_)
            | StoreError::Unavailable(_) => {}
        }
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::Unavailable(_) => Self::OutOfResources,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_shape_of_the_contract() {
        let body = ApiError::field("cols", "between 1 and 1000", 0).refusal().body("r1");
        let expected = json!({
            "error": "cols: must be between 1 and 1000, got 0", "code": "invalid_field", "status": 400,
            "requestId": "r1", "details": {"field": "cols", "rule": "between 1 and 1000"},
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_full_server_says_when_to_come_back() {
        let response = ApiError::TooManyLogins.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "10");
    }

    #[test]
    fn the_insides_of_a_failure_stay_inside() {
        let error = ApiError::from(StoreError::Damaged("secret"));
        assert!(!error.refusal().body("r1").to_string().contains("secret"));
    }
}
