//! What happens around every route: the guard, one line in the log, and the shape of every answer.
//!
//! The line names the route as it stands in the table, never the URL: a path can hold an id and a query anything.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::request::Parts as Head;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tower::Service as _;
use tracing::{Instrument as _, Span, field};

use super::App;
use super::connection::Connection;
use super::cors::Guest;
use super::error::{ApiError, Refusal};
use super::guard::Admitted;

/// Sent with every answer. The page loads only what this server serves, nobody frames it, and no address leaks. Text can
/// become neither markup nor script in it: the browser refuses every way to make it so (trusted types).
/// `style-src` allows inline styles because the terminal positions its cells with them.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
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

/// Browsers that came by https once do not come in clear again for a year. Sent only under a name that is this server's
/// alone: it holds for every port of the name.
const ONLY_HTTPS: &str = "max-age=31536000";

/// The whole service: every route, behind the guard. Cheap to clone.
///
/// No layers of the router's framework, because each would box the request's future and clone the service once more,
/// and so that no route can miss what surrounds all of them.
#[derive(Clone)]
pub struct Edge {
    app: App,
    routes: Router,
}

impl Edge {
    /// `routes`, surrounded.
    pub(super) const fn new(app: App, routes: Router) -> Self {
        Self { app, routes }
    }

    /// Answers one request: gives it its id, writes its line in the log, and fills in what every answer has.
    pub async fn answer(&self, request: Request) -> Response {
        let id = self.app.next_request_id();
        let started = Instant::now();
        let span = tracing::info_span!(
            "request", id = %id, method = known(request.method()), route = field::Empty, client = field::Empty,
        );
        if let Some(connection) = request.extensions().get::<Connection>() {
            span.record("client", field::display(connection.client));
        }
        let mut response = self.admit(request).instrument(span.clone()).await;
        let refusal = response.extensions_mut().remove::<Refusal>();
        let code = refusal.as_ref().map(|refusal| refusal.code);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        span.in_scope(|| tracing::info!(status = response.status().as_u16(), code, micros, "answered"));
        if let Some(refusal) = refusal {
            response = explained(response, &refusal, &id.to_string());
        }
        complete(response)
    }

    /// The guard, and what its findings mean for the answer.
    async fn admit(&self, request: Request) -> Response {
        let (mut head, body) = request.into_parts();
        let Some(connection) = head.extensions.get::<Connection>() else {
            tracing::error!("a request came by no connection");
            return ApiError::Internal.into_response();
        };
        let Admitted { guest, by_own_name } = match self.app.guard().check(&head, connection) {
            Ok(admitted) => admitted,
            Err(refusal) => return refusal.into_response(),
        };
        let pins_https = connection.secure && by_own_name;
        let mut response = match &guest {
            Some(_) => match Guest::preflight(&head) {
                Some(answer) => answer,
                None => {
                    Guest::strip(&mut head);
                    self.route(head, body).await
                }
            },
            None => self.route(head, body).await,
        };
        if let Some(guest) = guest {
            guest.shown(&mut response);
        }
        if pins_https {
            let headers = response.headers_mut();
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_HTTPS));
        }
        response
    }

    /// Has a request that may come in answered by its route. While the server is going away only its health is told, so that a load balancer can see why; and who
    /// was let in just before and finds sessions left or ended because of that is told why, too: for them as for others
    /// it is no answer about the session.
    async fn route(&self, head: Head, body: Body) -> Response {
        // This one: when the server stays after all there is another.
        let draining = self.app.draining();
        if draining.is_cancelled() && !matches!(head.uri.path(), "/health" | "/api/health") {
            return ApiError::Draining.into_response();
        }
        // A router is always ready for another request.
        let Ok(response) = self.routes.clone().call(Request::from_parts(head, body)).await;
        let refusal = response.extensions().get::<Refusal>();
        if draining.is_cancelled() && refusal.is_some_and(Refusal::is_of_one_that_was_left) {
            return ApiError::Draining.into_response();
        }
        response
    }
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
    headers.reserve(HEADERS.len() + 1);
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Notes in the log's line which route of the table was taken.
pub(super) fn note_route(request: Request) -> Request {
    let route = request.extensions().get::<MatchedPath>();
    Span::current().record("route", route.map_or("none", MatchedPath::as_str));
    request
}

/// A handler that panicked harms nobody else. Its place is in the log, by the panic hook.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}
