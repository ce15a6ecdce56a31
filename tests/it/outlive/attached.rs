//! `fantail attach` goes on when the server is killed and started again: all output once and in order, all input once.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::Outlived;
use crate::support::{Server, patiently};

const KILLS: u32 = 3;

#[tokio::test]
async fn an_attached_terminal_goes_on_when_the_server_is_killed_and_ends_with_the_programs_code() {
    let outlived = Outlived::start(&[]).await;
    // Between two lines of input it prints more than any buffer on the way holds.
    let script = "stty -echo; echo ready; while read -r line; do [ $line = over ] && exit 7; \
                  echo got $line; seq 1 100000; done";
    let session = outlived.open_with(serde_json::json!({"command": ["sh", "-c", script], "pace": "lossless"})).await;
    let mut attached = Server::command(outlived.data())
        .args(["attach", session["sessionId"].as_str().expect("an id")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("attached");
    let mut keys = attached.stdin.take().expect("piped");
    let mut lines = BufReader::new(attached.stdout.take().expect("piped")).lines();
    let mut next = async || patiently("a line", lines.next_line()).await.expect("text").expect("more");
    assert_eq!(next().await, "ready");
    for kill in 0..KILLS {
        keys.write_all(format!("before-{kill}\n").as_bytes()).await.expect("typed");
        assert_eq!(next().await, format!("got before-{kill}"));
        for line in 1..=50_000 {
            assert_eq!(next().await, line.to_string());
        }
        outlived.signal(rustix::process::Signal::KILL);
        outlived.ended_now().await;
        keys.write_all(format!("away-{kill}\n").as_bytes()).await.expect("typed");
        outlived.start_again().await;
        for line in 50_001..=100_000 {
            assert_eq!(next().await, line.to_string());
        }
        assert_eq!(next().await, format!("got away-{kill}"));
        for line in 1..=100_000 {
            assert_eq!(next().await, line.to_string());
        }
    }
    keys.write_all(b"over\n").await.expect("typed");
    let status = patiently("its end", attached.wait()).await.expect("waited");
    assert_eq!(status.code(), Some(7));
}
