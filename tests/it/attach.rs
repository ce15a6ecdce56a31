//! What a viewer sees and may do.

use fantail::protocol::{Access, ClientMessage, Command, Event, RefusalCode};
use fantail::terminal::Offset;
use serde_json::json;

use crate::support::{Client, Closed, Join, Server};

fn watching() -> Join {
    Join { query: "&access=view", ..Join::default() }
}

fn refusal(event: &Event) -> Option<(String, RefusalCode, Option<u64>)> {
    match event {
        Event::Refused { command, code, seq, .. } => Some((command.clone(), *code, *seq)),
        _ => None,
    }
}

#[tokio::test]
async fn two_viewers_see_the_same_and_a_late_one_gets_what_was_before() {
    let server = Server::start().await;
    let id = server.open(&["sh"]).await;
    let (mut ann, mut bob) = (Client::attach(&server, &id).await, Client::attach(&server, &id).await);
    let seq = ann.typed("echo one-$((1+1))\n").await;
    ann.until_shown("one-2\r\n").await;
    bob.until_shown("one-2\r\n").await;
    ann.until_acked(seq).await;
    let mut late = Client::attach(&server, &id).await;
    late.until_shown("one-2\r\n").await;
    assert_eq!(late.welcome.offset, 0);
    bob.typed("echo two-$((1+1))\n").await;
    for client in [&mut ann, &mut bob, &mut late] {
        client.until_shown("two-2\r\n").await;
    }
}

#[tokio::test]
async fn a_viewer_may_begin_at_any_offset_held_and_not_past_the_end() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "printf 0123456789; exec cat"]).await;
    let mut whole = Client::attach(&server, &id).await;
    whole.until_shown("0123456789").await;
    for from in 0..10 {
        let mut part = Client::join(&server, &id, Join { from: Some(from.to_string()), ..Join::default() }).await;
        part.until_shown("9").await;
        assert_eq!(part.shown(), "0123456789"[from..]);
        assert_eq!(part.welcome.offset, from as u64);
    }
    for from in ["11", "-1", "end", "1e3", "18446744073709551616"] {
        let refused = Client::try_join(&server, &id, Join { from: Some(from.into()), ..Join::default() }).await;
        let Err(tokio_tungstenite::tungstenite::Error::Http(answer)) = refused else { panic!("{from} was taken") };
        assert_eq!(answer.status().as_u16(), 400, "{from}");
    }
}

#[tokio::test]
async fn bytes_no_longer_held_are_a_gap_and_output_goes_on_behind_it() {
    let server = Server::start_with(&["--log-bytes", "131072"]).await;
    let id = server.open(&["sh", "-c", "seq 1 100000; exec cat"]).await;
    let end: u64 = (1..=100_000).map(|n: u32| n.to_string().len() as u64 + 2).sum();
    let mut first = Client::attach(&server, &id).await;
    while first.offset.0 < end {
        first.step().await.expect("open");
    }
    server.screen_seen(&id).await;
    let mut late = Client::join(&server, &id, Join { from: Some("5".into()), ..Join::default() }).await;
    late.until_on_screen("\n99999\n100000\n").await;
    assert_eq!(late.gaps, [(Offset(5), Offset(end))]);
    assert_eq!(late.snapshots, [Offset(end)]);
    late.typed("on\n").await;
    late.until_shown("on\r\non\r\n").await;
    assert_eq!(late.shown(), "on\r\non\r\n");
    let to = server.session(&id).await["output"]["start"].as_u64().expect("an offset");
    let start = Client::join(&server, &id, Join { from: Some("start".into()), ..Join::default() }).await;
    assert!(start.welcome.offset >= to, "the oldest byte held is no gap");
}

