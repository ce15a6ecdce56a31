//! Who is let in, for how long, and how that ends.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;
use crate::auth::revocation::{Bond, Root};

#[tokio::test]
async fn a_login_gives_tokens_that_show_who_it_is() {
    let edge = Edge::new().await;
    let login = edge.log_in().await;
    assert_eq!(login.body["expiresIn"], 900);
    let ann = json!({
        "id": Uuid::from_u128(1).to_string(), "username": "ann", "mail": null, "role": "admin", "disabled": false,
        "hasPassword": true, "createdAt": "1970-01-01T00:00:00Z",
    });
    assert_eq!(login.body["user"], ann);
    assert_eq!(login.cookie(), format!("fantail_refresh={}", login.text("refreshToken")));
    let me = edge.get_as("/api/auth/me", &login.text("accessToken")).await;
    assert_eq!((&me.body["user"], &me.body["auth"]), (&ann, &json!("token")));
}

#[tokio::test]
async fn a_wrong_login_does_not_say_what_was_wrong() {
    let edge = Edge::new().await;
    let long = "x".repeat(1024);
    for (username, password) in
        [("ann", "wrong horse battery"), ("bob", PASSWORD), ("", ""), ("ann", "\0"), ("ann", &long), ("' or 1=1", "x")]
    {
        let answer = edge.post("/api/auth/login", json!({"username": username, "password": password})).await;
        assert_eq!(answer.code(), (401, "invalid_login"), "{username}");
        assert!(!answer.body.to_string().contains("horse"));
    }
}

#[tokio::test]
async fn a_login_link_works_once_and_for_an_hour() {
    let edge = Edge::new().await;
    let link = edge.app.mint_link().unwrap();
    assert_eq!(edge.post("/api/auth/link", json!({"token": link})).await.status, StatusCode::OK);
    assert_eq!(edge.post("/api/auth/link", json!({"token": link})).await.code(), (401, "invalid_login"));
    let late = edge.app.mint_link().unwrap();
    edge.pass(3600);
    assert_eq!(edge.post("/api/auth/link", json!({"token": late})).await.code(), (401, "invalid_login"));
}

#[tokio::test]
async fn an_expired_access_token_is_renewed_by_the_refresh_token() {
    let edge = Edge::new().await;
    let login = edge.log_in().await;
    edge.pass(906);
    let stale = edge.get_as("/api/auth/me", &login.text("accessToken")).await;
    assert_eq!(stale.code(), (401, "expired_token"));
    let renewed = edge.refresh(&login.text("refreshToken")).await;
    assert_eq!(renewed.body["user"]["username"], "ann");
    assert_ne!(renewed.text("refreshToken"), login.text("refreshToken"));
    assert_eq!(edge.get_as("/api/auth/me", &renewed.text("accessToken")).await.status, StatusCode::OK);
    edge.pass(31 * 24 * 3600);
    assert_eq!(edge.refresh(&renewed.text("refreshToken")).await.code(), (401, "expired_token"));
}

#[tokio::test]
async fn two_tabs_renewing_at_once_is_not_a_theft() {
    let edge = Edge::new().await;
    let login = edge.log_in().await;
    let renewed = edge.refresh(&login.text("refreshToken")).await;
    edge.pass(9);
    assert_eq!(edge.refresh(&login.text("refreshToken")).await.code(), (409, "refresh_raced"));
    assert_eq!(edge.refresh(&renewed.text("refreshToken")).await.status, StatusCode::OK, "the login lives");
}

