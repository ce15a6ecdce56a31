//! Clients of another version, and clients on a network that breaks wherever it hurts.

use std::time::Duration;

use fantail::protocol::{ClientMessage, Event, RefusalCode};
use fantail::terminal::Size;
use tokio_tungstenite::tungstenite::Message;

use crate::support::raw::KEY;
use crate::support::{Break, Client, Closed, Faults, Join, Plan, Random, Server, Typist, Way, alone, patiently, until};

#[tokio::test]
async fn h89_a_client_of_another_version_is_spoken_to_in_ours_or_told_that_it_cannot_be() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let offers = [
        ("fantail.v1", Some("fantail.v1")),
        ("fantail.v2, fantail.v1", Some("fantail.v1")),
        ("fantail.v1, fantail.v0, ticketing", Some("fantail.v1")),
        ("fantail.v2", None),
        ("fantail.v0", None),
        ("fantail.v1.1", None),
        ("", None),
    ];
    for (offer, selected) in offers {
        let request = server.request("GET", &format!("/api/sessions/{id}/ws")).headers(
            [
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", KEY),
                ("sec-websocket-protocol", offer),
            ]
            .into_iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect(),
        );
        let answer = patiently("an answer", request.send()).await.expect("answered");
        let chosen = answer.headers().get("sec-websocket-protocol").map(|value| value.to_str().expect("ASCII"));
        assert_eq!(
            (answer.status().as_u16(), chosen),
            (if selected.is_some() { 101 } else { 426 }, selected),
            "{offer}"
        );
    }
}

#[tokio::test]
async fn h89_what_a_later_client_says_is_refused_by_name_or_closes_with_4400() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let mut client = Client::attach(&server, &id).await;
    // A command of a later version, one with more fields than we know, and a signal with another name.
    for json in [r#"{"command":"dance","tempo":[1,2]}"#, r#"{"command":"fit","later":{"deep":[null]}}"#] {
        client.send_raw(Message::binary([&[4], json.as_bytes()].concat())).await;
    }
    let dance = |event: &Event| match event {
        Event::Refused { command, code, .. } => Some((command.clone(), *code)),
        _ => None,
    };
    let refused = client.until_event("a refusal", dance).await;
    assert_eq!(refused, ("dance".to_owned(), RefusalCode::UnknownCommand));
    client.typed("still here\n").await;
    client.until_shown("still here\r\nstill here\r\n").await;
    let refusals = client.events.iter().filter(|(_, event)| matches!(event, Event::Refused { .. })).count();
    assert_eq!(refusals, 1, "{:?}", client.events);
    for message in [&[5, 0, 0][..], &[0], &[255, 1]] {
        let mut client = Client::attach(&server, &id).await;
        client.send_raw(Message::binary(message.to_vec())).await;
        assert_eq!(client.until_closed().await, Closed::With(4400), "{message:?}");
    }
}

/// A network in one of its moods, which breaks in one direction.
fn mood(random: &mut Random) -> Plan {
    let mut way = || Way {
        latency: Duration::from_millis(random.below(3)),
        rate: (random.below(4) == 0).then(|| 20_000 + random.below(200_000) as u32),
        piece: [1, 2, 7, 100, 1400, 16 * 1024][random.below(6) as usize],
        breaks: None,
    };
    let mut plan = Plan { up: way(), down: way() };
    // One byte at a time is for the few there are, or nothing else would happen.
    plan.down.piece = plan.down.piece.max(50);
    let how = [Break::Reset, Break::Close, Break::Stall][random.below(3) as usize];
    if random.below(2) == 0 {
        plan.up.breaks = Some((1 + random.below(1500), how));
    } else {
        plan.down.breaks = Some((1 + random.below(20_000), how));
    }
    plan
}

/// What a client does until its network breaks, or nobody hears it any more.
async fn until_broken(client: &mut Client, typist: &mut Typist, random: &mut Random) -> Result<(), Closed> {
    typist.resume(client).await?;
    loop {
        match random.below(3) {
            0 => typist.types(client).await?,
            _ => client.step().await?,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h90_a_hundred_cuts_at_any_byte_both_ways_lose_and_double_nothing() {
    const CUTS: usize = 100;
    let _turn = alone().await;
    let seed = std::process::id().into();
    println!("seed {seed}");
    let mut random = Random(seed);
    let network = Faults::open().await;
    let origin = format!("http://{}", network.authority);
    let server = Server::start_with(&["--log-bytes", "67108864", "--public-urls", &origin]).await;
    network.lead_to(server.authority());
    let taken = tempfile::tempdir().expect("a directory");
    let file = taken.path().join("input");
    // Output on its own account all the while, and all input goes into a file as it is, without echo.
    let script =
        format!("stty -echo -icanon; (while :; do seq 1 200; sleep 0.01; done) & exec cat > {}", file.display());
    let id = server.open(&["sh", "-c", &script]).await;
    let (mut typist, mut output) = (Typist::default(), Vec::new());
    let by_way_of = Some(network.authority.clone());
    let mut join = Join { from: Some("0".into()), by_way_of, ..Join::default() };
    let mut attached = 0;
    for _ in 0..CUTS {
        network.plan(mood(&mut random));
        let joined = tokio::select! {
            joined = Client::try_join(&server, &id, join.clone()) => joined.ok(),
            () = network.has_stalled() => None,
        };
        // Broken in the handshake, or before the welcome.
        let Some(mut client) = joined else { continue };
        attached += 1;
        tokio::select! {
            _ = until_broken(&mut client, &mut typist, &mut random) => {}
            () = network.has_stalled() => {}
        }
        assert!(client.gaps.is_empty(), "the log is large enough");
        output.extend_from_slice(&client.output);
        assert_eq!(client.offset.0 as usize, output.len(), "every byte since the first, once, seed {seed}");
        join.from = Some(client.offset.to_string());
        join.client = Some(client.welcome.client_id.clone());
    }
    network.plan(Plan::default());
    let mut last = Client::join(&server, &id, join).await;
    typist.resume(&mut last).await.expect("open");
    last.until_acked(typist.sent.len() as u64).await;
    let expected = typist.sent.concat();
    // Acknowledged means in the PTY; the program takes it from there in its own time.
    let is_taken = async || (std::fs::read(&file).ok()?.len() >= expected.len()).then_some(());
    until("the program to read its input", is_taken).await;
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), expected, "seed {seed}");
    output.extend_from_slice(&last.output);
    assert!(server.output(&id, 0).await.starts_with(&output), "what was seen is what was printed, seed {seed}");
    println!("{attached} of {CUTS} attached, {} lines typed, {} bytes seen", typist.sent.len(), output.len());
    assert!(attached > CUTS / 3 && typist.sent.len() > CUTS && output.len() > 10_000, "there was traffic");
    let size = Size::new(90, 30).expect("within bounds");
    last.send(&ClientMessage::Resize { cols: size.cols(), rows: size.rows() }).await;
    last.until_event("the size", |event| matches!(event, Event::Resize { cols: 90, rows: 30 }).then_some(())).await;
}
