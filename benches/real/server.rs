//! The server under test: a process of its own, and its REST API.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

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
            .env("FANTAIL_MAX_UNAUTHENTICATED_PER_ADDRESS", "16384")
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
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { process: Arc::new(Process { child, _data: data, url, token }), http }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        self.process.url.strip_prefix("http://").expect("http")
    }

    pub(crate) fn token(&self) -> &str {
        &self.process.token
    }

    /// A request to `/api/sessions` and what is below it.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
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

    /// The session as the API shows it.
    pub(crate) async fn object(&self, session: &str) -> Value {
        let answer = self.request("GET", &format!("/{session}")).send().await.expect("answered");
        answer.json().await.expect("JSON")
    }

    /// The addresses of the bytes held.
    pub(crate) async fn held(&self, session: &str) -> (usize, usize) {
        let session = self.object(session).await;
        let address =
            |name: &str| usize::try_from(session["output"][name].as_u64().expect("an address")).expect("small");
        (address("start"), address("end"))
    }

    /// Waits until that many bytes were printed.
    pub(crate) async fn until_printed(&self, session: &str, bytes: usize) {
        while self.held(session).await.1 < bytes {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// One of the kernel's files about the server.
    pub(crate) fn proc(&self, file: &str) -> PathBuf {
        let pid = self.process.child.id().expect("running");
        PathBuf::from(format!("/proc/{pid}/{file}"))
    }

    /// The CPU time the server has taken.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(self.proc("stat")).expect("running");
        let fields: Vec<_> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        // User and system time, in hundredths of a second (proc_pid_stat(5)).
        let hundredths: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(10 * hundredths)
    }

    /// Bytes of memory it occupies: now (`VmRSS`), or at most so far (`VmHWM`).
    pub(crate) fn memory(&self, field: &str) -> usize {
        let status = std::fs::read_to_string(self.proc("status")).expect("running");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field of proc_pid_status(5)");
        1024 * line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<usize>().expect("a number")
    }
}
