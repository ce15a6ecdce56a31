//! One's own account: who one is, one's password and mail address, and where one is logged in.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::renewal::end_login;
use crate::auth::audit::Event;
use crate::auth::revocation::Root;
use crate::auth::{Access, LoginId, Rights, Who};
use crate::http::App;
use crate::http::caller::{Account, Caller, How, With};
use crate::http::connection::Connection;
use crate::http::error::ApiError;
use crate::http::extract::{Body, Named};
use crate::http::limits::Attempt;
use crate::http::openapi::words;
use crate::http::users::{UserObject, mail};
use crate::store::AccountChange;

/// Who the caller is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserObject>,
    /// The session that a share is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<Shared>,
    auth: How,
    /// What the credential allows.
    #[schema(schema_with = words::scopes)]
    scopes: Vec<&'static str>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Shared {
    session_id: Uuid,
    access: Access,
}

/// What is to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeChange {
    /// Null takes it away.
    #[serde(default, with = "crate::http::extract::given")]
    #[schema(schema_with = words::mail_or_null, required = false)]
    mail: Option<Option<String>>,
    password: Option<NewPassword>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The one so far, where there is one: an access token alone does not suffice to keep its owner out.
    current: Option<String>,
    #[schema(schema_with = words::password)]
    new: String,
}

/// A login of the caller's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoginObject {
    id: Uuid,
    created_at: Timestamp,
    renewed_at: Timestamp,
    client: String,
    /// Whether this request was made with it.
    current: bool,
}

pub(crate) async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, ApiError> {
    let (user, share) = match caller.who {
        Who::Account { id, .. } => {
            let account = app.store().account(id).await?.ok_or(ApiError::InvalidToken)?;
            (Some(UserObject::of(&account)), None)
        }
        Who::Share { session, access, .. } => (None, Some(Shared { session_id: session, access })),
    };
    Ok(Json(Me { user, share, auth: caller.how, scopes: scopes(caller.rights) }))
}

fn scopes(rights: Rights) -> Vec<&'static str> {
    rights.scopes().map(crate::auth::Right::as_str).collect()
}

/// Changes one's mail address or password. A new password ends every other login.
pub(crate) async fn change(
    State(app): State<App>,
    With(caller, ..): With<Account>,
    connection: Connection,
    headers: HeaderMap,
    Body(asked): Body<MeChange>,
) -> Result<Json<UserObject>, ApiError> {
    let id = caller.account()?;
    let account = app.store().account(id).await?.ok_or(ApiError::InvalidToken)?;
    let change =
        AccountChange { mail: asked.mail.map(|given| mail(given.as_deref())).transpose()?, ..Default::default() };
    if let Some(password) = asked.password {
        if let Some(kept) = account.password_hash.clone() {
            let current = password.current.ok_or_else(|| ApiError::InvalidField {
                field: "password.current".into(),
                rule: "required".into(),
                got: None,
            })?;
            let attempt = Attempt::with_password(&app, &connection, &headers, &account.name, Some(&account)).await?;
            let right = attempt.check(&app, current, Some(kept)).await?;
            right.ok_or(ApiError::InvalidLogin)?.forgive(&app).await;
        }
        let hash = app.passwords().hash(password.new, app.outside().bytes()?).await?;
        let this = login_of(&caller);
        app.store().set_password(id, &hash, this, app.now()).await?;
        app.learn_revocations().await?;
        app.audit().note(caller.does(&app, Event::PasswordSet).of(id));
    }
    if change.mail.is_none() {
        let account = app.store().account(id).await?.ok_or(ApiError::InvalidToken)?;
        return Ok(Json(UserObject::of(&account)));
    }
    let account = app.store().change_account(id, &change, app.now()).await?;
    app.audit().note(caller.does(&app, Event::UserChanged).of(id).with("mail"));
    Ok(Json(UserObject::of(&account)))
}

/// Where one is logged in.
pub(crate) async fn logins(
    State(app): State<App>,
    With(caller, ..): With<Account>,
) -> Result<Json<Vec<LoginObject>>, ApiError> {
    let this = login_of(&caller);
    let found = app.store().logins(caller.account()?, app.now()).await?;
    let object = |login: crate::store::LoginInfo| LoginObject {
        id: login.id.0,
        created_at: login.created,
        renewed_at: login.renewed,
        client: login.client,
        current: this == Some(login.id),
    };
    Ok(Json(found.into_iter().map(object).collect()))
}

/// Ends one of them.
pub(crate) async fn end(
    State(app): State<App>,
    With(caller, ..): With<Account>,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    let login = LoginId(Uuid::try_parse(&id).map_err(|_| ApiError::NoSuchThing("login"))?);
    let own = app.store().logins(caller.account()?, app.now()).await?;
    if !own.iter().any(|own| own.id == login) || !end_login(&app, login).await? {
        return Err(ApiError::NoSuchThing("login"));
    }
    app.audit().note(caller.does(&app, Event::LoggedOut).of(login));
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all but the one this request was made with.
pub(crate) async fn end_others(
    State(app): State<App>,
    With(caller, ..): With<Account>,
) -> Result<StatusCode, ApiError> {
    app.store().end_logins(caller.account()?, login_of(&caller), app.now()).await?;
    app.learn_revocations().await?;
    app.audit().note(caller.does(&app, Event::LoggedOut).of(caller.account()?).with("all others"));
    Ok(StatusCode::NO_CONTENT)
}

const fn login_of(caller: &Caller) -> Option<LoginId> {
    match caller.bond {
        Some(bond) => match bond.root {
            Root::Login(login) => Some(login),
            Root::ApiToken(_) => None,
        },
        None => None,
    }
}
