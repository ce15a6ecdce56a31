//! Peers that take their time, or never take anything.

use fantail::protocol::{ClientMessage, Event};
use fantail::terminal::Offset;

use crate::support::raw::{BINARY, PING, PONG, frame, handshake, request};
use crate::support::{Bystander, Client, Raw, Server, alone, patiently, resident_bytes};

const MEBIBYTE: u64 = 1024 * 1024;
/// Small questions in a burst: about a mebibyte of them.
const SMALL: usize = 95_000;

#[tokio::test]
async fn h18_a_viewer_that_never_reads_costs_little_and_another_gets_all_of_a_flood() {
    flooded(256 * MEBIBYTE, async |slow| slow.is_there().await).await;
}

/// A byte for each mebibyte that is printed: less than one a second, of a flood that would take years at that pace.
#[tokio::test]
async fn h19_a_viewer_that_reads_a_byte_now_and_then_costs_no_more_than_one_that_never_reads() {
    let read = async |slow: &mut Raw| {
        slow.is_there().await;
        slow.read_a_byte().await;
    };
    flooded(64 * MEBIBYTE, read).await;
}

/// A flood that one viewer reads, and twenty beside it as slowly as `reads` says.
async fn flooded(flood: u64, reads: impl AsyncFn(&mut Raw)) {
    let _alone = alone().await;
    // The sockets of those who do not read take in some megabytes at once, so that for a moment they are the fastest
    // viewers; what is held must reach as far behind them as the one who reads.
    let server = Server::start_with(&["--log-bytes", "16777216"]).await;
    let program = format!("stty raw -echo; read go; head -c {flood} /dev/zero; exec cat");
    let id = server.open(&["sh", "-c", &program]).await;
    let mut reader = Client::attach(&server, &id).await;
    reader.forgets = true;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(Raw::attach(&server, &id).await);
    }
    let before = resident_bytes(server.pid());
    let start = reader.offset;
    reader.typed("go\n").await;
    let mut due = start + MEBIBYTE;
    while reader.offset < start + flood {
        reader.step().await.expect("open");
        if reader.offset >= due {
            for other in &mut others {
                reads(other).await;
            }
            due = due + MEBIBYTE;
        }
    }
    assert_eq!(reader.gaps, [], "who reads misses nothing");
    reader.forgets = false;
    reader.typed("still-here\n").await;
    reader.until_shown("still-here\n").await;
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    println!("{} KiB more", grown / 1024);
    // The session's log, what is kept for its screen on a machine that is busy, some buffers, and nothing for each
    // viewer that does not read.
    assert!(grown < (16 + 64 + 32) * MEBIBYTE, "{} KiB more", grown / 1024);
    // Those viewers are not lost: they get what is held, behind a gap.
    let mut late = others.pop().expect("twenty");
    let is_gap = |message: &[u8]| message.first() == Some(&0x03);
    while !is_gap(&late.until(BINARY).await) {}
}

#[tokio::test]
async fn answers_nobody_reads_are_bounded() {
    let _alone = alone().await;
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    let before = resident_bytes(server.pid());
    // Each asks again and again for something that is answered, and reads nothing.
    let questions = [
        frame(PING, &[0; 125]).repeat(1000),
        frame(BINARY, &ClientMessage::Resize { cols: 0, rows: 0 }.encode()).repeat(1000),
        frame(BINARY, br#"#{"command": "dance"}"#.map(|byte| if byte == b'#' { 4 } else { byte }).as_slice())
            .repeat(1000),
    ];
    let mut flooders = tokio::task::JoinSet::new();
    for n in 0..12 {
        let mut raw = Raw::attach(&server, &bystander.session).await;
        let question = questions[n % questions.len()].clone();
        flooders.spawn(async move { while raw.try_send(&question).await.is_ok() {} });
    }
    for _ in 0..50 {
        bystander.is_served("questions without end").await;
    }
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    assert!(grown < 16 * MEBIBYTE, "{} KiB more", grown / 1024);
    flooders.shutdown().await;
    bystander.is_served("their end").await;
}

#[tokio::test]
async fn answers_read_slower_than_they_are_asked_for_are_bounded() {
    let _alone = alone().await;
    let mut bystander = Bystander::arrive().await;
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    let before = resident_bytes(bystander.server.pid());
    let questions = frame(BINARY, &ClientMessage::Resize { cols: 0, rows: 0 }.encode()).repeat(1000);
    let mut sent = 0;
    // Each time the server has to stop in the middle of what it has read, and finds more than that when it goes on.
    for _ in 0..50 {
        raw.send_until_stuck(&questions, &mut sent).await;
        raw.take_what_came().await;
        let grown = resident_bytes(bystander.server.pid()).saturating_sub(before);
        assert!(grown < 4 * MEBIBYTE, "{} KiB more", grown / 1024);
    }
    bystander.is_served("a slow reader").await;
}

#[tokio::test]
async fn many_small_questions_behind_a_large_one_are_answered_no_faster_than_they_are_read() {
    let _alone = alone().await;
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    let name = "x".repeat(MEBIBYTE as usize - 100);
    let large = frame(BINARY, &[&[4][..], format!("{{\"command\": \"{name}\"}}").as_bytes()].concat());
    let small = frame(BINARY, &ClientMessage::Resize { cols: 0, rows: 0 }.encode()).repeat(SMALL);
    let before = resident_bytes(server.pid());
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut raw = Raw::attach(&server, &bystander.session).await;
        // A message that has almost come makes the server hold room for it, into which more is read at once.
        raw.send(&large[..large.len() - 1]).await;
        let burst = [&large[large.len() - 1..], &small].concat();
        asking.spawn(async move {
            let _ = raw.try_send(&burst).await;
            raw
        });
    }
    for _ in 0..50 {
        bystander.is_served("bursts").await;
    }
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    assert!(grown < 16 * 4 * MEBIBYTE, "{} KiB more", grown / 1024);
    asking.shutdown().await;
}

