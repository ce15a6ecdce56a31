//! A server started from a place of its own, where its program can be replaced.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{executable, executable_script, http, patiently, until};

/// A server, its program and its data. Dropping it kills whatever was started with that data.
pub(super) struct Installed {
    place: TempDir,
    /// The process that was started by hand.
    pub(super) first: Child,
    pub(super) url: String,
    pub(super) token: String,
}

impl Drop for Installed {
    fn drop(&mut self) {
        // A killed one may have started another a moment before.
        while let left @ [_, ..] = &self.processes()[..] {
            for pid in left {
                let _ = kill_process(*pid, Signal::KILL);
            }
            let _ = self.first.try_wait();
        }
    }
}

impl Installed {
    pub(super) async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        install(place.path());
        let arguments = [&["--port", "0"], arguments].concat();
        let first = started(place.path(), &arguments, environment);
        let mut installed = Self { place, first, url: String::new(), token: String::new() };
        installed.learn().await;
        installed
    }

    /// Starts it anew when it has ended.
    pub(super) async fn restart(&mut self, arguments: &[&str]) {
        self.first = started(self.place.path(), arguments, &[]);
        self.learn().await;
    }

    async fn learn(&mut self) {
        let mut lines = BufReader::new(self.first.stdout.take().expect("piped")).lines();
        self.url = patiently("its address", lines.next_line()).await.expect("readable").expect("a line");
        self.token = self.announced()["token"].as_str().expect("a token").to_owned();
    }

    pub(super) fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    pub(super) fn authority(&self) -> &str {
        self.url.strip_prefix("http://").expect("http")
    }

    /// What lies where the server was started from is the real program again.
    pub(super) fn install(&self) {
        install(self.place.path());
    }

    /// What lies there is this script.
    pub(super) fn install_script(&self, script: &str) {
        executable_script(script, &self.place.path().join("fantail"));
    }

    /// A file of the test's own beside the program.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Runs a command on the server's data.
    pub(super) async fn fantail(&self, arguments: &[&str]) -> Output {
        // By its first place, because the server's may hold anything by now.
        let mut fantail = Command::new(env!("CARGO_BIN_EXE_fantail"));
        fantail.args(arguments).env("FANTAIL_DATA_DIR", self.data()).stdin(Stdio::null()).kill_on_drop(true);
        patiently("the command's end", fantail.output()).await.expect("run")
    }

    pub(super) fn announced(&self) -> Value {
        let text = std::fs::read_to_string(self.data().join("server.json")).expect("server.json");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The process that commands find.
    pub(super) fn serving(&self) -> i32 {
        let lock = std::fs::read_to_string(self.data().join("server.lock")).expect("the lock file");
        lock.trim().parse().expect("a pid")
    }

    pub(super) fn signal(pid: i32, signal: Signal) {
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("signalled");
    }

    /// Until another process than `old` serves and says so.
    pub(super) async fn until_replaced(&self, old: i32) -> i32 {
        until("another server", async || {
            let new = self.serving();
            (new != old && self.announced()["pid"] == new).then_some(new)
        })
        .await
    }

    /// Status of a request with the token the server had at first.
    pub(super) async fn asked(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = http().request(method.parse().expect("a method"), format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token);
        let request = body.iter().fold(request, reqwest::RequestBuilder::json);
        let answer = patiently("an answer", request.send()).await.expect("answered");
        (answer.status().as_u16(), patiently("a body", answer.json()).await.unwrap_or_default())
    }

    /// All that was started with this server's data in its environment, sessions' programs left out.
    pub(super) fn processes(&self) -> Vec<Pid> {
        let wanted = [b"FANTAIL_DATA_DIR=", self.data().as_os_str().as_bytes()].concat();
        let pids =
            std::fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        pids.filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
        })
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
    }
}

pub(super) fn is_running(pid: i32) -> bool {
    // A zombie has no memory to show.
    std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| !environment.is_empty())
}

fn started(place: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    let mut command = Command::new(place.join("fantail"));
    command.env("FANTAIL_DATA_DIR", place.join("data")).env("SHELL", "/bin/sh").env_remove("XDG_CONFIG_HOME");
    command.env("FANTAIL_MAX_UNAUTHENTICATED_PER_ADDRESS", "16384");
    command.env("FANTAIL_LOG_LEVEL", "warn").env_remove("NOTIFY_SOCKET").stdin(Stdio::null()).kill_on_drop(true);
    // What becomes of sessions is `outlive`'s; here a server that is killed leaves nothing behind.
    command.args(["serve", "--no-holder"]).args(arguments).envs(environment.iter().copied());
    command.stdout(Stdio::piped()).spawn().expect("the server starts")
}

/// Puts the program under test there, as a package manager does: beside it, then in its place.
fn install(place: &Path) {
    let (new, program) = (place.join("fantail.new"), place.join("fantail"));
    if std::fs::hard_link(env!("CARGO_BIN_EXE_fantail"), &new).is_err() {
        // On another file system.
        return executable("cp \"$1\" \"$2\"", env!("CARGO_BIN_EXE_fantail"), &program);
    }
    std::fs::rename(&new, program).expect("renamed");
    // Two names of one file stay two when one is to take the other's place.
    let _ = std::fs::remove_file(new);
}
