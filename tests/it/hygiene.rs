//! What must not be seen is not: by a program, in a log, in the store, on a command line.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use fantail::protocol::ClientMessage;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::raw::{handshake, request};
use crate::support::{Client, Join, Login, Raw, Server, patiently};

/// What stands for a secret wherever one could be.
const CANARY: &str = "canary7f3a";

/// Every file below `folder` that contains `wanted`.
fn files_with(folder: &Path, wanted: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("readable");
        if bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// What stands behind the canary wherever it is found below `folder`.
fn canaries_in(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
        for at in bytes.windows(CANARY.len()).enumerate().filter(|(_, window)| *window == CANARY.as_bytes()) {
            let behind = bytes[at.0 + CANARY.len()..].iter().skip(1);
            found.insert(behind.take_while(|byte| byte.is_ascii_alphabetic()).map(|byte| char::from(*byte)).collect());
        }
    }
    found
}

/// Uses everything that is secret in every place it can stand, rightly and wrongly. Returns what must not be seen.
async fn live_a_life(server: &Server) -> Vec<String> {
    let password = format!("{CANARY}-password");
    let ann = Login::of_new(server, "ann", &password).await;
    let by_link = Login::by_link(server).await;
    let id = ann.open(server, &["sh", "-c", "stty -echo; cat"]).await;
    let ticket = ann.ticket(server, &id, None).await;
    let unused = ann.ticket(server, &id, Some("view")).await;
    let mut client = Client::join(server, &id, Join { ticket: Some(ticket.clone()), ..Join::default() }).await;
    client.typed(&format!("{CANARY}-typed\n")).await;
    client.until_shown(&format!("{CANARY}-typed")).await;
    client.command(fantail::protocol::Command::Paste { text: format!("{CANARY}-pasted"), submit: true }).await;
    client.until_shown(&format!("{CANARY}-pasted")).await;
    client.command(fantail::protocol::Command::Unknown(format!("{CANARY}-command"))).await;
    client.command(fantail::protocol::Command::Signal { signal: format!("{CANARY}-signal") }).await;
    let input = json!({ "text": format!("{CANARY}-rest\n") });
    let typed = ann.ask(server, "POST", &format!("/api/sessions/{id}/input"), Some(input)).await;
    assert!(matches!(typed.status, 200 | 202), "{typed:?}");
    client.until_shown(&format!("{CANARY}-rest")).await;
    client.send(&ClientMessage::Input { seq: u64::MAX, bytes: format!("{CANARY}-skipped").as_bytes() }).await;
    client.until_closed().await;

    let body = json!({ "command": ["cat"], "name": format!("{CANARY}-name"), "env": { "A": format!("{CANARY}-env") } });
    ann.ask(server, "POST", "/api/sessions", Some(body)).await;
    for (path, body) in [
        ("/api/auth/login", json!({ "username": "ann", "password": format!("{CANARY}-wrong") })),
        ("/api/auth/login", json!({ "username": format!("{CANARY}-user"), "password": password })),
        ("/api/auth/login", json!({ "username": "ann", "password": [format!("{CANARY}-list")] })),
        ("/api/auth/login", json!({ "username": "ann", format!("{CANARY}-field"): 1 })),
        ("/api/auth/link", json!({ "token": format!("{CANARY}-link") })),
        ("/api/auth/refresh", json!({ "refreshToken": format!("{CANARY}-refresh") })),
        ("/api/sessions", json!({ "command": [format!("/{CANARY}-program")] })),
        ("/api/sessions", json!({ "command": ["sh"], "workingDir": format!("/{CANARY}-folder") })),
    ] {
        let refused = server.ask(Some(&ann.access), "POST", path, Some(body)).await;
        assert!(refused.status >= 400, "{refused:?}");
    }
    server.ask(Some(&format!("{CANARY}-bearer")), "GET", "/api/sessions", None).await;
    server.ask(Some(&ann.access), "GET", &format!("/api/sessions/{CANARY}-id"), None).await;
    server.ask(None, "GET", &format!("/{CANARY}-path"), None).await;
    server.ask(None, "GET", &format!("/api/sessions?token={CANARY}-query"), None).await;
    server.ask(None, "GET", &format!("/api/sessions?other={CANARY}-query"), None).await;
    let mut raw = Raw::connect(server).await;
    raw.ask(&handshake(server, &id, &[("sec-websocket-protocol", &format!("fantail.v1, ticket.{CANARY}"))])).await;
    for header in ["cookie", "x-secret", "origin", "host", "referer", "user-agent"] {
        let mut raw = Raw::connect(server).await;
        let value = format!("fantail_refresh={CANARY}-{header}");
        raw.ask(&request("GET /health", &[("host", server.authority()), (header, &value)])).await;
    }
    let mut raw = Raw::connect(server).await;
    raw.send(format!("{CANARY} is no HTTP\r\n\r\n")).await;
    raw.ended().await;

    let renewed = Login::from_answer(&ann.renew(server).await);
    let raced = ann.renew(server).await;
    let out = renewed.ask(server, "POST", "/api/auth/logout", None).await;
    // Used again ten seconds later it is no race, and there is no login any more.
    assert!(matches!((raced.status, out.status), (409, 204) | (401, 401)), "{raced:?} {out:?}");
    let link = server.login.clone().expect("a login link");
    let mut secrets = vec![password, link, ticket, unused];
    for login in [ann, renewed, by_link] {
        secrets.extend([login.access, login.refresh]);
    }
    secrets
}

