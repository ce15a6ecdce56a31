//! Every name and page we know to try from elsewhere.

use axum::http::Request;

use super::*;

fn guard() -> Guard {
    Guard::new(vec!["https://term.example.org".into(), "http://box.lan:8080".into()])
}

fn connection(local: &str) -> Connection {
    Connection { local: local.parse().unwrap(), peer: "127.0.0.1:50000".parse().unwrap(), slot: None }
}

fn check_on(local: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), ApiError> {
    let request = headers.iter().fold(Request::get(target), |request, (name, value)| request.header(*name, *value));
    guard().check(&request.body(()).unwrap().into_parts().0, &connection(local))
}

fn check(headers: &[(&str, &str)]) -> Result<(), ApiError> {
    check_on("127.0.0.1:4020", "/", headers)
}

#[test]
fn the_names_of_this_server_are_its_addresses_and_its_public_urls() {
    for host in [
        "127.0.0.1:4020",
        "localhost:4020",
        "LocalHost:4020",
        "[::1]:4020",
        "term.example.org",
        "term.example.org:443",
        "box.lan:8080",
    ] {
        assert_eq!(check(&[("host", host)]), Ok(()), "{host}");
    }
    assert_eq!(check_on("192.168.1.5:4020", "/", &[("host", "192.168.1.5:4020")]), Ok(()));
    assert_eq!(check_on("[::ffff:192.168.1.5]:4020", "/", &[("host", "192.168.1.5:4020")]), Ok(()));
    assert_eq!(check_on("127.0.0.1:80", "/", &[("host", "localhost")]), Ok(()));
}

#[test]
fn any_other_name_is_refused() {
    for host in [
        "",
        "localhost",
        "localhost:4021",
        "localhost.:4020",
        "localhost.evil:4020",
        "127.attacker.example:4020",
        "evil.example:4020",
        "0.0.0.0:4020",
        "127.0.0.2:4020",
        "127.1:4020",
        "127.0.0.01:4020",
        "127.0.0.1:04020",
        "127.0.0.1:+4020",
        "127.0.0.1:",
        "::1:4020",
        "user@localhost:4020",
        "term.example.org:444",
        "term.example.org.",
        "box.lan",
        "localhost:4020, evil.example",
    ] {
        assert_eq!(check(&[("host", host)]), Err(ApiError::ForeignHost), "{host}");
    }
    assert_eq!(check(&[]), Err(ApiError::ForeignHost));
    assert_eq!(check(&[("host", "localhost:4020"), ("host", "localhost:4020")]), Err(ApiError::ForeignHost));
    let outside = check_on("192.168.1.5:4020", "/", &[("host", "localhost:4020")]);
    assert_eq!(outside, Err(ApiError::ForeignHost), "loopback names mean loopback");
    let long = check_on("[::1]:4020", "/", &[("host", "[0:0:0:0:0:0:0:1]:4020")]);
    assert_eq!(long, Err(ApiError::ForeignHost), "an address is written in one way");
}

#[test]
fn an_absolute_target_must_agree_with_the_host() {
    let host = [("host", "localhost:4020")];
    assert_eq!(check_on("127.0.0.1:4020", "http://localhost:4020/", &host), Ok(()));
    assert_eq!(check_on("127.0.0.1:4020", "http://evil.example/", &host), Err(ApiError::ForeignHost));
    assert_eq!(check_on("127.0.0.1:4020", "http://x@localhost:4020/", &host), Err(ApiError::ForeignHost));
}

#[test]
fn a_page_of_this_server_may_ask() {
    for (host, origin) in [
        ("127.0.0.1:4020", "http://127.0.0.1:4020"),
        ("127.0.0.1:4020", "http://localhost:4020"),
        ("term.example.org", "https://term.example.org"),
        ("127.0.0.1:4020", "https://term.example.org"),
        ("box.lan:8080", "http://box.lan:8080"),
    ] {
        assert_eq!(check(&[("host", host), ("origin", origin)]), Ok(()), "{host} {origin}");
    }
}

#[test]
fn a_page_of_any_other_site_may_not() {
    for origin in [
        "null",
        "",
        "http://evil.example",
        "https://127.0.0.1:4020",
        "http://127.0.0.1:4021",
        "http://127.0.0.1",
        "http://127.0.0.1:4020.evil.example",
        "http://evil.example/127.0.0.1:4020",
        "http://127.0.0.1:4020/",
        "HTTP://127.0.0.1:4020",
        "http://LOCALHOST:4020",
        "http://localhost.:4020",
        "http://term.example.org",
        "https://term.example.org:443",
        "https://term.example.org.",
        "https://xn--trm-bma.example.org",
        "http://127.0.0.1:4020 http://evil.example",
        "file://",
    ] {
        let refused = check(&[("host", "127.0.0.1:4020"), ("origin", origin)]);
        assert_eq!(refused, Err(ApiError::ForeignOrigin), "{origin}");
    }
    let ours = ("origin", "http://127.0.0.1:4020");
    assert_eq!(check(&[("host", "127.0.0.1:4020"), ours, ours]), Err(ApiError::ForeignOrigin));
    assert_eq!(check(&[("host", "term.example.org"), ours]), Err(ApiError::ForeignOrigin), "the caller's own machine");
}

#[test]
fn what_a_proxy_is_said_to_have_seen_counts_for_nothing() {
    let forwarded =
        [("host", "evil.example"), ("x-forwarded-host", "localhost:4020"), ("forwarded", "host=localhost:4020")];
    assert_eq!(check(&forwarded), Err(ApiError::ForeignHost));
}

#[test]
fn a_credential_in_the_url_is_refused_however_it_is_spelled() {
    let host = [("host", "localhost:4020")];
    for query in ["token=x", "a=1&access_token=x", "ticket", "auth=", "TOKEN=x", "%74oken=x", "refreshToken=x"] {
        let refused = check_on("127.0.0.1:4020", &format!("/api/sessions?{query}"), &host);
        assert_eq!(refused, Err(ApiError::CredentialInUrl), "{query}");
    }
    assert_eq!(check_on("127.0.0.1:4020", "/api/sessions?from=1&client=token", &host), Ok(()));
}
