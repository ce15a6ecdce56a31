//! Every route that needs a credential, and everything that is none.

use std::collections::{BTreeSet, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::NO_SESSION;
use crate::support::document::{Document, Operation};
use crate::support::raw::handshake;
use crate::support::{Answer, Login, Raw, Server, routes_of_the_source};

/// Every route that needs a credential, as `METHOD path`. `{id}` is a session's.
const GUARDED: [&str; 41] = [
    "POST /api/auth/logout",
    "GET /api/auth/me",
    "PATCH /api/auth/me",
    "GET /api/auth/me/identities",
    "POST /api/auth/me/identities",
    "DELETE /api/auth/me/identities/{id}",
    "GET /api/auth/logins",
    "DELETE /api/auth/logins",
    "DELETE /api/auth/logins/{id}",
    "GET /api/tokens",
    "POST /api/tokens",
    "DELETE /api/tokens/{id}",
    "GET /api/users",
    "POST /api/users",
    "GET /api/users/{id}",
    "PATCH /api/users/{id}",
    "POST /api/users/{id}/link",
    "DELETE /api/users/{id}/logins",
    "GET /api/audit",
    "GET /api/sessions/{id}/shares",
    "POST /api/sessions/{id}/shares",
    "DELETE /api/sessions/{id}/shares/{share}",
    "GET /api/sessions/{id}/grants",
    "PUT /api/sessions/{id}/grants/{user}",
    "DELETE /api/sessions/{id}/grants/{user}",
    "POST /api/auth/ticket",
    "GET /api/profiles",
    "GET /api/sessions",
    "POST /api/sessions",
    "GET /api/sessions/{id}",
    "PATCH /api/sessions/{id}",
    "DELETE /api/sessions/{id}",
    "POST /api/sessions/{id}/reopen",
    "POST /api/sessions/{id}/resize",
    "POST /api/sessions/{id}/input",
    "POST /api/sessions/{id}/signal",
    "GET /api/sessions/{id}/output",
    "GET /api/sessions/{id}/screen",
    "GET /api/sessions/{id}/text",
    "GET /api/sessions/{id}/snapshot",
    "GET /api/sessions/{id}/ws",
];
/// Those that need none, or bring their own.
const OPEN: [&str; 16] = [
    "GET /openapi.json",
    "GET /health",
    "GET /api/health",
    "POST /api/auth/login",
    "POST /api/auth/link",
    "POST /api/auth/refresh",
    "GET /api/auth/oidc",
    "POST /api/auth/oidc/{provider}/begin",
    "GET /api/auth/oidc/{provider}/callback",
    "POST /api/shares/enter",
    "POST /api/shares/renew",
    "GET /",
    "GET /account",
    "GET /users",
    "GET /audit",
    "GET /s/{id}",
];

/// A body with which the request would be done if the credential were good.
fn body(route: &str, session: &str) -> Option<Value> {
    let (method, path) = route.split_once(' ').expect("a method and a path");
    Some(match path.rsplit('/').next().expect("a last part") {
        "ticket" => json!({ "sessionId": session }),
        "sessions" if method == "POST" => json!({ "command": ["true"] }),
        "me" if method == "PATCH" => json!({ "mail": "stolen@example.org" }),
        "identities" if method == "POST" => json!({ "provider": "nobody" }),
        "tokens" if method == "POST" => json!({ "name": "stolen", "scopes": ["sessions:view"] }),
        "users" if method == "POST" => json!({ "username": "stolen", "role": "admin" }),
        "shares" if method == "POST" => json!({ "access": "control" }),
        "{user}" if method == "PUT" => json!({ "access": "control" }),
        "{id}" if method == "PATCH" && path.contains("users") => json!({ "role": "admin" }),
        "{id}" if method == "PATCH" => json!({ "name": "stolen" }),
        "resize" => json!({ "cols": 10, "rows": 10 }),
        "input" => json!({ "text": "stolen\n" }),
        "signal" => json!({ "signal": "KILL" }),
        _ => return None,
    })
}

/// Asks a route of [`GUARDED`] with this `Authorization`, or with none.
async fn ask(server: &Server, route: &str, session: &str, bearer: Option<&str>) -> Answer {
    let (method, path) = route.split_once(' ').expect("a method and a path");
    let path = path.replace("{id}", session);
    if path.ends_with("/ws") {
        let authorization = bearer.map(|bearer| format!("Bearer {bearer}")).unwrap_or_default();
        let mut raw = Raw::connect(server).await;
        return raw.ask(&handshake(server, session, &[("authorization", &authorization)])).await;
    }
    server.ask(bearer, method, &path, body(route, session)).await
}

/// Tokens that are almost the given one, or look like one.
fn forgeries(login: &Login) -> Vec<(&'static str, String)> {
    let parts: Vec<_> = login.access.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("not a JWT") };
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let decode = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("UTF-8");
    let (written, said) = (decode(header), decode(claims));
    let headed = |from: &str, to: &str| {
        let changed = written.replace(from, to);
        assert_ne!(changed, written, "the header says {from}");
        encode(changed)
    };
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    flipped[0] ^= 1;
    let mut longer: Value = serde_json::from_str(&said).expect("claims");
    longer["exp"] = json!(4_000_000_000_u64);
    let header_of_ours: Header = serde_json::from_str(&written).expect("a header");
    let signed_with = |algorithm, key: &[u8]| {
        let header = Header { alg: algorithm, ..header_of_ours.clone() };
        jsonwebtoken::encode(&header, &longer, &EncodingKey::from_secret(key)).expect("signed")
    };
    vec![
        ("garbage", "garbage".into()),
        ("three parts of nothing", "..".into()),
        ("a long line", "x".repeat(6000)),
        ("a flipped bit in the signature", format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(&flipped))),
        ("half a signature", format!("{header}.{claims}.{}", &signature[..signature.len() / 2])),
        ("no signature", format!("{header}.{claims}.")),
        ("a later end", format!("{header}.{}.{signature}", encode(longer.to_string()))),
        ("alg none", format!("{}.{claims}.", headed("EdDSA", "none"))),
        ("alg none with the signature", format!("{}.{claims}.{signature}", headed("EdDSA", "none"))),
        ("alg None", format!("{}.{claims}.", headed("EdDSA", "None"))),
        ("labelled HS256", format!("{}.{claims}.{signature}", headed("EdDSA", "HS256"))),
        ("another type", format!("{}.{claims}.{signature}", headed("at+jwt", "JWT"))),
        ("signed with an empty key", signed_with(Algorithm::HS256, b"")),
        ("signed with a guess", signed_with(Algorithm::HS256, b"secret")),
        ("signed HS384 with a guess", signed_with(Algorithm::HS384, b"secret")),
        ("the token twice", format!("{0},{0}", login.access)),
        ("a fourth part", format!("{}.{signature}", login.access)),
        ("the refresh token", login.refresh.clone()),
        ("a local token that is a guess", "ftl_local_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()),
        ("the prefix of local tokens", "ftl_local_".into()),
    ]
}

