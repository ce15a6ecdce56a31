//! Whole frames whose content is no message, and messages beyond what may be asked.

use fantail::protocol::{ClientMessage, Command, INPUT_BYTES, MESSAGE_BYTES_MAX};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio_tungstenite::tungstenite::Message;

use crate::support::raw::{BINARY, frame};
use crate::support::{Bystander, Client, Closed, Join, Raw, Server};

#[tokio::test]
async fn what_is_no_message_closes_with_4400() {
    let mut bystander = Bystander::arrive().await;
    let command = |json: &[u8]| [&[0x04], json].concat();
    let messages: [(&str, Vec<u8>); 20] = [
        ("nothing", vec![]),
        ("type 0", vec![0x00]),
        ("type 5", vec![0x05]),
        ("type 255", vec![0xff]),
        ("a server's message", [&[0x81][..], &[0; 8], b"x"].concat()),
        ("INPUT without a seq", vec![0x01]),
        ("INPUT with a short seq", vec![0x01, 0, 0, 0, 0, 0, 0, 1]),
        ("RENDERED without an offset", vec![0x02]),
        ("RENDERED with a short offset", vec![0x02, 0, 0, 0]),
        ("RENDERED with more", [&[0x02][..], &[0; 9]].concat()),
        ("RESIZE without rows", vec![0x03, 0, 80]),
        ("RESIZE with more", vec![0x03, 0, 80, 0, 24, 0]),
        ("COMMAND with nothing", command(b"")),
        ("COMMAND that is not UTF-8", command(b"{\"command\": \"\xff\"}")),
        ("COMMAND that is not JSON", command(b"{")),
        ("COMMAND that is no object", command(b"[]")),
        ("COMMAND without its name", command(b"{}")),
        ("COMMAND with a wrong field", command(br#"{"command": "signal", "signal": 9}"#)),
        ("COMMAND with more", command(br#"{"command": "take-control"} {}"#)),
        ("COMMAND nested without end", command(&b"[".repeat(100_000))),
    ];
    for (what, message) in messages {
        let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
        raw.send(frame(BINARY, &message)).await;
        assert_eq!(raw.closed().await, 4400, "{what}");
        bystander.is_served(what).await;
    }
}

#[tokio::test]
async fn a_skipped_input_number_closes_with_4400_and_a_repeated_one_is_dropped() {
    let mut bystander = Bystander::arrive().await;
    for seq in [2, u64::MAX] {
        let mut client = Client::attach(&bystander.server, &bystander.session).await;
        client.send(&ClientMessage::Input { seq, bytes: b"never\n" }).await;
        assert_eq!(client.until_closed().await, Closed::With(4400), "{seq}");
    }
    let mut client = Client::attach(&bystander.server, &bystander.session).await;
    let from = client.offset.0;
    for (seq, bytes) in [(1, b"one\n"), (1, b"bad\n"), (2, b"two\n"), (1, b"bad\n"), (2, b"bad\n")] {
        client.send(&ClientMessage::Input { seq, bytes }).await;
    }
    // Once as echo, once from the program.
    while client.shown().matches("two\r\n").count() < 2 {
        client.step().await.expect("open");
    }
    client.send(&ClientMessage::Input { seq: 4, bytes: b"never\n" }).await;
    assert_eq!(client.until_closed().await, Closed::With(4400));
    bystander.is_served("skipped numbers").await;
    let output = bystander.server.output(&bystander.session, from).await;
    let output = String::from_utf8(output).expect("text");
    assert!(!output.contains("bad") && !output.contains("never"), "{output:?}");
}

#[tokio::test]
async fn the_largest_input_arrives_whole() {
    let server = Server::start().await;
    let input: Vec<u8> = (0..MESSAGE_BYTES_MAX - 9).map(|n| (n % 251) as u8).collect();
    let program = format!("stty raw -echo; echo ready; head -c {} | sha256sum; exec cat", input.len());
    let id = server.open(&["sh", "-c", &program]).await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    client.send(&ClientMessage::Input { seq: 1, bytes: &input }).await;
    client.until_acked(1).await;
    let hash: String = Sha256::digest(&input).iter().map(|byte| format!("{byte:02x}")).collect();
    client.until_shown(&hash).await;
}

/// A session whose program prints and never reads.
async fn deaf(server: &Server) -> String {
    let program = "stty raw -echo; while echo tick; do sleep 0.05; done";
    server.open(&["sh", "-c", program]).await
}

/// Sees that the program's output still comes.
async fn still_ticks(watcher: &mut Client) {
    watcher.output.clear();
    watcher.until_shown("tick\ntick\n").await;
}

#[tokio::test]
async fn input_beyond_the_window_closes_with_4429_and_over_rest_is_429() {
    let server = Server::start().await;
    let id = deaf(&server).await;
    let mut watcher = Client::attach(&server, &id).await;
    still_ticks(&mut watcher).await;
    let mut typist = Client::attach(&server, &id).await;
    let piece = vec![b'x'; INPUT_BYTES / 4];
    // Five quarters and what a terminal holds: the window is full before the last.
    for seq in 1..=5 {
        typist.send(&ClientMessage::Input { seq, bytes: &piece }).await;
    }
    assert_eq!(typist.until_closed().await, Closed::With(4429));
    still_ticks(&mut watcher).await;

    let path = format!("/api/sessions/{id}/input");
    let text = "x".repeat(INPUT_BYTES);
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(server.call("POST", &path, Some(json!({ "text": text }))).await);
    }
    // Taken, but the program does not read.
    let refused: Vec<_> = answers.iter().filter(|(status, _)| *status != 202).collect();
    assert!(!refused.is_empty() && answers[0].0 == 202, "{answers:?}");
    assert!(refused.iter().all(|(status, body)| *status == 429 && body["code"] == "input_queue_full"), "{answers:?}");
    still_ticks(&mut watcher).await;
    let mut other = Client::attach(&server, &id).await;
    other.command(Command::Paste { text: "x".repeat(INPUT_BYTES - 100), submit: false }).await;
    assert_eq!(other.until_closed().await, Closed::With(4429), "a paste is input too");
    still_ticks(&mut watcher).await;
    server.close(&id).await;
    assert_eq!(watcher.until_closed().await, Closed::With(1000));
}

#[tokio::test]
async fn resending_what_the_server_has_already_is_not_beyond_the_window() {
    let server = Server::start().await;
    let id = deaf(&server).await;
    let mut client = Client::attach(&server, &id).await;
    // A terminal that is not raw yet throws away what is too long for a line, and nothing would be queued.
    still_ticks(&mut client).await;
    let most = vec![b'x'; INPUT_BYTES - 100];
    client.send(&ClientMessage::Input { seq: 1, bytes: &most }).await;
    // Sees that it has been taken by what comes after it.
    client.command(Command::Unknown("mark".into())).await;
    let refused =
        |event: &fantail::protocol::Event| matches!(event, fantail::protocol::Event::Refused { .. }).then_some(());
    client.until_event("the mark's refusal", refused).await;
    let join = Join { client: Some(client.welcome.client_id.clone()), ..Join::default() };
    drop(client);
    let mut again = Client::join(&server, &id, join).await;
    assert_eq!(again.welcome.input_seq, 1);
    again.send(&ClientMessage::Input { seq: 1, bytes: &most }).await;
    again.command(Command::Unknown("mark".into())).await;
    again.until_event("the mark's refusal", refused).await;
}

#[tokio::test]
async fn numbers_at_the_edge_of_their_range_harm_nobody() {
    let mut bystander = Bystander::arrive().await;
    let mut client = Client::attach(&bystander.server, &bystander.session).await;
    for offset in [u64::MAX, 0, u64::MAX / 2] {
        client.send(&ClientMessage::Rendered(fantail::terminal::Offset(offset))).await;
    }
    client.send(&ClientMessage::Resize { cols: u16::MAX, rows: u16::MAX }).await;
    client.send(&ClientMessage::Input { seq: 0, bytes: b"" }).await;
    client.send(&ClientMessage::Input { seq: 1, bytes: b"" }).await;
    client.until_acked(1).await;
    client.send_raw(Message::Ping(vec![0; 125].into())).await;
    bystander.is_served("edges").await;
    for (query, status) in [
        ("?from=18446744073709551615", 416),
        ("?from=5&to=3", 416),
        ("?from=0&to=18446744073709551615", 416),
        ("?from=-1", 400),
        ("?from=18446744073709551616", 400),
    ] {
        let path = format!("/api/sessions/{}/output{query}", bystander.session);
        assert_eq!(bystander.server.call("GET", &path, None).await.0, status, "{query}");
    }
    for (range, status) in [
        ("bytes=0-18446744073709551615", 206),
        ("bytes=18446744073709551615-", 416),
        ("bytes=18446744073709551615-18446744073709551615", 416),
        ("bytes=-18446744073709551615", 206),
        ("bytes=0-0,1-1", 400),
        ("bytes=\u{e9}", 400),
    ] {
        let path = format!("/api/sessions/{}/output", bystander.session);
        let request = bystander.server.request("GET", &path).header("range", range);
        assert_eq!(request.send().await.expect("answered").status().as_u16(), status, "{range}");
    }
    bystander.is_served("ranges").await;
}
