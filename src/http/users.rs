//! Accounts, for those who run the server.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::caller::{Users, With};
use super::error::ApiError;
use super::extract::{Body, Named, given};
use super::openapi::words;
use super::parameters::Parameters;
use crate::auth::audit::Event;
use crate::auth::link::LINK_LIFETIME;
use crate::auth::{AccountId, Mail, Role, Username};
use crate::store::{Account, AccountChange};

/// An account, as its owner and those who run the server see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserObject {
    id: Uuid,
    username: String,
    mail: Option<String>,
    role: Role,
    disabled: bool,
    has_password: bool,
    created_at: Timestamp,
}

impl UserObject {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            id: account.id.0,
            username: account.name.clone(),
            mail: account.mail.clone(),
            role: account.role,
            disabled: account.disabled.is_some(),
            has_password: account.password_hash.is_some(),
            created_at: account.created,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    #[schema(schema_with = words::username)]
    username: String,
    role: Role,
    #[schema(schema_with = words::password_or_null, required = false)]
    password: Option<String>,
    #[schema(schema_with = words::mail_or_null, required = false)]
    mail: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChange {
    role: Option<Role>,
    disabled: Option<bool>,
    #[schema(schema_with = words::password_or_null, required = false)]
    password: Option<String>,
    #[serde(default, with = "given")]
    #[schema(schema_with = words::mail_or_null, required = false)]
    mail: Option<Option<String>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkObject {
    /// For the fragment of the page's address: `/#login=TOKEN`.
    token: String,
    expires_in: i64,
}

/// The accounts in the order of their names, a page at a time: `after` is the last name of the page before.
pub(super) async fn list(
    State(app): State<App>,
    With(..): With<Users>,
    mut parameters: Parameters,
) -> Result<Json<Vec<UserObject>>, ApiError> {
    let after = parameters.take("after")?;
    parameters.finish()?;
    let accounts = app.store().accounts(after.as_deref()).await?;
    Ok(Json(accounts.iter().map(UserObject::of).collect()))
}

pub(super) async fn add(
    State(app): State<App>,
    With(caller, ..): With<Users>,
    Body(asked): Body<NewUser>,
) -> Result<(StatusCode, Json<UserObject>), ApiError> {
    let name = Username::parse(&asked.username).map_err(|rule| invalid("username", rule))?;
    let mail = mail(asked.mail.as_deref())?;
    let password_hash = match asked.password {
        Some(password) => Some(app.passwords().hash(password, app.outside().bytes()?).await?),
        None => None,
    };
    let account = Account {
        mail: mail.map(|mail| mail.to_string()),
        password_hash,
        ..Account::new(AccountId(app.outside().id()?), &name, asked.role, app.now())
    };
    app.store().add_account(&account).await?;
    app.audit().note(caller.does(&app, Event::UserAdded).of(account.id).with(account.role));
    Ok((StatusCode::CREATED, Json(UserObject::of(&account))))
}

pub(super) async fn inspect(
    State(app): State<App>,
    With(..): With<Users>,
    Named(id): Named,
) -> Result<Json<UserObject>, ApiError> {
    Ok(Json(UserObject::of(&find(&app, &id).await?)))
}

/// Changes an account. What lets it do less ends its live connections, and a new password all of its logins.
pub(super) async fn change(
    State(app): State<App>,
    With(caller, ..): With<Users>,
    Named(id): Named,
    Body(asked): Body<UserChange>,
) -> Result<Json<UserObject>, ApiError> {
    let account = find(&app, &id).await?;
    let lessens = asked.role.is_some_and(|role| role < Role::Admin) || asked.disabled == Some(true);
    if account.id == app.owner() && lessens {
        return Err(ApiError::LastAdmin);
    }
    let mail = asked.mail.map(|given| mail(given.as_deref())).transpose()?;
    let change = AccountChange { role: asked.role, disabled: asked.disabled, mail };
    let hash = match asked.password {
        Some(password) => Some(app.passwords().hash(password, app.outside().bytes()?).await?),
        None => None,
    };
    let account = app.store().change_account(account.id, &change, app.now()).await?;
    let state = if account.disabled.is_some() { "disabled" } else { "enabled" };
    app.audit().note(caller.does(&app, Event::UserChanged).of(account.id).with(format!("{} {state}", account.role)));
    if let Some(hash) = &hash {
        app.store().set_password(account.id, hash, None, app.now()).await?;
        app.audit().note(caller.does(&app, Event::PasswordSet).of(account.id));
    }
    app.learn_revocations().await?;
    Ok(Json(UserObject { has_password: account.password_hash.is_some() || hash.is_some(), ..UserObject::of(&account) }))
}

/// A one-use link that logs whoever opens it in as that account: for someone new, or who forgot the password.
pub(super) async fn link(
    State(app): State<App>,
    With(caller, ..): With<Users>,
    Named(id): Named,
) -> Result<(StatusCode, Json<LinkObject>), ApiError> {
    let account = find(&app, &id).await?;
    let token = app.mint_link_for(account.id)?;
    app.audit().note(caller.does(&app, Event::LinkMade).of(account.id));
    Ok((StatusCode::CREATED, Json(LinkObject { token, expires_in: LINK_LIFETIME.as_secs() })))
}

/// Ends every login of an account.
pub(super) async fn log_out(
    State(app): State<App>,
    With(caller, ..): With<Users>,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    let account = find(&app, &id).await?;
    app.store().end_logins(account.id, None, app.now()).await?;
    app.learn_revocations().await?;
    app.audit().note(caller.does(&app, Event::LoggedOut).of(account.id).with("all"));
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &App, id: &str) -> Result<Account, ApiError> {
    let id = Uuid::try_parse(id).map_err(|_| ApiError::NoSuchUser)?;
    app.store().account(AccountId(id)).await?.ok_or(ApiError::NoSuchUser)
}

/// A mail address that was given, or none.
pub(super) fn mail(given: Option<&str>) -> Result<Option<Mail>, ApiError> {
    given.map(|given| Mail::parse(given).map_err(|rule| invalid("mail", rule))).transpose()
}

pub(super) fn invalid(field: &str, rule: impl std::fmt::Display) -> ApiError {
    ApiError::InvalidField { field: field.into(), rule: rule.to_string(), got: None }
}
