//! Tokens that run out, and what was made with them.

use super::{by_bearer, by_ticket, echoes, refused};
use crate::support::{Answer, Client, Closed, Join, Login, Server, until};

/// A life that can be waited for, and in which a test has done what it does on the slowest machine.
const SHORT: [&str; 2] = ["--access-token-seconds", "30"];

/// Asks with this token until it is refused.
async fn until_refused(server: &Server, login: &Login) -> Answer {
    let refused = async || Some(login.ask(server, "GET", "/api/auth/me", None).await).filter(|it| it.status != 200);
    until("the token's end", refused).await
}

#[tokio::test]
async fn a_token_runs_out_with_its_sockets_and_a_renewed_one_goes_on_where_they_were() {
    let server = Server::start_with(&SHORT).await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    let mut program = Client::join(&server, &session, by_bearer(&login)).await;
    let ticket = login.ticket(&server, &session, None).await;
    let mut page = Client::join(&server, &session, by_ticket(&ticket)).await;
    let mut local = Client::attach(&server, &session).await;
    echoes(&mut program, "before").await;
    page.until_shown("before\r\nbefore\r\n").await;

    // The local one reads meanwhile, and is let go for nothing.
    let closed = tokio::select! {
        closed = program.until_closed() => closed,
        other = local.until_closed() => panic!("the local one: {other:?}"),
    };
    assert_eq!(closed, Closed::With(4401));
    assert_eq!(page.until_closed().await, Closed::With(4401), "a ticket's socket lives as long as the token behind it");
    echoes(&mut local, "meanwhile").await;
    let renewed = Login::from_answer(&login.renew(&server).await);
    let join = Join {
        from: Some(program.offset.0.to_string()),
        client: Some(program.welcome.client_id.clone()),
        ..by_bearer(&renewed)
    };
    let mut resumed = Client::join(&server, &session, join).await;
    assert_eq!(resumed.welcome.client_id, program.welcome.client_id);
    assert_eq!((resumed.welcome.offset, resumed.welcome.input_seq), (program.offset.0, 1));
    echoes(&mut resumed, "after").await;
    assert!(resumed.gaps.is_empty());
    assert_eq!(program.shown() + &resumed.shown(), "before\r\nbefore\r\nmeanwhile\r\nmeanwhile\r\nafter\r\nafter\r\n");
}

#[tokio::test]
async fn an_expired_token_is_called_that_on_every_kind_of_route_and_only_that_one() {
    let server = Server::start_with(&SHORT).await;
    let login = Login::by_link(&server).await;
    let session = login.open(&server, &["cat"]).await;
    let body = login.ask(&server, "GET", "/api/auth/me", None).await;
    assert_eq!(body.status, 200);
    let expired = (401, "expired_token".to_owned());
    assert_eq!(until_refused(&server, &login).await.code(), expired);
    for (method, path) in [
        ("GET", "/api/sessions".to_owned()),
        ("POST", "/api/sessions".to_owned()),
        ("POST", "/api/auth/ticket".to_owned()),
        ("POST", "/api/auth/logout".to_owned()),
        ("DELETE", format!("/api/sessions/{session}")),
        ("GET", format!("/api/sessions/{session}/output")),
    ] {
        assert_eq!(login.ask(&server, method, &path, None).await.code(), expired, "{method} {path}");
    }
    assert_eq!(refused(&server, &session, by_bearer(&login)).await, expired);
    let tampered = Login { access: format!("{}A", login.access), ..login.clone() };
    let answer = tampered.ask(&server, "GET", "/api/auth/me", None).await;
    assert_eq!(answer.code(), (401, "invalid_token".into()), "a forgery is not worth renewing");
    let renewed = Login::from_answer(&login.renew(&server).await);
    assert_eq!(renewed.ask(&server, "GET", "/api/auth/me", None).await.status, 200);
    assert_eq!(server.session(&session).await["status"], "running", "nobody closed it");
}
