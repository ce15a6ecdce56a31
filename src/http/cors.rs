//! Pages of other sites that the configuration lets call the API (CORS).
//!
//! They are let in as a program is, with an access token they were given. The cookie is not for them: it is taken out of
//! their requests, and their browsers are never told that it could be sent.

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// How long a browser may remember what a page may ask, in seconds: an address taken out of the settings is out soon.
const REMEMBERED: &str = "600";
/// What such a page may ask with, beyond what any may.
const MAY_SEND: &str = "authorization, content-type, if-none-match, range";
/// What such a page may read of an answer, beyond what any may.
const MAY_READ: &str = "accept-ranges, content-range, etag, retry-after, x-ratelimit-limit, \
                        x-ratelimit-remaining, x-ratelimit-reset";
/// Every method there is a route for.
const METHODS: &str = "GET, HEAD, POST, PATCH, DELETE";

/// A page of another site that is let in. Holds its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guest(pub(super) HeaderValue);

impl Guest {
    /// The answer to a browser that asks whether the page may ask, if that is what `request` is.
    pub(super) fn preflight(request: &Parts) -> Option<Response> {
        let asks =
            request.method == Method::OPTIONS && request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let allowed = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, MAY_SEND),
            (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
        ];
        asks.then(|| (StatusCode::NO_CONTENT, allowed).into_response())
    }

    /// Takes out of the request what is not the page's to send.
    pub(super) fn strip(request: &mut Parts) {
        request.headers.remove(header::COOKIE);
    }

    /// Lets the page read the answer.
    pub(super) fn shown(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(MAY_READ));
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        // Nothing is set that would not come back.
        headers.remove(header::SET_COOKIE);
        // The answer is for another site, and says so itself.
        let policy = HeaderName::from_static("cross-origin-resource-policy");
        headers.insert(policy, HeaderValue::from_static("cross-origin"));
    }
}
