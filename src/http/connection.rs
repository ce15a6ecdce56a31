//! What a request knows of the connection it came by.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::error::ApiError;

/// The connection a request came by, as the socket says and not as a header claims. In the request's extensions.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub peer: SocketAddr,
    /// Its place among the connections allowed at once. A WebSocket outlives the HTTP connection it grew from and must
    /// keep a clone for as long as it lives.
    pub slot: Option<Arc<OwnedSemaphorePermit>>,
}

impl Connection {
    /// The one a request with these extensions came by.
    ///
    /// # Errors
    /// When it came by none, which is a fault of ours.
    pub fn of(extensions: &Extensions) -> Result<&Self, ApiError> {
        extensions.get().ok_or(ApiError::Internal)
    }

    /// Where its client is.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// The address of ours that was called.
    pub(super) const fn local_ip(&self) -> IpAddr {
        self.local.ip().to_canonical()
    }
}

impl<S: Sync> FromRequestParts<S> for Connection {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&parts.extensions).cloned()
    }
}
