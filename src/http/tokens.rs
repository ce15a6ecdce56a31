//! One's own API tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::caller::{Account, With};
use super::error::ApiError;
use super::extract::{Body, Named};
use super::openapi::words;
use super::users::invalid;
use crate::auth::Rights;
use crate::auth::api_token::{self, ApiTokenId, NAME_CHARS_MAX};
use crate::auth::audit::Event;
use crate::store::ApiToken;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NewToken {
    #[schema(schema_with = words::token_name)]
    name: String,
    #[schema(schema_with = words::some_scopes)]
    scopes: Vec<String>,
    /// Seconds it is to live.
    #[schema(schema_with = words::token_lifetime, required = false)]
    expires_in: Option<i64>,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenObject {
    id: String,
    name: String,
    #[schema(schema_with = words::scopes)]
    scopes: Vec<&'static str>,
    created_at: Timestamp,
    expires_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

/// A token just made: the only time its text is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct MintedObject {
    token: String,
    #[serde(flatten)]
    of: TokenObject,
}

impl TokenObject {
    fn of(token: &ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            scopes: token.scopes.scopes().map(crate::auth::Right::as_str).collect(),
            created_at: token.created,
            expires_at: token.expires,
            last_used_at: token.used,
        }
    }
}

/// Makes a token that may do what was asked for, and no more than its maker.
pub(super) async fn mint(
    State(app): State<App>,
    With(caller, ..): With<Account>,
    Body(asked): Body<NewToken>,
) -> Result<(StatusCode, Json<MintedObject>), ApiError> {
    let name = checked_name(asked.name)?;
    let scopes: Rights = asked
        .scopes
        .iter()
        .map(|scope| scope.parse())
        .collect::<Result<_, _>>()
        .map_err(|rule: crate::auth::ScopeError| invalid("scopes", rule))?;
    if scopes == Rights::NONE {
        return Err(invalid("scopes", "must not be empty"));
    }
    if let Some(beyond) = scopes.scopes().find(|scope| !caller.rights.allow(*scope)) {
        return Err(ApiError::NotAllowed(beyond));
    }
    let now = app.now();
    let lifetime = asked.expires_in.map(SignedDuration::from_secs);
    let expires = api_token::expiry(now, lifetime).map_err(|rule| invalid("expiresIn", rule))?;
    let id = ApiTokenId::from_random(app.outside().bytes()?);
    let minted = api_token::mint(id, app.outside().bytes()?);
    let account = caller.account()?;
    let token = ApiToken { id, account, name, digest: minted.digest, scopes, created: now, expires, used: None };
    app.store().add_api_token(&token, now).await?;
    app.audit().note(caller.does(&app, Event::TokenMade).of(id).with(scopes));
    Ok((StatusCode::CREATED, Json(MintedObject { token: minted.text, of: TokenObject::of(&token) })))
}

pub(super) async fn list(
    State(app): State<App>,
    With(caller, ..): With<Account>,
) -> Result<Json<Vec<TokenObject>>, ApiError> {
    let tokens = app.store().api_tokens(caller.account()?).await?;
    Ok(Json(tokens.iter().map(TokenObject::of).collect()))
}

/// Revokes one: what was opened with it is closed.
pub(super) async fn revoke(
    State(app): State<App>,
    With(caller, ..): With<Account>,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NoSuchThing("API token");
    let id: ApiTokenId = id.parse().map_err(|_| missing())?;
    if !app.store().revoke_api_token(id, caller.account()?, app.now()).await? {
        return Err(missing());
    }
    app.learn_revocations().await?;
    app.audit().note(caller.does(&app, Event::TokenRevoked).of(id));
    Ok(StatusCode::NO_CONTENT)
}

fn checked_name(name: String) -> Result<String, ApiError> {
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARS_MAX || name.chars().any(char::is_control) || name.trim().is_empty() {
        let rule = format!("must be 1 to {NAME_CHARS_MAX} characters, not all blank, without control characters");
        return Err(invalid("name", rule));
    }
    Ok(name)
}
