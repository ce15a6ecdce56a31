//! Upgrades that fail, and leave everything as it was.

use rustix::process::Signal;
use serde_json::json;
use tokio::net::UnixDatagram;

use super::asking::Asking;
use super::installed::{Installed, is_running};
use crate::support::{Raw, patiently, until};

/// The old server serves as if nothing had been, and can still be upgraded.
async fn is_as_before(server: &Installed, old: i32) {
    assert_eq!((server.serving(), server.announced()["pid"].clone()), (old, json!(old)));
    assert_eq!(server.asked("GET", "/api/auth/me", None).await.0, 200);
    assert_eq!(server.processes().len(), 1, "what did not come up is gone");
    server.install();
    let said = server.fantail(&["upgrade"]).await;
    assert!(said.status.success(), "{said:?}");
    assert_ne!(server.serving(), old);
}

/// Asks for an upgrade that must fail, and checks that it is said why.
async fn fails(server: &Installed, why: &str) {
    let said = server.fantail(&["upgrade"]).await;
    let words = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert!(words.contains(why), "{words:?} does not say {why:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_cannot_serve_leaves_the_old_one_serving() {
    let server = Installed::start(&[], &[]).await;
    let old = server.serving();
    let asking = Asking::begin(server.authority());
    for (script, why) in [
        ("exit 1", "ended by itself (exit status: 1)"),
        ("kill -9 $$", "signal: 9"),
        ("exec true", "exit status: 0"),
        // It says back what it hears, which is none of the words that are waited for.
        ("exec cat >&0", "is not understood"),
    ] {
        server.install_script(script);
        fails(&server, why).await;
    }
    std::fs::remove_file(server.beside("fantail")).expect("removed");
    fails(&server, "cannot be started").await;
    let asked = asking.end().await;
    assert_eq!(asked.failures, Vec::<String>::new());
    is_as_before(&server, old).await;
}

#[tokio::test]
async fn a_program_whose_settings_are_refused_is_not_taken_and_says_why() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("fantail.toml");
    std::fs::write(&file, "").expect("written");
    let server = Installed::start(&["--config", file.to_str().expect("UTF-8")], &[]).await;
    let old = server.serving();
    std::fs::write(&file, "log_bites = 1\n").expect("written");
    fails(&server, "the new server says: log_bites: there is no such setting").await;
    std::fs::write(&file, "").expect("written");
    is_as_before(&server, old).await;
}

#[tokio::test]
async fn a_server_that_fails_when_it_takes_over_gives_everything_back() {
    let server = Installed::start(&[], &[]).await;
    let old = server.serving();
    // In the way of server.json, which is written once the old server has left.
    std::fs::create_dir(server.data().join("server.json.new")).expect("made");
    let asking = Asking::begin(server.authority());
    fails(&server, "the new server says: ").await;
    let asked = asking.end().await;
    assert_eq!(asked.failures, Vec::<String>::new());
    std::fs::remove_dir(server.data().join("server.json.new")).expect("removed");
    is_as_before(&server, old).await;
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_and_meanwhile_there_is_no_second_upgrade() {
    let server = Installed::start(&[], &[]).await;
    let old = server.serving();
    let started = server.beside("started");
    // The one that sleeps is not the one that was started: both must go.
    server.install_script(&format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", started.display()));
    Installed::signal(old, Signal::USR2);
    let sleeping = until("the new program", async || std::fs::read_to_string(&started).ok()).await;
    let sleeping: i32 = sleeping.trim().parse().expect("a pid");
    fails(&server, "refused: an upgrade is under way already").await;
    until("the end of what hangs", async || (!is_running(sleeping)).then_some(())).await;
    until("the end of who waited for it", async || (server.processes().len() == 1).then_some(())).await;
    is_as_before(&server, old).await;
}

#[tokio::test]
async fn a_server_that_ends_meanwhile_takes_the_new_one_with_it() {
    let mut server = Installed::start(&[], &[]).await;
    let old = server.serving();
    let started = server.beside("started");
    server.install_script(&format!("touch {}; exec sleep 1000", started.display()));
    Installed::signal(old, Signal::USR2);
    until("the new program", async || started.exists().then_some(())).await;
    Installed::signal(old, Signal::TERM);
    assert!(patiently("its end", server.first.wait()).await.expect("waited").success());
    until("the end of both", async || server.processes().is_empty().then_some(())).await;
}

#[tokio::test]
async fn sessions_that_would_be_lost_are_not() {
    let server = Installed::start(&[], &[]).await;
    let old = server.serving();
    let (status, session) = server.asked("POST", "/api/sessions", Some(json!({ "command": ["cat"] }))).await;
    assert_eq!(status, 201, "{session}");
    fails(&server, "refused: this server keeps its sessions itself, and 1 would be lost").await;
    let id = session["sessionId"].as_str().expect("an id");
    assert_eq!(server.asked("GET", &format!("/api/sessions/{id}"), None).await.1["status"], "running");
    assert_eq!(server.asked("DELETE", &format!("/api/sessions/{id}"), None).await.0, 204);
    is_as_before(&server, old).await;
}

#[tokio::test]
async fn a_server_that_is_going_away_is_not_upgraded() {
    let folder = tempfile::tempdir().expect("a directory");
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).expect("bound");
    let server = Installed::start(&[], &[("NOTIFY_SOCKET", socket.to_str().expect("UTF-8"))]).await;
    // Its body is waited for, also by a server that is going away.
    let mut asking = Raw::connect_to(server.authority()).await;
    let head = format!("POST /api/auth/login HTTP/1.1\r\nhost: {0}\r\norigin: http://{0}\r\n", server.authority());
    let head = format!("{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n");
    asking.send(head).await;
    asking.until_read().await;
    Installed::signal(server.serving(), Signal::TERM);
    let mut word = [0; 64];
    for expected in ["READY=1", "STOPPING=1"] {
        let length = patiently("a word to the manager", manager.recv(&mut word)).await.expect("heard");
        assert_eq!(String::from_utf8_lossy(&word[..length]), expected);
    }
    fails(&server, "refused: the server is going away").await;
    drop(asking);
}

#[tokio::test]
async fn only_an_upgrade_takes_over() {
    let server = Installed::start(&[], &[]).await;
    let said = server.fantail(&["serve", "--take-over"]).await;
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&said.stderr).contains("for servers that an upgrade starts"), "{said:?}");
    is_as_before(&server, server.serving()).await;
}
