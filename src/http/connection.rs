//! What a request knows of the connection it came by.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use super::error::ApiError;
use super::proxies::TrustedProxies;
use super::strangers::Stranger;

/// Our end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// A TCP socket.
    Tcp {
        /// The address of ours that was called.
        address: SocketAddr,
        /// Whether we decrypt what comes.
        tls: bool,
    },
    /// A Unix socket, which only the account the server runs as can reach.
    Unix,
}

/// The connection a request came by, and who asks. In the request's extensions.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Our end.
    pub local: Local,
    /// The other end, as the socket says and not as a header claims. A Unix socket's has no address.
    pub peer: Option<SocketAddr>,
    /// Who asks: the other end, or whoever a trusted proxy says it speaks for. What is logged, limited and audited.
    pub client: IpAddr,
    /// Whether nobody between the client and this machine, or its trusted proxy, could read along.
    pub secure: bool,
    /// A WebSocket outlives the HTTP connection it grew from and keeps a clone for as long as it lives.
    place: Option<Arc<Place>>,
}

/// What a connection takes of what there is.
#[derive(Debug)]
pub(super) struct Place {
    /// Among the connections allowed at once.
    _slot: OwnedSemaphorePermit,
    /// Among those of its address that have not shown a credential.
    stranger: Mutex<Option<Stranger>>,
}

impl Place {
    /// One among all, and among an address's where that counts.
    pub(super) const fn new(slot: OwnedSemaphorePermit, stranger: Option<Stranger>) -> Self {
        Self { _slot: slot, stranger: Mutex::new(stranger) }
    }
}

impl Connection {
    /// The one a request with these extensions came by.
    ///
    /// # Errors
    /// When it came by none, which is a fault of ours.
    pub fn of(extensions: &Extensions) -> Result<&Self, ApiError> {
        extensions.get().ok_or(ApiError::Internal)
    }

    /// One between these ends.
    #[must_use]
    pub fn between(local: Local, peer: Option<SocketAddr>) -> Self {
        // Whoever reaches a Unix socket is on this machine.
        let client = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip().to_canonical());
        let secure = matches!(local, Local::Tcp { tls: true, .. });
        Self { local, peer, client, secure, place: None }
    }

    /// The same, which has taken a place.
    pub(super) fn in_place(self, place: Place) -> Self {
        Self { place: Some(Arc::new(place)), ..self }
    }

    /// The same for a request with these headers, which count where a trusted proxy has written them.
    pub(super) fn asked_with(&self, headers: &HeaderMap, proxies: &TrustedProxies) -> Self {
        let mut asked = self.clone();
        if let Some(forwarded) = self.peer.and_then(|peer| proxies.forwarded(peer.ip(), headers)) {
            asked.client = forwarded.client;
            asked.secure |= forwarded.https;
        }
        asked
    }

    /// A request on it has shown who it is: it no longer counts as a stranger's.
    pub fn authenticated(&self) {
        if let Some(place) = &self.place {
            place.stranger.lock().take();
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Connection {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&parts.extensions).cloned()
    }
}
