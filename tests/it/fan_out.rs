//! One session, many viewers: every byte at every viewer, and nobody waits for the slowest.

use std::sync::Arc;

use fantail::protocol::ClientMessage;
use fantail::terminal::Offset;
use sha2::{Digest, Sha256};

use crate::support::{Client, Join, Server, alone, until};

const VIEWERS: usize = 1000;
const STREAM: usize = 8 << 20;
const MEBIBYTE: u64 = 1024 * 1024;

/// What such a session prints before Enter: the terminal is raw by then.
const READY: &str = "ready";

/// Pseudo-random bytes, always the same (xorshift64*).
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    })
    .flatten()
    .take(bytes)
    .collect()
}

/// A session that prints `file` in raw mode when Enter is pressed, then waits for input.
async fn session_printing(server: &Server, file: &std::path::Path) -> String {
    let script =
        format!("stty raw -echo; printf {READY}; head -c 1 >/dev/null; cat {}; exec cat >/dev/null", file.display());
    server.open(&["sh", "-c", &script]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_viewers_get_every_one_of_eight_mebibytes() {
    let _turn = alone().await;
    let server = Server::start_with(&["--log-bytes", "16777216"]).await;
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("noise");
    std::fs::write(&file, noise(STREAM)).expect("written");
    let stream = [READY.as_bytes(), &noise(STREAM)].concat();
    let printed = stream.len();
    let expected: Arc<[u8; 32]> = Arc::new(Sha256::digest(&stream).into());
    let id = Arc::new(session_printing(&server, &file).await);
    let ready = Arc::new(tokio::sync::Barrier::new(VIEWERS + 1));
    let mut viewers = tokio::task::JoinSet::new();
    for _ in 0..VIEWERS {
        let (server, id, ready, expected) = (server.clone(), id.clone(), ready.clone(), expected.clone());
        viewers.spawn(async move {
            let mut client = Client::join(&server, &id, Join { from: Some("0".into()), ..Join::default() }).await;
            client.buffers_little();
            let mut all_are_there = std::pin::pin!(ready.wait());
            loop {
                tokio::select! {
                    _ = &mut all_are_there => break,
                    step = client.step() => step.expect("open"),
                }
            }
            let mut hash = Sha256::new();
            while (client.offset.0 as usize) < printed {
                client.step().await.expect("open"); // checks every offset
                hash.update(&client.output);
                client.output.clear();
            }
            assert!(client.gaps.is_empty());
            assert_eq!(client.offset, Offset(printed as u64));
            assert_eq!(<[u8; 32]>::from(hash.finalize()), *expected, "the bytes are those that were printed");
        });
    }
    ready.wait().await;
    let mut typist = Client::attach(&server, &id).await;
    typist.until_shown(READY).await;
    typist.typed("\r").await;
    while let Some(viewer) = viewers.join_next().await {
        viewer.expect("a viewer that saw it all");
    }
    assert_eq!(Sha256::digest(server.output(&id, 0).await)[..], expected[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_never_reads_delays_nobody_and_is_told_of_its_gap() {
    let _turn = alone().await;
    let server = Server::start_with(&["--log-bytes", "1048576"]).await;
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("noise");
    std::fs::write(&file, noise(64 << 20)).expect("written");
    let stream = [READY.as_bytes(), &noise(64 << 20)].concat();
    let id = session_printing(&server, &file).await;
    // As a page that has frozen: it has said that it draws, and then draws nothing. (One that never said anything
    // looks fast as long as its sockets take what it does not read: `hostile::slow`.)
    let mut stuck = Client::attach(&server, &id).await;
    stuck.send(&ClientMessage::Rendered(Offset(0))).await;
    let mut fast = Client::attach(&server, &id).await;
    fast.until_shown(READY).await;
    fast.forgets = true;
    fast.typed("\r").await;
    let mut due = MEBIBYTE;
    while (fast.offset.0 as usize) < stream.len() {
        fast.step().await.expect("open");
        if fast.offset.0 >= due {
            stuck.is_there().await;
            due += MEBIBYTE;
        }
    }
    assert!(fast.gaps.is_empty(), "the program waits for the fastest viewer, so that one gets every byte");
    // Now the stuck one reads: what its socket held, then the gap and the screen, then what followed. All of it true.
    while (stuck.offset.0 as usize) < stream.len() {
        let (before, seen) = (stuck.offset, stuck.output.len());
        stuck.step().await.expect("open");
        let new = &stuck.output[seen..];
        let at = if new.is_empty() { before.0 as usize } else { stuck.offset.0 as usize - new.len() };
        assert_eq!(new, &stream[at..at + new.len()]);
        stuck.output.clear();
        stuck.send(&ClientMessage::Rendered(stuck.offset)).await;
    }
    // A snapshot may have been on its way to it already when it froze; a second is never sent before that is drawn.
    assert!((1..=2).contains(&stuck.gaps.len()), "{:?}", stuck.gaps);
    while stuck.snapshots.len() < stuck.gaps.len() {
        stuck.step().await.expect("open");
    }
    let ends: Vec<_> = stuck.gaps.iter().map(|gap| gap.1).collect();
    assert_eq!(stuck.snapshots, ends, "the screen where output goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_viewer_that_stalls_does_not_hold_the_program() {
    let _turn = alone().await;
    let server = Server::start_with(&["--log-bytes", "131072"]).await;
    let id = server.open(&["sh", "-c", "head -c 1 >/dev/null; seq 1 2000000; exec cat"]).await;
    let mut stuck = Client::attach(&server, &id).await;
    stuck.typed("\n").await;
    let end: u64 = (1..=2_000_000_u32).map(|n| n.to_string().len() as u64 + 2).sum();
    until("the program's end", async || {
        server.session(&id).await["output"]["end"].as_u64().filter(|&printed| printed >= end)
    })
    .await;
}

#[tokio::test]
async fn a_client_that_says_what_it_has_drawn_is_sent_no_more_than_its_window() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "head -c 1 >/dev/null; seq 1 300000; exec cat"]).await;
    let end: u64 = (1..=300_000_u32).map(|n| n.to_string().len() as u64 + 2).sum::<u64>() + 2;
    let mut client = Client::attach(&server, &id).await;
    let window = client.welcome.limits.window_bytes;
    client.send(&ClientMessage::Rendered(Offset(0))).await;
    client.typed("\n").await;
    let mut drawn = 0;
    while client.offset.0 < end {
        // A segment that begins inside the window is sent whole.
        while client.offset.0 < end && client.offset.0 < drawn + window {
            client.step().await.expect("open");
            assert!(client.offset.0 <= drawn + window + 65_536, "sent {} with {drawn} drawn", client.offset);
        }
        drawn = client.offset.0;
        client.send(&ClientMessage::Rendered(client.offset)).await;
    }
    assert!(client.gaps.is_empty());
    client.until_shown("\n300000\r\n").await;
}
