//! Keys, and the log of who did what.

use std::path::Path;

use serde_json::json;

use crate::support::{Login, Server, until};

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn h25_what_an_old_key_has_signed_is_taken_until_it_expires_and_no_longer() {
    let server = Server::start_with(&["--access-token-seconds", "10"]).await;
    let login = Login::by_link(&server).await;
    let kid = |token: &str| {
        use base64::Engine as _;
        let header = token.split('.').next().expect("a header");
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url");
        serde_json::from_slice::<serde_json::Value>(&header).expect("JSON")["kid"].as_str().expect("a kid").to_owned()
    };
    let rotated = server.fantail(&["keys", "rotate"], "").await;
    assert!(rotated.status.success(), "{rotated:?}");
    let mut renewed = Login::from_answer(&login.renew(&server).await);
    // The running server is told by a signal, which may come a moment later.
    until("the new key", async || {
        if kid(&renewed.access) != kid(&login.access) {
            return Some(());
        }
        renewed = Login::from_answer(&renewed.renew(&server).await);
        None
    })
    .await;
    let old = login.ask(&server, "GET", "/api/auth/me", None).await;
    assert!(matches!(old.code().1.as_str(), "" | "expired_token"), "{old:?}");
    assert_eq!(renewed.ask(&server, "GET", "/api/auth/me", None).await.status, 200);
    until("the old key's end", async || {
        let answer = login.ask(&server, "GET", "/api/auth/me", None).await;
        (answer.status == 401).then_some(())
    })
    .await;
}

/// The log as it is exported, a line an entry.
async fn exported(server: &Server) -> Vec<String> {
    let export = server.fantail(&["audit", "export"], "").await;
    assert!(export.status.success(), "{export:?}");
    String::from_utf8(export.stdout).expect("UTF-8").lines().map(ToOwned::to_owned).collect()
}

async fn verified(server: &Server, file: &Path, lines: &[String]) -> Result<(), String> {
    std::fs::write(file, lines.join("\n") + "\n").expect("written");
    let verify = server.fantail(&["audit", "verify", "--file", file.to_str().expect("UTF-8")], "").await;
    if verify.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&verify.stderr).into_owned()) }
}

#[tokio::test]
async fn h76_a_log_that_was_tampered_with_is_found_out_and_the_first_bad_entry_named() {
    let server = Server::start().await;
    let ann = Login::by_link(&server).await;
    for name in ["bob", "cem", "dan"] {
        let body = json!({ "username": name, "role": "member", "password": PASSWORD });
        assert_eq!(ann.ask(&server, "POST", "/api/users", Some(body)).await.status, 201);
    }
    let session = ann.open(&server, &["cat"]).await;
    server.input(&session, "what was typed\n").await;
    let lines = until("all of it", async || {
        let lines = exported(&server).await;
        lines.iter().any(|line| line.contains("session-opened")).then_some(lines)
    })
    .await;
    let text = lines.join("\n");
    assert!(!text.contains(PASSWORD) && !text.contains("what was typed"), "never content: {text}");
    let file = server.data().join("exported");
    assert_eq!(verified(&server, &file, &lines).await, Ok(()));
    let third = |with: Vec<String>| with;
    let mut flipped = lines.clone();
    flipped[2] = flipped[2].replacen("member", "admins", 1);
    assert_ne!(flipped, lines);
    let mut deleted = lines.clone();
    deleted.remove(2);
    for (what, tampered) in [("flipped", third(flipped)), ("deleted", third(deleted))] {
        let said = verified(&server, &file, &tampered).await.expect_err(what);
        assert!(said.contains("entry 3"), "{what}: {said}");
    }
    let said = verified(&server, &file, &lines[..lines.len() - 2]).await.expect_err("truncated");
    assert!(said.contains("missing behind"), "{said}");
    let mut shortened = lines.clone();
    shortened.remove(lines.len() - 2);
    let said = verified(&server, &file, &shortened).await.expect_err("the last entry is missing");
    assert!(said.contains("missing behind"), "{said}");
    let whole = server.fantail(&["audit", "verify"], "").await;
    assert!(whole.status.success(), "{whole:?}");
}
