//! Opening again: what has ended is taken up in one action, as it was, and nothing is lost when that fails.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Client, Closed, Login, Server, executable_script, until};

const PASSWORD: &str = "correct horse battery";

async fn exited(server: &Server, id: &str) -> Value {
    until("the program's end", async || {
        let session = server.session(id).await;
        (session["status"] == "exited").then_some(session)
    })
    .await
}

async fn reopen(server: &Server, id: &str) -> (u16, Value) {
    server.call("POST", &format!("/api/sessions/{id}/reopen"), None).await
}

fn program(at: &Path, script: &str) -> String {
    executable_script(script, at);
    at.to_str().expect("UTF-8").to_owned()
}

#[tokio::test]
async fn a_session_that_has_exited_is_opened_again_as_it_was_and_the_old_one_is_gone() {
    let server = Server::start().await;
    let body = json!({
        "command": ["sh", "-c", "echo at=$PWD size=$(stty size) id=$FANTAIL_SESSION_ID given=$GIVEN; read line"],
        "workingDir": "/tmp", "name": "build", "cols": 100, "rows": 30, "pace": "lossless", "sizes": "fixed",
        "env": { "GIVEN": "once" },
    });
    let opened = server.open_with(body).await;
    let old = opened["id"].as_str().expect("an id");
    let mut viewer = Client::attach(&server, old).await;
    viewer.until_shown("given=once").await;
    server.call("POST", &format!("/api/sessions/{old}/resize"), Some(json!({ "cols": 90, "rows": 20 }))).await;
    server.call("PATCH", &format!("/api/sessions/{old}"), Some(json!({ "name": "other" }))).await;
    viewer.typed("\n").await;
    exited(&server, old).await;

    let (status, again) = reopen(&server, old).await;
    assert_eq!(status, 201, "{again}");
    let new = again["sessionId"].as_str().expect("an id");
    assert!(new != old && again["id"] == new, "{again}");
    for field in ["command", "workingDir", "spawn", "pace", "sizes"] {
        assert_eq!(again[field], opened[field], "{field}");
    }
    assert_eq!((&again["name"], &again["cols"], &again["rows"]), (&json!("other"), &json!(90), &json!(20)));
    assert_eq!((&again["status"], &again["exitCode"]), (&json!("running"), &Value::Null));
    assert!(again["startedAt"].as_str() > opened["startedAt"].as_str());

    assert_eq!(viewer.until_closed().await, Closed::With(1000));
    let gone = server.call("GET", &format!("/api/sessions/{old}"), None).await;
    assert_eq!((gone.0, &gone.1["code"]), (404, &json!("no_such_session")));
    assert_eq!(reopen(&server, old).await.0, 404, "once");
    let mut viewer = Client::attach(&server, new).await;
    viewer.until_shown(&format!("at=/tmp size=20 90 id={new} given=\r\n")).await;
    assert_eq!(server.call("GET", "/api/sessions", None).await.1.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_has_not_ended_and_what_is_no_request_is_refused() {
    let server = Server::start().await;
    let running = server.open(&["cat"]).await;
    let waiting = server.open_with(json!({ "command": ["cat"], "spawn": "onAttach" })).await;
    for id in [&running, waiting["id"].as_str().expect("an id")] {
        let (status, answer) = reopen(&server, id).await;
        assert_eq!((status, &answer["code"]), (409, &json!("still_running")), "{answer}");
    }
    let ended = server.open(&["true"]).await;
    exited(&server, &ended).await;
    let path = format!("/api/sessions/{ended}/reopen");
    let (status, answer) = server.call("POST", &path, Some(json!({ "cols": 10 }))).await;
    assert_eq!((status, &answer["details"]["field"]), (400, &json!("cols")), "{answer}");
    assert_eq!(server.call("GET", &path, None).await.0, 405);
    assert_eq!(server.call("POST", &path, Some(json!({}))).await.0, 201);
}

#[tokio::test]
async fn what_cannot_be_started_any_more_stays_as_it_was() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("job");
    let id = server.open(&[&program(&file, "echo last words")]).await;
    let before = exited(&server, &id).await;
    std::fs::remove_file(&file).expect("there");
    let (status, answer) = reopen(&server, &id).await;
    assert_eq!((status, &answer["code"]), (422, &json!("spawn_failed")), "{answer}");
    assert_eq!(answer["details"]["field"], "command");
    assert_eq!(server.session(&id).await, before);
    assert_eq!(server.output(&id, 0).await, b"last words\r\n");
    assert_eq!(server.call("GET", "/api/sessions", None).await.1.as_array().map(Vec::len), Some(1));
    program(&file, "echo there again");
    let (status, again) = reopen(&server, &id).await;
    assert_eq!(status, 201, "{again}");
}

#[tokio::test]
async fn one_that_started_when_somebody_attached_does_so_again() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("job");
    let command = program(&file, "echo started");
    let opened = server.open_with(json!({ "command": [command], "spawn": "onAttach" })).await;
    let id = opened["id"].as_str().expect("an id");
    // It cannot be started when its time comes: an end with a reason, and opened again all the same.
    std::fs::remove_file(&file).expect("there");
    let mut viewer = Client::attach(&server, id).await;
    let ended = exited(&server, id).await;
    assert_eq!((&ended["exitCode"], &ended["exitReason"]), (&json!(127), &json!("command: no such program")));
    assert_eq!(reopen(&server, id).await.0, 422);
    program(&file, "echo started");
    let (status, again) = reopen(&server, id).await;
    assert_eq!((status, &again["status"], &again["spawn"]), (201, &json!("starting"), &json!("onAttach")), "{again}");
    assert_eq!(again["exitReason"], Value::Null);
    assert_eq!(viewer.until_closed().await, Closed::With(1000));
    let mut viewer = Client::attach(&server, again["id"].as_str().expect("an id")).await;
    viewer.until_shown("started\r\n").await;
}

#[tokio::test]
async fn only_its_owner_opens_a_session_again() {
    let server = Server::start().await;
    let ann = Login::by_link(&server).await;
    let bob = Login::of_new(&server, "bob", PASSWORD).await;
    let id = ann.open(&server, &["true"]).await;
    exited(&server, &id).await;
    let path = format!("/api/sessions/{id}/reopen");
    assert_eq!(bob.ask(&server, "POST", &path, None).await.code(), (404, "no_such_session".into()));
    assert_eq!(server.ask(None, "POST", &path, None).await.code(), (401, "unauthenticated".into()));
    assert_eq!(ann.ask(&server, "POST", &path, None).await.status, 201);
}

#[tokio::test]
async fn the_command_line_opens_it_again_and_tells_its_new_id() {
    let server = Server::start().await;
    let opened = server.open_with(json!({ "command": ["true"], "name": "job" })).await;
    exited(&server, opened["id"].as_str().expect("an id")).await;
    let told = server.fantail(&["reopen", "job"], "").await;
    assert!(told.status.success(), "{told:?}");
    let id = String::from_utf8(told.stdout).expect("text");
    assert_eq!(server.session(id.trim_end()).await["name"], "job");
    exited(&server, id.trim_end()).await;
    let running = server.open_with(json!({ "command": ["cat"], "name": "busy" })).await;
    let refused = server.fantail(&["reopen", "busy"], "").await;
    assert!(!refused.status.success());
    let words = String::from_utf8(refused.stderr).expect("text");
    assert!(words.contains("has not ended (still_running)"), "{words}");
    assert_eq!(server.session(running["id"].as_str().expect("an id")).await["status"], "running");
}
