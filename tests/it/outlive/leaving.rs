//! A server goes while something is under way: what it could not finish is the next server's, whole.

use rustix::process::Signal;

use super::Outlived;
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
