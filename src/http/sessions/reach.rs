//! Reaching a session: found by the id in the path, by a caller who may know of it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::auth::{Access, AccountId, Right, Rights, Who};
use crate::http::App;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::session::{Session, SessionId};

/// A session, and what the caller may do with it. A handler that names this has named its caller.
pub struct Reached {
    /// The session.
    pub session: Arc<Session>,
    /// What the caller may do with it.
    pub access: Access,
    /// What the caller's credential allows.
    rights: Rights,
}

impl Reached {
    /// The session with this id, if `who` may know of it, with a credential that allows so much.
    ///
    /// # Errors
    /// [`ApiError::NoSuchSession`], whether there is none or it is somebody else's.
    pub fn by(app: &App, id: &str, who: Who, rights: Rights) -> Result<Self, ApiError> {
        let id: SessionId = id.parse().map_err(|_| ApiError::NoSuchSession)?;
        let session = app.registry().find(id).ok_or(ApiError::NoSuchSession)?;
        let access = app.access(&session, who).ok_or(ApiError::NoSuchSession)?;
        Ok(Self { session, access, rights })
    }

    /// The session, for a change to it.
    pub(super) fn for_control(self) -> Result<Arc<Session>, ApiError> {
        self.allows(Right::Control)?;
        if self.access.may_control() { Ok(self.session) } else { Err(ApiError::ViewOnly) }
    }

    /// The session, for what a client who has taken exclusive control keeps to itself.
    pub(super) fn for_typing(self) -> Result<Arc<Session>, ApiError> {
        let session = self.for_control()?;
        if session.lets_type(None) { Ok(session) } else { Err(ApiError::ControlHeld) }
    }

    /// The session, for what its owner decides.
    pub(super) fn for_owner(self) -> Result<Arc<Session>, ApiError> {
        self.allows(Right::Control)?;
        self.owned()
    }

    /// The session, to say who else may reach it.
    pub(super) fn for_sharing(self) -> Result<Arc<Session>, ApiError> {
        self.allows(Right::Share)?;
        self.owned()
    }

    fn owned(self) -> Result<Arc<Session>, ApiError> {
        if self.access == Access::Own { Ok(self.session) } else { Err(ApiError::NotOwner) }
    }

    const fn allows(&self, right: Right) -> Result<(), ApiError> {
        if self.rights.allow(right) { Ok(()) } else { Err(ApiError::NotAllowed(right)) }
    }
}

impl App {
    /// What someone may do with a session. None when they may not know of it.
    #[must_use]
    pub fn access(&self, session: &Session, who: Who) -> Option<Access> {
        let id = session.id().uuid();
        let granted = who.account().and_then(|account| self.grants().of(id, account));
        Access::of(id, AccountId(session.owner().0), who, granted)
    }
}

impl FromRequestParts<App> for Reached {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.needs(Right::View)?;
        // An id that is not even UTF-8 is no session's. There may be other parts in the path behind it.
        let path = RawPathParams::from_request_parts(parts, app).await.map_err(|_| ApiError::NoSuchSession)?;
        let (_, id) = path.iter().find(|(name, _)| *name == "id").ok_or(ApiError::NoSuchSession)?;
        Self::by(app, id, caller.who, caller.rights)
    }
}
