//! Every name and page we know to try from elsewhere.

use axum::http::Request;
use axum::http::request::Builder;

use super::*;

fn guard() -> Guard {
    let public = vec!["https://term.example.org".into(), "http://box.lan:8080".into()];
    Guard::new(public, vec!["https://tools.example".into()])
}

fn connection(local: Local) -> Connection {
    Connection::between(local, "127.0.0.1:50000".parse().ok())
}

fn clear(local: &str) -> Local {
    Local::Tcp { address: local.parse().unwrap(), tls: false }
}

fn encrypted(local: &str) -> Local {
    Local::Tcp { address: local.parse().unwrap(), tls: true }
}

fn admitted(local: Local, request: Builder, headers: &[(&str, &str)]) -> Result<Admitted, ApiError> {
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    guard().check(&request.body(()).unwrap().into_parts().0, &connection(local))
}

fn check_on(local: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), ApiError> {
    admitted(clear(local), Request::get(target), headers).map(|_| ())
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

#[test]
fn behind_tls_a_page_of_this_server_came_by_https() {
    let local = encrypted("127.0.0.1:443");
    let check = |headers: &[(&str, &str)]| admitted(local, Request::get("/"), headers).map(|_| ());
    assert_eq!(check(&[("host", "localhost"), ("origin", "https://localhost")]), Ok(()));
    assert_eq!(check(&[("host", "localhost:443")]), Ok(()));
    assert_eq!(check(&[("host", "localhost"), ("origin", "http://localhost")]), Err(ApiError::ForeignOrigin));
    assert_eq!(check(&[("host", "localhost:80")]), Err(ApiError::ForeignHost));
}

#[test]
fn a_unix_socket_is_called_localhost_and_has_no_page() {
    let check = |headers: &[(&str, &str)]| admitted(Local::Unix, Request::get("/"), headers).map(|_| ());
    assert_eq!(check(&[("host", "localhost")]), Ok(()));
    for host in ["127.0.0.1", "localhost:80", "evil.test", ""] {
        assert_eq!(check(&[("host", host)]), Err(ApiError::ForeignHost), "{host}");
    }
    assert_eq!(check(&[("host", "localhost"), ("origin", "http://localhost")]), Err(ApiError::ForeignOrigin));
}

#[test]
fn http_2_names_the_host_in_its_target_and_must_not_name_two() {
    let request = || Request::get("https://localhost:4020/").version(Version::HTTP_2);
    let local = encrypted("127.0.0.1:4020");
    assert!(admitted(local, request(), &[]).is_ok());
    assert!(admitted(local, request(), &[("host", "localhost:4020")]).is_ok());
    assert_eq!(admitted(local, request(), &[("host", "evil.test")]), Err(ApiError::ForeignHost));
    let foreign = Request::get("https://evil.test/").version(Version::HTTP_2);
    assert_eq!(admitted(local, foreign, &[]), Err(ApiError::ForeignHost));
    assert_eq!(admitted(local, Request::get("https://localhost:4020/"), &[]), Err(ApiError::ForeignHost), "not HTTP/1");
}

#[test]
fn a_name_that_is_ours_alone_is_told_from_a_port_of_one() {
    let by_own_name =
        |host: &str| admitted(encrypted("127.0.0.1:443"), Request::get("/"), &[("host", host)]).unwrap().by_own_name;
    assert!(by_own_name("term.example.org") && by_own_name("term.example.org:443"));
    assert!(!by_own_name("localhost") && !by_own_name("127.0.0.1") && !by_own_name("box.lan:8080"));
}

#[test]
fn a_page_that_is_configured_is_a_guest_and_no_other() {
    let local = clear("127.0.0.1:4020");
    let host = ("host", "127.0.0.1:4020");
    let guest = admitted(local, Request::post("/"), &[host, ("origin", "https://tools.example")]).unwrap().guest;
    assert_eq!(guest.unwrap().0, "https://tools.example");
    for origin in ["https://tools.example:444", "http://tools.example", "https://tools.example.evil", "null"] {
        assert_eq!(admitted(local, Request::post("/"), &[host, ("origin", origin)]), Err(ApiError::ForeignOrigin));
    }
    assert_eq!(check(&[host, ("origin", "http://localhost:4020")]), Ok(()));
}

#[test]
fn what_a_browser_says_of_the_page_is_a_second_wall() {
    let local = clear("127.0.0.1:4020");
    let (host, ours) = (("host", "127.0.0.1:4020"), ("origin", "http://127.0.0.1:4020"));
    let (cookie, bearer) = (("cookie", "fantail_refresh=x"), ("authorization", "Bearer x"));
    let post = |headers: &[(&str, &str)]| {
        let headers: Vec<_> = [host].iter().chain(headers).copied().collect();
        admitted(local, Request::post("/"), &headers).is_ok()
    };
    let site = |site| ("sec-fetch-site", site);
    for said in ["cross-site", "same-site", "Same-Origin", ""] {
        for others in [&[][..], &[ours], &[bearer], &[ours, cookie, bearer]] {
            assert!(!post(&[&[site(said)], others].concat()), "{said} {others:?}");
        }
    }
    assert!(post(&[site("same-origin"), ours, cookie]));
    assert!(post(&[site("none"), bearer]) && post(&[site("none")]) && !post(&[site("none"), ours, cookie]));
    assert!(post(&[bearer, cookie]) && post(&[]) && post(&[ours, cookie]) && !post(&[cookie]));
    assert!(!post(&[site("same-origin"), site("same-origin")]), "twice");
    assert_eq!(check(&[host, site("cross-site")]), Ok(()), "a link that is followed");
}
