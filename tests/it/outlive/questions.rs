//! What a program asks its terminal is answered, once, whichever server it is that hears it.

use serde_json::json;

use super::Outlived;
use crate::support::Client;

#[tokio::test]
async fn a_question_is_answered_though_the_server_was_killed_with_the_answer_in_line_behind_what_is_not_read() {
    let outlived = Outlived::start(&[]).await;
    let (asks, reads) = (outlived.data().join("asks"), outlived.data().join("reads"));
    // Behind the question comes so much output that the screen is written down with the question in it.
    let script = format!(
        r"stty raw -echo; printf ready; until [ -e {asks} ]; do sleep 0.02; done
        printf '\033[5n'; head -c 1000000 /dev/zero | tr '\0' ' '; printf asked
        until [ -e {reads} ]; do sleep 0.02; done; head -n 1 | tr -d x | od -An -tx1; exec sleep 600",
        asks = asks.display(),
        reads = reads.display()
    );
    let session = outlived.open(&["sh", "-c", &script]).await;
    let mut client = Client::attach(&outlived, &session).await;
    // A terminal that is not raw yet throws away what is too long for a line.
    client.until_shown("ready").await;
    let input = format!("/api/sessions/{session}/input");
    let not_read = json!({"text": "x".repeat(300_000)});
    assert_eq!(outlived.call("POST", &input, Some(not_read)).await.0, 202, "the program reads nothing yet");
    std::fs::write(&asks, "").expect("written");
    client.until_shown("asked").await;
    outlived.screen_seen(&session).await;
    for _ in 0..2 {
        outlived.kill_server().await;
    }
    std::fs::write(&reads, "").expect("written");
    let mut client = Client::attach(&outlived, &session).await;
    outlived.input(&session, "\n").await;
    client.until_shown(" 0a").await;
    let shown = client.shown();
    let read = shown.split_once("asked").map_or("", |(_, read)| read.trim());
    assert_eq!(read, "1b 5b 30 6e 0a");
}
