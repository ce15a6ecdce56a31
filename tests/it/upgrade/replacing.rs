//! Upgrades that succeed.

use rustix::process::Signal;
use serde_json::Value;

use super::asking::Asking;
use super::installed::{Installed, is_running};
use crate::support::{patiently, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_refused_or_fails_while_servers_replace_each_other() {
    let mut server = Installed::start(&[], &[]).await;
    let asking = Asking::begin(server.authority());
    let mut serving = server.serving();
    for turn in 0..4 {
        let old = serving;
        server.install();
        if turn % 2 == 0 {
            let said = server.fantail(&["upgrade"]).await;
            assert!(said.status.success(), "{said:?}");
            serving = server.serving();
            let line = format!("process {serving} serves, version {}\n", env!("CARGO_PKG_VERSION"));
            assert_eq!(String::from_utf8_lossy(&said.stdout), line);
        } else {
            Installed::signal(old, Signal::USR2);
            serving = server.until_replaced(old).await;
        }
        assert_ne!(serving, old);
        until("the end of the old server", async || (!is_running(old)).then_some(())).await;
    }
    let asked = asking.end().await;
    println!("{asked:?}");
    assert_eq!(asked.failures, Vec::<String>::new(), "of {} requests", asked.answered);
    assert!(asked.told_to_come_anew > 0, "nobody kept a connection");
    assert!(patiently("the first server's end", server.first.wait()).await.expect("waited").success());
    assert_eq!(server.processes().len(), 1, "one server is left");
}

#[tokio::test]
async fn who_takes_over_has_the_address_the_lock_and_the_token() {
    let server = Installed::start(&[], &[]).await;
    let before = server.announced();
    let old = server.serving();
    assert!(server.fantail(&["upgrade"]).await.status.success());
    let new = server.serving();
    let Value::Object(mut expected) = before else { panic!("no object") };
    expected.insert("pid".into(), new.into());
    assert_eq!(server.announced(), Value::Object(expected), "the same address and token");
    assert_eq!(server.asked("GET", "/api/sessions", None).await.0, 200, "the token is taken");
    assert_eq!(server.asked("GET", "/api/auth/me", None).await.1["auth"], "local");
    until("the old server's end", async || (!is_running(old)).then_some(())).await;
    let second = server.fantail(&["serve", "--port", "0"]).await;
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && said.contains(&format!("(process {new})")), "{said}");
    let listed = server.fantail(&["ls"]).await;
    assert!(listed.status.success(), "{listed:?}");
}

#[tokio::test]
async fn a_server_that_was_killed_leaves_its_token_to_the_next() {
    let mut server = Installed::start(&[], &[]).await;
    let token = server.announced()["token"].clone();
    Installed::signal(server.serving(), Signal::KILL);
    patiently("its end", server.first.wait()).await.expect("waited");
    // Its address is free, so that the token can be tried at the same place.
    let port = server.url.rsplit_once(':').expect("a port").1.to_owned();
    server.restart(&["--port", &port]).await;
    assert_eq!(server.announced()["token"], token);
    assert_eq!(server.asked("GET", "/api/auth/me", None).await.0, 200);
}

#[tokio::test]
async fn stop_ends_the_server_and_waits_for_that() {
    let mut server = Installed::start(&[], &[]).await;
    let pid = server.serving();
    let said = server.fantail(&["stop"]).await;
    assert!(said.status.success() && String::from_utf8_lossy(&said.stdout).contains(&pid.to_string()), "{said:?}");
    assert!(patiently("its end", server.first.wait()).await.expect("waited").success());
    assert_eq!(server.processes(), []);
    for command in ["stop", "upgrade"] {
        let said = server.fantail(&[command]).await;
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        assert!(String::from_utf8_lossy(&said.stderr).contains("no server is running on "), "{said:?}");
    }
}

#[tokio::test]
async fn who_takes_over_listens_at_the_unix_socket_too_and_speaks_tls() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("fantail.sock");
    let mut server =
        Installed::start(&["--tls-self-signed", "--unix-socket", path.to_str().expect("UTF-8")], &[]).await;
    let announced = server.announced();
    let socket = format!("unix:{}", path.display());
    for _ in 0..2 {
        let old = server.serving();
        assert!(server.fantail(&["upgrade"]).await.status.success());
        until("the old server's end", async || (!is_running(old)).then_some(())).await;
        let by_port = server.fantail(&["ls"]).await;
        assert!(by_port.status.success(), "{by_port:?}");
        let by_socket = server.fantail(&["ls", "--url", &socket, "--token", &server.token]).await;
        assert!(by_socket.status.success(), "{by_socket:?}");
    }
    assert_eq!(server.announced()["url"], announced["url"]);
    assert_eq!(server.announced()["certificate"], announced["certificate"]);
    assert!(server.fantail(&["stop"]).await.status.success());
    assert!(!path.exists(), "the last one removes it");
    let _ = patiently("the first server's end", server.first.wait()).await;
}
