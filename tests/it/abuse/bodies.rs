//! Bodies that are too large, and the shape of every answer.

use serde_json::json;

use crate::support::raw::request;
use crate::support::{Answer, Bystander, Raw, Server, patiently};

/// Largest body taken.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_413_on_every_route_that_takes_one() {
    let mut bystander = Bystander::arrive().await;
    let session = format!("/api/sessions/{}", bystander.session);
    let routes = [
        ("POST", "/api/auth/login".to_owned()),
        ("POST", "/api/auth/link".to_owned()),
        ("POST", "/api/auth/refresh".to_owned()),
        ("POST", "/api/auth/logout".to_owned()),
        ("POST", "/api/auth/ticket".to_owned()),
        ("POST", "/api/sessions".to_owned()),
        ("PATCH", session.clone()),
        ("POST", format!("{session}/resize")),
        ("POST", format!("{session}/input")),
        ("POST", format!("{session}/signal")),
    ];
    for (method, path) in routes {
        let body = vec![b' '; BODY_BYTES_MAX + 1];
        let request = bystander.server.request(method, &path).header("content-type", "application/json").body(body);
        let answer = Answer::of(patiently("an answer", request.send()).await.expect("answered")).await;
        assert_eq!(answer.code(), (413, "too_large".into()), "{path}");
    }
    bystander.is_served("large bodies").await;
    let at_the_limit = format!("{{\"text\": \"\"{}}}", " ".repeat(BODY_BYTES_MAX - 12));
    assert_eq!(at_the_limit.len(), BODY_BYTES_MAX);
    let request = bystander.server.request("POST", &format!("{session}/input"));
    let request = request.header("content-type", "application/json").body(at_the_limit);
    let status = request.send().await.expect("answered").status().as_u16();
    assert!(matches!(status, 200 | 202), "{status}");
}

#[tokio::test]
async fn a_body_in_chunks_is_measured_as_it_comes() {
    let mut bystander = Bystander::arrive().await;
    let mut raw = Raw::connect(&bystander.server).await;
    let authorization = format!("Bearer {}", bystander.server.token);
    let headers = [
        ("host", bystander.server.authority()),
        ("authorization", &authorization),
        ("content-type", "application/json"),
        ("transfer-encoding", "chunked"),
    ];
    raw.send(request("POST /api/sessions", &headers)).await;
    let chunk = [b"10000\r\n", &vec![b' '; 0x10000][..], b"\r\n"].concat();
    for _ in 0..=BODY_BYTES_MAX / 0x10000 {
        raw.send(&chunk).await;
    }
    assert_eq!(raw.answer().await.expect("an answer").code(), (413, "too_large".into()));
    raw.ended().await;
    bystander.is_served("chunks without end").await;
}

#[tokio::test]
async fn a_body_nobody_may_send_is_not_waited_for() {
    let server = Server::start().await;
    for (path, status) in [("/api/sessions", 401), ("/api/nowhere", 404), ("/api/auth/me", 405)] {
        let mut raw = Raw::connect(&server).await;
        let headers = [("host", server.authority()), ("content-length", "4000000000")];
        assert_eq!(raw.ask(&request(&format!("POST {path}"), &headers)).await.status, status, "{path}");
        raw.ended().await;
    }
}

