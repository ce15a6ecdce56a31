//! Tickets: for one WebSocket of one session, once.

use serde_json::json;

use fantail::protocol::Access;

use super::{by_ticket, echoes, invalid_ticket as invalid, is_refusal, refused};
use crate::support::{Client, Join, Login, Server};

#[tokio::test]
async fn what_is_no_ticket_opens_nothing_whatever_else_is_shown() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    let ticket = login.ticket(&server, &session, None).await;
    let almost = format!("{}{}", &ticket[..ticket.len() - 1], if ticket.ends_with('A') { 'B' } else { 'A' });
    let long = "A".repeat(5000);
    for garbage in
        ["x", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &almost, &long, &login.refresh, &login.access]
    {
        assert_eq!(refused(&server, &session, by_ticket(garbage)).await, invalid(), "{garbage}");
        // A good token beside it does not make it good.
        let protocols = format!("fantail.v1, ticket.{garbage}");
        let asked = crate::support::raw::handshake(&server, &session, &[("sec-websocket-protocol", &protocols)]);
        assert_eq!(crate::support::Raw::connect(&server).await.ask(&asked).await.code(), invalid(), "{garbage}");
    }
    let twice = format!("fantail.v1, ticket.{ticket}, ticket.{ticket}");
    let changes = [("sec-websocket-protocol", &*twice), ("authorization", "")];
    let asked = crate::support::raw::handshake(&server, &session, &changes);
    assert_eq!(crate::support::Raw::connect(&server).await.ask(&asked).await.code(), invalid(), "two of them");
    let answer = server.ask(Some(&ticket), "GET", "/api/sessions", None).await;
    assert_eq!(answer.code(), (401, "invalid_token".into()), "a ticket is no token");
    assert_eq!(server.session(&session).await["viewers"], 0);
}

#[tokio::test]
async fn a_ticket_dies_with_its_login_and_with_no_other() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    let ticket = login.ticket(&server, &session, None).await;
    let local = server.call("POST", "/api/auth/ticket", Some(json!({ "sessionId": session }))).await.1;
    let out = login.ask(&server, "POST", "/api/auth/logout", None).await;
    assert_eq!(out.status, 204);
    assert_eq!(refused(&server, &session, by_ticket(&ticket)).await, invalid());
    let mut client = Client::join(&server, &session, by_ticket(local["ticket"].as_str().expect("a ticket"))).await;
    echoes(&mut client, "still here").await;
}

#[tokio::test]
async fn a_ticket_to_view_is_not_widened_by_asking_for_more() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    for query in ["", "&access=view", "&access=control"] {
        let ticket = login.ticket(&server, &session, Some("view")).await;
        let mut viewer = Client::join(&server, &session, Join { query, ..by_ticket(&ticket) }).await;
        assert_eq!(viewer.welcome.access, Access::View, "{query}");
        viewer.typed("stolen\n").await;
        viewer.until_event("a refusal", is_refusal).await;
    }
    let ticket = login.ticket(&server, &session, Some("control")).await;
    let join = Join { query: "&access=view", ..by_ticket(&ticket) };
    assert_eq!(Client::join(&server, &session, join).await.welcome.access, Access::View, "narrowed");
    assert_eq!(server.output(&session, 0).await, b"", "nothing was typed");
    for body in [json!({ "sessionId": session, "access": "own" }), json!({ "sessionId": session, "acess": "view" })] {
        let answer = login.ask(&server, "POST", "/api/auth/ticket", Some(body)).await;
        assert_eq!(answer.code(), (400, "invalid_field".into()));
    }
}
