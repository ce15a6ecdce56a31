//! Upgrades that are not quite one.

use crate::support::raw::{KEY, handshake, upgrade};
use crate::support::{Bystander, Raw, Server, resident_bytes};

/// What a handshake with these changes is answered with.
async fn tried(server: &Server, session: &str, changes: &[(&str, &str)]) -> (u16, String) {
    let mut raw = Raw::connect(server).await;
    raw.ask(&handshake(server, session, changes)).await.code()
}

#[tokio::test]
async fn h10_an_upgrade_that_is_not_whole_is_refused_with_426_and_attaches_nothing() {
    let mut bystander = Bystander::arrive().await;
    let broken: [(&str, &[(&str, &str)]); 19] = [
        ("no key", &[("sec-websocket-key", "")]),
        ("two keys", &[("sec-websocket-key", KEY), ("sec-websocket-key", KEY)]),
        ("a key that is not base64", &[("sec-websocket-key", "!!!!!!!!!!!!!!!!!!!!!!==")]),
        ("a key of 15 bytes", &[("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAA")]),
        ("a key of 17 bytes", &[("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAAA=")]),
        ("a key and more", &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==, x")]),
        ("version 12", &[("sec-websocket-version", "12")]),
        ("version 14", &[("sec-websocket-version", "14")]),
        ("no version", &[("sec-websocket-version", "")]),
        ("two versions", &[("sec-websocket-version", "13"), ("sec-websocket-version", "12")]),
        ("a list of versions", &[("sec-websocket-version", "13, 8")]),
        ("no subprotocol", &[("sec-websocket-protocol", "")]),
        ("another subprotocol", &[("sec-websocket-protocol", "fantail.v2")]),
        ("a subprotocol in other letters", &[("sec-websocket-protocol", "Fantail.v1")]),
        ("only a ticket", &[("sec-websocket-protocol", "ticket.abc")]),
        ("no upgrade", &[("upgrade", "")]),
        ("another upgrade", &[("upgrade", "h2c")]),
        ("no connection", &[("connection", "")]),
        ("a connection kept", &[("connection", "keep-alive")]),
    ];
    for (what, changes) in broken {
        let answer = tried(&bystander.server, &bystander.session, changes).await;
        assert_eq!(answer, (426, "upgrade_required".into()), "{what}");
    }
    bystander.is_served("broken handshakes").await;
    assert_eq!(bystander.server.session(&bystander.session).await["viewers"], 1);
}

#[tokio::test]
async fn h10_a_refused_version_is_told_which_one_is_spoken() {
    let bystander = Bystander::arrive().await;
    let mut raw = Raw::connect(&bystander.server).await;
    let refused = raw.ask(&handshake(&bystander.server, &bystander.session, &[("sec-websocket-version", "12")])).await;
    assert_eq!(refused.status, 426);
    assert_eq!(refused.header("sec-websocket-version"), Some("13"), "{refused:?}");
    assert_eq!(refused.header("upgrade"), Some("websocket"), "{refused:?}");
}

#[tokio::test]
async fn h10_an_upgrade_with_another_method_or_version_of_http_is_none() {
    let bystander = Bystander::arrive().await;
    let path = format!("/api/sessions/{}/ws", bystander.session);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "BREW"] {
        let mut raw = Raw::connect(&bystander.server).await;
        let answer = raw.ask(&upgrade(&bystander.server, &format!("{method} {path}"), &[])).await.code();
        assert_eq!(answer, (405, "method_not_allowed".into()), "{method}");
    }
    let mut raw = Raw::connect(&bystander.server).await;
    let older = handshake(&bystander.server, &bystander.session, &[]).replacen("HTTP/1.1", "HTTP/1.0", 1);
    assert_eq!(raw.ask(&older).await.code(), (426, "upgrade_required".into()));
}

#[tokio::test]
async fn h14_an_upgrade_offers_only_what_it_agreed_to() {
    let bystander = Bystander::arrive().await;
    let mut raw = Raw::connect(&bystander.server).await;
    let changes = [
        ("sec-websocket-protocol", "other, fantail.v1"),
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
    ];
    let answer = raw.ask(&handshake(&bystander.server, &bystander.session, &changes)).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-protocol"), Some("fantail.v1"));
    assert_eq!(answer.header("sec-websocket-extensions"), None);
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

#[tokio::test]
async fn an_unknown_session_is_404_and_an_unknown_wish_400() {
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    for session in ["00000000-0000-4000-8000-000000000000", "x", "..", "%00", "%ff", "-1", &"a".repeat(4000)] {
        let answer = tried(&server, session, &[]).await;
        assert_eq!(answer, (404, "no_such_session".into()), "{session}");
    }
    let path = format!("GET /api/sessions/{}/ws", bystander.session);
    for (query, code) in [
        ("form=1", "invalid_query"),
        ("from=1&from=2", "invalid_query"),
        ("access=own", "invalid_query"),
        ("access=", "invalid_query"),
        ("from=99999", "invalid_query"),
        ("client=somebody", "invalid_query"),
        ("cols=80", "invalid_query"),
        ("cols=0&rows=0", "invalid_query"),
        ("cols=80&rows=18446744073709551616", "invalid_query"),
        ("from=%ff", "invalid_query"),
        ("token=x", "credential_in_url"),
        ("ticket=x", "credential_in_url"),
        ("access_token=x&from=0", "credential_in_url"),
        ("%74icket=x", "credential_in_url"),
    ] {
        let mut raw = Raw::connect(&server).await;
        let answer = raw.ask(&upgrade(&server, &format!("{path}?{query}"), &[])).await.code();
        assert_eq!(answer, (400, code.into()), "{query}");
    }
    bystander.is_served("odd wishes").await;
    assert_eq!(server.session(&bystander.session).await["viewers"], 1);
}

#[tokio::test]
async fn h07_a_head_without_end_is_cut_off_and_costs_nothing() {
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    let before = resident_bytes(server.pid());
    let bombs = [
        ("a header of 64 KiB", vec![format!("x-bomb: {}\r\n", "x".repeat(64 * 1024))]),
        ("a mebibyte of subprotocols", vec![format!("sec-websocket-protocol: {}\r\n", "a, ".repeat(350_000))]),
        ("100,000 headers", vec!["x-bomb: x\r\n".repeat(1000); 100]),
        ("a header that never ends", vec!["x".repeat(64 * 1024); 256]),
        ("a target of 64 KiB", vec![]),
    ];
    for (what, pieces) in bombs {
        let mut raw = Raw::connect(&server).await;
        let target = if pieces.is_empty() { "x".repeat(64 * 1024) } else { String::new() };
        raw.send(format!("GET /{target} HTTP/1.1\r\nhost: {}\r\n", server.authority())).await;
        for piece in pieces {
            if raw.try_send(piece.as_bytes()).await.is_err() {
                break; // hung up on, as it should be
            }
        }
        if let Some(answer) = raw.answer().await {
            assert!(matches!(answer.status, 414 | 431), "{what}: {answer:?}");
        }
        raw.ended().await;
        bystander.is_served(what).await;
    }
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    assert!(grown < 5 * 1024 * 1024, "{} KiB more", grown / 1024);
}
