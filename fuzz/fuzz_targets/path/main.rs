//! What a request may say before its body: its path and query, `Host`, `Origin`, cookies, ranges, tags, offers of a
//! WebSocket and credentials, through the whole service as a connection would use it. Nothing panics, every refusal has
//! the one shape, and what the guard lets pass it was meant to let pass: said here a second time, in other words.
#![no_main]

mod edge;

use std::sync::LazyLock;

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Uri};
use edge::{Edge, LOCAL, PUBLIC, Seen};
use libfuzzer_sys::fuzz_target;

static EDGE: LazyLock<Edge> = LazyLock::new(Edge::new);

/// The ways in which this server may be called.
const HOSTS: [&str; 5] = ["127.0.0.1:4020", "localhost:4020", "[::1]:4020", "term.example.org", "term.example.org:443"];
/// Those that are its own name on the machine.
const LOCAL_HOSTS: usize = 3;
const CREDENTIALS: [&str; 4] = ["token=", "access_token=", "ticket=", "authorization="];

// One byte for the method and whether a credential is asked for; then lines, the first of them the URL, the others
// headers.
fuzz_target!(|data: &[u8]| {
    let [how, rest @ ..] = data else { return };
    let mut lines = rest.split(|byte| *byte == b'\n');
    let Some(Ok(uri)) = lines.next().map(Uri::try_from) else { return };
    let headers: HeaderMap = lines.filter_map(header).collect();
    let method = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS][usize::from(how % 4)].clone();
    let is_open = how & 4 != 0;
    let Some(seen) = EDGE.answer(is_open, &method, &uri, &headers) else { return };
    shaped(&method, &seen);
    if seen.status != 421 && seen.status != 404 {
        called(&uri, &headers);
    }
    if seen.status != 421 && seen.status != 403 {
        comes_from_us(&headers, &seen);
    }
    if seen.status < 400 && !is_open {
        let path = uri.path();
        assert!(!path.starts_with("/api/") || path == "/api/health" || path == "/api/auth/logout", "{path} is open");
    }
});

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    HeaderName::from_bytes(&line[..colon]).ok().map(|name| (name, value))
}

/// Every answer has the headers that keep browsers in check, and every refusal says which it is.
fn shaped(method: &Method, seen: &Seen) {
    assert_ne!(seen.status, 500, "{}", seen.body);
    for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"] {
        assert!(seen.headers.contains_key(name), "no {name} in {:?}", seen.headers);
    }
    assert!(!seen.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
    if seen.status >= 400 && *method != Method::HEAD {
        assert!(seen.body["code"].is_string() && seen.body["requestId"].is_string(), "{}", seen.body);
        assert_eq!(seen.body["status"], seen.status);
    }
}

/// It was called by one of its names, once.
fn called(uri: &Uri, headers: &HeaderMap) {
    let hosts: Vec<_> = headers.get_all(header::HOST).iter().collect();
    let [host] = hosts[..] else { panic!("{} hosts", hosts.len()) };
    assert!(is_one_of(&HOSTS, host), "{host:?}");
    if let Some(authority) = uri.authority() {
        assert!(authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()), "{authority} and {host:?}");
    }
}

/// No page of another site has made a browser send it, and there is no credential in its URL.
fn comes_from_us(headers: &HeaderMap, seen: &Seen) {
    let origins: Vec<_> = headers.get_all(header::ORIGIN).iter().collect();
    match origins[..] {
        [] => {}
        [origin] => {
            let host = headers.get(header::HOST).expect("called by a name");
            let is_local = is_one_of(&HOSTS[..LOCAL_HOSTS], host)
                && HOSTS[..LOCAL_HOSTS].iter().any(|host| origin.as_bytes() == format!("http://{host}").as_bytes());
            assert!(origin.as_bytes() == PUBLIC.as_bytes() || is_local, "{origin:?} for {host:?} at {LOCAL}");
        }
        _ => panic!("{} origins", origins.len()),
    }
    let query = seen.query.to_ascii_lowercase();
    let has_credential = query.split('&').any(|pair| CREDENTIALS.iter().any(|name| pair.starts_with(name)));
    assert!(!has_credential || seen.status == 400, "{query}");
}

fn is_one_of(hosts: &[&str], host: &HeaderValue) -> bool {
    hosts.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
}
