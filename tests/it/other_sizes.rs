//! `fantail attach` in terminals of other sizes than the session's: each is a real one, the terminal of another session.

use serde_json::json;

use crate::support::{Client, Join, Server, patiently};

/// A session that keeps its size, and a terminal of another size in which somebody attaches to it.
struct Attached {
    server: std::sync::Arc<Server>,
    session: Client,
    terminal: Client,
    terminal_id: String,
}

impl Attached {
    async fn open(command: &str, (cols, rows): (u16, u16), here: (u16, u16)) -> Self {
        let server = Server::start().await;
        let open = async |command: &[&str], (cols, rows): (u16, u16)| {
            let body = json!({ "command": command, "cols": cols, "rows": rows, "sizes": "fixed" });
            let id = server.open_with(body).await["id"].as_str().expect("id").to_owned();
            let client = Client::join(&server, &id, Join { from: Some(String::new()), ..Join::default() }).await;
            (client, id)
        };
        let (session, session_id) = open(&["sh", "-c", command], (cols, rows)).await;
        let data = format!("FANTAIL_DATA_DIR={}", server.data().display());
        let attach = ["env", &data, env!("CARGO_BIN_EXE_fantail"), "attach", &session_id];
        let (terminal, terminal_id) = open(&attach, here).await;
        Self { server, session, terminal, terminal_id }
    }

    /// Until the terminal shows these rows from its top, and nothing below them.
    async fn shows(&mut self, wanted: &[&str]) {
        let rows = |client: &Client| -> Vec<String> {
            let lines = client.screen.iter().flat_map(|screen| screen.lines(0));
            let text = lines.map(|line| line.runs.iter().map(|run| run.text.as_str()).collect::<String>());
            let mut rows: Vec<String> = text.map(|row| row.trim_end().to_owned()).collect();
            rows.truncate(rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1));
            rows
        };
        let what = format!("{wanted:?}");
        let follow = async {
            while rows(&self.terminal) != wanted {
                // Who types into the session reads it as well: whoever is silent is let go.
                let stepped = tokio::select! {
                    stepped = self.terminal.step() => stepped,
                    stepped = self.session.step() => stepped,
                };
                if let Err(closed) = stepped {
                    panic!("{closed:?} instead of {what}: {:?}", rows(&self.terminal));
                }
            }
        };
        patiently(&what, follow).await;
    }

    async fn resize_terminal(&self, cols: u16, rows: u16) {
        let path = format!("/api/sessions/{}/resize", self.terminal_id);
        let (status, body) = self.server.call("POST", &path, Some(json!({ "cols": cols, "rows": rows }))).await;
        assert_eq!(status, 200, "{body}");
    }
}

#[tokio::test]
async fn a_session_is_shown_whole_clipped_or_as_it_is_and_never_wrapped_anew() {
    let program = "printf 'one\\r\\n%s\\r\\n世界 ' $(seq -s. 1 9); stty -echo; printf three; \
                   while read line; do printf \"$line\"; done";
    let mut attached = Attached::open(program, (20, 5), (30, 8)).await;
    let edge = "                    │";
    attached
        .shows(&[
            "one                 │",
            "1.2.3.4.5.6.7.8.9   │",
            "世界 three          │",
            edge,
            edge,
            " 20x5 ──────────────┘",
        ])
        .await;
    attached.resize_terminal(10, 2).await;
    attached.shows(&[".2.3.4.5.6", " 界 three"]).await;
    attached.session.typed("\\\\033[1;1H[\n").await;
    attached.shows(&["[ne", "1.2.3.4.5."]).await;
    // Of the session's size it is passed the output, with what it was not passed before.
    attached.resize_terminal(20, 5).await;
    attached.shows(&["[ne", "1.2.3.4.5.6.7.8.9", "世界 three"]).await;
    attached.session.typed("]\n").await;
    attached.shows(&["[]e", "1.2.3.4.5.6.7.8.9", "世界 three"]).await;
    assert_eq!(attached.server.session(&attached.terminal_id).await["status"], "running");
}

#[tokio::test]
async fn under_a_flood_and_through_resizes_the_last_picture_is_right() {
    let program = "stty -echo; echo ready; while read last; do seq 1 $last; done";
    let mut attached = Attached::open(program, (40, 4), (12, 3)).await;
    attached.shows(&["ready"]).await;
    for (cols, rows, last) in [(60, 9, 30_000), (12, 3, 50_000), (40, 4, 20_000), (39, 3, 40_000)] {
        attached.session.typed(&format!("{last}\n")).await;
        let before = attached.terminal.offset;
        while attached.terminal.offset == before {
            attached.terminal.step().await.expect("open");
        }
        attached.resize_terminal(cols, rows).await;
        let lines: Vec<String> = (last - 2..=last).map(|line: u32| line.to_string()).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        match rows {
            9 => {
                let mut wanted: Vec<String> = lines.iter().map(|line| format!("{line:<40}│")).collect();
                wanted.extend([format!("{:<40}│", ""), format!(" 40x4 {}┘", "─".repeat(34))]);
                attached.shows(&wanted.iter().map(String::as_str).collect::<Vec<_>>()).await;
            }
            4 => attached.shows(&lines).await,
            _ => attached.shows(&lines[1..]).await,
        }
    }
}
