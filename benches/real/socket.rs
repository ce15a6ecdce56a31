//! A viewer's socket: connected, upgraded, and read message by message.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::{WebSocketStream, client_async};

use futures_util::StreamExt;

use super::server::Server;

/// How long a viewer waits for what must come before it counts that as an error.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Socket<S> = WebSocketStream<S>;

/// A connection to the server.
pub(crate) async fn connect(server: &Server, receive_buffer: Option<u32>) -> Result<TcpStream, String> {
    let socket = TcpSocket::new_v4().expect("a descriptor");
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes).expect("set");
    }
    let address = server.authority().parse().expect("an address");
    let stream = socket.connect(address).await.map_err(|error| format!("not connected: {error}"))?;
    stream.set_nodelay(true).expect("set");
    Ok(stream)
}

/// What upgrades a connection to a viewer of `session`, which is to begin with the screen.
pub(crate) fn request(server: &Server, session: &str) -> Request {
    let url = format!("ws://{}/api/sessions/{session}/ws", server.authority());
    let mut request = url.into_client_request().expect("a request");
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {}", server.token()).parse().expect("a header"));
    headers.insert("sec-websocket-protocol", "fantail.v1".parse().expect("a header"));
    request
}

/// Upgrades it to a viewer of `session`.
pub(crate) async fn handshake<S>(server: &Server, session: &str, stream: S) -> Result<Socket<S>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Ok(client_async(request(server, session), stream).await.map_err(|error| format!("no handshake: {error}"))?.0)
}

/// The next message that is not the WebSocket's own.
pub(crate) async fn next<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>) -> Result<bytes::Bytes, String> {
    loop {
        match timeout(PATIENCE, socket.next()).await {
            Ok(Some(Ok(Message::Binary(message)))) => return Ok(message),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            other => return Err(format!("no message, but {other:?}")),
        }
    }
}
