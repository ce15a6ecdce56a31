//! Servers that share one PostgreSQL, and what is left when it goes away.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Client, Closed, Join, Login, Postgres, Server, until};

const PASSWORD: &str = "correct horse battery";

/// A server whose records are in this database, sealed with the keys in this file.
async fn on(database: &str, keys: &Path) -> Arc<Server> {
    let (data, keys) = (tempfile::tempdir().expect("a directory"), keys.to_str().expect("UTF-8"));
    let environment = [("FANTAIL_DATABASE_URL", database), ("FANTAIL_SEALING_KEYS", keys)];
    Arc::new(Server::launch(data, &[], &environment).await)
}

/// Who runs the server, and Bob, a member with a password, whom they add.
async fn people(server: &Server) -> (Login, Login) {
    let ann = Login::by_link(server).await;
    let bob = json!({ "username": "bob", "role": "member", "password": PASSWORD });
    let added = ann.ask(server, "POST", "/api/users", Some(bob)).await;
    assert_eq!(added.status, 201, "{added:?}");
    (ann, Login::by_password(server, "bob", PASSWORD).await)
}

fn by(login: &Login) -> Join {
    Join { bearer: Some(login.access.clone()), ..Join::default() }
}

async fn token_of(server: &Server, login: &Login) -> Value {
    let body = json!({ "name": "t", "scopes": ["sessions:view", "sessions:control"] });
    let minted = login.ask(server, "POST", "/api/tokens", Some(body)).await;
    assert_eq!(minted.status, 201, "{minted:?}");
    minted.json()
}

#[tokio::test]
async fn h28_what_is_revoked_on_one_server_ends_on_every_other_that_shares_its_database() {
    let database = Postgres::start();
    let address = database.schema().await;
    let shared = tempfile::tempdir().expect("a directory");
    let keys = shared.path().join("sealing.keys");
    let (here, there) = (on(&address, &keys).await, on(&address, &keys).await);
    let (ann, bob) = people(&here).await;
    // Whoever logged in on one is known to the other.
    let session = bob.open(&there, &["cat"]).await;
    let attach = async |join: Join| Client::join(&there, &session, join).await;
    let minted = token_of(&here, &bob).await;
    let by_token = || Join { bearer: minted["token"].as_str().map(ToOwned::to_owned), ..Join::default() };

    let mut viewer = attach(by_token()).await;
    let path = format!("/api/tokens/{}", minted["id"].as_str().expect("an id"));
    assert_eq!(bob.ask(&here, "DELETE", &path, None).await.status, 204);
    assert_eq!(viewer.until_closed().await, Closed::With(4403), "an API token");
    assert!(Client::try_join(&there, &session, by_token()).await.is_err());

    let mut viewer = attach(by(&bob)).await;
    assert_eq!(bob.ask(&here, "POST", "/api/auth/logout", None).await.status, 204);
    assert_eq!(viewer.until_closed().await, Closed::With(4403), "a login");
    assert_eq!(bob.ask(&there, "GET", "/api/auth/me", None).await.status, 401);

    let bob = Login::by_password(&there, "bob", PASSWORD).await;
    let mut viewer = attach(by(&bob)).await;
    let me = bob.ask(&there, "GET", "/api/auth/me", None).await.json();
    let path = format!("/api/users/{}", me["user"]["id"].as_str().expect("an id"));
    let disabled = ann.ask(&here, "PATCH", &path, Some(json!({ "disabled": true }))).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    assert_eq!(viewer.until_closed().await, Closed::With(4403), "an account");
    assert_eq!(there.log_in("bob", PASSWORD).await.code(), (401, "invalid_login".into()));
}

#[tokio::test]
async fn h82_terminals_go_on_without_the_database_and_nothing_that_was_revoked_is_taken() {
    let database = Postgres::start();
    let shared = tempfile::tempdir().expect("a directory");
    let server = on(&database.schema().await, &shared.path().join("sealing.keys")).await;
    let (ann, bob) = people(&server).await;
    let session = bob.open(&server, &["cat"]).await;
    let mut viewer = Client::join(&server, &session, by(&bob)).await;
    let minted = token_of(&server, &bob).await;
    let revoked = minted["token"].as_str().expect("a token");
    let path = format!("/api/tokens/{}", minted["id"].as_str().expect("an id"));
    assert_eq!(bob.ask(&server, "DELETE", &path, None).await.status, 204);
    database.stop();

    viewer.typed("before\n").await;
    viewer.until_shown("before\r\nbefore\r\n").await;
    // Who is logged in opens and attaches; who is not cannot be checked, and is told so.
    let opened = bob.open(&server, &["cat"]).await;
    let mut another = Client::join(&server, &opened, by(&bob)).await;
    another.typed("opened\n").await;
    another.until_shown("opened\r\nopened\r\n").await;
    assert_eq!(server.log_in("bob", PASSWORD).await.status, 503);
    assert_eq!(server.log_in("nobody", PASSWORD).await.status, 503);
    let tried = server.ask(Some(revoked), "GET", "/api/sessions", None).await;
    assert!(matches!(tried.status, 401 | 503), "{tried:?}");

    database.start_again();
    until("a login", async || (server.log_in("bob", PASSWORD).await.status == 200).then_some(())).await;
    viewer.typed("after\n").await;
    viewer.until_shown("after\r\nafter\r\n").await;
    assert_eq!(server.ask(Some(revoked), "GET", "/api/sessions", None).await.status, 401);
    // What was done meanwhile is in the log.
    until("the note", async || {
        let log = ann.ask(&server, "GET", "/api/audit", None).await;
        let noted = |event: &str| {
            let entries = log.json().as_array().cloned().unwrap_or_default();
            entries.iter().any(|entry| entry["event"] == event && entry["subject"] == json!(opened))
        };
        (noted("session-opened") && noted("attached")).then_some(())
    })
    .await;
}
