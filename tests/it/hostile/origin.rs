//! Requests meant for another server, and pages of other sites.

use std::sync::Arc;

use crate::support::raw::{request, upgrade};
use crate::support::{Bystander, Client, Join, Raw, Server};

/// Requests of every kind: open to all, guarded, changing something, and the upgrade.
fn requests(server: &Server, session: &str, changes: &[(&str, &str)]) -> Vec<String> {
    let authorization = format!("Bearer {}", server.token);
    let host = ("host", server.authority());
    let has_host = changes.iter().any(|(name, _)| *name == "host");
    let changed = changes.iter().copied().filter(|(_, value)| !value.is_empty());
    let all: Vec<_> = (!has_host).then_some(host).into_iter().chain(changed).collect();
    let rest = |line: &str| {
        let body = [("authorization", &*authorization), ("content-type", "application/json"), ("content-length", "2")];
        request(line, &all.iter().copied().chain(body).collect::<Vec<_>>()) + "{}"
    };
    vec![
        request("GET /", &all),
        request("GET /health", &all),
        request("GET /api/nowhere", &all),
        request("POST /api/auth/refresh", &all),
        rest("GET /api/sessions"),
        rest("POST /api/sessions"),
        rest(&format!("DELETE /api/sessions/{session}")),
        upgrade(server, &format!("GET /api/sessions/{session}/ws"), changes),
    ]
}

/// With and without authentication.
async fn servers() -> [Arc<Server>; 2] {
    [Server::start().await, Server::start_with(&["--no-auth"]).await]
}

#[tokio::test]
async fn h05_a_request_for_another_host_is_refused_whatever_it_asks() {
    for server in servers().await {
        let mut bystander = Bystander::beside(server.clone()).await;
        let port = server.authority().rsplit_once(':').expect("a port").1.to_owned();
        let at_port = |name: &str| format!("{name}:{port}");
        let hosts = [
            at_port("evil.test"),
            at_port("localhost.evil.test"),
            at_port("127.attacker.example"),
            at_port("127.0.0.1.evil.test"),
            at_port("0.0.0.0"),
            at_port("127.0.0.2"),
            at_port("localhost."),
            at_port("x@localhost"),
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "localhost:1".to_owned(),
            format!("localhost:{port}, evil.test"),
        ];
        for host in &hosts {
            for asked in requests(&server, &bystander.session, &[("host", host)]) {
                let answer = Raw::connect(&server).await.ask(&asked).await;
                assert_eq!(answer.code(), (421, "foreign_host".into()), "{asked}");
            }
        }
        let own = server.authority().to_owned();
        for changes in
            [&[("host", "")][..], &[("host", &own), ("host", &own)], &[("host", &own), ("host", "evil.test")]]
        {
            for asked in requests(&server, &bystander.session, changes) {
                let status = Raw::connect(&server).await.ask(&asked).await.status;
                assert!(matches!(status, 400 | 421), "{status} for {asked}");
            }
        }
        let forwarded = [("host", "evil.test"), ("x-forwarded-host", &*own), ("forwarded", &*format!("host={own}"))];
        for asked in requests(&server, &bystander.session, &forwarded) {
            assert_eq!(Raw::connect(&server).await.ask(&asked).await.status, 421, "{asked}");
        }
        bystander.is_served("foreign hosts").await;
        let (_, sessions) = server.call("GET", "/api/sessions", None).await;
        assert_eq!(sessions.as_array().map(Vec::len), Some(1), "nothing was opened or closed");
    }
}

#[tokio::test]
async fn h05_an_absolute_target_that_names_another_host_is_refused() {
    let server = Server::start().await;
    let own = server.authority();
    for target in ["http://evil.test/health", "http://x@localhost:1/health", "https://evil.test:443/health"] {
        let answer = Raw::connect(&server).await.ask(&request(&format!("GET {target}"), &[("host", own)])).await;
        assert_eq!(answer.code(), (421, "foreign_host".into()), "{target}");
    }
    let same = request(&format!("GET http://{own}/health"), &[("host", own)]);
    assert_eq!(Raw::connect(&server).await.ask(&same).await.status, 200);
}

#[tokio::test]
async fn h02_a_page_of_another_site_is_refused_whatever_it_asks() {
    for server in servers().await {
        let mut bystander = Bystander::beside(server.clone()).await;
        let own = server.authority();
        let port = own.rsplit_once(':').expect("a port").1;
        let origins = [
            "null".to_owned(),
            "http://evil.test".to_owned(),
            "https://evil.test".to_owned(),
            format!("http://evil.test:{port}"),
            format!("https://{own}"),
            format!("ws://{own}"),
            "http://127.0.0.1".to_owned(),
            "http://127.0.0.1:1".to_owned(),
            format!("http://{own}.evil.test"),
            format!("http://{own}/"),
            format!("http://evil.test/{own}"),
            format!("HTTP://{own}"),
            format!("http://LOCALHOST:{port}"),
            format!("http://localhost.:{port}"),
            format!("http://xn--lcalhost-c4a:{port}"),
            format!("http://{own} http://evil.test"),
            format!("http://{own}, http://evil.test"),
        ];
        for origin in &origins {
            for asked in requests(&server, &bystander.session, &[("origin", origin)]) {
                let answer = Raw::connect(&server).await.ask(&asked).await;
                assert_eq!(answer.code(), (403, "foreign_origin".into()), "{asked}");
                assert_eq!(answer.header("set-cookie"), None);
            }
        }
        let ours = format!("http://{own}");
        for second in [&*ours, "http://evil.test"] {
            for asked in requests(&server, &bystander.session, &[("origin", &ours), ("origin", second)]) {
                let answer = Raw::connect(&server).await.ask(&asked).await;
                assert_eq!(answer.code(), (403, "foreign_origin".into()), "{asked}");
            }
        }
        bystander.is_served("foreign pages").await;
        let (_, sessions) = server.call("GET", "/api/sessions", None).await;
        assert_eq!(sessions.as_array().map(Vec::len), Some(1), "nothing was opened or closed");
    }
}

