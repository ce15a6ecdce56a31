//! Two people on one server know nothing of each other.

use serde_json::{Value, json};

use super::{NO_SESSION, PASSWORD, by_bearer, by_ticket, echoes, refused};
use crate::support::raw::handshake;
use crate::support::{Answer, Client, Login, Raw, Server};

/// What an answer tells, but for the id of its request.
fn told(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut body = answer.json();
    body["requestId"] = Value::Null;
    let mut headers: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    // When it is, and how often one may still ask, are of the moment.
    headers.retain(|header| !header.starts_with("date: ") && !header.starts_with("x-ratelimit-"));
    headers.sort();
    (answer.status, body, headers)
}

#[tokio::test]
async fn the_session_of_somebody_else_is_told_from_none_by_nothing() {
    let server = Server::start().await;
    let ann = Login::by_link(&server).await;
    let bob = Login::of_new(&server, "bob", PASSWORD).await;
    let session = ann.open(&server, &["cat"]).await;
    let own = bob.open(&server, &["cat"]).await;
    let mut viewer = Client::join(&server, &session, by_bearer(&ann)).await;
    let before = server.session(&session).await;
    let routes = [
        ("GET", "", None),
        ("PATCH", "", Some(json!({ "name": "stolen" }))),
        ("PATCH", "", Some(json!({ "name": "" }))),
        ("DELETE", "", None),
        ("POST", "/reopen", None),
        ("POST", "/reopen", Some(json!({}))),
        ("POST", "/resize", Some(json!({ "cols": 10, "rows": 10 }))),
        ("POST", "/input", Some(json!({ "text": "stolen\n" }))),
        ("POST", "/input", Some(json!({ "nonsense": 1 }))),
        ("POST", "/signal", Some(json!({ "signal": "KILL" }))),
        ("GET", "/output", None),
        ("GET", "/output?from=99999", None),
    ];
    for (method, rest, body) in routes {
        let ask = async |id: &str| bob.ask(&server, method, &format!("/api/sessions/{id}{rest}"), body.clone()).await;
        let (theirs, nobodys) = (ask(&session).await, ask(NO_SESSION).await);
        assert_eq!(theirs.code(), (404, "no_such_session".into()), "{method} {rest}");
        assert_eq!(told(&theirs), told(&nobodys), "{method} {rest}");
    }
    for access in [None, Some("view"), Some("control")] {
        let body = |id: &str| match access {
            Some(access) => json!({ "sessionId": id, "access": access }),
            None => json!({ "sessionId": id }),
        };
        let theirs = bob.ask(&server, "POST", "/api/auth/ticket", Some(body(&session))).await;
        let nobodys = bob.ask(&server, "POST", "/api/auth/ticket", Some(body(NO_SESSION))).await;
        assert_eq!(theirs.code(), (404, "no_such_session".into()));
        assert_eq!(told(&theirs), told(&nobodys));
    }
    let bearer = format!("Bearer {}", bob.access);
    let attach =
        async |id: &str| Raw::connect(&server).await.ask(&handshake(&server, id, &[("authorization", &bearer)])).await;
    let (theirs, nobodys) = (attach(&session).await, attach(NO_SESSION).await);
    assert_eq!(theirs.code(), (404, "no_such_session".into()));
    assert_eq!(told(&theirs), told(&nobodys));
    let ticket = bob.ticket(&server, &own, None).await;
    assert_eq!(refused(&server, &session, by_ticket(&ticket)).await, (401, "invalid_ticket".into()));

    assert_eq!(server.session(&session).await, before, "nothing was done");
    echoes(&mut viewer, "mine alone").await;
    assert_eq!(viewer.shown(), "mine alone\r\nmine alone\r\n");
}

#[tokio::test]
async fn everybody_lists_their_own_sessions_and_is_told_who_they_are() {
    let server = Server::start().await;
    let ann = Login::by_link(&server).await;
    let bob = Login::of_new(&server, "bob", PASSWORD).await;
    let (of_ann, of_bob) = (ann.open(&server, &["cat"]).await, bob.open(&server, &["cat"]).await);
    let listed = async |login: &Login| -> Vec<String> {
        let list = login.ask(&server, "GET", "/api/sessions", None).await.json();
        let ids = list.as_array().expect("a list").iter().map(|session| session["id"].as_str().expect("an id").into());
        ids.collect()
    };
    assert_eq!(listed(&ann).await, std::slice::from_ref(&of_ann));
    assert_eq!(listed(&bob).await, std::slice::from_ref(&of_bob));
    let (_, local) = server.call("GET", "/api/sessions", None).await;
    assert_eq!(
        (&local[0]["id"], local.as_array().map(Vec::len)),
        (&json!(of_ann), Some(1)),
        "the local token is the owner's"
    );
    let (_, all) = server.call("GET", "/api/sessions?all", None).await;
    assert_eq!(all.as_array().map(Vec::len), Some(2), "who runs the server reaches every session");
    assert_eq!(server.call("GET", &format!("/api/sessions/{of_bob}"), None).await.1["access"], "own");
    let refused = bob.ask(&server, "GET", "/api/sessions?all", None).await;
    assert_eq!(refused.code(), (403, "not_allowed".into()));
    let me = bob.ask(&server, "GET", "/api/auth/me", None).await.json();
    assert_eq!((&me["user"]["username"], &me["auth"]), (&json!("bob"), &json!("token")));
    // Logging out and closing are their own as well.
    assert_eq!(bob.ask(&server, "POST", "/api/auth/logout", None).await.status, 204);
    assert_eq!(ann.ask(&server, "DELETE", &format!("/api/sessions/{of_ann}"), None).await.status, 204);
    let bob = Login::by_password(&server, "bob", PASSWORD).await;
    assert_eq!(listed(&bob).await, [of_bob], "sessions outlive logins");
}
