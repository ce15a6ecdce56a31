//! The screen: shown to who comes late, to who cannot follow and to who has stopped a flood; and it answers programs.

use fantail::protocol::{ClientMessage, Command, Event};
use fantail::terminal::screen::Screen;
use fantail::terminal::{Offset, Size};
use serde_json::{Value, json};

use crate::support::{Client, Join, Raw, Server, alone, resident_bytes, text, until};

const MEBIBYTE: u64 = 1024 * 1024;

/// As a client joins that says nothing of where to begin.
fn by_default() -> Join {
    Join { from: Some(String::new()), ..Join::default() }
}

async fn open(server: &Server, body: Value) -> String {
    server.open_with(body).await["id"].as_str().expect("id").to_owned()
}

/// What a client's terminal and the session's screen show, which must be the same.
async fn shows_the_session(client: &Client, server: &Server, id: &str) {
    let mut late = Client::join(server, id, by_default()).await;
    while late.snapshots.is_empty() {
        late.step().await.expect("open");
    }
    assert_eq!(late.offset, client.offset, "both have everything");
    let (seen, shown) = (client.screen.as_ref().expect("a screen"), late.screen.as_ref().expect("a screen"));
    let visible = |screen: &Screen| screen.lines(0).collect::<Vec<_>>();
    assert_eq!(visible(seen), visible(shown));
    assert_eq!((seen.cursor(), seen.size()), (shown.cursor(), shown.size()));
}

#[tokio::test]
async fn who_comes_late_is_shown_the_screen_and_goes_on_live_behind_it() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "seq 1 200000; printf '\\033[?1049h\\033[5;7Hhere'; exec cat"]).await;
    let mut first = Client::attach(&server, &id).await;
    first.until_shown("here").await;
    let end = first.offset;
    let mut late = Client::join(&server, &id, by_default()).await;
    assert_eq!((Offset(late.welcome.offset), late.welcome.cols, late.welcome.rows), (end, 80, 24));
    late.until_on_screen("      here").await;
    assert_eq!((late.snapshots.clone(), late.gaps.len(), late.output.len()), (vec![end], 0, 0));
    late.typed("typed\n").await;
    late.until_shown("typed\r\ntyped\r\n").await;
    // The primary screen and what is above it are there too, behind the alternate one.
    late.typed("\u{1b}[?1049lback\n").await;
    late.until_shown("\u{1b}[?1049lback\r\n").await;
    late.until_on_screen("\n199999\n200000\nback\n").await;
    shows_the_session(&late, &server, &id).await;
    // A thousand lines above it, and what two other lines leave of the screen.
    assert_eq!(late.on_screen().lines().filter(|line| line.trim().parse::<u32>().is_ok()).count(), 1000 + 22);
    let mut brief = Client::join(&server, &id, Join { query: "&scrollback=0", ..by_default() }).await;
    brief.until_on_screen("\n199999\n200000\n").await;
    assert_eq!(brief.on_screen().lines().count(), 24);
}

#[tokio::test]
async fn who_comes_after_the_end_is_shown_the_screen_and_told_of_the_exit() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "printf over; exit 7"]).await;
    let mut first = Client::attach(&server, &id).await;
    let exit = |event: &Event| matches!(event, Event::Exit { code: Some(7), .. }).then_some(());
    first.until_event("exit", exit).await;
    let mut late = Client::join(&server, &id, by_default()).await;
    late.until_on_screen("over").await;
    late.until_event("exit", exit).await;
}