#[tokio::test]
async fn every_question_of_a_burst_is_answered_in_the_end() {
    let bystander = Bystander::arrive().await;
    let mut raw = Raw::attach(&bystander.server, &bystander.session).await;
    raw.send(frame(BINARY, &ClientMessage::Resize { cols: 0, rows: 0 }.encode()).repeat(5000)).await;
    raw.send(frame(PING, b"last")).await;
    let mut refused = 0;
    loop {
        let answer = raw.frame().await.expect("open");
        match answer.first {
            PONG => break,
            _ => refused += usize::from(String::from_utf8_lossy(&answer.payload).contains("invalid_size")),
        }
    }
    assert_eq!(refused, 5000);
}

#[tokio::test]
async fn h08_requests_whose_heads_never_end_are_hung_up_on() {
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    let mut slow = Vec::new();
    for n in 0..100 {
        let mut raw = Raw::connect(&server).await;
        let head = handshake(&server, &bystander.session, &[]);
        match n % 4 {
            0 => {}
            1 => raw.send("GET").await,
            2 => raw.send(&head[..head.len() - 2]).await,
            // After a request that was answered.
            _ => assert_eq!(raw.ask(&request("GET /health", &[("host", server.authority())])).await.status, 200),
        }
        slow.push(raw);
    }
    bystander.is_served("half-sent heads").await;
    for mut raw in slow {
        raw.ended().await;
    }
    bystander.is_served("their end").await;
}

#[tokio::test]
async fn h08_a_body_that_never_comes_is_given_up() {
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    let authorization = format!("Bearer {}", server.token);
    let mut slow = Vec::new();
    for (path, length) in [("/api/auth/login", "100"), ("/api/sessions", "2000000"), ("/api/auth/refresh", "1")] {
        let mut raw = Raw::connect(&server).await;
        let headers = [
            ("host", server.authority()),
            ("authorization", &authorization),
            ("content-type", "application/json"),
            ("content-length", length),
        ];
        raw.send(request(&format!("POST {path}"), &headers)).await;
        slow.push(raw);
    }
    bystander.is_served("bodies that do not come").await;
    for mut raw in slow {
        bystander.is_there().await;
        assert_eq!(raw.answer().await.expect("an answer").code(), (400, "invalid_json".into()));
        raw.ended().await;
    }
    bystander.is_served("their end").await;
}

#[tokio::test]
async fn a_client_that_claims_to_have_drawn_nothing_is_sent_no_more_and_delays_nobody() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "read go; head -c 8388608 /dev/zero; exec cat"]).await;
    let (mut reader, mut stuck) = (Client::attach(&server, &id).await, Client::attach(&server, &id).await);
    reader.forgets = true;
    stuck.forgets = true;
    stuck.send(&ClientMessage::Rendered(Offset(0))).await;
    reader.typed("go\n").await;
    while reader.offset.0 < 8 * MEBIBYTE {
        reader.step().await.expect("open");
    }
    // It is still heard, and let go.
    stuck.send(&ClientMessage::Resize { cols: 0, rows: 0 }).await;
    stuck.until_event("refused", |event| matches!(event, Event::Refused { .. }).then_some(())).await;
    drop(stuck);
    patiently(
        "it has left",
        reader.until_event("one viewer", |event| matches!(event, Event::Viewers { count: 1 }).then_some(())),
    )
    .await;
}