#[tokio::test]
async fn a_resize_arrives_in_order_at_every_viewer_and_attaching_changes_nothing() {
    let server = Server::start().await;
    let id = server.open_with(json!({ "command": ["sh"], "cols": 90, "rows": 25 })).await["id"]
        .as_str()
        .expect("id")
        .to_owned();
    let (mut ann, mut bob) = (
        Client::attach(&server, &id).await,
        Client::join(&server, &id, Join { query: "&cols=10&rows=10", ..Join::default() }).await,
    );
    assert_eq!((bob.welcome.cols, bob.welcome.rows), (90, 25), "a viewer's own size changes nothing");
    ann.typed("stty size\n").await;
    bob.until_shown("25 90").await;
    ann.send(&ClientMessage::Resize { cols: 120, rows: 41 }).await;
    let resized = |event: &Event| matches!(event, Event::Resize { cols: 120, rows: 41 }).then_some(());
    ann.until_event("resize", resized).await;
    bob.until_event("resize", resized).await;
    ann.typed("stty size\n").await;
    bob.until_shown("41 120").await;
    let at = bob.events.iter().find(|(_, event)| resized(event).is_some()).expect("seen").0;
    let told = bob.shown().find("41 120").expect("shown") as u64;
    assert!(at.0 <= told, "the resize comes before what was printed for it");
    let late = Client::attach(&server, &id).await;
    assert_eq!((late.welcome.cols, late.welcome.rows), (90, 25), "the size in force where its output starts");
    assert_eq!(server.session(&id).await["cols"], 120);
}

#[tokio::test]
async fn a_watching_connection_changes_nothing_whatever_it_sends() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let mut watcher = Client::join(&server, &id, watching()).await;
    assert_eq!(watcher.welcome.access, Access::View);
    let seq = watcher.typed("typed\n").await;
    let refused = watcher.until_event("refused", refusal).await;
    assert_eq!(refused, ("input".into(), RefusalCode::ViewOnly, Some(seq)));
    for (name, message) in [
        ("resize", ClientMessage::Resize { cols: 10, rows: 10 }),
        ("signal", ClientMessage::Command(Command::Signal { signal: "KILL".into() })),
        ("paste", ClientMessage::Command(Command::Paste { text: "pasted".into(), submit: true })),
        ("take-control", ClientMessage::Command(Command::TakeControl)),
        ("release-control", ClientMessage::Command(Command::ReleaseControl)),
        ("request-control", ClientMessage::Command(Command::RequestControl)),
        ("give-control", ClientMessage::Command(Command::GiveControl { client: "x".into() })),
        ("deny-control", ClientMessage::Command(Command::DenyControl { client: "x".into() })),
    ] {
        watcher.events.clear();
        watcher.send(&message).await;
        assert_eq!(watcher.until_event(name, refusal).await, (name.into(), RefusalCode::ViewOnly, None));
    }
    // What a controlling client types after all that is the first thing the program sees.
    let mut typist = Client::attach(&server, &id).await;
    typist.typed("mine\n").await;
    typist.until_shown("mine\r\nmine\r\n").await;
    assert_eq!(typist.shown(), "mine\r\nmine\r\n");
    assert_eq!(server.session(&id).await["cols"], 80);
}

#[tokio::test]
async fn control_is_taken_by_one_released_and_given_back_when_its_holder_leaves() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let (mut ann, mut bob) = (Client::attach(&server, &id).await, Client::attach(&server, &id).await);
    let holder = |event: &Event| match event {
        Event::Control { holder, .. } => Some(holder.clone()),
        _ => None,
    };
    ann.command(Command::TakeControl).await;
    assert_eq!(bob.until_event("control", holder).await, Some(ann.welcome.client_id.clone()));
    let seq = bob.typed("bob\n").await;
    assert_eq!(bob.until_event("refused", refusal).await, ("input".into(), RefusalCode::ControlHeld, Some(seq)));
    bob.send(&ClientMessage::Resize { cols: 90, rows: 20 }).await;
    bob.events.clear();
    assert_eq!(bob.until_event("refused", refusal).await, ("resize".into(), RefusalCode::ControlHeld, None));
    ann.typed("ann\n").await;
    bob.until_shown("ann\r\nann\r\n").await;
    bob.events.clear();
    drop(ann);
    assert_eq!(bob.until_event("control", holder).await, None);
    let seq = bob.typed("bob\n").await;
    bob.until_acked(seq).await;
    bob.until_shown("bob\r\nbob\r\n").await;
    assert_eq!(bob.shown(), "ann\r\nann\r\nbob\r\nbob\r\n");
    // Its window was noted though it was not heard.
    let resized = |event: &Event| matches!(event, Event::Resize { cols: 90, rows: 20 }).then_some(());
    bob.until_event("the size of bob's window", resized).await;
}

