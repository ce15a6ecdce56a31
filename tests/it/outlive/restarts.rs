//! A server ends and another begins: by SIGTERM, with programs that end in between, and with programs that were never
//! started.

use fantail::protocol::Event;
use rustix::process::Signal;

use super::Outlived;
use crate::support::{Client, Join, until};

#[tokio::test]
async fn a_server_that_is_ended_leaves_its_sessions_to_the_next_and_tells_their_viewers_to_come_back() {
    let outlived = Outlived::start(&[]).await;
    let session = outlived.open(&["sh"]).await;
    let mut client = Client::attach(&outlived, &session).await;
    client.typed("stty -echo; PS1=; trap 'echo resized' WINCH; trap 'echo hung up' HUP; echo re''ady\n").await;
    client.until_shown("ready\r").await;
    outlived.signal(Signal::TERM);
    assert_eq!(client.until_closed().await, crate::support::Closed::With(1012));
    assert!(outlived.ended_now().await.success());
    outlived.start_again().await;
    let join = Join {
        from: Some(client.offset.to_string()),
        client: Some(client.welcome.client_id.clone()),
        ..Join::default()
    };
    let mut again = Client::join(&outlived, &session, join).await;
    assert_eq!((&again.welcome.client_id, again.welcome.input_seq), (&client.welcome.client_id, 1));
    again.typed("echo went on: $((6*7))\n").await;
    again.until_shown("went on: 42").await;
    assert_eq!(again.shown().trim(), "went on: 42", "the program noticed something");
}

#[tokio::test]
async fn a_program_that_ends_while_no_server_runs_is_listed_with_its_code_and_all_it_printed() {
    let outlived = Outlived::start(&[]).await;
    let gate = outlived.data().join("gate");
    let script = format!("echo waits; while [ ! -e {} ]; do sleep 0.02; done; echo bye; exit 9", gate.display());
    let session = outlived.open(&["sh", "-c", &script]).await;
    Client::attach(&outlived, &session).await.until_shown("waits").await;
    let pid = outlived.session(&session).await["pid"].as_i64().expect("a pid");
    outlived.signal(Signal::KILL);
    outlived.ended_now().await;
    std::fs::write(&gate, "").expect("written");
    until("the program's end", async || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.contains(") Z ").then_some(())
    })
    .await;
    outlived.start_again().await;
    let mut client = Client::attach(&outlived, &session).await;
    let code = |event: &Event| if let Event::Exit { code, .. } = event { Some(*code) } else { None };
    assert_eq!(client.until_event("its exit", code).await, Some(9));
    assert_eq!(client.shown(), "waits\r\nbye\r\n");
    // And once more: the end is not told twice.
    outlived.kill_server().await;
    let listed = outlived.session(&session).await;
    assert_eq!((&listed["status"], &listed["exitCode"]), (&"exited".into(), &9.into()));
    let mut client = Client::attach(&outlived, &session).await;
    client.until_event("its exit", code).await;
    assert_eq!(client.events.iter().filter(|(_, event)| code(event).is_some()).count(), 1);
    outlived.close(&session).await;
    outlived.kill_server().await;
    assert_eq!(outlived.call("GET", &format!("/api/sessions/{session}"), None).await.0, 404, "closed is closed");
}

#[tokio::test]
async fn a_session_that_waits_for_its_first_viewer_waits_on() {
    let outlived = Outlived::start(&[]).await;
    let body = serde_json::json!({"command": ["sh", "-c", "echo $HELLO; exec cat"], "spawn": "onAttach",
        "env": {"HELLO": "from before"}});
    let session = outlived.open_with(body).await["sessionId"].as_str().expect("an id").to_owned();
    outlived.kill_server().await;
    assert_eq!(outlived.session(&session).await["status"], "starting");
    Client::attach(&outlived, &session).await.until_shown("from before").await;
}

#[tokio::test]
async fn names_sizes_and_what_the_screen_says_are_as_they_were() {
    let outlived = Outlived::start(&[]).await;
    let script = r"printf '\033]2;a title\007\033]7;file:///tmp\007\007\007'; echo shown; exec cat";
    let session = outlived.open(&["sh", "-c", script]).await;
    let mut client = Client::attach(&outlived, &session).await;
    client.until_shown("shown").await;
    let path = format!("/api/sessions/{session}");
    outlived.call("PATCH", &path, Some(serde_json::json!({"name": "renamed"}))).await;
    outlived.call("POST", &format!("{path}/resize"), Some(serde_json::json!({"cols": 132, "rows": 43}))).await;
    outlived.screen_seen(&session).await;
    let before = outlived.session(&session).await;
    outlived.kill_server().await;
    outlived.screen_seen(&session).await;
    let after = outlived.session(&session).await;
    for field in
        ["name", "cols", "rows", "title", "cwd", "bells", "pid", "startedAt", "lastOutputAt", "command", "output"]
    {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!((&after["name"], &after["cols"], &after["bells"]), (&"renamed".into(), &132.into(), &2.into()));
}
