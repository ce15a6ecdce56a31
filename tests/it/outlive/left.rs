//! What viewers and pollers of a session have from one server is right beside the next one.

use fantail::protocol::ServerMessage;
use serde_json::json;

use super::Outlived;
use crate::support::raw::{BINARY, CLOSE};
use crate::support::{Answer, Client, Raw, patiently, until};

const LINES: u32 = 400_000;

#[tokio::test]
async fn who_reads_slower_than_its_program_prints_is_sent_no_byte_that_was_not_printed_when_the_server_is_replaced() {
    // Most of what is on its way to a slow viewer is long out of this log.
    let outlived = Outlived::start(&["--log-bytes", "262144"]).await;
    let program = format!("stty -echo; echo ready; read go; seq 1 {LINES}; exec cat");
    let body = json!({"command": ["sh", "-c", program], "pace": "free"});
    let session = outlived.open_with(body).await["sessionId"].as_str().expect("an id").to_owned();
    Client::attach(&outlived, &session).await.until_shown("ready\r\n").await;
    let mut slow = Raw::attach(&outlived, &session).await;
    let go = json!({"text": "go\n"});
    outlived.call("POST", &format!("/api/sessions/{session}/input"), Some(go)).await;
    let printed = "ready\r\n".to_owned() + &(1..=LINES).map(|line| format!("{line}\r\n")).collect::<String>();
    until("the end of the flood", async || {
        (outlived.session(&session).await["output"]["end"] == printed.len()).then_some(())
    })
    .await;
    outlived.upgrade().await;
    let mut compared = 0;
    loop {
        let frame = patiently("the end", slow.frame()).await.expect("a close frame first");
        match frame.first {
            CLOSE => break assert_eq!(frame.payload[..2], 1012_u16.to_be_bytes()),
            BINARY => {}
            other => panic!("a frame {other:#x}"),
        }
        if let ServerMessage::Output { offset, bytes } = ServerMessage::decode(&frame.payload).expect("a message") {
            let at = usize::try_from(offset.0).expect("small");
            assert!(printed.as_bytes()[at..].starts_with(bytes), "{} bytes at {at} are others", bytes.len());
            compared += bytes.len();
        }
    }
    assert!(compared > 10_000, "{compared} bytes were sent");
}

#[tokio::test]
async fn a_tag_of_one_server_is_of_no_screen_of_the_next() {
    let outlived = Outlived::start(&[]).await;
    let session = outlived.open(&["cat"]).await;
    let screen = format!("/api/sessions/{session}/text");
    let types = async |text: &str| {
        outlived.call("POST", &format!("/api/sessions/{session}/input"), Some(json!({"text": text}))).await;
    };
    let tag_at = async |shown: &str| {
        until(shown, async || {
            let answer = Answer::of(outlived.request("GET", &screen).send().await.expect("answered")).await;
            let tag = answer.header("etag").expect("a tag").to_owned();
            String::from_utf8_lossy(&answer.body).starts_with(shown).then_some(tag)
        })
        .await
    };
    // Each change is one: the next server counts what was printed before it as one, and the next letter as another.
    types("a").await;
    tag_at("a").await;
    types("b").await;
    let tag = tag_at("ab").await;
    outlived.kill_server().await;
    tag_at("ab").await;
    types("c").await;
    tag_at("abc").await;
    let asked = outlived.request("GET", &screen).header("if-none-match", tag).send().await.expect("answered");
    assert_eq!(asked.status().as_u16(), 200);
}
