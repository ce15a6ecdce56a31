//! Logging in, staying in, logging out, one's own account, and tickets for WebSockets.

mod entry;
mod me;
mod oidc;
mod renewal;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::caller::{View, With};
use super::error::ApiError;
use super::extract::Body;
use super::openapi::words;
use crate::auth::Access;
use crate::auth::ticket::TICKET_LIFETIME;
pub(super) use entry::{EnterRequest, LinkRequest, LoggedIn, LoginRequest, enter, link, login};
pub(super) use me::{LoginObject, Me, MeChange, change, end, end_others, logins, me};
pub(super) use oidc::{
    BeginRequest, Begun, IdentityObject, LinkIdentity, ProviderObject, begin, callback, identities,
    link as link_identity, providers, unlink,
};
pub use oidc::{ProviderSettings, Providers};
pub(super) use renewal::{RefreshRequest, RenewRequest, logout, refresh, renew};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TicketRequest {
    session_id: String,
    #[schema(schema_with = words::asked_access_or_null, required = false)]
    access: Option<Access>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticket {
    ticket: String,
    expires_in: i64,
}

/// A ticket for one WebSocket.
pub(super) async fn ticket(
    State(app): State<App>,
    With(caller, ..): With<View>,
    Body(asked): Body<TicketRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let session = Uuid::try_parse(&asked.session_id).map_err(|_| ApiError::NoSuchSession)?;
    let access = app.access_to(&asked.session_id, &caller)?.narrowed(asked.access).ok_or(ApiError::ViewOnly)?;
    let ticket = app.mint_ticket(&caller, session, access)?;
    Ok(Json(Ticket { ticket, expires_in: TICKET_LIFETIME.as_secs() }))
}
