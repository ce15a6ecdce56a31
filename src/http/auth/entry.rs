//! Getting in: with a password, a login link, or the link of a share.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::audit::{Entry, Event};
use crate::auth::token::Holder;
use crate::auth::{Access, Digest, LoginId, Secret, Who, refresh};
use crate::http::App;
use crate::http::connection::Connection;
use crate::http::cookie::Cookie;
use crate::http::error::ApiError;
use crate::http::extract::Body;
use crate::http::limits::{Attempt, known_device};
use crate::http::users::UserObject;
use crate::store::{Account, LoginBy, LoginHolder, NewLogin, RefreshToken, Share};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    username: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkRequest {
    token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnterRequest {
    secret: String,
}

/// What a login, or a renewal of it, is answered with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoggedIn {
    access_token: String,
    refresh_token: String,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<Entered>,
}

/// What whoever came by a share got.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Entered {
    session_id: Uuid,
    access: Access,
    label: String,
    expires_at: Timestamp,
}

/// Name and password for tokens.
pub(crate) async fn login(
    State(app): State<App>,
    connection: Connection,
    headers: HeaderMap,
    Body(asked): Body<LoginRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let account = app.store().account_named(&asked.username).await?;
    let attempt = Attempt::with_password(&app, &connection, &headers, &asked.username, account.as_ref()).await?;
    let kept = account.as_ref().and_then(|account| account.password_hash.clone());
    // Checked also when there is no such account, which takes as long.
    let right = attempt.check(&app, asked.password, kept.clone()).await?;
    let in_vain = || {
        // The name that was given can be a password in the wrong field: only one there is is written down.
        let of = account.as_ref().map_or_else(|| "nobody".to_owned(), |account| account.id.to_string());
        app.audit().note(Entry::new(app.now(), Event::LoginFailed, "stranger").from(connection.client).of(of));
        ApiError::InvalidLogin
    };
    let (Some((account, proven)), Some(attempt)) = (account.clone().zip(kept), right) else { return Err(in_vain()) };
    let by = LoginBy::Password(account.id, proven);
    let started = start(&app, &connection, &headers, by, LoginHolder::Account(account)).await?.ok_or_else(in_vain)?;
    attempt.forgive(&app).await;
    Ok(started)
}

/// The token of a login link for tokens.
pub(crate) async fn link(
    State(app): State<App>,
    connection: Connection,
    headers: HeaderMap,
    Body(asked): Body<LinkRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let attempt = Attempt::with_secret(&app, connection.client).await?;
    let account = app.redeem_link(&asked.token).ok_or(ApiError::InvalidLogin)?;
    attempt.forgive(&app).await;
    let found = app.store().account(account).await?.ok_or(ApiError::InvalidLogin)?;
    let by = LoginBy::Link(account);
    start(&app, &connection, &headers, by, LoginHolder::Account(found)).await?.ok_or(ApiError::InvalidLogin)
}

/// The secret of a share for tokens that are good for its session.
pub(crate) async fn enter(
    State(app): State<App>,
    connection: Connection,
    headers: HeaderMap,
    Body(asked): Body<EnterRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let attempt = Attempt::with_secret(&app, connection.client).await?;
    let share = app.store().share(Digest::of(&asked.secret)).await?.ok_or(ApiError::InvalidShare)?;
    attempt.forgive(&app).await;
    let by = LoginBy::Share(share.id);
    start(&app, &connection, &headers, by, LoginHolder::Share(share)).await?.ok_or(ApiError::InvalidShare)
}

/// A login that has started, and its first refresh token.
pub(super) struct Started {
    login: LoginId,
    pub(super) secret: Secret,
}

/// Starts a login. None when it is not to be: what it was earned with has meanwhile lost its force.
pub(super) async fn begin(
    app: &App,
    connection: &Connection,
    headers: &HeaderMap,
    by: LoginBy,
    holder: &LoginHolder,
) -> Result<Option<Started>, ApiError> {
    let (login, secret, now) = (LoginId(app.outside().id()?), app.outside().secret()?, app.now());
    let first = RefreshToken { digest: secret.digest(), login, expires: expiry(holder, now) };
    let client = described(connection, headers);
    if !app.store().start_login(&NewLogin { by, first, client }, now).await? {
        return Ok(None);
    }
    let entry = |event, actor: String| Entry::new(now, event, actor).from(connection.client);
    match holder {
        LoginHolder::Account(account) => {
            app.audit().note(entry(Event::LoggedIn, format!("user {}", account.id)).of(login));
            tracing::info!(account = %account.id, %login, "logged in");
        }
        LoginHolder::Share(share) => {
            let actor = format!("share {} login {login}", share.id);
            app.audit().note(entry(Event::ShareUsed, actor).of(share.session).with(share.access));
            tracing::info!(share = %share.id, %login, "came by a share");
        }
    }
    Ok(Some(Started { login, secret }))
}

