//! What clients notice while another server takes over, and when it does not.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::converse::{Conversation, converse};

#[tokio::test]
async fn a_wait_ends_as_if_nothing_had_changed_and_what_comes_too_late_is_told() {
    let edge = Edge::with(true).await;
    let opened = edge.post("/api/sessions", json!({ "command": ["/bin/cat"] })).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    let screen = format!("/api/sessions/{}/screen", opened.text("sessionId"));
    let shown = edge.send(get(&screen)).await;
    let tag = shown.headers[header::ETAG].clone();
    let wait = Request::get(format!("{screen}?wait=55000")).header(header::IF_NONE_MATCH, tag);
    let (waited, ()) = tokio::join!(edge.send(wait.body(HttpBody::empty()).unwrap()), edge.app.door().close());
    assert_eq!(waited.status, StatusCode::NOT_MODIFIED);

    let told = edge.app.draining();
    edge.app.leave();
    assert!(told.is_cancelled(), "who was attached is told");
    assert_eq!(edge.send(get(&screen)).await.code(), (503, "draining"));

    edge.app.stay();
    edge.app.door().open();
    assert!(!edge.app.draining().is_cancelled(), "who attaches now is not");
    assert_eq!(edge.send(get(&screen)).await.status, StatusCode::OK);
    let now = edge.app.draining();
    edge.app.drain();
    assert!(now.is_cancelled());
    edge.app.registry().drain().await;
}

#[tokio::test]
async fn who_was_let_in_and_then_finds_the_sessions_left_is_told_that_the_server_goes() {
    for path in ["/api/auth/ticket", "/api/sessions/{id}/resize"] {
        let edge = Edge::with(true).await;
        let unknown = json!({ "sessionId": Uuid::from_u128(9).to_string() });
        assert_eq!(edge.post("/api/auth/ticket", unknown).await.code(), (404, "no_such_session"), "nobody leaves");
        let id = edge.post("/api/sessions", json!({ "command": ["/bin/cat"] })).await.text("sessionId");
        let body =
            if path.ends_with("resize") { json!({ "cols": 90, "rows": 30 }) } else { json!({ "sessionId": id }) };
        // It is asked for behind the door, and there once the sessions are not; that they came back is too late.
        let app = edge.app.clone();
        let late = futures_util::stream::once(async move {
            app.leave();
            app.registry().leave().await;
            app.stay();
            Ok::<_, std::convert::Infallible>(body.to_string())
        });
        let mut request = post(&path.replace("{id}", &id), &[], &json!(null));
        *request.body_mut() = HttpBody::from_stream(late);
        assert_eq!(edge.send(request).await.code(), (503, "draining"), "{path}");
    }
}

#[tokio::test]
async fn a_request_that_has_come_when_the_server_closes_is_answered() {
    let edge = Edge::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    // As often as makes it certain, where it is left to chance what is looked at first.
    for _ in 0..50 {
        let mut client = TcpStream::connect(address).await.expect("connected");
        client.write_all(format!("GET /health HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await.expect("sent");
        let (stream, peer) = listener.accept().await.expect("accepted");
        stream.readable().await.expect("open");
        let closing = CancellationToken::new();
        closing.cancel();
        let local = Local::Tcp { address, tls: false };
        let conversation = Conversation {
            service: edge.app.service(Router::new()),
            connection: Connection::between(local, Some(peer)),
            proxies: Arc::default(),
            door: Door::default(),
            closing,
        };
        converse(stream, conversation).await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
    }
}
