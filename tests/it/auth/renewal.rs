//! Refresh tokens, and the cookie browsers keep them in.

use std::time::Instant;

use super::{RACED_WITHIN, by_bearer, by_ticket, echoes, refused};
use crate::support::raw::request;
use crate::support::{Answer, Client, Closed, Join, Login, Raw, Server};

/// Asks as a page does that sends the cookie and nothing else.
async fn by_cookie(server: &Server, path: &str, cookie: &str, origin: Option<&str>) -> Answer {
    let cookie = format!("fantail_refresh={cookie}");
    let mut headers = vec![("host", server.authority()), ("cookie", &cookie)];
    headers.extend(origin.map(|origin| ("origin", origin)));
    Raw::connect(server).await.ask(&request(&format!("POST {path}"), &headers)).await
}

#[tokio::test]
async fn a_renewal_gives_new_tokens_and_the_old_one_is_raced() {
    let (server, first, second, raced) = loop {
        let server = Server::start().await;
        let first = Login::by_link(&server).await;
        let begun = Instant::now();
        let second = Login::from_answer(&first.renew(&server).await);
        let raced = first.renew(&server).await;
        if begun.elapsed() < RACED_WITHIN {
            break (server, first, second, raced);
        }
    };
    assert_ne!((&first.access, &first.refresh), (&second.access, &second.refresh));
    assert_eq!(raced.code(), (409, "refresh_raced".into()));
    let third = Login::from_answer(&second.renew(&server).await);
    for login in [&first, &second, &third] {
        assert_eq!(login.ask(&server, "GET", "/api/auth/me", None).await.status, 200, "the login lives");
    }
}

#[tokio::test]
async fn a_token_that_never_was_one_renews_nothing() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let long = "x".repeat(100_000);
    let changed = format!("{}A", login.refresh);
    for token in ["", "x", "\0", &long, &changed, &login.access, &server.token] {
        let forged = Login { refresh: token.to_owned(), ..login.clone() };
        assert_eq!(forged.renew(&server).await.code(), (401, "invalid_token".into()), "{token:.50}");
        let body = serde_json::json!({ "refreshToken": token });
        let answer = server.ask(None, "POST", "/api/auth/logout", Some(body)).await;
        assert_eq!(answer.code(), (401, "invalid_token".into()), "{token:.50}");
    }
    let none = server.ask(None, "POST", "/api/auth/refresh", Some(serde_json::json!({}))).await;
    assert_eq!(none.code(), (401, "unauthenticated".into()));
    assert_eq!(login.renew(&server).await.status, 200);
}

#[tokio::test]
async fn the_cookie_is_for_our_page_and_out_of_reach_of_scripts() {
    let server = Server::start().await;
    let link = server.login.clone().expect("a link");
    let body = serde_json::json!({ "token": link });
    let answer = server.ask(None, "POST", "/api/auth/link", Some(body)).await;
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    let mut parts: Vec<_> = cookie.split("; ").collect();
    let value = parts.remove(0);
    assert_eq!(value, format!("fantail_refresh={}", Login::from_answer(&answer).refresh));
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Max-Age=2592000", "Path=/api/auth", "SameSite=Strict"]);

    let token = value.split_once('=').expect("a value").1;
    let ours = server.url.clone();
    let refresh = "/api/auth/refresh";
    assert_eq!(by_cookie(&server, refresh, token, None).await.code(), (403, "foreign_origin".into()), "no page");
    for foreign in ["http://evil.test", "null", "https://127.0.0.1"] {
        let answer = by_cookie(&server, refresh, token, Some(foreign)).await;
        assert_eq!(answer.code(), (403, "foreign_origin".into()), "{foreign}");
    }
    let planted = format!("{token}; fantail_refresh=planted");
    let answer = by_cookie(&server, refresh, &planted, Some(&ours)).await;
    assert_eq!(answer.code(), (401, "invalid_token".into()), "two cookies");
    let renewed = by_cookie(&server, refresh, token, Some(&ours)).await;
    let next = Login::from_answer(&renewed);
    assert!(renewed.header("set-cookie").is_some_and(|cookie| cookie.contains(&next.refresh)), "{renewed:?}");

    let logout = "/api/auth/logout";
    assert_eq!(by_cookie(&server, logout, &next.refresh, None).await.code(), (403, "foreign_origin".into()));
    assert_eq!(next.ask(&server, "GET", "/api/auth/me", None).await.status, 200, "nobody was logged out");
    let out = by_cookie(&server, logout, &next.refresh, Some(&ours)).await;
    assert_eq!(out.status, 204);
    let cleared = out.header("set-cookie").expect("a cookie");
    assert!(cleared.starts_with("fantail_refresh=; ") && cleared.contains("Max-Age=0"), "{cleared}");
    assert_eq!(next.ask(&server, "GET", "/api/auth/me", None).await.code(), (401, "invalid_token".into()));
}

#[tokio::test]
async fn logging_out_closes_the_live_sockets_of_that_login_and_of_no_other() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    let renewed = Login::from_answer(&login.renew(&server).await);
    let ticket = login.ticket(&server, &session, Some("view")).await;
    let mut of_login = [
        Client::join(&server, &session, by_bearer(&login)).await,
        Client::join(&server, &session, by_bearer(&renewed)).await,
        Client::join(&server, &session, by_ticket(&ticket)).await,
    ];
    let mut other = Client::attach(&server, &session).await;
    let out = login.ask(&server, "POST", "/api/auth/logout", None).await;
    assert_eq!((out.status, out.body.len()), (204, 0));
    for socket in &mut of_login {
        assert_eq!(socket.until_closed().await, Closed::With(4403));
    }
    for login in [&login, &renewed] {
        let invalid = (401, "invalid_token".to_owned());
        assert_eq!(login.ask(&server, "GET", "/api/sessions", None).await.code(), invalid);
        assert_eq!(login.renew(&server).await.code(), invalid);
        let join = Join { client: Some(of_login[0].welcome.client_id.clone()), ..by_bearer(login) };
        assert_eq!(refused(&server, &session, join).await, invalid);
    }
    echoes(&mut other, "another login").await;
}
