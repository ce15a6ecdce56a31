//! Reaching a session: found by the id in the path, by a caller who may know of it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::auth::{Access, AccountId};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Caller;
use crate::session::{Session, SessionId};

/// A session, and what the caller may do with it. A handler that names this has named its caller.
pub struct Reached {
    /// The session.
    pub session: Arc<Session>,
    /// What the caller may do.
    pub access: Access,
}

impl Reached {
    /// The session with this id, if `account` may know of it.
    ///
    /// # Errors
    /// [`ApiError::NoSuchSession`], whether there is none or it is somebody else's.
    pub fn by(app: &App, id: &str, account: AccountId) -> Result<Self, ApiError> {
        let id: SessionId = id.parse().map_err(|_| ApiError::NoSuchSession)?;
        let session = app.registry().find(id).ok_or(ApiError::NoSuchSession)?;
        let access = Access::of(AccountId(session.owner().0), account).ok_or(ApiError::NoSuchSession)?;
        Ok(Self { session, access })
    }

    /// The session, for a change to it.
    pub(super) fn for_control(self) -> Result<Arc<Session>, ApiError> {
        if self.access.may_control() { Ok(self.session) } else { Err(ApiError::ViewOnly) }
    }

    /// The session, for what a client who has taken exclusive control keeps to itself.
    pub(super) fn for_typing(self) -> Result<Arc<Session>, ApiError> {
        let session = self.for_control()?;
        if session.controls(None) { Ok(session) } else { Err(ApiError::ControlHeld) }
    }
}

impl FromRequestParts<App> for Reached {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::of(app, &parts.headers)?;
        // An id that is not even UTF-8 is no session's.
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(id) = path.map_err(|_| ApiError::NoSuchSession)?;
        Self::by(app, &id, caller.account)
    }
}
