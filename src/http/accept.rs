//! Accepting connections: HTTP/1.1 only, bounded in number, in header size and in time.
//!
//! Our own loop, because the framework's has no header timeout: a hundred half-sent requests would stay for ever.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::door::Door;
use super::respond::Edge;

/// How long a request's head may take to arrive, and a connection may be idle between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest head of a request, in bytes: a 4 KiB token, cookies, and room. Larger ones get 431.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request; browsers send about 20.
const HEADERS_MAX: usize = 64;
/// How long to wait when the machine has no descriptor or memory for another connection: long enough for one to be
/// freed, and no busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// A peer that vanished is noticed after idle + interval × probes = 2 minutes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// See [`KEEPALIVE_IDLE`].
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// See [`KEEPALIVE_IDLE`].
const KEEPALIVE_PROBES: u32 = 4;
/// How long a peer may take nothing of what waits for it before it is given up, in milliseconds: a train's tunnel. The
/// kernel counts, of what is not acknowledged and of what finds no room at the peer. WebSockets have their own rules.
const TAKES_NOTHING_MAX: u32 = 30_000;
/// What a connection too many is told, without its request being read.
const TOO_MANY: &str = r#"{"error": "as many connections as allowed are open", "code": "too_many_connections", "status": 429, "requestId": ""}"#;

/// What every connection is served with.
pub struct Acceptor {
    /// What answers.
    pub service: Edge,
    /// Connections at once, WebSockets included.
    pub max_connections: usize,
    /// Owns every connection's task.
    pub tracker: TaskTracker,
    /// Whether anyone is let in, and may stay.
    pub door: Door,
    /// Ends the loop, and every connection after the request it is in.
    pub closing: CancellationToken,
}

impl Acceptor {
    /// Accepts connections while the door is open, until told to close.
    pub async fn run(self, listener: Arc<TcpListener>) {
        let slots = Arc::new(Semaphore::new(self.max_connections));
        loop {
            let accepted = tokio::select! {
                // Whether anyone is let in is looked at first: from the moment it is not, the next server accepts.
                biased;
                () = self.closing.cancelled() => return,
                () = self.door.empties() => {
                    tokio::select! {
                        () = self.door.lets_in() => continue,
                        () = self.closing.cancelled() => return,
                    }
                }
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match Arc::clone(&slots).try_acquire_owned() {
                    Ok(slot) => self.serve(stream, peer, slot),
                    Err(_) => refuse(&stream),
                },
                Err(error) => self.recover(&error).await,
            }
        }
    }

    /// A peer that gave up before it was accepted is its own affair; a machine that is full needs a pause.
    async fn recover(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return;
        }
        tracing::warn!(%error, "no connection can be accepted for now");
        tokio::select! {
            () = tokio::time::sleep(ACCEPT_PAUSE) => {}
            () = self.closing.cancelled() => {}
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        if let Err(error) = configure(&stream) {
            tracing::debug!(%error, %peer, "a connection could not be configured");
            return;
        }
        let Ok(local) = stream.local_addr() else { return };
        let connection = Connection { local, peer, slot: Some(Arc::new(slot)) };
        let service = self.service.clone();
        self.tracker.spawn(converse(stream, service, connection, self.door.clone(), self.closing.clone()));
    }
}

/// Serves one connection until it ends, becomes a WebSocket, or the server closes.
pub(super) async fn converse(
    stream: TcpStream,
    service: Edge,
    connection: Connection,
    door: Door,
    closing: CancellationToken,
) {
    let peer = connection.peer;
    let asked = door.clone();
    let answer = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        let (service, door) = (service.clone(), asked.clone());
        async move {
            let _answering = door.answering();
            let mut response = service.answer(request).await;
            // Asked to come anew, a client loses no request, as it would by finding its connection cut.
            if !door.may_stay() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    let mut talk = std::pin::pin!(http.serve_connection(TokioIo::new(stream), answer).with_upgrades());
    let ended = tokio::select! {
        // First what the peer has said: a request that is known to have come is read and answered. A connection on which
        // none was read since it was made, or since the last answer, is cut by hyper without a look.
        biased;
        ended = talk.as_mut() => ended,
        () = async { tokio::select! { () = closing.cancelled() => {}, () = door.closed() => {} } } => {
            talk.as_mut().graceful_shutdown();
            talk.await
        }
    };
    if let Err(error) = ended {
        // What peers do wrong is not worth a line each in a storm of them.
        tracing::debug!(%error, %peer, "a connection ended badly");
    }
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, KEEPALIVE_PROBES)?;
    sockopt::set_tcp_user_timeout(stream, TAKES_NOTHING_MAX)?;
    Ok(())
}

/// Lets a peer take its time: for a WebSocket, which hears of its client by other means.
pub(crate) fn let_take_its_time(stream: &TcpStream) -> io::Result<()> {
    Ok(sockopt::set_tcp_user_timeout(stream, 0)?)
}

/// Tells a connection too many that it is, as far as its socket takes that at once, and hangs up.
fn refuse(stream: &TcpStream) {
    tracing::debug!("a connection too many");
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{TOO_MANY}",
        TOO_MANY.len()
    );
    // One that does not take it at once is hung up on all the same.
    let _ = stream.try_write(answer.as_bytes());
}
