//! `GET /openapi.json`: every route, what it takes and what it answers, for programs that make clients and for those that
//! test servers.
//!
//! One file an area, each a table in the order of the router's. Schemas are derived where the types are; what a derive
//! cannot say (limits, words) is in `words`, from the constants that it is checked by. Statuses and codes come from
//! [`ApiError`]. A test of `tests/it/openapi.rs` holds the document against the router's table, and against what the
//! server accepts.

mod accounts;
mod entry;
mod identities;
mod operation;
mod page;
mod refusals;
mod screens;
mod sessions;
mod sharing;
pub(super) mod words;

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, Paths};

use super::error::ApiError;
use operation::Operation;

/// A login's access token, or the local token.
const ACCESS_TOKEN: &str = "accessToken";
/// An API token.
const API_TOKEN: &str = "apiToken";
/// The cookie that holds the refresh token of a login.
const REFRESH_COOKIE: &str = "refreshCookie";
/// The ticket of a WebSocket.
const TICKET: &str = "ticket";

/// The document as it is served: it is the same for as long as the program runs.
static WRITTEN: LazyLock<Result<Bytes, serde_json::Error>> =
    LazyLock::new(|| serde_json::to_vec(&document()).map(Bytes::from));

/// Serves it. It tells nothing but what the program is, so everyone may have it.
pub(super) async fn serve() -> Result<Response, ApiError> {
    let written = WRITTEN.as_ref().map_err(|error| {
        tracing::error!(%error, "the description of the API could not be written");
        ApiError::Internal
    })?;
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((json, written.clone()).into_response())
}

fn document() -> OpenApi {
    let mut components = Components::new();
    for (name, scheme) in credentials() {
        components.add_security_scheme(name, scheme);
    }
    components.schemas.insert(refusals::PROBLEM.to_owned(), refusals::problem());
    let mut paths = Paths::new();
    for operation in operations() {
        let (path, method) = (operation.path(), operation.method());
        paths.add_path_operation(path, vec![method], operation.finished(&mut components));
    }
    let mut info = Info::new("Fantail", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let mut document = OpenApi::new(info, paths);
    document.components = Some(components);
    document
}

/// All of them, an area after the other.
fn operations() -> impl Iterator<Item = Operation> {
    let areas = [
        page::operations(),
        entry::ways_in(),
        entry::oneself(),
        identities::operations(),
        accounts::operations(),
        sessions::operations(),
        sharing::operations(),
        screens::operations(),
    ];
    areas.into_iter().flatten()
}

const ABOUT: &str = "A realtime terminal session server. What cannot be said here (who may do what with whose session, \
                     the WebSocket's messages, cookies, Host and Origin) is in docs/PROTOCOL.md.";

fn credentials() -> [(&'static str, SecurityScheme); 4] {
    let bearer = |format: &str, description: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
        SecurityScheme::Http(scheme.description(Some(description)).build())
    };
    let access = "The access token of a login or of a share, good for 15 minutes; also the local token of the command \
                  line.";
    let api = "An API token `ftl_…`. The scopes it needs stand beside it.";
    let cookie = "The refresh token of a browser's login, with an `Origin` only. `__Host-fantail_refresh` where the page \
                  came by https. That of a share is in a cookie named after its session.";
    let ticket = "`fantail.v1, ticket.<ticket>`";
    [
        (ACCESS_TOKEN, bearer("JWT", access)),
        (API_TOKEN, bearer("ftl_<id>_<secret>_<check>", api)),
        (
            REFRESH_COOKIE,
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("fantail_refresh", cookie))),
        ),
        (
            TICKET,
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Sec-WebSocket-Protocol", ticket))),
        ),
    ]
}
