//! What happens around every route: the guard, one line in the log, and the shape of every answer.
//!
//! The line names the route as it stands in the table, never the URL: a path can hold an id and a query anything.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::{Instrument as _, Span, field};

use super::App;
use super::connection::Connection;
use super::error::{ApiError, Refusal};

/// Sent with every answer. The page loads only what this server serves, nobody frames it, and no address leaks.
/// `style-src` allows inline styles because the terminal positions its cells with them.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=(self), clipboard-write=(self)",
    ),
];

/// The outermost layer: gives the request its id, writes its line in the log, and fills in what every answer has.
pub(super) async fn answer(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = app.outside().request_id().to_string();
    let started = Instant::now();
    let span = tracing::info_span!(
        "request", id = %id, method = known(request.method()), route = field::Empty, peer = field::Empty,
    );
    if let Some(connection) = request.extensions().get::<Connection>() {
        span.record("peer", field::display(connection.peer));
    }
    let mut response = next.run(request).instrument(span.clone()).await;
    let refusal = response.extensions_mut().remove::<Refusal>();
    let code = refusal.as_ref().map(|refusal| refusal.code);
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), code, micros, "answered"));
    if let Some(refusal) = refusal {
        response = explained(response, &refusal, &id);
    }
    complete(response)
}

/// The method as the log calls it. One we do not know is a stranger's words, as long as the stranger likes.
fn known(method: &Method) -> &str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}

/// Puts the refusal's words into the body, keeping status and headers.
fn explained(response: Response, refusal: &Refusal, request_id: &str) -> Response {
    let (mut head, _) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(head, refusal.body(request_id).to_string().into())
}

fn complete(mut response: Response) -> Response {
    let is_cut_short = response.status() == StatusCode::PAYLOAD_TOO_LARGE;
    let headers = response.headers_mut();
    if is_cut_short {
        // The rest of the body is not read, so the connection cannot carry another request: say so.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The guard's layer. While the server is going away only its health is told, so that a load balancer can see why; and
/// who was let in just before and finds sessions left or ended because of that is told why, too: for them as for others
/// it is no answer about the session.
pub(super) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Some(connection) = head.extensions.get::<Connection>() else {
        tracing::error!("a request came by no connection");
        return ApiError::Internal.into_response();
    };
    if let Err(refusal) = app.guard().check(&head, connection) {
        return refusal.into_response();
    }
    // This one: when the server stays after all there is another.
    let draining = app.draining();
    if draining.is_cancelled() && !matches!(head.uri.path(), "/health" | "/api/health") {
        return ApiError::Draining.into_response();
    }
    let response = next.run(Request::from_parts(head, body)).await;
    let refusal = response.extensions().get::<Refusal>();
    if draining.is_cancelled() && refusal.is_some_and(Refusal::is_of_one_that_was_left) {
        return ApiError::Draining.into_response();
    }
    response
}

/// Notes in the log's line which route of the table was taken.
pub(super) async fn note_route(route: Option<MatchedPath>, request: Request, next: Next) -> Response {
    Span::current().record("route", route.as_ref().map_or("none", MatchedPath::as_str));
    next.run(request).await
}

/// A handler that panicked harms nobody else. Its place is in the log, by the panic hook.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}