#[tokio::test]
async fn latest_values_reach_viewers_and_unknown_wishes_are_refused_politely() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let mut ann = Client::attach(&server, &id).await;
    let bob = Client::attach(&server, &id).await;
    ann.until_event("two viewers", |event| matches!(event, Event::Viewers { count: 2 }).then_some(())).await;
    drop(bob);
    ann.until_event("one viewer", |event| matches!(event, Event::Viewers { count: 1 }).then_some(())).await;
    server.call("PATCH", &format!("/api/sessions/{id}"), Some(json!({ "name": "née" }))).await;
    ann.until_event("renamed", |event| matches!(event, Event::Renamed { name } if name == "née").then_some(())).await;
    for (message, code) in [
        (ClientMessage::Command(Command::Unknown("dance".into())), RefusalCode::UnknownCommand),
        (ClientMessage::Command(Command::Signal { signal: "SEGV".into() }), RefusalCode::UnknownSignal),
        (ClientMessage::Resize { cols: 0, rows: 24 }, RefusalCode::InvalidSize),
        (ClientMessage::Resize { cols: 80, rows: 1001 }, RefusalCode::InvalidSize),
    ] {
        ann.events.clear();
        ann.send(&message).await;
        assert_eq!(ann.until_event("refused", refusal).await.1, code);
    }
    ann.command(Command::Paste { text: "a\nb\u{1b}[201~".into(), submit: true }).await;
    ann.until_shown("b[201~\r\n").await;
}

#[tokio::test]
async fn a_session_that_starts_on_attach_takes_the_first_viewer_s_size() {
    let server = Server::start().await;
    let body = json!({ "command": ["sh", "-c", "stty size; exec cat"], "spawn": "onAttach" });
    let opened = server.open_with(body).await;
    assert_eq!((&opened["status"], &opened["pid"]), (&json!("starting"), &json!(null)));
    let id = opened["id"].as_str().expect("id");
    let mut client = Client::join(&server, id, Join { query: "&cols=101&rows=37", ..Join::default() }).await;
    client.until_shown("37 101").await;
    client.until_event("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    assert_eq!(server.session(id).await["status"], "running");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_on_attach_exits_with_the_reason() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a directory");
    let body = json!({ "command": ["sh"], "workingDir": folder.path(), "spawn": "onAttach" });
    let id = server.open_with(body).await["id"].as_str().expect("id").to_owned();
    folder.close().expect("removed");
    let mut client = Client::attach(&server, &id).await;
    let exit = |event: &Event| match event {
        Event::Exit { code, reason, .. } => Some((*code, reason.clone())),
        _ => None,
    };
    let (code, reason) = client.until_event("exit", exit).await;
    assert_eq!(code, Some(127));
    assert!(reason.is_some_and(|reason| reason.contains("workingDir")));
    assert_eq!(server.session(&id).await["exitCode"], 127);
}

#[tokio::test]
async fn closing_a_session_gives_its_viewers_the_rest_and_close_1000() {
    let server = Server::start().await;
    // For TERM too, which follows where HUP has not been heard for a second.
    let id = server.open(&["sh", "-c", "trap 'echo bye; exit 0' HUP TERM; echo ready; read line"]).await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    server.close(&id).await;
    assert_eq!(client.until_closed().await, Closed::With(1000));
    assert!(client.shown().ends_with("bye\r\n"), "{}", client.shown());
    assert!(matches!(client.events.last(), Some((_, Event::Exit { code: Some(0), .. }))), "{:?}", client.events);
}
