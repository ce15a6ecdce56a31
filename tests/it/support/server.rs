//! The server's process, and its REST API.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::{Answer, PATIENCE, patiently, within};

/// How long a test waits for a login that stands in line: there are 64 before it, and one may take seconds on a machine
/// that does much else.
const LINE_PATIENCE: Duration = Duration::from_secs(600);

/// A running server with its own data directory. Dropping it kills it.
pub struct Server {
    process: Mutex<Child>,
    data: TempDir,
    /// Where it really listens.
    pub url: String,
    /// The one-use login token it printed.
    pub login: Option<String>,
    /// The local token of its `server.json`.
    pub token: String,
    http: reqwest::Client,
}

impl Server {
    pub async fn start() -> Arc<Self> {
        Self::start_with(&[]).await
    }

    pub async fn start_with(arguments: &[&str]) -> Arc<Self> {
        Arc::new(Self::launch(tempfile::tempdir().expect("a directory"), arguments, &[]).await)
    }

    pub async fn launch(data: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::launch_logging(data, arguments, environment, Stdio::inherit()).await
    }

    /// The same with its log, which is its stderr, sent elsewhere.
    pub async fn launch_logging(data: TempDir, arguments: &[&str], environment: &[(&str, &str)], log: Stdio) -> Self {
        let arguments = [&["--port", "0", "--no-holder"][..], arguments].concat();
        Self::launch_as_told(data, &arguments, environment, log).await
    }

    /// One that starts with a holder, which it leaves to whoever starts it.
    pub async fn launch_outlived(data: TempDir, arguments: &[&str]) -> Self {
        let arguments = [&["--port", "0"][..], arguments].concat();
        Self::launch_as_told(data, &arguments, &[], Stdio::inherit()).await
    }

    /// One that `command` starts on `data`.
    pub async fn launched_by(data: TempDir, command: Command) -> Self {
        let (process, url, login) = Self::announced(command, &[], &[]).await;
        let token = announced_token(data.path());
        Self { process: Mutex::new(process), data, url, login, token, http: http() }
    }

    async fn launch_as_told(data: TempDir, arguments: &[&str], environment: &[(&str, &str)], log: Stdio) -> Self {
        let (process, url, login) = Self::begin(data.path(), arguments, environment, log).await;
        let token = announced_token(data.path());
        let http = http_to(data.path());
        Self { process: Mutex::new(process), data, url, login, token, http }
    }

    async fn begin(
        data: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: Stdio,
    ) -> (Child, String, Option<String>) {
        let mut command = Self::command(data);
        // Root looks into it in any case.
        let debuggable = (!rustix::process::geteuid().is_root()).then_some("--debuggable");
        command.arg("serve").args(debuggable).args(arguments).stderr(log);
        Self::announced(command, arguments, environment).await
    }

    /// The server that a command starts, and where it says that it is.
    pub async fn announced(
        mut command: Command,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> (Child, String, Option<String>) {
        let mut process =
            command.envs(environment.iter().copied()).stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let mut line = async || patiently("a line from the server", lines.next_line()).await.expect("readable");
        let url = line().await.expect("the server says where it listens");
        let login = if arguments.contains(&"--no-auth") { None } else { line().await };
        let login = login.map(|line| line.split_once("#login=").expect("a login link").1.to_owned());
        (process, url, login)
    }

    /// Kills it, and starts another on the same directory and port. Sessions, clients and credentials are the same.
    pub async fn killed_and_started(&self, arguments: &[&str]) {
        self.signal(rustix::process::Signal::KILL);
        self.ended_now().await;
        self.start_again(arguments).await;
    }

    /// Starts another that was ended.
    pub async fn start_again(&self, arguments: &[&str]) {
        let port = self.url.rsplit_once(':').expect("a port").1;
        let arguments = [&["--port", port][..], arguments].concat();
        let (process, url, _) = Self::begin(self.data(), &arguments, &[], Stdio::inherit()).await;
        assert_eq!(url, self.url);
        *self.process.lock() = process;
    }

    /// Waits for its end, in which it is already.
    pub async fn ended_now(&self) -> std::process::ExitStatus {
        super::until("the server's end", async || self.process.lock().try_wait().expect("a child")).await
    }

    /// The program with this data directory and nothing of the tests' environment that would change it.
    pub fn command(data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fantail"));
        command.env("FANTAIL_DATA_DIR", data).env("SHELL", "/bin/sh").env_remove("XDG_CONFIG_HOME");
        command.env("FANTAIL_LOG_LEVEL", "warn");
        // All that the tests send comes from one address, much of it before anyone has logged in.
        command.env("FANTAIL_MAX_UNAUTHENTICATED_PER_ADDRESS", "16384");
        // And much of it at once.
        for rate in ["REQUESTS", "OPENINGS", "TICKETS", "EXPENSIVE", "SAVES", "ATTEMPTS"] {
            command.env(format!("FANTAIL_RATE_{rate}"), "1000000");
        }
        // Most tests are of something else than who may start what.
        command.env("FANTAIL_ANY_COMMAND", "member");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    pub fn pid(&self) -> u32 {
        self.try_pid().expect("running")
    }

    /// The process that says it serves this directory.
    pub fn announced_pid(&self) -> Option<i32> {
        let info = std::fs::read_to_string(self.data.path().join("server.json")).ok()?;
        serde_json::from_str::<Value>(&info).ok()?["pid"].as_i64()?.try_into().ok()
    }

    /// What sends its requests, and keeps its connections.
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// None when its end was waited for.
    pub fn try_pid(&self) -> Option<u32> {
        self.process.lock().id()
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.url.split_once("://").expect("a scheme").1
    }

    /// Its data directory, for another server to be started on when this one has ended.
    pub fn take_data(&mut self) -> TempDir {
        std::mem::replace(&mut self.data, tempfile::tempdir().expect("a directory"))
    }

    /// The certificate it has made for itself.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        CertificateDer::from_pem_file(self.data().join("tls-cert.pem")).ok()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("signalled");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        patiently("the server's end", self.process.get_mut().wait()).await.expect("waited")
    }

    /// A request with the local token.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// Status and JSON body of a request with the local token.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = patiently("an answer", request.send()).await.expect("answered");
        let status = response.status().as_u16();
        let text = patiently("a body", response.text()).await.expect("a body");
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }

    /// The whole answer to a request with another credential, or with none.
    pub async fn ask(&self, bearer: Option<&str>, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask_within(PATIENCE, bearer, method, path, body).await
    }

    async fn ask_within(
        &self,
        patience: Duration,
        bearer: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = self.http.request(method.parse().expect("a method"), format!("{}{path}", self.url));
        let request = bearer.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let request = body.iter().fold(request, reqwest::RequestBuilder::json);
        Answer::of(within(patience, "an answer", request.send()).await.expect("answered")).await
    }

    /// The answer to a login.
    pub async fn log_in(&self, username: &str, password: &str) -> Answer {
        self.log_in_within(PATIENCE, username, password).await
    }

    /// The same for one of a crowd, of which few are checked at once.
    pub async fn log_in_in_a_crowd(&self, username: &str, password: &str) -> Answer {
        self.log_in_within(LINE_PATIENCE, username, password).await
    }

    async fn log_in_within(&self, patience: Duration, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password });
        self.ask_within(patience, None, "POST", "/api/auth/login", Some(body)).await
    }

    /// Runs `fantail` with these arguments on the same data directory; `line` is what it reads.
    pub async fn fantail(&self, arguments: &[&str], line: &str) -> std::process::Output {
        let mut command = Self::command(self.data());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("piped");
        // One that refuses its arguments has gone without reading.
        let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
        drop(stdin);
        patiently("the command's end", child.wait_with_output()).await.expect("waited")
    }

    /// Opens a session running `command`.
    pub async fn open(&self, command: &[&str]) -> String {
        self.open_with(json!({ "command": command })).await["sessionId"].as_str().expect("an id").to_owned()
    }

    pub async fn open_with(&self, body: Value) -> Value {
        let (status, session) = self.call("POST", "/api/sessions", Some(body)).await;
        assert_eq!(status, 201, "{session}");
        session
    }

    pub async fn session(&self, id: &str) -> Value {
        let (status, session) = self.call("GET", &format!("/api/sessions/{id}"), None).await;
        assert_eq!(status, 200, "{session}");
        session
    }

    /// Types into a session over REST. Whether its program's terminal has taken it by the time of the answer is a matter
    /// of how fast the machine is; what comes of it is for the test to wait for.
    pub async fn input(&self, id: &str, text: &str) {
        let body = json!({ "text": text });
        let (status, answer) = self.call("POST", &format!("/api/sessions/{id}/input"), Some(body)).await;
        assert!(matches!(status, 200 | 202), "{status}: {answer}");
    }

    pub async fn close(&self, id: &str) {
        let (status, body) = self.call("DELETE", &format!("/api/sessions/{id}"), None).await;
        assert_eq!((status, body), (204, Value::Null));
    }

    /// Until the screen shows all that was printed before: from then on nothing beyond the log's size is held for it.
    pub async fn screen_seen(&self, id: &str) {
        let request = self.request("GET", &format!("/api/sessions/{id}/screen"));
        let response = patiently("a screen", request.send()).await.expect("answered");
        assert_eq!(response.status().as_u16(), 200);
    }

    /// Output held by the session, from `from` on.
    pub async fn output(&self, id: &str, from: u64) -> Vec<u8> {
        let request = self.request("GET", &format!("/api/sessions/{id}/output?from={from}"));
        let response = patiently("output", request.send()).await.expect("answered");
        assert_eq!(response.status().as_u16(), 200);
        patiently("output", response.bytes()).await.expect("a body").to_vec()
    }
}

/// The local token in a data directory.
fn announced_token(data: &Path) -> String {
    let info = std::fs::read_to_string(data.join("server.json")).expect("server.json");
    let info: Value = serde_json::from_str(&info).expect("JSON");
    info["token"].as_str().expect("token").to_owned()
}

/// How long a connection is kept unused: less than the second in which a server that leaves cuts none that is used again.
const UNUSED_MAX: Duration = Duration::from_millis(800);

/// A client of HTTP that goes straight to the server, whatever proxy the environment names.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().pool_idle_timeout(UNUSED_MAX).build().expect("a client")
}

/// The same, which also knows the certificate that the server of a data directory has made for itself.
fn http_to(data: &Path) -> reqwest::Client {
    let Ok(certificate) = std::fs::read(data.join("tls-cert.pem")) else { return http() };
    let certificate = reqwest::Certificate::from_pem(&certificate).expect("a certificate");
    let client = reqwest::Client::builder().no_proxy().pool_idle_timeout(UNUSED_MAX);
    client.tls_certs_only([certificate]).build().expect("a client")
}

/// How many descriptors a process has open.
pub fn open_descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("running").count()
}

/// The memory a process occupies.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("running");
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kilobytes: u64 = kilobytes.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}