#[tokio::test]
async fn a_page_of_this_server_is_served_by_every_name_it_has() {
    for server in servers().await {
        let session = server.open(&["cat"]).await;
        let port = server.authority().rsplit_once(':').expect("a port").1;
        for name in ["127.0.0.1", "localhost", "[::1]"] {
            let origin = format!("http://{name}:{port}");
            let listed =
                server.request("GET", "/api/sessions").header("origin", &origin).send().await.expect("answered");
            assert_eq!(listed.status().as_u16(), 200, "{origin}");
            let join = Join { origin: Some(origin), ..Join::default() };
            let mut client = Client::join(&server, &session, join).await;
            client.typed("from a page\n").await;
            client.until_shown("from a page").await;
        }
    }
}

#[tokio::test]
async fn h43_a_preflight_gets_nothing_a_page_could_use() {
    let server = Server::start().await;
    for (origin, status) in [("http://evil.test", 403), ("null", 403), (&*server.url, 405)] {
        for path in ["/api/sessions", "/api/auth/login", "/api/auth/refresh", "/api/auth/ticket"] {
            let headers = [
                ("host", server.authority()),
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization, content-type"),
            ];
            let answer = Raw::connect(&server).await.ask(&request(&format!("OPTIONS {path}"), &headers)).await;
            assert_eq!(answer.status, status, "{origin} {path}");
            let allows = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!allows, "{answer:?}");
        }
    }
    let simple = [("host", server.authority()), ("origin", "http://evil.test"), ("content-type", "text/plain")];
    let answer = Raw::connect(&server).await.ask(&request("POST /api/sessions", &simple)).await;
    assert_eq!(answer.status, 403, "a request that needs no preflight");
}

#[tokio::test]
async fn h43_a_page_that_is_configured_may_call_the_api_with_a_token_and_never_with_the_cookie() {
    let server = Server::start_with(&["--cors-origins", "https://tools.example"]).await;
    let guest = [("host", server.authority()), ("origin", "https://tools.example")];
    let asked = |line: &str, more: &[(&str, &str)]| request(line, &[&guest[..], more].concat());
    let preflight = asked("OPTIONS /api/sessions", &[("access-control-request-method", "POST")]);
    let answer = Raw::connect(&server).await.ask(&preflight).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://tools.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let bearer = format!("Bearer {}", server.token);
    let listed = asked("GET /api/sessions", &[("authorization", &bearer), ("sec-fetch-site", "cross-site")]);
    let answer = Raw::connect(&server).await.ask(&listed).await;
    assert_eq!((answer.status, answer.header("vary")), (200, Some("origin")), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://tools.example"));
    let link = server.login.clone().expect("a link");
    let body = serde_json::json!({ "token": link });
    let login = server.ask(None, "POST", "/api/auth/link", Some(body)).await;
    let cookie = login.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
    let renewed = asked("POST /api/auth/refresh", &[("cookie", cookie), ("content-length", "0")]);
    let answer = Raw::connect(&server).await.ask(&renewed).await;
    assert_eq!(answer.code(), (401, "unauthenticated".into()), "the cookie is not for it");
    let foreign = [("host", server.authority()), ("origin", "https://tools.example.evil")];
    let answer = Raw::connect(&server).await.ask(&request("GET /api/sessions", &foreign)).await;
    assert_eq!((answer.code(), answer.header("access-control-allow-origin")), ((403, "foreign_origin".into()), None));
}

#[tokio::test]
async fn h42_a_page_of_another_site_changes_nothing_by_what_browsers_send_by_themselves() {
    let server = Server::start().await;
    let link = server.login.clone().expect("a link");
    let login = server.ask(None, "POST", "/api/auth/link", Some(serde_json::json!({ "token": link }))).await;
    let cookie = login.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    let lines = ["POST /api/auth/refresh", "POST /api/auth/logout", "POST /api/auth/ticket", "POST /api/sessions"];
    let changing = ["PATCH /api/sessions/x", "DELETE /api/sessions/x", "POST /api/sessions/x/input"];
    for line in lines.iter().chain(&changing) {
        for said in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[],
        ] {
            let headers =
                [&[("host", server.authority()), ("cookie", &*cookie), ("content-length", "0")][..], said].concat();
            let answer = Raw::connect(&server).await.ask(&request(line, &headers)).await;
            assert_eq!(answer.code(), (403, "foreign_origin".into()), "{line} {said:?}");
        }
    }
    let headers =
        [("host", server.authority()), ("origin", &*server.url), ("cookie", &cookie), ("content-length", "0")];
    let answer = Raw::connect(&server).await.ask(&request("POST /api/auth/refresh", &headers)).await;
    assert_eq!(answer.status, 200, "the login has lived on, for a page of ours: {answer:?}");
}
