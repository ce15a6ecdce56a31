//! The server under test: a process of its own, and its REST API.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::took;

/// A running server. The last handle that goes kills it.
#[derive(Clone)]
pub(crate) struct Server {
    process: Arc<Process>,
    http: reqwest::Client,
}

struct Process {
    child: Child,
    /// Removed with it.
    _data: TempDir,
    url: String,
    token: String,
}

impl Server {
    pub(crate) async fn start(log_bytes: usize) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut child = Command::new(env!("CARGO_BIN_EXE_fantail"))
            .args(["serve", "--port", "0", "--log-bytes", &log_bytes.to_string()])
            .env("FANTAIL_DATA_DIR", data.path())
            .env("FANTAIL_LOG_LEVEL", "warn")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let url = lines.next_line().await.expect("readable").expect("the server says where it listens");
        let _login = lines.next_line().await;
        let info = std::fs::read_to_string(data.path().join("server.json")).expect("server.json");
        let info: Value = serde_json::from_str(&info).expect("JSON");
        let token = info["token"].as_str().expect("a token").to_owned();
        Self { process: Arc::new(Process { child, _data: data, url, token }), http: reqwest::Client::new() }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        self.process.url.strip_prefix("http://").expect("http")
    }

    pub(crate) fn token(&self) -> &str {
        &self.process.token
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/sessions{path}", self.process.url);
        self.http.request(method.parse().expect("a method"), url).bearer_auth(self.token())
    }

    /// Opens a session that runs `program`; returns its id.
    pub(crate) async fn open(&self, program: &str) -> String {
        let body = json!({ "command": ["sh", "-c", program] });
        let answer = self.request("POST", "").json(&body).send().await.expect("answered");
        let session: Value = answer.json().await.expect("JSON");
        session["id"].as_str().expect("an id").to_owned()
    }

    /// Ends a session and all that runs in it.
    pub(crate) async fn close(&self, session: &str) {
        self.request("DELETE", &format!("/{session}")).send().await.expect("answered");
    }

    pub(crate) async fn type_enter(&self, session: &str) {
        let body = json!({ "text": "\n" });
        self.request("POST", &format!("/{session}/input")).json(&body).send().await.expect("answered");
    }

    /// The addresses of the bytes held.
    pub(crate) async fn held(&self, session: &str) -> (usize, usize) {
        let answer = self.request("GET", &format!("/{session}")).send().await.expect("answered");
        let session: Value = answer.json().await.expect("JSON");
        let address =
            |name: &str| usize::try_from(session["output"][name].as_u64().expect("an address")).expect("small");
        (address("start"), address("end"))
    }

    /// The bytes `from..to`, if they are held.
    pub(crate) async fn output(&self, session: &str, from: usize, to: usize) -> Option<Vec<u8>> {
        let answer = self.request("GET", &format!("/{session}/output?from={from}&to={to}")).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        Some(answer.bytes().await.ok()?.to_vec())
    }

    /// Waits until that many bytes were printed.
    pub(crate) async fn until_printed(&self, session: &str, bytes: usize) {
        while self.held(session).await.1 < bytes {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the flood is over that nobody follows, and looks at what is held of it.
    pub(crate) async fn until_over(&self, session: &str, expected: &[u8]) -> Result<Duration, String> {
        loop {
            self.until_printed(session, expected.len() + 1).await;
            let (start, end) = self.held(session).await;
            let held = self.output(session, start, end).await.unwrap_or_default();
            let (flood, tail) = held.split_at(held.len().min(expected.len() - start));
            if flood != &expected[start..start + flood.len()] {
                return Err(format!("other bytes than expected in {start}..{}", start + flood.len()));
            }
            if let Some(wall) = took(&String::from_utf8_lossy(tail)) {
                return Ok(wall);
            }
        }
    }

    fn proc(&self, file: &str) -> String {
        let pid = self.process.child.id().expect("running");
        std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/{file}"))).expect("running")
    }

    /// The CPU time the server has taken.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.proc("stat");
        let fields: Vec<_> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        // User and system time, in hundredths of a second (proc_pid_stat(5)).
        let hundredths: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(10 * hundredths)
    }

    /// Bytes of memory it occupies.
    pub(crate) fn resident(&self) -> usize {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        1024 * line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number")
    }
}