#[tokio::test]
async fn every_answer_carries_its_defences_and_every_refusal_its_request_id() {
    let server = Server::start().await;
    let me = Some(&*server.token);
    let answers = [
        (200, server.ask(None, "GET", "/", None).await),
        (200, server.ask(None, "GET", "/s/x", None).await),
        (200, server.ask(None, "GET", "/health", None).await),
        (200, server.ask(me, "GET", "/api/sessions", None).await),
        (201, server.ask(me, "POST", "/api/sessions", Some(json!({ "command": ["cat"] }))).await),
        (400, server.ask(me, "POST", "/api/sessions", Some(json!({ "cols": 0 }))).await),
        (400, server.ask(me, "GET", "/api/sessions?token=x", None).await),
        (401, server.ask(None, "GET", "/api/sessions", None).await),
        (401, server.ask(None, "POST", "/api/auth/link", Some(json!({ "token": "x" }))).await),
        (404, server.ask(me, "GET", "/api/sessions/x", None).await),
        (404, server.ask(None, "GET", "/assets/../../etc/passwd", None).await),
        (404, server.ask(None, "GET", "/%2e%2e/%2e%2e/etc/passwd", None).await),
        (405, server.ask(me, "PUT", "/api/sessions", None).await),
        (415, Answer::of(server.request("POST", "/api/sessions").body("{}").send().await.expect("answered")).await),
        (426, server.ask(me, "GET", "/api/sessions/x/ws", None).await),
        (403, Answer::of(server.request("GET", "/").header("origin", "null").send().await.expect("answered")).await),
        (421, Answer::of(server.request("GET", "/").header("host", "evil.test").send().await.expect("answered")).await),
    ];
    let mut ids = std::collections::HashSet::new();
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        let trusted = "require-trusted-types-for 'script'";
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'", trusted] {
            assert!(policy.contains(part), "{part} in {answer:?}");
        }
        assert!(!policy.contains("script-src 'self' 'unsafe"), "{policy}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{answer:?}");
        let is_page = status == 200 && answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let cache = answer.header("cache-control").unwrap_or_default();
        assert_eq!(cache, if is_page { "no-cache" } else { "no-store" }, "{answer:?}");
        if status >= 400 {
            let body = answer.json();
            assert_eq!(body["status"], status, "{body}");
            let id = body["requestId"].as_str().unwrap_or_default().to_owned();
            assert!(!id.is_empty() && ids.insert(id), "{body}");
            assert!(body["code"].is_string() && body["error"].is_string(), "{body}");
        }
    }
}

#[tokio::test]
async fn names_full_of_quotes_and_tags_are_only_names() {
    let server = Server::start().await;
    for name in ["'; DROP TABLE accounts; --", "\" OR 1=1", "<img src=x onerror=alert(1)>", "${jndi:x}", "%s%n", "\\"] {
        let body = json!({ "command": ["cat"], "name": name, "env": { "A": name } });
        let opened = server.open_with(body).await;
        assert_eq!(server.session(opened["id"].as_str().expect("an id")).await["name"], name);
        for path in ["/api/auth/login", "/api/auth/link", "/api/auth/refresh"] {
            let field = match path {
                "/api/auth/login" => json!({ "username": name, "password": name }),
                "/api/auth/link" => json!({ "token": name }),
                _ => json!({ "refreshToken": name }),
            };
            assert_eq!(server.ask(None, "POST", path, Some(field)).await.status, 401, "{path} {name}");
        }
    }
    for (body, field) in [
        (json!({ "command": ["sh"], "env": { "A": "a\u{0}b" } }), "env"),
        (json!({ "command": ["sh"], "env": { "A\u{0}": "b" } }), "env"),
        (json!({ "command": ["sh"], "env": { "FANTAIL_TOKEN": "b" } }), "env.FANTAIL_TOKEN"),
        (json!({ "command": ["sh"], "workingDir": "/tmp\u{0}/etc" }), "workingDir"),
        (json!({ "command": ["sh"], "name": "a\u{0}b" }), "name"),
        (json!({ "command": ["sh", "\u{0}"] }), "command"),
        (json!({ "command": vec!["x"; 2000] }), "command"),
        (json!({ "command": ["sh", "-c", "x".repeat(1 << 20)] }), "command"),
    ] {
        let (status, answer) = server.call("POST", "/api/sessions", Some(body)).await;
        assert_eq!((status, &answer["details"]["field"]), (400, &json!(field)), "{answer}");
    }
    let (status, answer) =
        server.call("POST", "/api/sessions", Some(json!({ "command": ["sh", "-c", "x".repeat(200_000)] }))).await;
    assert_eq!((status, &answer["code"]), (422, &json!("spawn_failed")), "{answer}");
}