/// Starts a login and answers with what it gives.
async fn start(
    app: &App,
    connection: &Connection,
    headers: &HeaderMap,
    by: LoginBy,
    holder: LoginHolder,
) -> Result<Option<impl IntoResponse + use<>>, ApiError> {
    let Some(Started { login, secret }) = begin(app, connection, headers, by, &holder).await? else { return Ok(None) };
    let device = match &holder {
        LoginHolder::Account(account) => Some(know_again(app, headers, account, app.now()).await?),
        LoginHolder::Share(_) => None,
    };
    let answer = logged_in(app, headers, login, &holder, &secret)?;
    Ok(Some((device.map(|cookie| AppendHeaders([(header::SET_COOKIE, cookie)])), answer)))
}

/// The cookie by which this browser is known again, also when somebody keeps trying wrong passwords for its account.
pub(super) async fn know_again(
    app: &App,
    headers: &HeaderMap,
    account: &Account,
    now: Timestamp,
) -> Result<header::HeaderValue, ApiError> {
    // One that this account is not known by may have been planted, by somebody who knows it as well.
    let text = match known_device(app, headers, account).await? {
        Some(text) => text.to_owned(),
        None => app.outside().secret()?.reveal(),
    };
    app.store().remember_device(account.id, Digest::of(&text), now).await?;
    Cookie::Device.set(&text, headers)
}

/// When a refresh token made now stops being usable: one of a share with that.
pub(super) fn expiry(holder: &LoginHolder, now: Timestamp) -> Timestamp {
    match holder {
        LoginHolder::Account(_) => refresh::expiry(now),
        LoginHolder::Share(share) => refresh::expiry(now).min(share.expires),
    }
}

/// Where a client comes from and what it says it is, for people who look through their logins.
fn described(connection: &Connection, headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
    format!("{} · {agent}", connection.client)
}

/// What a login is answered with: tokens in the body for programs, the refresh token in a cookie for browsers.
pub(super) fn logged_in(
    app: &App,
    headers: &HeaderMap,
    login: LoginId,
    holder: &LoginHolder,
    secret: &Secret,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let id = app.outside().id()?;
    let (who, epoch, cookie) = match holder {
        LoginHolder::Account(Account { id, role, epoch, .. }) => {
            (Who::Account { id: *id, role: *role }, *epoch, Cookie::Refresh)
        }
        LoginHolder::Share(Share { id, session, access, .. }) => {
            (Who::Share { id: *id, session: *session, access: *access }, 0, Cookie::Share(*session))
        }
    };
    let (keys, now) = (app.keys(), app.now());
    // Who came by a share is gone when it ends, not when a token does.
    let lifetime = match holder {
        LoginHolder::Account(_) => keys.lifetime(),
        LoginHolder::Share(share) => keys.lifetime().min(share.expires.duration_since(now)),
    };
    let access_token = keys.mint_for(lifetime, &Holder { who, epoch, login }, id, now).map_err(|error| {
        tracing::error!(%error, "no access token");
        ApiError::Internal
    })?;
    let refresh_token = secret.reveal();
    let cookie = cookie.set(&refresh_token, headers)?;
    let (user, share) = match holder {
        LoginHolder::Account(account) => (Some(UserObject::of(account)), None),
        LoginHolder::Share(share) => (None, Some(Entered::of(share))),
    };
    let body = LoggedIn { access_token, refresh_token, expires_in: lifetime.as_secs(), user, share };
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(body)))
}

impl Entered {
    fn of(share: &Share) -> Self {
        let Share { session, access, label, expires, .. } = share;
        Self { session_id: *session, access: *access, label: label.clone(), expires_at: *expires }
    }
}
