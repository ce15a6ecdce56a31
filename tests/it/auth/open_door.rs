//! `--no-auth`: everyone on this machine is the owner, and no page of another site is.

use serde_json::json;

use super::{NO_SESSION, echoes};
use crate::support::raw::{handshake, request};
use crate::support::{Client, Join, Raw, Server};

#[tokio::test]
async fn without_auth_neither_token_nor_ticket_is_needed() {
    let server = Server::start_with(&["--no-auth"]).await;
    let me = server.ask(None, "GET", "/api/auth/me", None).await;
    assert_eq!((me.status, &me.json()["auth"]), (200, &json!("none")), "{me:?}");
    let opened = server.ask(None, "POST", "/api/sessions", Some(json!({ "command": ["cat"] }))).await;
    assert_eq!(opened.status, 201);
    let session = opened.json()["id"].as_str().expect("an id").to_owned();
    let mut raw = Raw::connect(&server).await;
    assert_eq!(raw.ask(&handshake(&server, &session, &[("authorization", "")])).await.status, 101);
    // A token kept from another time is no reason to refuse who needs none.
    let join = Join { bearer: Some("kept from another server".into()), ..Join::default() };
    let mut client = Client::join(&server, &session, join).await;
    echoes(&mut client, "anyone").await;
    assert_eq!(server.ask(Some("x"), "GET", "/api/sessions", None).await.json().as_array().map(Vec::len), Some(1));
    // A page that asks for tickets everywhere gets them here too.
    let ticket = server.ask(None, "POST", "/api/auth/ticket", Some(json!({ "sessionId": session }))).await.json();
    let ticket = ticket["ticket"].as_str().expect("a ticket").to_owned();
    let mut page = Client::join(&server, &session, super::by_ticket(&ticket)).await;
    page.until_shown("anyone").await;
    assert_eq!(server.ask(None, "GET", &format!("/api/sessions/{NO_SESSION}"), None).await.status, 404);
    assert_eq!(server.ask(None, "POST", "/api/auth/logout", None).await.status, 204);
    echoes(&mut client, "and after logging out").await;
    assert_eq!(server.ask(None, "DELETE", &format!("/api/sessions/{session}"), None).await.status, 204);
}

#[tokio::test]
async fn without_auth_a_page_or_a_name_that_is_foreign_is_refused_all_the_same() {
    let server = Server::start_with(&["--no-auth"]).await;
    let session = server.open(&["cat"]).await;
    let own = server.authority();
    let foreign: [(&[(&str, &str)], u16, &str); 4] = [
        (&[("host", "evil.test")], 421, "foreign_host"),
        (&[("host", "evil.test"), ("origin", "http://evil.test")], 421, "foreign_host"),
        (&[("host", own), ("origin", "http://evil.test")], 403, "foreign_origin"),
        (&[("host", own), ("origin", "null")], 403, "foreign_origin"),
    ];
    for (headers, status, code) in foreign {
        for line in ["GET /api/sessions", "POST /api/sessions", "GET /health", "GET /"] {
            let answer = Raw::connect(&server).await.ask(&request(line, headers)).await;
            assert_eq!(answer.code(), (status, code.into()), "{line} {headers:?}");
        }
        let changes: Vec<_> = headers.iter().copied().chain([("authorization", "")]).collect();
        let answer = Raw::connect(&server).await.ask(&handshake(&server, &session, &changes)).await;
        assert_eq!(answer.code(), (status, code.into()), "{headers:?}");
    }
    assert_eq!(server.session(&session).await["viewers"], 0);
}

#[tokio::test]
async fn a_server_that_others_can_reach_does_not_start_without_auth() {
    let data = tempfile::tempdir().expect("a directory");
    for bind in ["0.0.0.0", "::"] {
        let mut command = Server::command(data.path());
        command.args(["serve", "--port", "0", "--no-auth", "--bind", bind]);
        let output = crate::support::patiently("a refusal", command.output()).await.expect("run");
        assert!(!output.status.success(), "{bind}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no_auth"), "{output:?}");
    }
    assert!(!data.path().join("server.json").exists());
}
