//! What a handler asks of a request: what its path names, and JSON bodies, bounded in size and time, whose faults are
//! named.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::App;
use super::error::ApiError;

/// Largest body taken, in bytes: 1 MiB of input as base64, with room.
const BODY_MAX: usize = 2 * 1024 * 1024;
/// How long a body may take to arrive, beside the time its bytes take at [`BODY_BYTES_PER_SECOND`]: short for someone who
/// drips bytes.
const BODY_PATIENCE: Duration = Duration::from_secs(8);
/// How fast a body must come: a bad line.
const BODY_BYTES_PER_SECOND: u32 = 64 * 1024;

/// What the last parameter of the path names. One that is not even UTF-8 names nothing, as an empty one does.
pub struct Named(pub String);

impl FromRequestParts<App> for Named {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let path = RawPathParams::from_request_parts(parts, app).await.ok();
        let last = path.as_ref().and_then(|path| path.iter().last());
        Ok(Self(last.map(|(_, value)| value.to_owned()).unwrap_or_default()))
    }
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

/// For a field that may be null, which is not the same as its being left out: `#[serde(default, with = "given")]`.
pub(super) mod given {
    use serde::{Deserialize, Deserializer};

    /// Reads a field that was given.
    pub(in crate::http) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Option::deserialize(deserializer).map(Some)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let written = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = written.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn read(body: HttpBody) -> Result<Vec<u8>, ApiError> {
    let (mut body, mut bytes) = (Limited::new(body, BODY_MAX), Vec::new());
    let mut deadline = Instant::now() + BODY_PATIENCE;
    loop {
        let next = tokio::time::timeout_at(deadline, body.frame()).await;
        match next.map_err(|_| ApiError::InvalidJson("the body took too long to arrive".into()))? {
            None => return Ok(bytes),
            Some(Ok(frame)) => {
                // Trailers say nothing to us.
                let Ok(data) = frame.into_data() else { continue };
                let came = u32::try_from(data.len()).unwrap_or(u32::MAX);
                deadline += Duration::from_secs(1) * came / BODY_BYTES_PER_SECOND;
                bytes.extend_from_slice(&data);
            }
            Some(Err(error)) if error.is::<LengthLimitError>() => return Err(ApiError::TooLarge(BODY_MAX)),
            Some(Err(_)) => return Err(ApiError::InvalidJson("the body did not arrive".into())),
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // An array of a struct's fields in their order is one, too, to serde, but no body that is described anywhere.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::InvalidField { field: ".".into(), rule: "must be an object".into(), got: None });
    }
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
        assert_eq!(refusal(r#" [80, {"A": "b"}]"#), invalid(".", "must be an object"));
    }

    #[test]
    fn what_is_not_json_is_called_that() {
        for json in ["", "{", "{\"cols\": 80} x", "\u{0}", "{\"cols\": 80,}", &"[".repeat(100_000)] {
            assert!(matches!(refusal(json), ApiError::InvalidJson(_) | ApiError::InvalidField { .. }), "{json:.20}");
        }
        assert!(matches!(refusal("{"), ApiError::InvalidJson(_)));
    }
}
