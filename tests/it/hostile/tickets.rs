//! Tickets that are used by more than one, or elsewhere than they are for. That one ends after 30 s is
//! `auth::ticket::tests::h30_…`, whose clock can be moved.

use fantail::protocol::Access;
use futures_util::future::join_all;
use serde_json::json;

use crate::auth::{NO_SESSION, PASSWORD, by_ticket, echoes, invalid_ticket as invalid, refused};
use crate::support::raw::handshake;
use crate::support::{Client, Login, Raw, Server, until};

#[tokio::test]
async fn h30_a_ticket_opens_one_socket_and_no_second() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    let ticket = login.ticket(&server, &session, None).await;
    let mut first = Client::join(&server, &session, by_ticket(&ticket)).await;
    assert_eq!(first.welcome.access, Access::Control, "all the caller has");
    assert_eq!(refused(&server, &session, by_ticket(&ticket)).await, invalid());
    echoes(&mut first, "mine").await;
    drop(first);
    assert_eq!(refused(&server, &session, by_ticket(&ticket)).await, invalid(), "nor when the first has gone");
}

#[tokio::test]
async fn h30_a_ticket_shown_at_another_session_opens_neither() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let (session, other) = (login.open(&server, &["cat"]).await, login.open(&server, &["cat"]).await);
    let ticket = login.ticket(&server, &session, None).await;
    assert_eq!(refused(&server, &other, by_ticket(&ticket)).await, invalid());
    assert_eq!(refused(&server, &session, by_ticket(&ticket)).await, invalid());
    let ticket = login.ticket(&server, &session, None).await;
    assert_eq!(refused(&server, NO_SESSION, by_ticket(&ticket)).await, invalid());
    for id in [&session, &other] {
        assert_eq!(server.session(id).await["viewers"], 0);
    }
}

#[tokio::test]
async fn h30_of_a_hundred_sockets_with_one_ticket_exactly_one_is_opened() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    for round in 0..2 {
        let ticket = login.ticket(&server, &session, None).await;
        let tries = join_all((0..100).map(|_| Client::try_join(&server, &session, by_ticket(&ticket)))).await;
        assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 1, "round {round}");
        let viewers = server.session(&session).await["viewers"].clone();
        assert_eq!(viewers, 1, "those refused have attached nothing");
        drop(tries);
        let is_gone = async || (server.session(&session).await["viewers"] == 0).then_some(());
        until("the winner to be gone", is_gone).await;
    }
}

#[tokio::test]
async fn h30_a_ticket_is_bought_by_who_may_attach_and_used_by_pages_of_ours() {
    let server = Server::start().await;
    let (ann, bob) = (Login::by_link(&server).await, Login::of_new(&server, "bob", PASSWORD).await);
    let session = ann.open(&server, &["cat"]).await;
    let body = json!({ "sessionId": session });
    let refused = bob.ask(&server, "POST", "/api/auth/ticket", Some(body)).await;
    assert_eq!(refused.code(), (404, "no_such_session".into()), "another user");
    let ticket = ann.ticket(&server, &session, None).await;
    let offer = format!("fantail.v1, ticket.{ticket}");
    for origin in ["http://evil.test", "null"] {
        let changes = [("sec-websocket-protocol", &*offer), ("authorization", ""), ("origin", origin)];
        let answer = Raw::connect(&server).await.ask(&handshake(&server, &session, &changes)).await;
        assert_eq!(answer.code(), (403, "foreign_origin".into()), "{origin}");
    }
    assert_eq!(server.session(&session).await["viewers"], 0);
    echoes(&mut Client::join(&server, &session, by_ticket(&ticket)).await, "a page of ours").await;
}
