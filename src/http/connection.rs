//! What a request knows of the connection it came by.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

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
    /// The address of ours that was called.
    pub(super) const fn local_ip(&self) -> IpAddr {
        self.local.ip().to_canonical()
    }
}
