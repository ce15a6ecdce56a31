//! Logging in, staying in, logging out, and tickets for WebSockets.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::App;
use super::cookie;
use super::error::ApiError;
use super::extract::{Body, Caller, How, OptionalBody};
use crate::auth::refresh::{self, Facts, Verdict};
use crate::auth::ticket::TICKET_LIFETIME;
use crate::auth::{Access, AccountId, Digest, LoginId, Secret};
use crate::store::{KnownRefreshToken, RefreshToken};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequest {
    username: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkRequest {
    token: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RefreshRequest {
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TicketRequest {
    session_id: String,
    access: Option<Access>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoggedIn {
    access_token: String,
    refresh_token: String,
    expires_in: i64,
    user: User,
}

#[derive(Serialize)]
struct User {
    id: String,
    username: String,
}

#[derive(Serialize)]
struct Me {
    user: User,
    auth: How,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    ticket: String,
    expires_in: i64,
}

/// An account that has shown who it is.
struct Known {
    account: AccountId,
    name: String,
    /// The hash its password was checked against, where that is how it showed it.
    proven: Option<String>,
}

/// Name and password for tokens.
pub(super) async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    Body(asked): Body<LoginRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let account = app.store().account_named(&asked.username).await?;
    let kept = account.as_ref().and_then(|account| account.password_hash.clone());
    // Checked also when there is no such account, which takes as long.
    let matches = app.passwords().verify(asked.password, kept.clone()).await?;
    let account = account.filter(|_| matches).ok_or(ApiError::InvalidLogin)?;
    start_login(&app, &headers, Known { account: AccountId(account.id), name: account.name, proven: kept }).await
}

/// The token of a login link for tokens.
pub(super) async fn link(
    State(app): State<App>,
    headers: HeaderMap,
    Body(asked): Body<LinkRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let account = app.redeem_link(&asked.token).ok_or(ApiError::InvalidLogin)?;
    let found = app.store().account(account.0).await?.ok_or(ApiError::InvalidLogin)?;
    start_login(&app, &headers, Known { account, name: found.name, proven: None }).await
}

/// A refresh token for its successor.
pub(super) async fn refresh(
    State(app): State<App>,
    headers: HeaderMap,
    OptionalBody(asked): OptionalBody<RefreshRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let presented = presented(asked, &headers)?.ok_or(ApiError::Unauthenticated)?;
    let digest = Digest::of(&presented);
    let known = app.store().refresh_token(digest.0).await?.ok_or(ApiError::InvalidToken)?;
    if let Some(successor) = rotate(&app, &known).await? {
        let who = Known { account: AccountId(known.account), name: known.account_name, proven: None };
        return logged_in(&app, &headers, LoginId(known.token.login), &who, &successor);
    }
    // Someone was faster: what the token means now is for a second look to tell.
    let known = app.store().refresh_token(digest.0).await?.ok_or(ApiError::InvalidToken)?;
    rotate(&app, &known).await?;
    Err(ApiError::RefreshRaced)
}

/// Ends the login of the refresh token, or of the access token.
pub(super) async fn logout(
    State(app): State<App>,
    headers: HeaderMap,
    OptionalBody(asked): OptionalBody<RefreshRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let login = match presented(asked, &headers)? {
        Some(token) => {
            let known = app.store().refresh_token(Digest::of(&token).0).await?.ok_or(ApiError::InvalidToken)?;
            Some(LoginId(known.token.login))
        }
        None => Caller::of(&app, &headers)?.login.map(|(login, _)| login),
    };
    if let Some(login) = login {
        end_login(&app, login).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie::clear(&headers)?)])))
}

/// Who the caller is.
pub(super) async fn me(State(app): State<App>, caller: Caller) -> Result<impl IntoResponse, ApiError> {
    let account = app.store().account(caller.account.0).await?.ok_or(ApiError::InvalidToken)?;
    Ok(Json(Me { user: User { id: account.id.to_string(), username: account.name }, auth: caller.how }))
}

/// A ticket for one WebSocket.
pub(super) async fn ticket(
    State(app): State<App>,
    caller: Caller,
    Body(asked): Body<TicketRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let session = Uuid::try_parse(&asked.session_id).map_err(|_| ApiError::NoSuchSession)?;
    let access = app.access_to(&asked.session_id, &caller)?.narrowed(asked.access).ok_or(ApiError::ViewOnly)?;
    let ticket = app.mint_ticket(&caller, session, access)?;
    Ok(Json(Ticket { ticket, expires_in: TICKET_LIFETIME.as_secs() }))
}

/// The refresh token a program put into the body, or a browser into the cookie.
fn presented(asked: RefreshRequest, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    match asked.refresh_token {
        Some(token) => Ok(Some(token)),
        None => Ok(cookie::refresh_token(headers)?.map(Into::into)),
    }
}

async fn start_login(app: &App, headers: &HeaderMap, who: Known) -> Result<impl IntoResponse + use<>, ApiError> {
    let (login, secret, now) = (LoginId(app.outside().id()?), app.outside().secret()?, app.now());
    let first = RefreshToken { digest: secret.digest().0, login: login.0, expires: refresh::expiry(now) };
    // A password set while this one was being checked has made it a wrong one.
    if !app.store().start_login(who.account.0, &first, who.proven.as_deref(), now).await? {
        return Err(ApiError::InvalidLogin);
    }
    tracing::info!(account = %who.account, login = %login.0, "logged in");
    logged_in(app, headers, login, &who, &secret)
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
            let login = LoginId(known.token.login);
            tracing::warn!(login = %login.0, "a spent refresh token was used again: its login is ended");
            end_login(app, login).await?;
            return Err(ApiError::InvalidToken);
        }
    }
    let secret = app.outside().secret()?;
    let successor = RefreshToken { digest: secret.digest().0, expires: refresh::expiry(now), ..known.token };
    let won = app.store().rotate(known.token.digest, &successor, now).await?;
    Ok(won.then_some(secret))
}

/// In the store first: what is ended there stays ended when the server dies now.
async fn end_login(app: &App, login: LoginId) -> Result<(), ApiError> {
    let now = app.now();
    app.store().end_login(login.0, now).await?;
    app.logins().end(login, now);
    Ok(())
}

fn logged_in(
    app: &App,
    headers: &HeaderMap,
    login: LoginId,
    who: &Known,
    secret: &Secret,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let id = app.outside().id()?;
    let access_token = app.keys().mint(who.account, login, id, app.now()).map_err(|error| {
        tracing::error!(%error, "no access token");
        ApiError::Internal
    })?;
    let refresh_token = secret.reveal();
    let cookie = cookie::set(&refresh_token, headers)?;
    let user = User { id: who.account.to_string(), username: who.name.clone() };
    let body = LoggedIn { access_token, refresh_token, expires_in: app.keys().lifetime().as_secs(), user };
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(body)))
}