#[tokio::test]
async fn a_thousand_who_come_at_once_are_all_shown_the_same() {
    let _turn = alone().await;
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "seq 1 20000; exec cat"]).await;
    let mut first = Client::attach(&server, &id).await;
    first.until_shown("\n20000\r\n").await;
    let mut late = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (server, id) = (server.clone(), id.clone());
        late.spawn(async move {
            let mut late = Client::join(&server, &id, by_default()).await;
            late.until_on_screen("\n20000\n").await;
            late.on_screen().len()
        });
    }
    let mut seen = Vec::new();
    while let Some(length) = late.join_next().await {
        seen.push(length.expect("shown"));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn questions_whose_answers_are_not_read_are_dropped_and_the_program_goes_on() {
    let server = Server::start().await;
    let id = server.open(&[
        "sh",
        "-c",
        "stty raw -echo; yes \"$(printf '\\033[5n')\" | head -n 300000; printf done; exec sleep 600",
    ]);
    let id = id.await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("done").await;
}

/// One fast viewer, one that draws a tenth of what the fast one takes, and one that reads nothing. `cargo bench --bench
/// flood` does the same with a real slow link and tells what it costs the program.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_reaches_the_fast_whole_the_slow_as_a_screen_and_costs_nothing_for_who_does_not_read() {
    const LINES: u32 = 2_000_000;
    let _turn = alone().await;
    const DRAWN: u64 = 16 * 1024;
    let server = Server::start_with(&["--log-bytes", "33554432", "--resync-bytes", "65536"]).await;
    let id = server.open(&["sh", "-c", &format!("head -c 1 >/dev/null; seq 1 {LINES}; exec cat")]).await;
    let mut stuck = Raw::attach(&server, &id).await;
    let mut slow = Client::join(&server, &id, by_default()).await;
    let mut fast = Client::attach(&server, &id).await;
    slow.send(&ClientMessage::Rendered(Offset(0))).await;
    fast.typed("\n").await;
    let expected = "\r\n".to_owned() + &(1..=LINES).map(|n| format!("{n}\r\n")).collect::<String>();
    let end = Offset(expected.len() as u64);
    let before = resident_bytes(server.pid());
    let mut drawn = Offset(0);
    let mut due = 10 * DRAWN;
    while fast.offset < end || drawn < end {
        if fast.offset < end && fast.offset.0 < due {
            fast.step().await.expect("open");
            continue;
        }
        due = fast.offset.0 + 10 * DRAWN;
        while slow.offset.0 < drawn.0 + DRAWN && slow.offset < end {
            slow.step().await.expect("open");
        }
        drawn = slow
            .gaps
            .iter()
            .fold(slow.offset.min(drawn + DRAWN), |at, gap| if (gap.0..gap.1).contains(&at) { gap.1 } else { at });
        slow.send(&ClientMessage::Rendered(drawn)).await;
    }
    assert!(fast.gaps.is_empty() && fast.output == expected.as_bytes(), "the fast one has every byte in order");
    assert!(!slow.gaps.is_empty(), "the slow one skipped");
    let skipped: u64 = slow.gaps.iter().map(|(from, to)| to.since(*from)).sum();
    println!("{} gaps, {} of {} bytes skipped", slow.gaps.len(), skipped, end);
    while slow.snapshots.len() < slow.gaps.len() + 1 {
        slow.step().await.expect("open");
    }
    shows_the_session(&slow, &server, &id).await;
    // A terminal that was fed every byte shows the same.
    let mut whole = Screen::new(Size::DEFAULT, 10_000);
    whole.feed(&fast.output);
    let visible = |screen: &Screen| screen.lines(0).collect::<Vec<_>>();
    assert_eq!(visible(&whole), visible(slow.screen.as_ref().expect("a screen")));
    // What was skipped can be fetched.
    let (from, to) = slow.gaps[0];
    let held = server.output(&id, from.0).await;
    assert_eq!(&held[..to.since(from) as usize], &expected.as_bytes()[from.0 as usize..to.0 as usize]);
    // What is held is held once, for all; a queue for the one that reads nothing would hold it again.
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    println!("{} KiB more, {} KiB held", grown / 1024, end.0 / 1024);
    assert!(grown < end.0 + 8 * MEBIBYTE, "{} KiB more, {} KiB held", grown / 1024, end.0 / 1024);
    stuck.send(&[]).await;
}