#[tokio::test]
async fn a_spent_refresh_token_ends_its_family() {
    let edge = Edge::new().await;
    let (login, other) = (edge.log_in().await, edge.log_in().await);
    let renewed = edge.refresh(&login.text("refreshToken")).await;
    let claims = edge.app.keys().verify(&renewed.text("accessToken"), edge.app.now()).unwrap();
    let bond = Bond { account: None, root: Root::Login(claims.login), issued: claims.issued };
    let mut socket = Box::pin(edge.app.revocations().clone().broken(Some(bond)));
    assert!(socket.as_mut().now_or_never().is_none());
    edge.pass(10);
    assert_eq!(edge.refresh(&login.text("refreshToken")).await.code(), (401, "invalid_token"));
    assert!(socket.now_or_never().is_some(), "its WebSockets learn of it");
    assert_eq!(edge.refresh(&renewed.text("refreshToken")).await.code(), (401, "invalid_token"));
    assert_eq!(edge.get_as("/api/auth/me", &renewed.text("accessToken")).await.code(), (401, "invalid_token"));
    assert_eq!(edge.get_as("/api/auth/me", &other.text("accessToken")).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_parallel_renewals_exactly_one_wins() {
    let edge = Edge::new().await;
    let token = edge.log_in().await.text("refreshToken");
    let answers = join_all((0..100).map(|_| edge.refresh(&token))).await;
    let mut counts = BTreeMap::new();
    for answer in &answers {
        *counts.entry(answer.status.as_u16()).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([(200, 1), (409, 99)]));
    let winner = answers.iter().find(|answer| answer.status == StatusCode::OK).unwrap();
    assert_eq!(edge.refresh(&winner.text("refreshToken")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn logging_out_ends_every_token_of_the_login() {
    let edge = Edge::new().await;
    let login = edge.log_in().await;
    let out = edge.post("/api/auth/logout", json!({"refreshToken": login.text("refreshToken")})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(out.cookie(), "fantail_refresh=");
    assert_eq!(edge.get_as("/api/auth/me", &login.text("accessToken")).await.code(), (401, "invalid_token"));
    assert_eq!(edge.refresh(&login.text("refreshToken")).await.code(), (401, "invalid_token"));

    let login = edge.log_in().await;
    let bearer = format!("Bearer {}", login.text("accessToken"));
    let out = Request::post("/api/auth/logout").header(header::AUTHORIZATION, bearer).body(HttpBody::empty()).unwrap();
    assert_eq!(edge.send(out).await.status, StatusCode::NO_CONTENT);
    assert_eq!(edge.refresh(&login.text("refreshToken")).await.code(), (401, "invalid_token"));
    assert_eq!(edge.post("/api/auth/logout", json!({})).await.code(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_login_ended_in_the_store_by_someone_else_is_learnt_of() {
    let edge = Edge::new().await;
    let token = edge.log_in().await.text("accessToken");
    edge.app.store().set_password(edge.app.owner(), "new", None, edge.app.now()).await.unwrap();
    assert_eq!(edge.get_as("/api/auth/me", &token).await.status, StatusCode::OK);
    edge.app.learn_changes().await.unwrap();
    assert_eq!(edge.get_as("/api/auth/me", &token).await.code(), (401, "invalid_token"));
}

#[tokio::test]
async fn the_cookie_renews_for_a_page_of_ours_and_for_nobody_else() {
    let edge = Edge::new().await;
    let cookie = edge.log_in().await.cookie();
    let renew = |headers: &[(header::HeaderName, &str)]| {
        let mut request = Request::post("/api/auth/refresh").header(header::COOKIE, &cookie);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        edge.send(request.body(HttpBody::empty()).unwrap())
    };
    assert_eq!(renew(&[]).await.code(), (403, "foreign_origin"), "no page");
    assert_eq!(renew(&[(header::ORIGIN, "http://evil.example")]).await.code(), (403, "foreign_origin"));
    assert_eq!(renew(&[(header::ORIGIN, ORIGIN)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_local_token_is_the_owners_and_a_guess_is_nobodys() {
    let edge = Edge::new().await;
    let me = edge.get_as("/api/auth/me", LOCAL_TOKEN).await;
    assert_eq!((&me.body["auth"], &me.body["user"]["username"]), (&json!("local"), &json!("ann")));
    assert_eq!(edge.get_as("/api/auth/me", "ftl_local_guess").await.code(), (401, "invalid_token"));
    assert_eq!(edge.get_as("/api/auth/me", "garbage").await.code(), (401, "invalid_token"));
    let refresh = edge.log_in().await.text("refreshToken");
    assert_eq!(edge.get_as("/api/auth/me", &refresh).await.code(), (401, "invalid_token"), "not an access token");
}

#[tokio::test]
async fn without_auth_everyone_on_this_machine_is_the_owner_and_no_page_of_another_site_is() {
    let edge = Edge::with(true).await;
    let me = edge.send(get("/api/auth/me")).await;
    assert_eq!((&me.body["auth"], &me.body["user"]["username"]), (&json!("none"), &json!("ann")));
    let foreign = Request::get("/api/auth/me").header(header::ORIGIN, "http://evil.example");
    assert_eq!(edge.send(foreign.body(HttpBody::empty()).unwrap()).await.code(), (403, "foreign_origin"));
    let rebound = Request::get("/api/auth/me").header(header::HOST, "evil.example:4020");
    assert_eq!(edge.send(rebound.body(HttpBody::empty()).unwrap()).await.code(), (421, "foreign_host"));
}

#[tokio::test]
async fn a_ticket_is_for_one_socket_of_one_session_and_dies_with_its_login() {
    let edge = Edge::new().await;
    let login = edge.log_in().await;
    let mut headers = header::HeaderMap::new();
    let bearer = format!("Bearer {}", login.text("accessToken"));
    headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
    let caller = Caller::of(&edge.app, &headers, &connection()).await.unwrap();
    let session = Uuid::from_u128(7);
    let mint = || edge.app.mint_ticket(&caller, session, Access::View).unwrap();

    let ticket = mint();
    let grant = edge.app.redeem_ticket(&ticket, session).unwrap();
    assert_eq!((grant.who, grant.access, grant.expires), (caller.who, Access::View, caller.expires));
    assert_eq!(edge.app.redeem_ticket(&ticket, session), Err(ApiError::InvalidTicket));
    assert_eq!(edge.app.redeem_ticket(&mint(), Uuid::from_u128(8)), Err(ApiError::InvalidTicket));
    let late = mint();
    edge.post("/api/auth/logout", json!({"refreshToken": login.text("refreshToken")})).await;
    assert_eq!(edge.app.redeem_ticket(&late, session), Err(ApiError::InvalidTicket));
}