/// A refusal in the shape of the contract; its request id.
fn refusal_id(answer: &Answer, status: u16, code: &str, what: &str) -> String {
    assert_eq!(answer.code(), (status, code.into()), "{what}: {answer:?}");
    let body = answer.json();
    let fields: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(BTreeSet::from_iter(fields), BTreeSet::from(["code", "error", "requestId", "status"]), "{what}: {body}");
    assert_eq!(body["status"], status, "{what}");
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{what}: {body}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
    let id = body["requestId"].as_str().unwrap_or_default();
    uuid::Uuid::parse_str(id).unwrap_or_else(|_| panic!("{what}: {id} is no id")).to_string()
}

#[tokio::test]
async fn h23_every_guarded_route_refuses_everything_that_is_no_credential_and_does_nothing() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    let before = server.session(&session).await;
    let mut ids = HashSet::new();
    let mut asked = 0;
    for route in GUARDED {
        let none = ask(&server, route, &session, None).await;
        ids.insert(refusal_id(&none, 401, "unauthenticated", route));
        asked += 1;
        for (what, token) in forgeries(&login) {
            let answer = ask(&server, route, &session, Some(&token)).await;
            ids.insert(refusal_id(&answer, 401, "invalid_token", &format!("{route} with {what}")));
            asked += 1;
        }
    }
    assert_eq!(ids.len(), asked, "every answer has its own request id");
    assert_eq!(server.session(&session).await, before, "nothing was done");
    assert_eq!(server.output(&session, 0).await, b"", "nothing was typed");
    let (_, sessions) = server.call("GET", "/api/sessions", None).await;
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "nothing was opened");
    // What was copied and changed above is good as it was, or the refusals say nothing.
    for route in GUARDED.into_iter().filter(|route| !route.contains("DELETE") && !route.contains("logout")) {
        let (status, code) = ask(&server, route, &session, Some(&login.access)).await.code();
        // What runs is not opened again, and nobody is called as the session, but that is said only to whom it may be.
        let is_known =
            (status == 409 && route.contains("reopen")) || matches!(code.as_str(), "no_such_user" | "not_found");
        assert!(is_known || matches!(status, 101 | 200..=204), "{route}: {status} {code}");
    }
}

