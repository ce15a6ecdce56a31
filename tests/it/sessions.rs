//! Sessions over REST: what is opened is what was asked for, and what cannot be is refused, named, and leaves nothing.

use serde_json::{Value, json};

use crate::support::{Client, Server, until};

#[tokio::test]
async fn a_session_is_opened_listed_inspected_renamed_and_closed() {
    let server = Server::start().await;
    let first = server.open(&["cat"]).await;
    let body =
        json!({ "command": ["sh", "-c", "exec cat"], "workingDir": "/tmp", "name": "second", "cols": 100, "rows": 30 });
    let opened = server.open_with(body).await;
    let second = opened["sessionId"].as_str().expect("an id");
    assert_eq!(opened["id"], opened["sessionId"]);
    for (field, value) in [
        ("name", json!("second")),
        ("title", Value::Null),
        ("command", json!(["sh", "-c", "exec cat"])),
        ("workingDir", json!("/tmp")),
        ("status", json!("running")),
        ("exitCode", Value::Null),
        ("cols", json!(100)),
        ("rows", json!(30)),
        ("spawn", json!("now")),
        ("viewers", json!(0)),
        ("output", json!({ "start": 0, "end": 0 })),
    ] {
        assert_eq!(opened[field], value, "{field}");
    }
    assert!(opened["pid"].as_u64().is_some_and(|pid| pid > 1));
    assert!(opened["startedAt"].as_str().is_some_and(|time| time.ends_with('Z')));

    let (_, list) = server.call("GET", "/api/sessions", None).await;
    let ids: Vec<_> = list.as_array().expect("an array").iter().map(|s| s["id"].as_str().expect("id")).collect();
    assert_eq!(ids, [second, &first], "newest first");

    let (status, renamed) =
        server.call("PATCH", &format!("/api/sessions/{second}"), Some(json!({ "name": "other" }))).await;
    assert_eq!((status, &renamed["name"]), (200, &json!("other")));
    assert_eq!(server.session(second).await["name"], "other");

    server.close(second).await;
    let (status, gone) = server.call("GET", &format!("/api/sessions/{second}"), None).await;
    assert_eq!((status, &gone["code"]), (404, &json!("no_such_session")));
    assert_eq!(server.call("GET", "/api/sessions", None).await.1.as_array().map(Vec::len), Some(1));
}

/// What the list says of a session is kept as it was written, until it changes.
#[tokio::test]
async fn the_list_says_what_each_session_says_of_itself_whatever_changes() {
    let server = Server::start().await;
    let (quiet, busy) = (server.open(&["cat"]).await, server.open(&["sh"]).await);
    let says_the_same = async || {
        // Between the two questions something may change; not for ever.
        until("the list says what the session says", async || {
            let (_, list) = server.call("GET", "/api/sessions", None).await;
            let list = list.as_array().expect("an array").clone();
            (list == [server.session(&busy).await, server.session(&quiet).await]).then_some(())
        })
        .await;
        server.session(&busy).await
    };
    says_the_same().await;
    server.call("PATCH", &format!("/api/sessions/{busy}"), Some(json!({ "name": "other" }))).await;
    assert_eq!(says_the_same().await["name"], "other");
    let mut client = Client::attach(&server, &busy).await;
    assert_eq!(says_the_same().await["viewers"], 1);
    client.typed("printf '\\033]2;called\\007'; echo print'ed'\n").await;
    client.until_shown("printed").await;
    until("a title", async || (says_the_same().await["title"] == "called").then_some(())).await;
    client.typed("exit 3\n").await;
    until("an exit", async || (says_the_same().await["exitCode"] == 3).then_some(())).await;

    let ids = async || {
        let (_, list) = server.call("GET", "/api/sessions", None).await;
        let ids =
            list.as_array().expect("an array").iter().map(|session| session["id"].as_str().expect("id").to_owned());
        ids.collect::<Vec<_>>()
    };
    let newest = server.open(&["cat"]).await;
    assert_eq!(ids().await, [newest.clone(), busy.clone(), quiet.clone()]);
    server.call("DELETE", &format!("/api/sessions/{quiet}"), None).await;
    assert_eq!(ids().await, [newest.clone(), busy.clone()]);
    server.call("DELETE", &format!("/api/sessions/{newest}"), None).await;
    assert_eq!(ids().await, [busy]);
}

