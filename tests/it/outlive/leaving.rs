//! A server goes while something is under way: what it could not finish is the next server's, whole.

use rustix::process::Signal;

use super::{Outlived, kill};
use crate::support::{Client, Closed};

#[tokio::test]
async fn a_session_that_could_not_be_closed_before_its_server_ended_is_neither_said_to_be_closed_nor_forgotten() {
    let outlived = Outlived::start(&[]).await;
    let script = "trap 'echo hung up' HUP; trap '' TERM; echo re''ady; while :; do sleep 1; done";
    let session = outlived.open(&["sh", "-c", script]).await;
    let mut client = Client::attach(&outlived, &session).await;
    client.until_shown("ready").await;
    let path = format!("/api/sessions/{session}");
    let ending = async {
        client.until_shown("hung up").await;
        // Its graces last for seconds from here.
        outlived.signal(Signal::TERM);
        client.until_closed().await
    };
    let ((status, answer), closed) = tokio::join!(outlived.call("DELETE", &path, None), ending);
    assert_eq!((status, &answer["code"]), (503, &"draining".into()), "{answer}");
    assert_eq!(closed, Closed::With(1012), "it may be found again");
    assert!(outlived.ended_now().await.success());
    outlived.start_again().await;
    assert_eq!(outlived.session(&session).await["status"], "running");
    outlived.close(&session).await;
}

#[tokio::test]
async fn a_server_that_is_ended_just_after_its_holder_first_sees_to_it_that_another_keeps_the_sessions() {
    let outlived = Outlived::start(&[]).await;
    let (shell, other) = (outlived.open(&["sh"]).await, outlived.open(&["cat"]).await);
    let mut client = Client::attach(&outlived, &shell).await;
    client.typed("x=42; echo re''ady\n").await;
    client.until_shown("ready\r").await;
    let holder = outlived.holder().await.holder();
    // Both are there for the server when it goes on.
    outlived.signal(Signal::STOP);
    kill(holder);
    outlived.signal(Signal::TERM);
    outlived.signal(Signal::CONT);
    assert!(outlived.ended_now().await.success());
    outlived.start_again().await;
    let mut client = Client::attach(&outlived, &shell).await;
    client.typed("echo still-$x\n").await;
    client.until_shown("still-42").await;
    assert_eq!(outlived.session(&other).await["status"], "running");
}

#[tokio::test]
async fn no_upgrade_is_begun_while_the_sessions_are_kept_by_nobody_who_answers() {
    let outlived = Outlived::start(&[]).await;
    let session = outlived.open(&["cat"]).await;
    let holder = outlived.holder().await.holder();
    rustix::process::kill_process(holder, Signal::STOP).expect("stopped");
    let said = outlived.fantail(&["upgrade"], "").await;
    rustix::process::kill_process(holder, Signal::CONT).expect("continued");
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(!said.status.success() && words.contains("whether the sessions are kept"), "{said:?}");
    assert_eq!(outlived.session(&session).await["status"], "running");
}
