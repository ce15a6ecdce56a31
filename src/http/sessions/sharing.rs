//! Who else may reach a session: links for whoever has them, and grants to accounts. Its owner says.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::audit::Event;
use crate::auth::{Access, AccountId, Secret, ShareId};
use crate::http::App;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::extract::{Body, Named};
use crate::http::openapi::words;
use crate::http::sessions::Reached;
use crate::http::users::invalid;
use crate::store::{Account, Grant, Share};

/// How long a link can be used where nobody says.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// The longest.
pub(crate) const LIFETIME_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Longest label, in characters.
pub(crate) const LABEL_CHARS_MAX: usize = 100;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewShare {
    #[serde(default = "to_view")]
    #[schema(schema_with = words::asked_access, required = false)]
    access: Access,
    /// Seconds.
    #[schema(schema_with = words::share_lifetime, required = false)]
    expires_in: Option<i64>,
    /// How often it can be used.
    #[schema(schema_with = words::uses, required = false)]
    uses: Option<u32>,
    #[serde(default)]
    #[schema(schema_with = words::share_label, required = false)]
    label: String,
}

const fn to_view() -> Access {
    Access::View
}

/// A share, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShareObject {
    id: Uuid,
    access: Access,
    label: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    uses: u32,
    uses_max: Option<u32>,
    created_by: Uuid,
}

/// A share just made: the only time its secret is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeShare {
    secret: String,
    /// Path and fragment of the page's address.
    link: String,
    #[serde(flatten)]
    of: ShareObject,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGrant {
    #[schema(schema_with = words::asked_access)]
    access: Access,
}

/// An account that may reach a session it does not own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantObject {
    user_id: Uuid,
    username: String,
    access: Access,
    granted_by: Uuid,
    created_at: Timestamp,
}

impl ShareObject {
    fn of(share: &Share) -> Self {
        Self {
            id: share.id.0,
            access: share.access,
            label: share.label.clone(),
            created_at: share.created,
            expires_at: share.expires,
            uses: share.uses,
            uses_max: share.uses_max,
            created_by: share.by.0,
        }
    }
}

pub(crate) async fn share(
    State(app): State<App>,
    caller: Caller,
    reached: Reached,
    Body(asked): Body<NewShare>,
) -> Result<(StatusCode, Json<MadeShare>), ApiError> {
    let by = caller.account()?;
    let session = reached.for_sharing()?;
    let access = asked.access;
    let lifetime = asked.expires_in.map_or(LIFETIME, SignedDuration::from_secs);
    if lifetime <= SignedDuration::ZERO || lifetime > LIFETIME_MAX {
        return Err(invalid("expiresIn", format!("must be between 1 and {}", LIFETIME_MAX.as_secs())));
    }
    if asked.uses == Some(0) {
        return Err(invalid("uses", "must be at least 1"));
    }
    if asked.label.chars().count() > LABEL_CHARS_MAX || asked.label.chars().any(char::is_control) {
        let rule = format!("must be at most {LABEL_CHARS_MAX} characters, without control characters");
        return Err(invalid("label", rule));
    }
    let (now, secret): (_, Secret) = (app.now(), app.outside().secret()?);
    let share = Share {
        id: ShareId(app.outside().id()?),
        session: session.id().uuid(),
        by,
        access,
        label: asked.label,
        digest: secret.digest(),
        created: now,
        expires: now.checked_add(lifetime).map_err(|_| invalid("expiresIn", "is too far away"))?,
        uses_max: asked.uses,
        uses: 0,
    };
    app.store().add_share(&share, now).await?;
    let detail = format!("share {} to {access} until {}", share.id, share.expires);
    app.audit().note(caller.does(&app, Event::Shared).of(session.id()).with(detail));
    let secret = secret.reveal();
    let link = format!("/s/{}#share={secret}", session.id());
    Ok((StatusCode::CREATED, Json(MadeShare { secret, link, of: ShareObject::of(&share) })))
}

pub(crate) async fn shares(State(app): State<App>, reached: Reached) -> Result<Json<Vec<ShareObject>>, ApiError> {
    let session = reached.for_sharing()?;
    let (shares, now) = (app.store().shares(session.id().uuid()).await?, app.now());
    Ok(Json(shares.iter().filter(|share| share.expires > now).map(ShareObject::of).collect()))
}

/// Revokes a share: whoever came by it is gone within a second.
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    reached: Reached,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NoSuchThing("share");
    let session = reached.for_sharing()?;
    let id = ShareId(Uuid::try_parse(&id).map_err(|_| missing())?);
    if !app.store().revoke_share(id, session.id().uuid(), app.now()).await? {
        return Err(missing());
    }
    app.learn_revocations().await?;
    app.audit().note(caller.does(&app, Event::ShareRevoked).of(session.id()).with(format!("share {id}")));
    Ok(StatusCode::NO_CONTENT)
}

/// Grants a user access, in place of what they had.
pub(crate) async fn grant(
    State(app): State<App>,
    caller: Caller,
    reached: Reached,
    Named(username): Named,
    Body(asked): Body<NewGrant>,
) -> Result<Json<GrantObject>, ApiError> {
    let by = caller.account()?;
    let session = reached.for_sharing()?;
    let access = asked.access;
    let account = named(&app, &username).await?;
    let (id, created) = (session.id().uuid(), app.now());
    let grant = Grant { session: id, account: account.id, access, by, created };
    app.store().grant(&grant).await?;
    app.grants().hold(id, account.id, Some(access));
    let detail = format!("user {} to {access}", account.id);
    app.audit().note(caller.does(&app, Event::Granted).of(session.id()).with(detail));
    Ok(Json(object(&grant, account.name)))
}

pub(crate) async fn grants(State(app): State<App>, reached: Reached) -> Result<Json<Vec<GrantObject>>, ApiError> {
    let id = reached.for_sharing()?.id().uuid();
    let mut objects = Vec::new();
    for grant in app.store().grants().await?.into_iter().filter(|grant| grant.session == id) {
        if let Some(account) = app.store().account(grant.account).await? {
            objects.push(object(&grant, account.name));
        }
    }
    Ok(Json(objects))
}

/// Takes back what a user was granted: they are gone within a second.
pub(crate) async fn take_back(
    State(app): State<App>,
    caller: Caller,
    reached: Reached,
    Named(username): Named,
) -> Result<StatusCode, ApiError> {
    let session = reached.for_sharing()?;
    let account: AccountId = named(&app, &username).await?.id;
    if !app.store().take_back(session.id().uuid(), account).await? {
        return Err(ApiError::NoSuchThing("grant"));
    }
    app.grants().hold(session.id().uuid(), account, None);
    app.audit().note(caller.does(&app, Event::TakenBack).of(session.id()).with(format!("user {account}")));
    Ok(StatusCode::NO_CONTENT)
}

async fn named(app: &App, username: &str) -> Result<Account, ApiError> {
    app.store().account_named(username).await?.ok_or(ApiError::NoSuchUser)
}

fn object(grant: &Grant, username: String) -> GrantObject {
    GrantObject {
        user_id: grant.account.0,
        username,
        access: grant.access,
        granted_by: grant.by.0,
        created_at: grant.created,
    }
}
