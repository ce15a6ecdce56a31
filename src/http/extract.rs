//! What a handler must name to get at a request: who calls, and what they ask for. A handler that names no [`Caller`]
//! is open to everyone, which is to be seen in its signature.

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::App;
use super::error::ApiError;
use crate::auth::ticket::TicketGrant;
use crate::auth::token::TokenError;
use crate::auth::{Access, AccountId, LoginId, Role};

/// Largest body taken, in bytes: 1 MiB of input as base64, with room.
const BODY_MAX: usize = 2 * 1024 * 1024;
/// How long a body may take to arrive: generous for 2 MiB over a bad line, short for someone who drips bytes.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// What the token of the command line starts with, so that leaks are recognised.
pub(crate) const LOCAL_TOKEN_PREFIX: &str = "ftl_local_";

/// How a caller showed who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// By an access token.
    Token,
    /// By the local token of the account the server runs as.
    Local,
    /// It did not have to.
    None,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The login and when the token was issued; none for the local token and a server without auth.
    pub login: Option<(LoginId, Timestamp)>,
    /// When the token expires.
    pub expires: Option<Timestamp>,
    /// How it showed that.
    pub how: How,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// What a ticket bought by this caller stands for.
    #[must_use]
    pub fn grant(&self, access: Access) -> TicketGrant {
        TicketGrant {
            account: self.account,
            login: self.login.map(|(login, _)| login),
            issued: self.login.map(|(_, issued)| issued),
            expires: self.expires,
            access,
        }
    }

    fn owner(app: &App, how: How) -> Self {
        Self { account: app.owner(), login: None, expires: None, how, role: Role::Admin }
    }

    /// Who presents these headers.
    ///
    /// # Errors
    /// With a 401 when nobody we know does.
    pub fn of(app: &App, headers: &HeaderMap) -> Result<Self, ApiError> {
        if app.settings().no_auth {
            return Ok(Self::owner(app, How::None));
        }
        let token = bearer(headers)?.ok_or(ApiError::Unauthenticated)?;
        if token.starts_with(LOCAL_TOKEN_PREFIX) {
            return if app.is_local_token(token) {
                Ok(Self::owner(app, How::Local))
            } else {
                Err(ApiError::InvalidToken)
            };
        }
        let claims = app.keys().verify(token, app.now()).map_err(|error| match error {
            TokenError::Expired => ApiError::ExpiredToken,
            TokenError::Invalid | TokenError::Unsigned => ApiError::InvalidToken,
        })?;
        if app.logins().is_ended(claims.login, claims.issued) {
            return Err(ApiError::InvalidToken);
        }
        Ok(Self {
            account: claims.account,
            login: Some((claims.login, claims.issued)),
            expires: Some(claims.expires),
            how: How::Token,
            role: Role::Admin,
        })
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Self::of(app, &parts.headers)
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let written = value.to_str().ok().filter(|_| values.next().is_none()).ok_or(ApiError::InvalidToken)?;
    let (scheme, token) = written.split_once(' ').ok_or(ApiError::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(ApiError::InvalidToken) }
}

/// A JSON body. Request types are `deny_unknown_fields`, so that a misspelt field is named and not ignored.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request.into_body()).await?;
        if !is_json {
            return Err(ApiError::UnsupportedMediaType);
        }
        parse(&bytes).map(Self)
    }
}

/// A JSON body, or none.
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request.into_body()).await?;
        match (bytes.is_empty(), is_json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => parse(&bytes).map(Self),
            (false, false) => Err(ApiError::UnsupportedMediaType),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let written = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = written.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn read(body: HttpBody) -> Result<Vec<u8>, ApiError> {
    let whole = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX).collect()).await;
    let arrived = whole.map_err(|_| ApiError::InvalidJson("the body took too long to arrive".into()))?;
    match arrived {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(BODY_MAX)),
        Err(_) => Err(ApiError::InvalidJson("the body did not arrive".into())),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| explain(&error))?;
    json.end().map_err(|_| ApiError::InvalidJson("there is more after the JSON".into()))?;
    Ok(value)
}

/// Names the field and the rule. The value is left out of the message: it can be a password in the wrong place.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let inner = error.inner();
    let message = inner.to_string();
    if !inner.is_data() {
        return ApiError::InvalidJson(format!("not JSON: {message}"));
    }
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let path = error.path().to_string();
    let (field, rule) = if message.starts_with("missing field") {
        (below(&path, quoted), "required".to_owned())
    } else if message.starts_with("unknown field") {
        (below(&path, quoted), "unknown".to_owned())
    } else if message.starts_with("duplicate field") {
        (below(&path, quoted), "given twice".to_owned())
    } else {
        let rule = message.split_once("expected ").map_or("of another type", |(_, expected)| expected);
        let rule = rule.rsplit_once(" at line ").map_or(rule, |(rule, _)| rule);
        (path, format!("must be {rule}"))
    };
    ApiError::InvalidField { field, rule, got: None }
}

/// A field of the object at `path`, which already ends in it or does not.
fn below(path: &str, field: &str) -> String {
    match path {
        "." => field.to_owned(),
        _ if path == field || path.ends_with(&format!(".{field}")) => path.to_owned(),
        _ => format!("{path}.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Asked {
        #[expect(dead_code, reason = "only its reading is tested")]
        cols: u16,
        #[serde(default)]
        #[expect(dead_code, reason = "only its reading is tested")]
        env: BTreeMap<String, String>,
    }

    fn refusal(json: &str) -> ApiError {
        parse::<Asked>(json.as_bytes()).unwrap_err()
    }

    fn invalid(field: &str, rule: &str) -> ApiError {
        ApiError::InvalidField { field: field.into(), rule: rule.into(), got: None }
    }

    #[test]
    fn a_wrong_body_is_explained_by_field_and_rule() {
        assert!(parse::<Asked>(br#"{"cols": 80, "env": {"A": "b"}}"#).is_ok());
        assert_eq!(refusal("{}"), invalid("cols", "required"));
        assert_eq!(refusal(r#"{"cols": 80, "rosw": 1}"#), invalid("rosw", "unknown"));
        assert_eq!(refusal(r#"{"cols": 80, "cols": 81}"#), invalid("cols", "given twice"));
        assert_eq!(refusal(r#"{"cols": "hunter2 or so"}"#), invalid("cols", "must be u16"));
        assert_eq!(refusal(r#"{"cols": -1}"#), invalid("cols", "must be u16"));
        assert_eq!(refusal(r#"{"cols": 80, "env": {"A": 1}}"#), invalid("env.A", "must be a string"));
    }

    #[test]
    fn what_is_not_json_is_called_that() {
        for json in ["", "{", "{\"cols\": 80} x", "\u{0}", "{\"cols\": 80,}", &"[".repeat(100_000)] {
            assert!(matches!(refusal(json), ApiError::InvalidJson(_) | ApiError::InvalidField { .. }), "{json:.20}");
        }
        assert!(matches!(refusal("{"), ApiError::InvalidJson(_)));
    }

    #[test]
    fn a_bearer_token_is_read_from_one_header_of_that_scheme() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(bearer(&headers(&["Bearer abc"])), Ok(Some("abc")));
        assert_eq!(bearer(&headers(&["bearer abc"])), Ok(Some("abc")));
        assert_eq!(bearer(&headers(&[])), Ok(None));
        for wrong in [&["Basic abc"][..], &["Bearer"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&headers(wrong)), Err(ApiError::InvalidToken), "{wrong:?}");
        }
    }
}
