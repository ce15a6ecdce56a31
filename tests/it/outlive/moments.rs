//! The server is killed in the middle of opening, resizing and closing sessions.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use super::Outlived;
use crate::support::{Client, until};

const KILLS: u64 = 12;

/// The programs whose parent is this process.
fn children_of(pid: i32) -> HashSet<i64> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("running");
    children.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect()
}

#[tokio::test]
async fn killed_while_sessions_are_opened_resized_and_closed_it_leaves_whole_ones_or_none() {
    let outlived = Outlived::start(&[]).await;
    let resized = outlived.open(&["cat"]).await;
    for kill in 0..KILLS {
        let work = async {
            for turn in 0.. {
                let body = json!({"command": ["cat"], "name": format!("{kill}-{turn}")});
                let opened = outlived.request("POST", "/api/sessions").json(&body).send().await;
                let Ok(opened) = opened else { return };
                let Ok(opened) = opened.json::<serde_json::Value>().await else { return };
                let size = json!({"cols": 20 + turn, "rows": 20 + kill});
                let path = format!("/api/sessions/{resized}/resize");
                let Ok(_) = outlived.request("POST", &path).json(&size).send().await else { return };
                if turn % 2 == 0 {
                    let path = format!("/api/sessions/{}", opened["sessionId"].as_str().expect("opened"));
                    let Ok(_) = outlived.request("DELETE", &path).send().await else { return };
                }
            }
        };
        let kill = async {
            tokio::time::sleep(Duration::from_millis(20 + kill * 7)).await;
            outlived.signal(rustix::process::Signal::KILL);
        };
        tokio::join!(work, kill);
        outlived.ended_now().await;
        outlived.start_again().await;
        // What is listed runs and is kept, and nothing else is.
        let holder = outlived.holder().await.holder().as_raw_nonzero().get();
        until("programs and sessions to be the same", async || {
            let (_, listed) = outlived.call("GET", "/api/sessions", None).await;
            let listed = listed.as_array().expect("a list").clone();
            let running = listed.iter().filter(|session| session["status"] == "running");
            let running: HashSet<i64> = running.map(|session| session["pid"].as_i64().expect("a pid")).collect();
            (running == children_of(holder)).then_some(())
        })
        .await;
        // The terminal, the session and its screen have one size.
        let session = outlived.session(&resized).await;
        let mut client = Client::attach(&outlived, &resized).await;
        client.typed("x\n").await;
        client.until_acked(client.welcome.input_seq + 1).await;
        let screen =
            outlived.request("GET", &format!("/api/sessions/{resized}/screen")).send().await.expect("answered");
        let header = |name: &str| screen.headers()[name].to_str().expect("text").parse::<u64>().expect("a number");
        assert_eq!(
            (header("fantail-cols"), header("fantail-rows")),
            (session["cols"].as_u64().expect("cols"), session["rows"].as_u64().expect("rows"),)
        );
    }
}