#[tokio::test]
async fn who_stops_a_flood_sees_at_once_that_it_has_stopped() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "trap : INT; head -c 1 >/dev/null; yes; echo; echo stopped; exec cat"]).await;
    let mut client = Client::join(&server, &id, by_default()).await;
    client.send(&ClientMessage::Rendered(Offset(0))).await;
    client.forgets = true;
    client.typed("\n").await;
    // It draws nothing at all, so its window fills and stays full.
    let window = client.welcome.limits.window_bytes;
    while client.offset.0 < window {
        client.step().await.expect("open");
    }
    until("twice the window", async || {
        server.session(&id).await["output"]["end"].as_u64().filter(|&printed| printed >= 2 * window)
    })
    .await;
    client.typed("\u{3}").await;
    let seen = client.snapshots.len();
    while client.snapshots.len() == seen {
        client.step().await.expect("open");
    }
    // A machine under load takes its time to stop the program: then the screen comes again, once this one is drawn.
    while !client.on_screen().contains("\nstopped\n") {
        client.send(&ClientMessage::Rendered(client.offset)).await;
        client.step().await.expect("open");
    }
    assert!((1..=2).contains(&client.gaps.len()), "{:?}", client.gaps);
    assert_eq!(client.snapshots.len(), 1 + client.gaps.len());
    // As much above it as at first, or as little as where the first took long to be drawn, and what was printed since.
    let lines = client.on_screen().lines().count();
    assert!((200 + 24..=1000 + 24).contains(&lines), "{lines}");
}

#[tokio::test]
async fn a_lossless_session_waits_for_who_does_not_read_yet() {
    let _turn = alone().await;
    let server = Server::start_with(&["--log-bytes", "131072"]).await;
    let command = ["sh", "-c", "head -c 1 >/dev/null; seq 1 3000000; exec cat"];
    let id = open(&server, json!({ "command": command, "pace": "lossless" })).await;
    let end: u64 = 2 + (1..=3_000_000_u32).map(|n| n.to_string().len() as u64 + 2).sum::<u64>();
    let mut stuck = Client::attach(&server, &id).await;
    let mut fast = Client::attach(&server, &id).await;
    (stuck.forgets, fast.forgets) = (true, true);
    fast.typed("\n").await;
    // As far as the log alone lets it come; further only as the other reads.
    while fast.offset.0 < 100_000 {
        fast.step().await.expect("open");
    }
    let to_the_end = async |mut client: Client| {
        while client.offset.0 < end {
            client.step().await.expect("open");
        }
        client
    };
    let (stuck, fast) = tokio::join!(to_the_end(stuck), to_the_end(fast));
    assert!(stuck.gaps.is_empty() && fast.gaps.is_empty());
}

#[tokio::test]
async fn what_a_program_says_of_itself_reaches_viewers_as_latest_values() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let mut client = Client::join(&server, &id, by_default()).await;
    let says = [
        ("\u{1b}]2;build – β\u{7}", Event::Title { title: "build – β".into() }),
        ("\u{1b}]7;file://host/tmp/a%20b\u{7}", Event::Cwd { cwd: "/tmp/a b".into() }),
        ("\u{1b}[?1049h", Event::Alternate { on: true }),
        ("\u{1b}]52;c;aGVsbG8=\u{7}", Event::Clipboard { selection: "c".into(), text: "hello".into() }),
    ];
    // Cooked mode echoes ESC as ^[, so the second copy, from cat, is the one that counts.
    for (bytes, event) in says {
        client.typed(&format!("{bytes}\n")).await;
        client.until_event("what it says", |seen| (*seen == event).then_some(())).await;
    }
    client.typed("\u{16}\u{7}\n").await;
    client.until_event("a bell", |event| matches!(event, Event::Bell { count: 1.. }).then_some(())).await;
    let late = Client::join(&server, &id, by_default()).await;
    assert!(!late.events.iter().any(|(_, event)| matches!(event, Event::Clipboard { .. })));
}