#[tokio::test]
async fn h31_no_secret_is_written_to_the_log_the_store_or_the_command_line() {
    let folder = tempfile::tempdir().expect("a directory");
    let log = folder.path().join("log");
    let log_file = File::create(&log).expect("a file");
    let data = tempfile::tempdir().expect("a directory");
    let mut server = Server::launch_logging(data, &["--log-level", "trace"], &[], log_file.into()).await;
    let mut secrets = live_a_life(&server).await;
    let command_line = std::fs::read(format!("/proc/{}/cmdline", server.pid())).expect("running");
    let local = server.token.clone();
    for secret in secrets.iter().map(String::as_str).chain([CANARY]) {
        assert!(!String::from_utf8_lossy(&command_line).contains(secret), "{secret} on the command line");
    }
    for secret in &secrets {
        assert_eq!(files_with(server.data(), secret), [""; 0], "{secret}");
    }
    // What a session is called, and the last its screen showed, are kept; nothing else is.
    let mut kept = canaries_in(server.data());
    for shown in ["typed", "pasted", "rest", "name"] {
        kept.remove(shown);
    }
    assert_eq!(kept, BTreeSet::new());
    server.signal(Signal::TERM);
    server.ended().await;
    let log = std::fs::read_to_string(&log).expect("a log in UTF-8");
    secrets.extend([CANARY.to_owned(), local]);
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} in the log");
    }
    assert!(log.contains("answered"), "there was a log");
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn what_the_server_keeps_is_closed_to_other_accounts() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let closed = |folder: &Path| {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    };
    let server = Server::start().await;
    closed(server.data());
    let folder = tempfile::tempdir().expect("a directory");
    let made = folder.path().join("new");
    assert!(patiently("an account", add_ann(&made)).await);
    assert_eq!(mode(&made), 0o700);
    closed(&made);
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o777)).expect("changed");
    assert!(!patiently("a refusal", add_ann(&made)).await, "others could plant a store of their own");
}

/// Whether an account could be made in this data directory.
async fn add_ann(data: &Path) -> bool {
    let mut command = Server::command(data);
    let mut child = command.args(["user", "add", "ann"]).stdin(std::process::Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    // One that refuses the directory has gone without reading.
    let _ = stdin.write_all(b"correct horse battery\n").await;
    drop(stdin);
    child.wait().await.expect("waited").success()
}
