//! Who calls, which a handler must name to get at it: one that names no [`Caller`] and nothing that holds one is open to
//! everyone, which is to be seen in its signature.

use std::marker::PhantomData;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::connection::Connection;
use super::error::ApiError;
use super::limits::Asked;
use crate::auth::api_token::Presented;
use crate::auth::audit::{Entry, Event};
use crate::auth::revocation::{Bond, Root};
use crate::auth::ticket::TicketGrant;
use crate::auth::token::{Claims, TokenError};
use crate::auth::{Access, AccountId, Right, Rights, Role, Who};
use crate::session::SessionId;

/// What the token of the command line starts with, so that leaks are recognised.
pub(crate) const LOCAL_TOKEN_PREFIX: &str = "ftl_local_";

/// How a caller showed who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// By an access token of a login.
    Token,
    /// By an access token of a share.
    Share,
    /// By an API token.
    ApiToken,
    /// By the local token of the account the server runs as.
    Local,
    /// It did not have to.
    None,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub who: Who,
    /// What its credential allows.
    pub rights: Rights,
    /// What its credential hangs on; nothing for the local token and a server without auth.
    pub bond: Option<Bond>,
    /// When its credential expires.
    pub expires: Option<Timestamp>,
    /// How it showed who it is.
    pub how: How,
    /// From where.
    pub address: IpAddr,
}

impl Caller {
    /// Who presents these headers on that connection.
    ///
    /// # Errors
    /// With a 401 when nobody we know does.
    pub async fn of(app: &App, headers: &HeaderMap, connection: &Connection) -> Result<Self, ApiError> {
        let address = connection.client;
        if app.settings().no_auth {
            return Ok(Self::owner(app, How::None, address));
        }
        let token = bearer(headers)?.ok_or(ApiError::Unauthenticated)?;
        if token.starts_with(LOCAL_TOKEN_PREFIX) {
            let is_ours = app.is_local_token(token);
            return is_ours.then(|| Self::owner(app, How::Local, address)).ok_or(ApiError::InvalidToken);
        }
        let caller = match Presented::read(token) {
            Some(presented) => app.api_tokens().caller(app, presented, address).await?,
            None => {
                let claims = app.keys().verify(token, app.now()).map_err(|error| match error {
                    TokenError::Expired => ApiError::ExpiredToken,
                    TokenError::Invalid | TokenError::Unsigned => ApiError::InvalidToken,
                })?;
                Self::claimed(&claims, address)
            }
        };
        let is_good = caller.bond.is_none_or(|bond| !app.revocations().break_bond(&bond));
        is_good.then_some(caller).ok_or(ApiError::InvalidToken)
    }

    fn owner(app: &App, how: How, address: IpAddr) -> Self {
        let who = Who::Account { id: app.owner(), role: Role::Admin };
        Self { who, rights: Rights::of(Role::Admin), bond: None, expires: None, how, address }
    }

    fn claimed(claims: &Claims, address: IpAddr) -> Self {
        let Claims { who, epoch, login, issued, expires, .. } = *claims;
        let (rights, how) = match who {
            Who::Account { role, .. } => (Rights::of(role), How::Token),
            Who::Share { access, .. } => {
                let control = access.may_control().then_some(Right::Control);
                (Rights::from_iter([Right::View]).and(control), How::Share)
            }
        };
        let account = who.account().map(|id| (id, epoch));
        let bond = Bond { account, root: Root::Login(login), issued };
        Self { who, rights, bond: Some(bond), expires: Some(expires), how, address }
    }

    /// An entry of the audit log on what it does.
    pub(super) fn does(&self, app: &App, event: Event) -> Entry {
        Entry::new(app.now(), event, actor(self.who, self.bond)).from(self.address)
    }

    /// The account that calls; a share is none.
    ///
    /// # Errors
    /// When it is a share.
    pub fn account(&self) -> Result<AccountId, ApiError> {
        self.who.account().ok_or(ApiError::NotAllowed(Right::Account))
    }