#[tokio::test]
async fn an_empty_body_opens_the_login_shell_at_home() {
    let server = Server::start().await;
    let opened = server.open_with(json!({})).await;
    assert_eq!(opened["command"], json!(["/bin/sh", "-l"]));
    let mut client = Client::attach(&server, opened["id"].as_str().expect("id")).await;
    client.typed("echo at=$PWD\n").await;
    let home = std::env::home_dir().expect("a home");
    client.until_shown(&format!("at={}", home.display())).await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_naming_field_and_rule_and_leaves_nothing() {
    let server = Server::start().await;
    let refusals = [
        (json!({ "command": "sh" }), 400, "invalid_field", "command"),
        (json!({ "command": [] }), 400, "invalid_field", "command"),
        (json!({ "command": ["a\u{0}b"] }), 400, "invalid_field", "command"),
        (json!({ "command": [7] }), 400, "invalid_field", "command[0]"),
        (json!({ "workingDir": "relative" }), 400, "invalid_field", "workingDir"),
        (json!({ "cols": 0 }), 400, "invalid_field", "cols"),
        (json!({ "rows": 1001 }), 400, "invalid_field", "rows"),
        (json!({ "cols": -1 }), 400, "invalid_field", "cols"),
        (json!({ "cols": 80.5 }), 400, "invalid_field", "cols"),
        (json!({ "name": "" }), 400, "invalid_field", "name"),
        (json!({ "name": "x".repeat(257) }), 400, "invalid_field", "name"),
        (json!({ "colour": "red" }), 400, "invalid_field", "colour"),
        (json!({ "spawn": "later" }), 400, "invalid_field", "spawn"),
        (json!({ "env": { "A": 1 } }), 400, "invalid_field", "env.A"),
        (json!({ "env": { "A=B": "" } }), 400, "invalid_field", "env"),
        (json!({ "command": ["/no/such/program"] }), 422, "spawn_failed", "command"),
        (json!({ "command": ["no-such-program"] }), 422, "spawn_failed", "command"),
        (json!({ "command": ["/etc/passwd"] }), 422, "spawn_failed", "command"),
        (json!({ "workingDir": "/no/such/directory" }), 422, "spawn_failed", "workingDir"),
        (json!({ "workingDir": "/etc/passwd" }), 422, "spawn_failed", "workingDir"),
        (json!({ "command": ["no-such-program"], "spawn": "onAttach" }), 422, "spawn_failed", "command"),
    ];
    for (body, status, code, field) in refusals {
        let (got, answer) = server.call("POST", "/api/sessions", Some(body.clone())).await;
        assert_eq!((got, &answer["code"]), (status, &json!(code)), "{body} {answer}");
        assert_eq!(answer["details"]["field"], field, "{body} {answer}");
        assert_eq!(answer["status"], status);
        assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{answer}");
        assert!(answer["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{answer}");
    }
    assert_eq!(server.call("GET", "/api/sessions", None).await, (200, json!([])));
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused_by_what_is_wrong_with_them() {
    let server = Server::start().await;
    let post = async |content_type: &str, body: Vec<u8>| {
        let request = server.request("POST", "/api/sessions").header("content-type", content_type).body(body);
        let response = request.send().await.expect("answered");
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.expect("JSON")["code"].clone())
    };
    assert_eq!(post("text/plain", b"{}".to_vec()).await, (415, json!("unsupported_media_type")));
    assert_eq!(post("application/json", b"{".to_vec()).await, (400, json!("invalid_json")));
    assert_eq!(post("application/json", b"\xff".to_vec()).await, (400, json!("invalid_json")));
    assert_eq!(post("application/json", b"{} {}".to_vec()).await, (400, json!("invalid_json")));
    // One byte too many: of a larger body some is not read, and the reset for that may overtake the answer.
    assert_eq!(post("application/json", vec![b' '; (2 << 20) + 1]).await, (413, json!("too_large")));
    assert_eq!(server.call("GET", "/api/nowhere", None).await.1["code"], "no_such_route");
    let (status, answer) = server.call("PUT", "/api/sessions", None).await;
    assert_eq!((status, &answer["code"]), (405, &json!("method_not_allowed")));
    assert_eq!(server.call("GET", "/api/sessions/not-an-id", None).await.1["code"], "no_such_session");
}

#[tokio::test]
async fn rest_types_resizes_and_signals() {
    let server = Server::start().await;
    let id = server.open(&["sh"]).await;
    let mut client = Client::attach(&server, &id).await;
    let path = |verb: &str| format!("/api/sessions/{id}/{verb}");
    assert_eq!(
        server.call("POST", &path("resize"), Some(json!({ "cols": 90, "rows": 20 }))).await,
        (200, json!({ "cols": 90, "rows": 20 }))
    );
    // 202 where the machine takes its time to do what 200 says is done.
    let typed = server.call("POST", &path("input"), Some(json!({ "text": "stty size; echo é\n" }))).await;
    assert!(matches!(typed.0, 200 | 202) && typed.1 == json!({ "bytes": 19 }), "{typed:?}");
    client.until_shown("20 90").await;
    client.until_shown("é\r\n").await;
    // "PS1=next:; tr a-z A-Z": it is in the foreground once it has answered, and a signal ends it at any moment after.
    let typed =
        server.call("POST", &path("input"), Some(json!({ "base64": "UFMxPW5leHQ6OyB0ciBhLXogQS1aCg==" }))).await;
    assert!(matches!(typed.0, 200 | 202) && typed.1 == json!({ "bytes": 22 }), "{typed:?}");
    client.typed("ready\n").await;
    client.until_shown("READY\r\n").await;
    client.output.clear();
    assert_eq!(server.call("POST", &path("signal"), Some(json!({ "signal": "INT" }))).await, (204, Value::Null));
    // What is typed before the shell asks for it might still be read by the other.
    client.until_shown("next:").await;
    client.typed("echo status $?\n").await;
    client.until_shown("status 130\r\n").await;
    let empty = async || server.call("POST", &path("input"), Some(json!({ "text": "\n" }))).await;
    until("input that is taken by the time of its answer", async || {
        (empty().await == (200, json!({ "bytes": 1 }))).then_some(())
    })
    .await;
    for (verb, body, field) in [
        ("resize", json!({ "cols": 0, "rows": 1 }), "cols"),
        ("resize", json!({ "cols": 80 }), "rows"),
        ("signal", json!({ "signal": "SEGV" }), "signal"),
        ("input", json!({}), "text"),
        ("input", json!({ "text": "a", "base64": "YQ==" }), "base64"),
        ("input", json!({ "base64": "!" }), "base64"),
    ] {
        let (status, answer) = server.call("POST", &path(verb), Some(body.clone())).await;
        assert_eq!((status, &answer["details"]["field"]), (400, &json!(field)), "{verb} {body} {answer}");
    }
}

#[tokio::test]
async fn an_exited_session_stays_readable_until_it_is_closed_and_takes_nothing_more() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "echo bye; exit 3"]).await;
    let mut client = Client::attach(&server, &id).await;
    client
        .until_event("exit", |event| {
            matches!(event, fantail::protocol::Event::Exit { code: Some(3), .. }).then_some(())
        })
        .await;
    let session = server.session(&id).await;
    assert_eq!(
        (&session["status"], &session["exitCode"], &session["exitSignal"]),
        (&json!("exited"), &json!(3), &Value::Null)
    );
    assert!(session["exitedAt"].is_string());
    assert_eq!(server.output(&id, 0).await, b"bye\r\n");
    for (verb, body) in [
        ("input", json!({ "text": "x" })),
        ("resize", json!({ "cols": 1, "rows": 1 })),
        ("signal", json!({ "signal": "INT" })),
    ] {
        let (status, answer) = server.call("POST", &format!("/api/sessions/{id}/{verb}"), Some(body)).await;
        assert_eq!((status, &answer["code"]), (409, &json!("not_running")), "{verb}");
    }
    server.close(&id).await;
}

