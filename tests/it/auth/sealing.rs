//! Secrets at rest: sealed, and sealed anew.

use std::path::Path;

use super::PASSWORD;
use crate::support::{Login, Server, until};

/// The keys that seal, as they are in their file, the newest first.
fn sealing_keys(data: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(data.join("sealing.keys")).expect("the file");
    text.lines().filter(|line| !line.starts_with('#')).map(Into::into).collect()
}

#[tokio::test]
async fn secrets_are_sealed_anew_beside_a_running_server_and_nobody_is_logged_out() {
    let server = Server::start().await;
    let ann = Login::of_new(&server, "ann", PASSWORD).await;
    let first = sealing_keys(server.data());
    assert_eq!(first.len(), 1);
    for round in 1..=3 {
        let done = server.fantail(&["keys", "reseal"], "").await;
        assert!(done.status.success(), "{done:?}");
        let now = sealing_keys(server.data());
        assert_eq!(now.len(), 2, "the new one, and the one that the server may be sealing with");
        assert!(round == 1 || !now.contains(&first[0]), "one that nothing needs any more is forgotten");
        assert_eq!(ann.ask(&server, "GET", "/api/auth/me", None).await.status, 200);
    }
    let rotated = server.fantail(&["keys", "rotate"], "").await;
    assert!(rotated.status.success(), "{rotated:?}");
    let (_, entries) = server.call("GET", "/api/audit", None).await;
    let events: Vec<_> = entries.as_array().expect("entries").iter().map(|entry| entry["event"].clone()).collect();
    assert_eq!(events.iter().filter(|event| **event == "resealed").count(), 3);
    server.killed_and_started(&["--no-holder"]).await;
    assert_eq!(ann.ask(&server, "GET", "/api/auth/me", None).await.status, 200, "the keys are the same");
    // Whatever the running server seals by then is sealed with a key that is there.
    until("a login", async || (server.log_in("ann", PASSWORD).await.status == 200).then_some(())).await;
}
