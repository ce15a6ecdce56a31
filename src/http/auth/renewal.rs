//! Staying in and going: refresh tokens, each exchanged once.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::entry::{expiry, logged_in};
use crate::auth::audit::{Entry, Event};
use crate::auth::refresh::{self, Facts, Verdict};
use crate::auth::revocation::{Revocation, Root};
use crate::auth::{Digest, LoginId, Secret};
use crate::http::App;
use crate::http::caller::Caller;
use crate::http::connection::Connection;
use crate::http::cookie::Cookie;
use crate::http::error::ApiError;
use crate::http::extract::{Body, OptionalBody};
use crate::http::limits::Attempt;
use crate::store::{KnownRefreshToken, RefreshToken};

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct RefreshRequest {
    refresh_token: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct RenewRequest {
    session_id: Uuid,
    refresh_token: Option<String>,
}

/// A refresh token for its successor.
pub(crate) async fn refresh(
    State(app): State<App>,
    connection: Connection,
    headers: HeaderMap,
    OptionalBody(asked): OptionalBody<RefreshRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let token = presented(asked.refresh_token, Cookie::Refresh, &headers)?.ok_or(ApiError::Unauthenticated)?;
    exchange(&app, &connection, &headers, &token).await
}

/// The same for whoever came by a share of that session.
pub(crate) async fn renew(
    State(app): State<App>,
    connection: Connection,
    headers: HeaderMap,
    Body(asked): Body<RenewRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let cookie = Cookie::Share(asked.session_id);
    let token = presented(asked.refresh_token, cookie, &headers)?.ok_or(ApiError::Unauthenticated)?;
    exchange(&app, &connection, &headers, &token).await
}

/// Ends the login of the refresh token, or of the access token.
pub(crate) async fn logout(
    State(app): State<App>,
    connection: Connection,
    headers: HeaderMap,
    OptionalBody(asked): OptionalBody<RefreshRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let login = match presented(asked.refresh_token, Cookie::Refresh, &headers)? {
        Some(token) => Some(known(&app, &connection, &token).await?.token.login),
        None => match Caller::of(&app, &headers, &connection).await?.bond.map(|bond| bond.root) {
            Some(Root::Login(login)) => Some(login),
            Some(Root::ApiToken(_)) | None => None,
        },
    };
    if let Some(login) = login
        && end_login(&app, login).await?
    {
        let entry = Entry::new(app.now(), Event::LoggedOut, format!("login {login}"));
        app.audit().note(entry.from(connection.client).of(login));
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, Cookie::Refresh.clear(&headers)?)])))
}

/// The refresh token a program put into the body, or a browser into the cookie.
fn presented(in_body: Option<String>, cookie: Cookie, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    match in_body {
        Some(token) => Ok(Some(token)),
        None => Ok(cookie.read(headers)?.map(Into::into)),
    }
}

/// What is known of a refresh token. One that nobody was ever given is a guess, and counts.
async fn known(app: &App, connection: &Connection, token: &str) -> Result<KnownRefreshToken, ApiError> {
    match app.store().refresh_token(Digest::of(token)).await? {
        Some(known) => Ok(known),
        None => {
            Attempt::with_secret(app, connection.client).await?;
            Err(ApiError::InvalidToken)
        }
    }
}

async fn exchange(
    app: &App,
    connection: &Connection,
    headers: &HeaderMap,
    token: &str,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let known = known(app, connection, token).await?;
    if let Some(successor) = rotate(app, &known).await? {
        return logged_in(app, headers, known.token.login, &known.holder, &successor);
    }
    // Someone was faster: what the token means now is for a second look to tell.
    let known = app.store().refresh_token(known.token.digest).await?.ok_or(ApiError::InvalidToken)?;
    rotate(app, &known).await?;
    Err(ApiError::RefreshRaced)
}

/// Exchanges a known refresh token, or refuses. `None` when someone else has exchanged it since it was looked up.
async fn rotate(app: &App, known: &KnownRefreshToken) -> Result<Option<Secret>, ApiError> {
    let now = app.now();
    let facts = Facts { spent: known.spent, expires: known.token.expires, login_ended: known.login_ended };
    match refresh::judge(facts, now) {
        Verdict::Fresh => {}
        Verdict::Raced => return Err(ApiError::RefreshRaced),
        Verdict::Expired => return Err(ApiError::ExpiredToken),
        Verdict::Revoked => return Err(ApiError::InvalidToken),
        Verdict::Reused => {
            let login = known.token.login;
            tracing::warn!(%login, "a spent refresh token was used again: its login is ended");
            app.audit().note(Entry::new(now, Event::RefreshReused, "stranger").of(login));
            end_login(app, login).await?;
            return Err(ApiError::InvalidToken);
        }
    }
    let secret = app.outside().secret()?;
    let successor = RefreshToken { digest: secret.digest(), expires: expiry(&known.holder, now), ..known.token };
    let won = app.store().rotate(known.token.digest, &successor, now).await?;
    Ok(won.then_some(secret))
}

/// In the store first: what is ended there stays ended when the server dies now.
pub(super) async fn end_login(app: &App, login: LoginId) -> Result<bool, ApiError> {
    let now = app.now();
    let is_news = app.store().end_login(login, now).await?;
    app.revocations().add(Revocation::Login(login), now);
    Ok(is_news)
}
