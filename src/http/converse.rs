//! One connection: its requests one after the other, or HTTP/2's beside each other, bounded in size and in time.
//!
//! Decides nothing about a request; sees to it that no request fails because another server takes over.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::door::Door;
use super::proxies::TrustedProxies;
use super::respond::Edge;
use super::tls::{Tls, is_http2};

/// How long a request's head may take to arrive, and a connection may be idle between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest head of a request, in bytes: a 4 KiB token, cookies, and room. Larger ones get 431.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request; browsers send about 20.
const HEADERS_MAX: usize = 64;
/// Requests beside each other on one HTTP/2 connection: a page and all its files, and a few waits.
const STREAMS_MAX: u32 = 64;
/// Bytes of bodies on their way to us, of one request and of a connection.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// See [`STREAM_WINDOW_BYTES`].
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of an answer that wait for an HTTP/2 client to take them.
const UNSENT_MAX: usize = 64 * 1024;
/// Requests a client may take back before we have looked at them: more is an attack (CVE-2023-44487), and ends the
/// connection.
const TAKEN_BACK_MAX: usize = 20;
/// How often an HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
/// See [`PING_EVERY`].
const PING_ANSWER_MAX: Duration = Duration::from_secs(10);
/// An HTTP/2 connection on which nothing was asked for so long is told to come anew for the next request, which costs
/// its client a handshake.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How long the last answers of an HTTP/2 connection may take to be read once it was told that: a log over a slow link.
const LAST_ANSWERS_MAX: Duration = Duration::from_secs(600);

/// What a connection is served with.
pub(super) struct Conversation {
    pub(super) service: Edge,
    pub(super) connection: Connection,
    pub(super) proxies: Arc<TrustedProxies>,
    pub(super) door: Door,
    pub(super) closing: CancellationToken,
}

/// Serves one connection until it ends, becomes a WebSocket, or the server closes.
pub(super) async fn converse<S>(stream: S, conversation: Conversation)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (door, closing) = (conversation.door.clone(), conversation.closing.clone());
    let client = conversation.connection.client;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    let answers = answers(conversation, watch::Sender::default());
    let mut talk = pin!(http.serve_connection(TokioIo::new(stream), answers).with_upgrades());
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
        tracing::debug!(%error, %client, "a connection ended badly");
    }
}

/// The same behind TLS, in the version that is agreed on there.
pub(super) async fn converse_encrypted(stream: TcpStream, tls: Tls, conversation: Conversation, tasks: TaskTracker) {
    let client = conversation.connection.client;
    let made = tokio::select! {
        made = tls.handshake(stream) => made,
        () = conversation.closing.cancelled() => return,
    };
    match made {
        Ok(stream) if is_http2(&stream) => Box::pin(converse_in_streams(stream, conversation, tasks)).await,
        Ok(stream) => Box::pin(converse(stream, conversation)).await,
        Err(error) => tracing::debug!(%error, %client, "no TLS handshake"),
    }
}

/// Serves one HTTP/2 connection until it ends or the server closes.
async fn converse_in_streams(stream: Box<TlsStream<TcpStream>>, conversation: Conversation, tasks: TaskTracker) {
    let (door, closing) = (conversation.door.clone(), conversation.closing.clone());
    let client = conversation.connection.client;
    let mut http = http2::Builder::new(Tasks(tasks));
    http.timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(UNSENT_MAX)
        .max_pending_accept_reset_streams(TAKEN_BACK_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWER_MAX);
    let activity = watch::Sender::default();
    let idle = idle(activity.subscribe());
    let mut talk = pin!(http.serve_connection(TokioIo::new(stream), answers(conversation, activity)));
    let ended = tokio::select! {
        biased;
        ended = talk.as_mut() => Some(ended),
        // The client is told to come anew and loses nothing: what it asks until it has read that is answered.
        () = async { tokio::select! { () = closing.cancelled() => {}, () = door.lingers() => {}, () = idle => {} } } => {
            talk.as_mut().graceful_shutdown();
            timeout(LAST_ANSWERS_MAX, talk).await.ok()
        }
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, %client, "a connection ended badly"),
        None => tracing::debug!(%client, "the last answers were not read in time"),
    }
}

/// What has been asked on a connection.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Activity {
    /// Requests that have come.
    asked: u64,
    /// Of those, how many are being answered.
    answering: usize,
}

/// Resolves when nothing was asked for [`IDLE_MAX`] and nothing is being answered.
async fn idle(mut activity: watch::Receiver<Activity>) {
    loop {
        let quiet = activity.borrow_and_update().answering == 0;
        match timeout(IDLE_MAX, activity.changed()).await {
            Err(_) if quiet => return,
            // The connection is over, which is seen elsewhere.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) | Ok(Ok(())) => {}
        }
    }
}

/// Answers the requests of one connection.
fn answers(
    conversation: Conversation,
    activity: watch::Sender<Activity>,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send + 'static> {
    let Conversation { service, connection, proxies, door, closing: _ } = conversation;
    let activity = Arc::new(activity);
    service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let asked = connection.asked_with(request.headers(), &proxies);
        request.extensions_mut().insert(asked);
        let (service, door) = (service.clone(), door.clone());
        let answering = Answering::begin(Arc::clone(&activity));
        async move {
            let _answering = (door.answering(), answering);
            let version = request.version();
            // Another reader on the way may have gone by a length beside it, and would begin the next request elsewhere
            // (RFC 9112, section 6.1): there is no next one.
            let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
            let mut response = service.answer(request).await;
            // Asked to come anew, a client loses no request, as it would by finding its connection cut. HTTP/2 has its
            // own word for that.
            let may_close = version < Version::HTTP_2 && response.status() != StatusCode::SWITCHING_PROTOCOLS;
            if may_close && (is_chunked || !door.may_stay()) {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    })
}

/// One request that is being answered.
struct Answering(Arc<watch::Sender<Activity>>);

impl Answering {
    fn begin(activity: Arc<watch::Sender<Activity>>) -> Self {
        activity.send_modify(|activity| {
            activity.asked += 1;
            activity.answering += 1;
        });
        Self(activity)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.send_modify(|activity| activity.answering -= 1);
    }
}

/// Where the requests of an HTTP/2 connection are answered: they belong to the server as the connection does (law 9).
#[derive(Clone)]
struct Tasks(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, request: F) {
        self.0.spawn(request);
    }
}