#[tokio::test]
async fn without_a_credential_a_session_that_is_there_looks_like_one_that_is_not() {
    let server = Server::start().await;
    let session = server.open(&["cat"]).await;
    for route in GUARDED {
        for bearer in [None, Some("garbage")] {
            let told = |answer: Answer| (answer.code(), answer.json()["error"].clone());
            let there = told(ask(&server, route, &session, bearer).await);
            let not_there = told(ask(&server, route, NO_SESSION, bearer).await);
            assert_eq!(there, not_there, "{route}");
        }
    }
}

#[tokio::test]
async fn h31_a_credential_is_taken_from_one_header_of_one_scheme_and_from_nowhere_else() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let host = ("host", server.authority());
    let bearer = format!("Bearer {}", login.access);
    let basic = format!("Basic {}", login.access);
    let cookie = format!("accessToken={0}; fantail_refresh={1}; fantail_access={0}", login.access, login.refresh);
    let own = format!("http://{}", server.authority());
    let cases: [(&str, &[(&str, &str)], &str); 6] = [
        ("two headers", &[("authorization", &bearer), ("authorization", &bearer)], "invalid_token"),
        ("another scheme", &[("authorization", &basic)], "invalid_token"),
        ("no scheme", &[("authorization", &login.access)], "invalid_token"),
        ("an empty header", &[("authorization", "Bearer ")], "invalid_token"),
        ("a cookie", &[("cookie", &cookie), ("origin", &own)], "unauthenticated"),
        ("a header of a proxy's", &[("x-authorization", &bearer), ("proxy-authorization", &bearer)], "unauthenticated"),
    ];
    for (what, headers, code) in cases {
        let headers: Vec<_> = [host].into_iter().chain(headers.iter().copied()).collect();
        let request = crate::support::raw::request("GET /api/sessions", &headers);
        let answer = Raw::connect(&server).await.ask(&request).await;
        assert_eq!(answer.code(), (401, code.into()), "{what}");
    }
    for parameter in ["token", "access_token", "accessToken", "auth", "ticket", "refresh_token"] {
        let path = format!("/api/sessions?{parameter}={}", login.access);
        let answer = server.ask(None, "GET", &path, None).await;
        assert_eq!(answer.code(), (400, "credential_in_url".into()), "{parameter}");
        assert!(!String::from_utf8_lossy(&answer.body).contains(&login.access), "{parameter}");
    }
    let head = server.ask(None, "HEAD", "/api/sessions", None).await;
    assert_eq!((head.status, head.body.len()), (401, 0));
}

#[test]
fn the_routes_asked_here_are_all_there_are() {
    let asked = GUARDED.into_iter().chain(OPEN).map(ToOwned::to_owned).collect();
    assert_eq!(routes_of_the_source(), asked, "a new route is listed here as guarded or as open");
}

#[tokio::test]
async fn the_description_says_of_these_routes_that_they_need_a_credential() {
    let server = Server::start().await;
    let operations = Document::of(&server).await.operations();
    let guarded = operations.iter().filter(|operation| operation.is_guarded()).map(Operation::route);
    assert_eq!(guarded.collect::<BTreeSet<_>>(), GUARDED.into_iter().map(ToOwned::to_owned).collect());
}