    /// What the caller's account is. Whoever came by a share is a guest.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self.who {
            Who::Account { role, .. } => role,
            Who::Share { .. } => Role::Guest,
        }
    }

    /// Whether its credential allows that.
    ///
    /// # Errors
    /// With a 403 when it does not.
    pub const fn needs(&self, right: Right) -> Result<(), ApiError> {
        if self.rights.allow(right) { Ok(()) } else { Err(ApiError::NotAllowed(right)) }
    }

    /// The most its credential allows with any session.
    #[must_use]
    pub const fn most(&self) -> Access {
        if self.rights.allow(Right::Control) { Access::Own } else { Access::View }
    }

    /// What a ticket bought by this caller stands for.
    #[must_use]
    pub const fn grant(&self, access: Access) -> TicketGrant {
        TicketGrant { who: self.who, bond: self.bond, expires: self.expires, access }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let connection = Connection::of(&parts.extensions)?;
        let caller = match parts.extensions.get::<Asked>() {
            Some(Asked(caller)) => caller.clone()?,
            None => Self::of(app, &parts.headers, connection).await?,
        };
        connection.authenticated();
        Ok(caller)
    }
}

/// What the audit log calls someone.
#[must_use]
pub fn actor(who: Who, bond: Option<Bond>) -> String {
    match (who, bond.map(|bond| bond.root)) {
        (Who::Account { id, .. }, Some(Root::ApiToken(token))) => format!("user {id} by token {token}"),
        (Who::Account { id, .. }, _) => format!("user {id}"),
        (Who::Share { id, .. }, Some(Root::Login(login))) => format!("share {id} login {login}"),
        (Who::Share { id, .. }, _) => format!("share {id}"),
    }
}

/// What people call someone who is attached to a session: nothing where the store is away, or nobody named it.
pub async fn name_of(app: &App, who: Who, session: SessionId) -> Option<String> {
    let named = match who {
        Who::Account { id, .. } => app.store().account(id).await.map(|account| account.map(|account| account.name)),
        Who::Share { id, .. } => {
            let shares = app.store().shares(session.uuid()).await;
            shares.map(|shares| shares.into_iter().find(|share| share.id == id).map(|share| share.label))
        }
    };
    match named {
        Ok(name) => name.filter(|name| !name.is_empty()),
        Err(error) => {
            tracing::warn!(%session, %error, "who asks for control is not known by name");
            None
        }
    }
}

/// A caller whose credential allows what `D` demands.
pub struct With<D>(pub Caller, pub PhantomData<D>);

/// What a handler demands of its caller.
pub trait Demand: Send {
    /// The right.
    const RIGHT: Right;
}

macro_rules! demands {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Demand for $name {
            const RIGHT: Right = Right::$name;
        }
    )*};
}

demands! {
    /// See sessions.
    View;
    /// Open sessions.
    Open;
    /// Change one's own account.
    Account;
    /// Manage accounts.
    Users;
    /// Read the audit log.
    Audit;
}

impl<D: Demand> FromRequestParts<App> for With<D> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.needs(D::RIGHT)?;
        Ok(Self(caller, PhantomData))
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let written = value.to_str().ok().filter(|_| values.next().is_none()).ok_or(ApiError::InvalidToken)?;
    let (scheme, token) = written.split_once(' ').ok_or(ApiError::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(ApiError::InvalidToken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_read_from_one_header_of_that_scheme() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(bearer(&headers(&["Bearer abc"])), Ok(Some("abc")));
        assert_eq!(bearer(&headers(&["bearer abc"])), Ok(Some("abc")));
        assert_eq!(bearer(&headers(&[])), Ok(None));
        for wrong in [&["Basic abc"][..], &["Bearer"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&headers(wrong)), Err(ApiError::InvalidToken), "{wrong:?}");
        }
    }
}
