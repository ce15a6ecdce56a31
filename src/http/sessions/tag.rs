//! ETags of what a screen shows: equal exactly when the bytes are.

use std::fmt;

use axum::http::StatusCode;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use crate::session::SessionId;

/// What of a screen an answer holds, and how written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The name of the way it is written in.
    pub(super) form: &'static str,
    /// How many lines of scrollback were asked for.
    pub(super) scrollback: u32,
}

/// A strong ETag: the part of the screen of a session after so many changes since a server made it or took it up. The next
/// server counts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(super) session: SessionId,
    pub(super) since: Timestamp,
    pub(super) revision: u64,
    pub(super) part: Part,
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, since, revision, part: Part { form, scrollback } } = self;
        let since = since.as_millisecond();
        write!(formatter, "\"{session}.{since}.{revision}.{form}.{scrollback}\"")
    }
}

impl Tag {
    /// The header's value.
    pub(super) fn header(self) -> HeaderValue {
        // Digits, letters, dots and quotes: always a header's value.
        HeaderValue::try_from(self.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The answer to who has this already.
    pub(super) fn not_modified(self) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().insert(header::ETAG, self.header());
        response
    }
}

/// What a client has already: the tags of `If-None-Match`.
#[derive(Clone, Debug, Default)]
pub(super) struct Had(Vec<String>);

impl Had {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        // Our tags hold no comma, so nothing is lost by dividing others' there.
        Self(values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect())
    }

    /// Whether the client told of anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `tag` is among them. Compared weakly, as RFC 9110 section 13.1.2 has it: a proxy that compresses
    /// weakens a tag.
    pub(super) fn has(&self, tag: Tag) -> bool {
        let tag = tag.to_string();
        self.0.iter().any(|had| had == "*" || had.strip_prefix("W/").unwrap_or(had) == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_again_by_who_had_it() {
        let session = SessionId::from_random([7; 16]);
        let since = |millis| Timestamp::from_millisecond(millis).unwrap();
        let tag = |revision, form, scrollback| {
            let part = Part { form, scrollback };
            Tag { session, since: since(5), revision, part }
        };
        let written = tag(3, "html", 10);
        let of_another_server = Tag { since: since(6), ..written };
        let had = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            Had::of(&headers)
        };
        for value in [written.to_string(), format!("W/{written}"), format!("\"x\", {written}"), "*".into()] {
            assert!(had(&value).has(written), "{value}");
        }
        for other in [tag(4, "html", 10), tag(3, "ansi", 10), tag(3, "html", 0), of_another_server] {
            assert!(!had(&written.to_string()).has(other));
        }
        assert!(!had("").has(written) && !Had::default().has(written));
        assert!(Had::default().is_empty() && !had("\"x\"").is_empty());
    }
}
