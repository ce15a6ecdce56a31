//! Refresh tokens and cookies that somebody else has, too.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;

use crate::auth::{PASSWORD, RACED_WITHIN, by_bearer, by_ticket, refused};
use crate::support::raw::request;
use crate::support::{Answer, Client, Closed, Login, Raw, Server, until};

#[tokio::test]
async fn h26_a_refresh_token_used_again_later_ends_its_login_with_its_sockets() {
    let server = Server::start().await;
    let stolen = Login::by_link(&server).await;
    let session = stolen.open(&server, &["cat"]).await;
    let renewed = Login::from_answer(&stolen.renew(&server).await);
    let mut socket = Client::join(&server, &session, by_bearer(&renewed)).await;
    let ticket = renewed.ticket(&server, &session, None).await;
    let later = async || Some(stolen.renew(&server).await).filter(|answer| answer.status != 409);
    let answer = until("the end of the grace", later).await;
    let invalid = (401, "invalid_token".to_owned());
    assert_eq!(answer.code(), invalid);
    assert_eq!(socket.until_closed().await, Closed::With(4403));
    assert_eq!(renewed.renew(&server).await.code(), invalid);
    for login in [&stolen, &renewed] {
        assert_eq!(login.ask(&server, "GET", "/api/auth/me", None).await.code(), invalid);
    }
    assert_eq!(refused(&server, &session, by_bearer(&renewed)).await, invalid);
    assert_eq!(refused(&server, &session, by_ticket(&ticket)).await, (401, "invalid_ticket".into()));
    assert_eq!(server.session(&session).await["status"], "running", "sessions outlive logins");
    let noted = async || {
        let audit = server.call("GET", "/api/audit", None).await.1;
        audit.as_array().expect("a list").iter().any(|entry| entry["event"] == "refresh-reused").then_some(())
    };
    until("a line in the audit log", noted).await;
}

#[tokio::test]
async fn h27_of_a_hundred_renewals_at_once_exactly_one_is_granted() {
    let (server, answers) = loop {
        let server = Server::start().await;
        let login = Login::by_link(&server).await;
        let begun = Instant::now();
        let answers = join_all((0..100).map(|_| login.renew(&server))).await;
        if begun.elapsed() < RACED_WITHIN {
            break (server, answers);
        }
    };
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        assert!(matches!(answer.status, 401 | 409), "{answer:?}");
        assert_eq!(answer.header("set-cookie"), None, "the winner's cookie is not overwritten");
    }
    let winner = Login::from_answer(&won[0]);
    assert_eq!(winner.renew(&server).await.status, 200);
}

/// Logs in as a page does whose browser sends these cookies.
async fn log_in_with_cookies(server: &Server, cookies: &str) -> Answer {
    let body = json!({ "username": "ann", "password": PASSWORD }).to_string();
    let length = body.len().to_string();
    let headers = [
        ("host", server.authority()),
        ("origin", &*server.url),
        ("cookie", cookies),
        ("content-type", "application/json"),
        ("content-length", &*length),
    ];
    let head = request("POST /api/auth/login", &headers);
    Raw::connect(server).await.ask(&format!("{head}{body}")).await
}

/// What a browser keeps under that name after an answer.
fn kept(answer: &Answer, name: &str) -> String {
    let set = answer.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let mut values = set.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
    values.find(|(its, _)| *its == name).unwrap_or_else(|| panic!("no {name}: {answer:?}")).1.to_owned()
}

#[tokio::test]
async fn h29_what_was_planted_in_a_browser_before_a_login_is_worth_nothing_after_it() {
    let server = Server::start().await;
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    // Well-formed, as the server's own are, and known to whoever has planted them.
    let planted = "A".repeat(43);
    let cookies = format!("fantail_refresh={planted}; fantail_device={planted}");
    let answer = log_in_with_cookies(&server, &cookies).await;
    let login = Login::from_answer(&answer);
    assert_ne!(login.refresh, planted);
    assert_ne!(kept(&answer, "fantail_refresh"), planted);
    let device = kept(&answer, "fantail_device");
    assert_ne!(device, planted, "a browser is known by what the server has made");
    let stolen = Login { refresh: planted.clone(), ..login.clone() };
    assert_eq!(stolen.renew(&server).await.code(), (401, "invalid_token".into()));
    let again = log_in_with_cookies(&server, &format!("fantail_device={device}")).await;
    assert_eq!(kept(&again, "fantail_device"), device, "one that is known stays known");
    let twice = log_in_with_cookies(&server, &format!("fantail_device={device}; fantail_device={planted}")).await;
    assert_eq!(twice.status, 200, "a planted one keeps nobody out");
    // A ticket is of who has bought it, whoever logs in afterwards.
    let session = login.open(&server, &["cat"]).await;
    let early = login.ticket(&server, &session, None).await;
    assert_eq!(login.ask(&server, "POST", "/api/auth/logout", None).await.status, 204);
    let _later = Login::by_password(&server, "ann", PASSWORD).await;
    assert_eq!(refused(&server, &session, by_ticket(&early)).await, (401, "invalid_ticket".into()));
}
