//! The process that keeps sessions dies; alone it takes nothing with it, with the server all but names and screens.

use fantail::protocol::Event;
use fantail::session::SessionId;
use rustix::process::Signal;
use serde_json::Value;

use super::{Outlived, kill};
use crate::support::{Client, until};

fn id(session: &str) -> SessionId {
    session.parse().expect("an id")
}

#[tokio::test]
async fn killing_the_holder_costs_no_session_and_no_exit_code() {
    let outlived = Outlived::start(&[]).await;
    let shells = [outlived.open(&["sh"]).await, outlived.open(&["sh"]).await];
    let waiting = outlived.open_with(serde_json::json!({"command": ["sh"], "spawn": "onAttach"})).await;
    let waiting = waiting["sessionId"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(&outlived, &shells[0]).await;
    client.typed("echo before-$((6*7))\n").await;
    client.until_shown("before-42").await;
    for round in 0..3 {
        outlived.kill_holder(&[id(&shells[0]), id(&shells[1]), id(&waiting)]).await;
        client.typed(&format!("echo round-$(({round}+10))\n")).await;
        client.until_shown(&format!("round-{}", round + 10)).await;
    }
    let later = outlived.open(&["sh"]).await;
    client.typed("exit 7\n").await;
    let code = client.until_event("its exit", |event| match event {
        Event::Exit { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(code.await, Some(7));
    // And then the server: what the new holder keeps is all there.
    outlived.kill_server().await;
    for running in [&shells[1], &later] {
        let mut client = Client::attach(&outlived, running).await;
        client.typed("echo after-$((6*7))\n").await;
        client.until_shown("after-42").await;
    }
    assert_eq!(outlived.session(&shells[0]).await["exitCode"], 7);
    let mut client = Client::attach(&outlived, &waiting).await;
    let started = |event: &Event| matches!(event, Event::Started { .. }).then_some(());
    client.until_event("its start", started).await;
    client.typed("echo started-$((6*7))\n").await;
    client.until_shown("started-42").await;
}

#[tokio::test]
async fn killing_both_at_once_loses_the_programs_and_says_so_with_their_last_screens() {
    let outlived = Outlived::start(&[]).await;
    let name = serde_json::json!({"command": ["sh", "-c", "echo last wo''rds; exec cat"], "workingDir": "/", "name": "lost one"});
    let session = outlived.open_with(name).await;
    let session = session["sessionId"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(&outlived, &session).await;
    client.until_shown("last words").await;
    // The screen is written down now and then.
    until("the screen to be written down", async || {
        let text = std::fs::read(outlived.data().join("fantail.db")).ok()?;
        let wal = std::fs::read(outlived.data().join("fantail.db-wal")).unwrap_or_default();
        [text, wal].concat().windows(10).any(|bytes| bytes == b"last words").then_some(())
    })
    .await;
    let holder = outlived.holder().await.holder();
    outlived.signal(Signal::STOP);
    kill(holder);
    outlived.signal(Signal::KILL);
    outlived.ended_now().await;
    outlived.start_again().await;
    let listed = outlived.session(&session).await;
    assert_eq!((&listed["status"], &listed["name"]), (&"exited".into(), &"lost one".into()));
    assert_eq!((&listed["exitCode"], &listed["exitSignal"]), (&Value::Null, &Value::Null));
    let reason = listed["exitReason"].as_str().expect("a reason");
    assert_eq!(reason, "the server ended, and nothing was left that kept its terminal");
    let mut client =
        Client::join(&outlived, &session, crate::support::Join { from: Some(String::new()), ..Default::default() })
            .await;
    client.until_on_screen("last words").await;
    // Again at the next start, until somebody has seen it.
    outlived.kill_server().await;
    assert_eq!(outlived.session(&session).await["exitReason"], reason);
    let (status, again) = outlived.call("POST", &format!("/api/sessions/{session}/reopen"), None).await;
    assert_eq!((status, &again["name"], &again["workingDir"]), (201, &"lost one".into(), &"/".into()), "{again}");
    let mut client = Client::attach(&outlived, again["sessionId"].as_str().expect("an id")).await;
    client.until_shown("last words").await;
    assert_eq!(outlived.call("GET", &format!("/api/sessions/{session}"), None).await.0, 404);
}
