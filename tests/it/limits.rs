//! How often everyone may ask, over real sockets and between servers.

use serde_json::json;

use crate::auth::{PASSWORD, by_bearer, echoes, refused};
use crate::support::{Client, Login, Postgres, Server};

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait_and_what_is_open_goes_on() {
    let server = Server::start_with(&["--rate-requests", "20"]).await;
    let ann = Login::of_new(&server, "ann", PASSWORD).await;
    let session = ann.open(&server, &["cat"]).await;
    let mut client = Client::join(&server, &session, by_bearer(&ann)).await;
    let held = loop {
        let answer = ann.ask(&server, "GET", "/api/sessions", None).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(held.code(), (429, "rate_limited".into()));
    assert_eq!(held.header("retry-after"), Some("1"));
    for line in 0..50 {
        echoes(&mut client, &format!("line {line}")).await;
        client.output.clear();
    }
    // Two a second come back: of many at once some are refused, an upgrade as well as any other.
    let upgrades = futures_util::future::join_all((0..40).map(|_| refused(&server, &session, by_bearer(&ann)))).await;
    assert!(upgrades.contains(&(429, "rate_limited".into())), "{upgrades:?}");
    let bob = Login::of_new(&server, "bob", PASSWORD).await;
    assert_eq!(bob.ask(&server, "GET", "/api/sessions", None).await.status, 200, "others are not held");
}

#[tokio::test]
async fn a_load_test_asks_with_a_token_made_for_it() {
    let server = Server::start_with(&["--rate-requests", "5", "--rate-saves", "2", "--rate-openings", "2"]).await;
    let asked =
        json!({ "name": "load", "scopes": ["sessions:view", "sessions:control", "sessions:open", "load-test"] });
    let minted = server.call("POST", "/api/tokens", Some(asked)).await.1;
    let token = minted["token"].as_str().expect("a token");
    for _ in 0..30 {
        assert_eq!(server.ask(Some(token), "GET", "/api/sessions", None).await.status, 200);
    }
    for _ in 0..5 {
        let opened = server.ask(Some(token), "POST", "/api/sessions", Some(json!({ "command": ["true"] }))).await;
        assert_eq!(opened.status, 201, "{opened:?}");
    }
}

#[tokio::test]
async fn servers_that_share_a_database_share_what_was_tried() {
    let database = Postgres::start();
    let url = database.schema().await;
    let data = || tempfile::tempdir().expect("a directory");
    let shared = tempfile::tempdir().expect("a directory");
    let keys = shared.path().join("sealing.keys").display().to_string();
    let environment = [("FANTAIL_DATABASE_URL", &*url), ("FANTAIL_SEALING_KEYS", &*keys)];
    let one = Server::launch(data(), &["--rate-attempts", "5"], &environment).await;
    let other = Server::launch(data(), &["--rate-attempts", "5"], &environment).await;
    for turn in 0..5 {
        let server = if turn % 2 == 0 { &one } else { &other };
        assert_eq!(server.log_in("nobody", "wrong horse battery").await.code(), (401, "invalid_login".into()));
    }
    for server in [&one, &other] {
        let held = server.log_in("nobody", "wrong horse battery").await;
        assert_eq!(held.code(), (429, "rate_limited".into()));
    }
}
