//! The upgrade of one request to `fantail.v1`.
//!
//! Goes through the same HTTP client as everything else, so that certificates, refusals and the credential are
//! treated in one way; only then does it become a WebSocket.

use std::time::Duration;

use reqwest::header::{
    CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use reqwest::{Method, StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::cli::client::{Client, ClientError};
use crate::protocol::SUBPROTOCOL;

/// Longest wait for the upgrade: it involves no work.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the largest message taken from a server: a log segment many times over.
const SERVER_MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes read at once.
const READ_BYTES: usize = 128 * 1024;

pub(super) type Socket = WebSocketStream<Upgraded>;

/// Attaches to the session of this id.
pub(super) async fn dial(client: &Client, id: &str, query: &[(&'static str, String)]) -> Result<Socket, ClientError> {
    let key = generate_key();
    let request = client
        .request(Method::GET, &["api", "sessions", id, "ws"], query)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)
        .timeout(DIAL_TIMEOUT);
    let response = client.send(request).await?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS || !is_ours(response.headers(), &key) {
        return Err(client.not_fantail(status));
    }
    let upgraded = response.upgrade().await.map_err(|error| client.unreachable(error))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .max_message_size(Some(SERVER_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(SERVER_MESSAGE_BYTES_MAX));
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await)
}

fn is_ours(headers: &HeaderMap, key: &str) -> bool {
    let is = |name, value: &str| headers.get(name).is_some_and(|held| held.as_bytes() == value.as_bytes());
    is(SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes())) && is(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)
}
