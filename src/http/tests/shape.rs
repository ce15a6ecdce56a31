//! The shape of answers, whatever is asked.

use super::*;

#[tokio::test]
async fn every_refusal_has_the_one_shape() {
    let edge = Edge::new().await;
    let text = |path: &str, kind: &str| {
        Request::post(path).header(header::CONTENT_TYPE, kind).body(HttpBody::from("{}")).unwrap()
    };
    let login = "/api/auth/login";
    for (request, expected) in [
        (get("/api/nothing"), (404, "no_such_route")),
        (post("/nothing", &[], &json!({})), (404, "no_such_route")),
        (get("/%2e%2e/Cargo.toml"), (404, "no_such_route")),
        (get("/../Cargo.toml"), (404, "no_such_route")),
        (get(login), (405, "method_not_allowed")),
        (post("/health", &[], &json!({})), (405, "method_not_allowed")),
        (get("/api/auth/me"), (401, "unauthenticated")),
        (get("/api/auth/me?access_token=x"), (400, "credential_in_url")),
        (text(login, "text/plain"), (415, "unsupported_media_type")),
        (text(login, "application/x-www-form-urlencoded"), (415, "unsupported_media_type")),
        (text(login, "application/json; charset=utf-8"), (400, "invalid_field")),
        (post(login, &[], &json!({"username": "a", "password": "b", "role": "admin"})), (400, "invalid_field")),
        (post(login, &[], &json!("x".repeat(3 << 20))), (413, "too_large")),
        (post("/api/auth/ticket", &[], &json!({"sessionId": "x"})), (401, "unauthenticated")),
    ] {
        let path = request.uri().to_string();
        let answer = edge.send(request).await;
        assert_eq!(answer.code(), expected, "{path}");
        assert_eq!(answer.body["status"], expected.0, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json", "{path}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert!(Uuid::try_parse(&answer.text("requestId")).is_ok() && !answer.text("error").is_empty(), "{path}");
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
    }
}

/// A handler with a fault in it cannot be had from the table, so one is put beside it.
#[tokio::test]
async fn h78_a_handler_that_panics_is_answered_with_500_and_harms_no_other() {
    async fn faulty(uri: axum::http::Uri) {
        assert!(uri.path().is_empty(), "a fault");
    }
    let edge = Edge::new().await;
    let service = edge.app.service(Router::new().route("/faulty", axum::routing::get(faulty)));
    let ask = async |path: &str| {
        let mut request = get(path);
        request.extensions_mut().insert(connection());
        request.headers_mut().insert(header::HOST, HOST.parse().unwrap());
        let (head, body) = service.answer(request).await.into_parts();
        let body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
        (head.status.as_u16(), body)
    };
    for _ in 0..2 {
        let (status, body) = ask("/faulty").await;
        assert_eq!((status, &body["code"]), (500, &json!("internal")));
        assert!(!body.to_string().contains("a fault"), "{body}");
        assert_eq!(ask("/health").await.0, 200);
    }
}

#[tokio::test]
async fn a_field_is_named_where_it_is_wrong() {
    let edge = Edge::new().await;
    let answer = edge.post("/api/auth/login", json!({"username": "ann", "pasword": "hunter2"})).await;
    assert_eq!(answer.body["details"], json!({"field": "pasword", "rule": "unknown"}));
    assert!(!answer.body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn an_unknown_session_is_the_same_as_someone_elses() {
    let edge = Edge::new().await;
    let bearer = format!("Bearer {LOCAL_TOKEN}");
    let headers = [(header::AUTHORIZATION, bearer.as_str())];
    let body = json!({"sessionId": Uuid::from_u128(5).to_string()});
    assert_eq!(edge.send(post("/api/auth/ticket", &headers, &body)).await.code(), (404, "no_such_session"));
}

#[tokio::test]
async fn health_needs_no_credential_and_tells_of_the_end() {
    let edge = Edge::new().await;
    for path in ["/health", "/api/health"] {
        let answer = edge.send(get(path)).await;
        assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("ok")));
    }
    edge.app.drain();
    let answer = edge.send(get("/health")).await;
    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (503, &json!("draining")));
    let answer = edge.send(get("/api/auth/me")).await;
    assert_eq!(answer.code(), (503, "draining"));
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn the_page_is_served_for_every_session_and_loads_only_what_is_ours() {
    let edge = Edge::new().await;
    for path in ["/", "/s/0c6cb0a2", "/account", "/users", "/audit", "/index.html"] {
        let page = edge.raw(get(path)).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        assert!(page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
        let known = page.headers()[header::ETAG].clone();
        let again = Request::get(path).header(header::IF_NONE_MATCH, known).body(HttpBody::empty()).unwrap();
        assert_eq!(edge.raw(again).await.status(), StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn a_preflight_of_another_site_is_answered_with_nothing_it_could_use() {
    let edge = Edge::new().await;
    let preflight = Request::options("/api/auth/login")
        .header(header::ORIGIN, "http://evil.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
    let answer = edge.send(preflight.body(HttpBody::empty()).unwrap()).await;
    assert_eq!(answer.code(), (403, "foreign_origin"));
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
}
