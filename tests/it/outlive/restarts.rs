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
    // A second one would come before what happens now.
    let renamed = serde_json::json!({"name": "renamed"});
    outlived.call("PATCH", &format!("/api/sessions/{session}"), Some(renamed)).await;
    client.until_event("its name", |event| matches!(event, Event::Renamed { .. }).then_some(())).await;
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

/// Lines above the screen that are kept even in the middle of a flood.
const LINES: usize = 900;

async fn screen(outlived: &Outlived, session: &str) -> (u64, String) {
    let path = format!("/api/sessions/{session}/screen?format=ansi&scrollback={LINES}");
    let response = outlived.request("GET", &path).send().await.expect("answered");
    let offset = response.headers()["fantail-offset"].to_str().expect("text").parse().expect("a number");
    (offset, response.text().await.expect("text"))
}

#[tokio::test]
async fn a_screen_that_most_of_its_output_is_gone_of_goes_on_from_where_it_was_written_down() {
    let outlived = Outlived::start(&["--log-bytes", "262144"]).await;
    // A title, a directory, bells, a style, margins and the line drawing set: all long out of the log at the end.
    let script = r"printf '\033]2;far\007\033]7;file:///tmp\007\007\007'; seq 1 200000; \
                   printf '\033[38;5;40;4m\033[3;9r\033(0lqk\033[5;1H'; exec cat";
    let session = outlived.open(&["sh", "-c", script]).await;
    let mut client = Client::attach(&outlived, &session).await;
    client.until_shown("\x1b[5;1H").await;
    for round in 0..3 {
        let before = screen(&outlived, &session).await;
        assert!(before.0 > 1_200_000, "{}", before.0);
        let held = outlived.session(&session).await;
        assert!(held["output"]["start"].as_u64() > Some(500_000), "the beginning is gone: {held}");
        outlived.kill_server().await;
        let after = screen(&outlived, &session).await;
        assert!(after == before, "another screen after {round} kills");
        let now = outlived.session(&session).await;
        for field in ["title", "cwd", "bells", "alternate", "output"] {
            assert_eq!(now[field], held[field], "{field}");
        }
        let input = serde_json::json!({"text": format!("q{round}\n")});
        outlived.call("POST", &format!("/api/sessions/{session}/input"), Some(input)).await;
        // In line drawing, in the style and within the margins of before. The terminal's echo, and what the program says.
        let typed = 2 * format!("q{round}\r\n").len() as u64;
        until("what is typed", async || (screen(&outlived, &session).await.0 >= after.0 + typed).then_some(())).await;
    }
}