#[tokio::test]
async fn exited_sessions_beyond_the_limit_are_forgotten_and_their_viewers_told() {
    let server = Server::start_with(&["--exited-max", "2"]).await;
    let mut viewers = Vec::new();
    for _ in 0..5 {
        let id = server.open(&["true"]).await;
        viewers.push((Client::attach(&server, &id).await, id));
    }
    let listed = || async {
        let (_, list) = server.call("GET", "/api/sessions", None).await;
        list.as_array().expect("an array").iter().map(|s| s["id"].as_str().expect("id").to_owned()).collect::<Vec<_>>()
    };
    let left = until("three to be forgotten", async || Some(listed().await).filter(|listed| listed.len() <= 2)).await;
    for (client, id) in &mut viewers {
        if !left.contains(id) {
            assert_eq!(client.until_closed().await, crate::support::Closed::With(1000));
            assert!(matches!(client.events.last(), Some((_, fantail::protocol::Event::Exit { code: Some(0), .. }))));
        }
    }
}

#[tokio::test]
async fn output_is_served_by_offset_and_by_range_and_what_is_not_held_is_said() {
    let server = Server::start_with(&["--log-bytes", "131072"]).await;
    let id = server.open(&["sh", "-c", "seq 1 100000; exec cat"]).await;
    let expected: Vec<u8> = (1..=100_000).flat_map(|n| format!("{n}\r\n").into_bytes()).collect();
    // An unacknowledging viewer that reads keeps the program going, and sees the end.
    let mut client = Client::attach(&server, &id).await;
    client.forgets = true;
    while (client.offset.0 as usize) < expected.len() {
        client.step().await.expect("open");
    }
    server.screen_seen(&id).await;
    let session = server.session(&id).await;
    let (start, end) =
        (session["output"]["start"].as_u64().expect("start"), session["output"]["end"].as_u64().expect("end"));
    assert_eq!(end as usize, expected.len());
    assert!(start > 0 && end - start <= 131_072);
    let get = async |query: &str, range: Option<&str>| {
        let mut request = server.request("GET", &format!("/api/sessions/{id}/output{query}"));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let response = request.send().await.expect("answered");
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().expect("text").to_owned());
        let headers = (header("fantail-offset"), header("fantail-end"), header("content-range"));
        (response.status().as_u16(), headers, response.bytes().await.expect("a body"))
    };
    let (status, headers, body) = get("", None).await;
    assert_eq!((status, headers.0), (200, Some(start.to_string())));
    assert_eq!(body, expected[start as usize..]);
    let (from, to) = (start + 1000, start + 1500);
    let (status, headers, body) = get(&format!("?from={from}&to={to}"), None).await;
    assert_eq!((status, headers.0, headers.1), (200, Some(from.to_string()), Some(to.to_string())));
    assert_eq!(body, expected[from as usize..to as usize]);
    let (status, headers, body) = get("", Some(&format!("bytes={from}-{}", to - 1))).await;
    assert_eq!((status, headers.2), (206, Some(format!("bytes {from}-{}/{end}", to - 1))));
    assert_eq!(body, expected[from as usize..to as usize]);
    let (status, _, body) = get("", Some("bytes=-10")).await;
    assert_eq!((status, &body[..]), (206, &expected[expected.len() - 10..]));
    for (query, range) in [("?from=0", None), (&*format!("?to={}", end + 1), None), ("", Some("bytes=0-9"))] {
        let (status, _, body) = get(query, range).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status, &answer["code"]), (416, &json!("range_not_held")), "{query} {range:?}");
        assert_eq!(answer["details"], json!({ "start": start, "end": end }));
    }
    assert_eq!(get("?from=x", None).await.0, 400);
    assert_eq!(get("?frm=1", None).await.0, 400);
}

#[tokio::test]
async fn sessions_beyond_the_limit_are_refused_and_a_place_is_given_back() {
    let server = Server::start_with(&["--max-sessions", "2"]).await;
    let (first, _second) = (server.open(&["cat"]).await, server.open(&["cat"]).await);
    let (status, answer) = server.call("POST", "/api/sessions", Some(json!({ "command": ["cat"] }))).await;
    assert_eq!((status, &answer["code"]), (429, &json!("too_many_sessions")));
    server.close(&first).await;
    server.open(&["cat"]).await;
}
