//! Connections that end in every way but the proper one leave nothing behind.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::support::raw::{BINARY, frame, handshake, request};
use crate::support::{Bystander, Raw, Server, alone, open_descriptors, patiently, resident_bytes, until};

/// How many descriptors the server has open with the connection of the test's own client, by which it is asked later too.
/// One that has not been used for some seconds is closed.
async fn open_now(bystander: &Bystander) -> usize {
    bystander.server.session(&bystander.session).await;
    open_descriptors(bystander.server.pid())
}

/// Waits until the server has no more descriptors open than `before`, and the session one viewer.
async fn all_given_back(bystander: &Bystander, before: usize) {
    let server = &bystander.server;
    until("descriptors given back", async || {
        let is_alone = server.session(&bystander.session).await["viewers"] == 1;
        (is_alone && open_descriptors(server.pid()) <= before).then_some(())
    })
    .await;
}

#[derive(Clone, Copy, Debug)]
enum Way {
    /// As a browser whose process was killed.
    Reset,
    /// With nothing said.
    Hangup,
    /// Nothing more sent, the rest never read.
    HalfClose,
    /// In the middle of a frame.
    MidFrame,
    /// In the middle of the handshake.
    MidHandshake,
    /// Right after the request, before its answer.
    Impatient,
}

const WAYS: [Way; 6] = [Way::Reset, Way::Hangup, Way::HalfClose, Way::MidFrame, Way::MidHandshake, Way::Impatient];

/// Connects and leaves. What is returned is still connected on this side.
async fn leave(server: &Server, session: &str, way: Way) -> Option<Raw> {
    match way {
        Way::Reset => Raw::attach(server, session).await.reset(),
        Way::Hangup => drop(Raw::attach(server, session).await),
        Way::HalfClose => {
            let mut raw = Raw::attach(server, session).await;
            raw.shut_down().await;
            return Some(raw);
        }
        Way::MidFrame => {
            let mut raw = Raw::attach(server, session).await;
            raw.send(&frame(BINARY, &[0x01; 1000])[..500]).await;
            raw.reset();
        }
        Way::MidHandshake => {
            let mut raw = Raw::connect(server).await;
            let head = handshake(server, session, &[]);
            raw.send(&head[..head.len() / 2]).await;
            raw.reset();
        }
        Way::Impatient => {
            let mut raw = Raw::connect(server).await;
            raw.send(handshake(server, session, &[])).await;
            raw.reset();
        }
    }
    None
}

#[tokio::test]
async fn h21_however_a_connection_ends_its_descriptor_is_given_back() {
    let mut bystander = Bystander::arrive().await;
    let before = open_now(&bystander).await;
    for way in WAYS {
        let mut halves = Vec::new();
        for _ in 0..20 {
            halves.extend(leave(&bystander.server, &bystander.session, way).await);
        }
        all_given_back(&bystander, before).await;
        bystander.is_served(&format!("{way:?}")).await;
    }
}

#[tokio::test]
async fn h20_three_storms_of_a_thousand_connections_that_abort_leave_nothing() {
    let _alone = alone().await;
    let mut bystander = Bystander::arrive().await;
    let before = open_now(&bystander).await;
    let (server, session) = (Arc::clone(&bystander.server), bystander.session.clone());
    let mut resident = Vec::new();
    for _ in 0..3 {
        let storm = stream::iter(0..1000).map(|n| {
            let (server, session) = (&server, &session);
            async move {
                let way = WAYS[n % WAYS.len()];
                // A half-closed one is dropped here: the server may not have noticed yet.
                drop(leave(server, session, way).await);
            }
        });
        patiently("the storm's end", storm.buffer_unordered(50).collect::<Vec<()>>()).await;
        bystander.is_served("a storm").await;
        all_given_back(&bystander, before).await;
        bystander.is_served("its end").await;
        resident.push(resident_bytes(server.pid()));
    }
    // The first storms make the allocator hold what a storm needs; from then on each finds it there.
    let grown = resident[2].saturating_sub(resident[1]);
    assert!(grown < 4 * 1024 * 1024, "{} KiB more by the third storm", grown / 1024);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so_and_a_place_is_given_back() {
    let server = Server::start_with(&["--max-connections", "4"]).await;
    // One after the other: the test's own client may hold one.
    // With WebSockets, because a connection that asks nothing for some seconds gives its place back.
    let session = server.open(&["cat"]).await;
    let mut held = Vec::new();
    let full = loop {
        assert!(held.len() < 5, "no limit");
        let mut raw = Raw::connect(&server).await;
        match raw.ask(&handshake(&server, &session, &[])).await {
            answer if answer.status == 101 => held.push(raw),
            answer => break answer,
        }
    };
    assert_eq!(full.code(), (429, "too_many_connections".into()));
    assert!(full.json()["requestId"].is_string() && full.header("retry-after").is_some(), "{full:?}");
    assert_eq!(full.header("x-content-type-options"), Some("nosniff"));
    drop(held);
    until("a place", async || {
        let mut raw = Raw::connect(&server).await;
        raw.send(request("GET /health", &[("host", server.authority())])).await;
        raw.answer().await.filter(|answer| answer.status == 200)
    })
    .await;
}
