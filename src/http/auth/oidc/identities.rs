//! The identities of one's own account: who one is at which provider.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::provider::Tokens;
use super::{BeginRequest, begun};
use crate::auth::IdentityId;
use crate::auth::audit::Event;
use crate::auth::seal::{Place, Sealed};
use crate::http::App;
use crate::http::caller::{Account, With};
use crate::http::error::ApiError;
use crate::http::extract::{Body, Named};
use crate::http::openapi::words;
use crate::store::Identity;

/// An identity, for its owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct IdentityObject {
    id: Uuid,
    provider: String,
    label: String,
    created_at: Timestamp,
    used_at: Timestamp,
}

/// Which provider is to be asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct LinkIdentity {
    provider: String,
    #[schema(schema_with = words::page_or_null, required = false)]
    next: Option<String>,
}

pub(in crate::http) async fn list(
    State(app): State<App>,
    With(caller, ..): With<Account>,
) -> Result<Json<Vec<IdentityObject>>, ApiError> {
    let found = app.store().identities(caller.account()?).await?;
    Ok(Json(found.into_iter().map(IdentityObject::of).collect()))
}

/// Begins to link one: answers with the address at the provider, and it is done when the browser comes back.
pub(in crate::http) async fn link(
    State(app): State<App>,
    With(caller, ..): With<Account>,
    uri: Uri,
    headers: HeaderMap,
    Body(asked): Body<LinkIdentity>,
) -> Result<impl IntoResponse, ApiError> {
    let LinkIdentity { provider, next } = asked;
    begun(&app, &provider, &uri, &headers, BeginRequest { next }, Some(caller.account()?)).await
}

/// Forgets one. Logins that it started go on.
pub(in crate::http) async fn unlink(
    State(app): State<App>,
    With(caller, ..): With<Account>,
    Named(id): Named,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NoSuchThing("identity");
    let (id, account) = (IdentityId(Uuid::try_parse(&id).map_err(|_| missing())?), caller.account()?);
    let own = app.store().identities(account).await?;
    let identity = own.into_iter().find(|own| own.id == id).ok_or_else(missing)?;
    let tokens = app.store().tokens(id).await?;
    if !app.store().unlink_identity(id, account).await? {
        return Err(missing());
    }
    app.audit().note(caller.does(&app, Event::IdentityUnlinked).of(id).with(&identity.provider));
    if let Some(tokens) = tokens {
        give_back(&app, &identity, &tokens).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Has the provider end what it gave for this identity. What it does not want to hear stays with it.
async fn give_back(app: &App, identity: &Identity, tokens: &Sealed) {
    let Some(provider) = app.oidc().named(&identity.provider) else { return };
    let opened = app.seals().open(&Place::IdentityTokens(identity.id), tokens);
    let Ok(opened) = opened else { return tracing::error!("a provider's tokens do not open") };
    let Ok(tokens) = serde_json::from_slice::<Tokens>(&opened) else {
        return tracing::error!("a provider's tokens are not what was kept");
    };
    // Why it was not heard is in the log.
    let _ = provider.revoke(tokens).await;
}

impl IdentityObject {
    fn of(identity: Identity) -> Self {
        let Identity { id, provider, label, created, used, .. } = identity;
        Self { id: id.0, provider, label, created_at: created, used_at: used }
    }
}
