//! `fantail user`, beside a running server.

use futures_util::future::join_all;
use serde_json::json;

use super::{PASSWORD, by_bearer, echoes, refused};
use crate::support::{Client, Closed, Login, Server, until};

const NEW_PASSWORD: &str = "a better horse battery";

#[tokio::test]
async fn a_user_is_added_once_with_a_password_from_stdin_and_logs_in() {
    let server = Server::start().await;
    let added = server.fantail(&["user", "add", "ann"], PASSWORD).await;
    assert!(added.status.success(), "{added:?}");
    let said = String::from_utf8_lossy(&[added.stdout, added.stderr].concat()).into_owned();
    assert!(!said.contains(PASSWORD), "{said}");
    let login = Login::by_password(&server, "ann", PASSWORD).await;
    let me = login.ask(&server, "GET", "/api/auth/me", None).await.json();
    assert_eq!((&me["user"]["username"], &me["auth"]), (&json!("ann"), &json!("token")));

    let long = "x".repeat(72);
    for (arguments, line) in [
        (["user", "add", "ann"], NEW_PASSWORD),
        (["user", "add", "bob"], "short"),
        (["user", "add", "bob"], ""),
        (["user", "add", "bob"], &long),
        (["user", "add", "a b"], NEW_PASSWORD),
        (["user", "passwd", "nobody"], NEW_PASSWORD),
        (["user", "passwd", "ann"], "short"),
    ] {
        let refused = server.fantail(&arguments, line).await;
        assert!(!refused.status.success(), "{arguments:?} {line}");
        let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
        assert!(!said.is_empty() && (line.len() < 6 || !said.contains(line)), "{said}");
    }
    assert_eq!(login.ask(&server, "GET", "/api/auth/me", None).await.status, 200, "refused commands change nothing");
    Login::by_password(&server, "ann", PASSWORD).await;
}

#[tokio::test]
async fn a_new_password_ends_the_logins_made_with_the_old_one() {
    let server = Server::start().await;
    let ann = Login::of_new(&server, "ann", PASSWORD).await;
    let second = Login::by_password(&server, "ann", PASSWORD).await;
    let bob = Login::of_new(&server, "bob", PASSWORD).await;
    let (session, of_bob) = (ann.open(&server, &["cat"]).await, bob.open(&server, &["cat"]).await);
    let mut sockets = [
        Client::join(&server, &session, by_bearer(&ann)).await,
        Client::join(&server, &session, by_bearer(&second)).await,
    ];
    let mut neighbour = Client::join(&server, &of_bob, by_bearer(&bob)).await;
    let changed = server.fantail(&["user", "passwd", "ann"], NEW_PASSWORD).await;
    assert!(changed.status.success(), "{changed:?}");
    let invalid = (401, "invalid_token".to_owned());
    for login in [&ann, &second] {
        assert_eq!(login.renew(&server).await.code(), invalid);
    }
    for socket in &mut sockets {
        assert_eq!(socket.until_closed().await, Closed::With(4403));
    }
    for login in [&ann, &second] {
        assert_eq!(login.ask(&server, "GET", "/api/sessions", None).await.code(), invalid);
        assert_eq!(refused(&server, &session, by_bearer(login)).await, invalid);
    }
    let old = server.log_in("ann", PASSWORD).await;
    assert_eq!(old.code(), (401, "invalid_login".into()));
    let again = Login::by_password(&server, "ann", NEW_PASSWORD).await;
    let mut socket = Client::join(&server, &session, by_bearer(&again)).await;
    echoes(&mut socket, "back again").await;
    echoes(&mut neighbour, "never away").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_that_wait_for_their_turn_do_not_outlive_the_password_they_were_made_with() {
    let server = Server::start().await;
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    // Each takes its turn: while the first are answered, the last still wait with the old password.
    let waiting = join_all((0..60).map(|_| server.log_in_in_a_crowd("ann", PASSWORD)));
    let change = async {
        let changed = server.fantail(&["user", "passwd", "ann"], NEW_PASSWORD).await;
        assert!(changed.status.success(), "{changed:?}");
    };
    let (answers, ()) = tokio::join!(waiting, change);
    let granted: Vec<_> = answers.iter().filter(|answer| answer.status == 200).map(Login::from_answer).collect();
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.code(), (401, "invalid_login".into()));
    }
    for login in &granted {
        assert_eq!(login.renew(&server).await.code(), (401, "invalid_token".into()), "of {}", granted.len());
        let is_over = async || (login.ask(&server, "GET", "/api/auth/me", None).await.status != 200).then_some(());
        until("the end of the access token", is_over).await;
    }
}