/// The session's size, when it is this.
async fn until_size(server: &Server, id: &str, cols: u16, rows: u16) {
    until(&format!("{cols}×{rows}"), async || {
        let session = server.session(id).await;
        ((&session["cols"], &session["rows"]) == (&json!(cols), &json!(rows))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_has_the_window_of_who_typed_last_or_asked_it_to_fit() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let ann = Join { query: "&cols=100&rows=30", ..Join::default() };
    let (mut ann, mut bob) = (
        Client::join(&server, &id, ann).await,
        Client::join(&server, &id, Join { query: "&cols=50&rows=20", ..Join::default() }).await,
    );
    assert_eq!(server.session(&id).await["cols"], 80, "attaching changes nothing");
    bob.typed("b\n").await;
    until_size(&server, &id, 50, 20).await;
    // Ann's window changes while Bob has it; then she types.
    ann.send(&ClientMessage::Resize { cols: 101, rows: 31 }).await;
    bob.send(&ClientMessage::Resize { cols: 51, rows: 21 }).await;
    until_size(&server, &id, 51, 21).await;
    // A mouse over her window and a look at it are nothing she typed; what she types behind them is.
    ann.typed("\u{1b}[I\u{1b}[<35;10;20M").await;
    ann.typed("\u{1b}[M !!").await;
    bob.send(&ClientMessage::Resize { cols: 52, rows: 22 }).await;
    until_size(&server, &id, 52, 22).await;
    ann.typed("a\n").await;
    until_size(&server, &id, 101, 31).await;
    bob.command(Command::Fit).await;
    until_size(&server, &id, 52, 22).await;
    server.call("POST", &format!("/api/sessions/{id}/resize"), Some(json!({ "cols": 60, "rows": 22 }))).await;
    until_size(&server, &id, 60, 22).await;
    drop(bob);
    ann.until_event("one viewer", |event| matches!(event, Event::Viewers { count: 1 }).then_some(())).await;
    assert_eq!(server.session(&id).await["cols"], 60, "leaving changes nothing");
}

#[tokio::test]
async fn a_session_may_have_the_smallest_window_or_a_fixed_size() {
    let server = Server::start().await;
    let smallest = open(&server, json!({ "command": ["cat"], "sizes": "smallest" })).await;
    let wide = Client::join(&server, &smallest, Join { query: "&cols=200&rows=20", ..Join::default() }).await;
    until_size(&server, &smallest, 200, 20).await;
    let mut tall = Client::join(&server, &smallest, Join { query: "&cols=90&rows=70", ..Join::default() }).await;
    until_size(&server, &smallest, 90, 20).await;
    let watching = Join { query: "&access=view&cols=5&rows=5", ..Join::default() };
    let _watcher = Client::join(&server, &smallest, watching).await;
    tall.send(&ClientMessage::Resize { cols: 95, rows: 75 }).await;
    until_size(&server, &smallest, 95, 20).await;
    drop(wide);
    until_size(&server, &smallest, 95, 75).await;

    let fixed = open(&server, json!({ "command": ["cat"], "sizes": "fixed", "cols": 70, "rows": 25 })).await;
    let mut client = Client::join(&server, &fixed, Join { query: "&cols=200&rows=20", ..Join::default() }).await;
    client.send(&ClientMessage::Resize { cols: 95, rows: 75 }).await;
    client.command(Command::Fit).await;
    client.typed("x\n").await;
    client.until_shown("x\r\nx\r\n").await;
    let session = server.session(&fixed).await;
    assert_eq!((&session["cols"], &session["rows"]), (&json!(70), &json!(25)));
    server.call("POST", &format!("/api/sessions/{fixed}/resize"), Some(json!({ "cols": 60, "rows": 22 }))).await;
    until_size(&server, &fixed, 60, 22).await;
    assert!(!text(&Screen::new(Size::DEFAULT, 0)).is_empty());
}

#[tokio::test]
async fn a_pace_or_a_size_policy_that_does_not_exist_is_refused() {
    let server = Server::start().await;
    for body in [json!({ "pace": "slow" }), json!({ "sizes": "biggest" })] {
        assert_eq!(server.call("POST", "/api/sessions", Some(body)).await.0, 400);
    }
}
