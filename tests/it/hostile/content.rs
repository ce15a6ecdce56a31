//! What programs print, or have printed by whoever wrote the file that is looked at: it asks, it names, it copies and it
//! floods, and none of it becomes a command.

#[path = "../../../examples/screen_fuzz/fuzz.rs"]
mod fuzz;

use std::sync::Arc;

use fantail::protocol::{ClientMessage, Command, Event, RefusalCode};
use fantail::terminal::Size;
use fantail::terminal::screen::Screen;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Client, Join, Server, alone, resident_bytes, until};

const MEBIBYTE: u64 = 1024 * 1024;

/// As a client joins that says nothing of where to begin.
fn by_default() -> Join {
    Join { from: Some(String::new()), ..Join::default() }
}

/// What a program asks, and how each answer begins and ends; what is never answered has none.
const QUESTIONS: [(&str, Option<(&str, &str)>); 25] = [
    ("\x1b[c", Some(("\x1b[?62;", "c"))),
    ("\x1b[>c", Some(("\x1b[>0;", "c"))),
    ("\x1b[=c", Some(("\x1bP!|", "\x1b\\"))),
    ("\x1b[5n", Some(("\x1b[0", "n"))),
    ("\x1b[H\x1b[6n", Some(("\x1b[1;1", "R"))),
    ("\x1b[?6n", Some(("\x1b[?1;1", "R"))),
    ("\x1b[?996n", Some(("\x1b[?997;", "n"))),
    ("\x1b[4$p", Some(("\x1b[4;2", "$y"))),
    ("\x1b[?2004$p", Some(("\x1b[?2004;2", "$y"))),
    ("\x1b[?u", Some(("\x1b[?0", "u"))),
    ("\x1b[>q", Some(("\x1bP>|Fantail(", ")\x1b\\"))),
    ("\x1bP$qm\x1b\\", Some(("\x1bP1$r0", "m\x1b\\"))),
    ("\x1bP$qr\x1b\\", Some(("\x1bP1$r1;24", "r\x1b\\"))),
    ("\x1bP$qwhatever\x1b\\", Some(("\x1bP0$r", "\x1b\\"))),
    ("\x1bP+q544e\x1b\\", Some(("\x1bP1+r544e=", "\x1b\\"))),
    ("\x1b]4;1;?\x1b\\", Some(("\x1b]4;1;rgb:", "\x1b\\"))),
    ("\x1b]10;?\x07", Some(("\x1b]10;rgb:", "\x1b\\"))),
    ("\x1b]11;?\x1b\\", Some(("\x1b]11;rgb:", "\x1b\\"))),
    ("\x1b]12;?\x1b\\", Some(("\x1b]12;rgb:", "\x1b\\"))),
    ("\x1b]52;c;?\x1b\\", None),
    ("\x1b[14t", Some(("\x1b[4;", "t"))),
    ("\x1b[18t", Some(("\x1b[8;24;80", "t"))),
    ("\x1b[21t", Some(("\x1b]l", "\x1b\\"))),
    ("\x05", None),
    // Last, so that nothing was answered late.
    ("\x1b[5n", Some(("\x1b[0", "n"))),
];

/// What the terminal answers, each answer looked at; and that is one for each question.
fn answers() -> Vec<u8> {
    let mut all = Vec::new();
    for (question, expected) in QUESTIONS {
        let mut screen = Screen::new(Size::DEFAULT, 0);
        screen.feed(question.as_bytes());
        let answer = String::from_utf8(screen.take_answers()).expect("ASCII");
        let (begins, ends) = expected.unwrap_or_default();
        assert!(answer.starts_with(begins) && answer.ends_with(ends), "{question:?}: {answer:?}");
        let one = usize::from(expected.is_some()) + usize::from(ends.ends_with("\x1b\\"));
        assert_eq!(answer.matches('\x1b').count(), one, "{question:?}: {answer:?}");
        all.extend_from_slice(answer.as_bytes());
    }
    all
}

/// A program that is asked to by a key prints `printed`, takes `bytes` of what it is sent and shows them, and then what
/// comes next.
fn asking(printed: &str, bytes: usize) -> Vec<String> {
    let octal: String = printed.bytes().map(|byte| format!("\\{byte:03o}")).collect();
    let shown = "od -An -v -tx1 | tr -d ' \\n'";
    let script = format!(
        "stty raw -echo; printf ready; head -c 1 >/dev/null; printf '{octal}'; head -c {bytes} | {shown}; printf .
        head -c 1 | {shown}; printf !; exec cat >/dev/null"
    );
    ["sh".to_owned(), "-c".to_owned(), script].into()
}

/// Runs such a program with so many viewers; returns, in hexadecimal, what it was sent before it was typed a Z at.
async fn sent_to(server: &Server, printed: &str, bytes: usize, viewers: usize) -> String {
    let opened = server.open_with(json!({ "command": asking(printed, bytes) })).await;
    let id = opened["id"].as_str().expect("an id");
    let mut watching = Vec::new();
    for _ in 0..viewers {
        watching.push(Client::join(server, id, by_default()).await);
    }
    let mut shown = String::new();
    for (wanted, then) in [("ready", "!"), (".", "Z"), ("!", "")] {
        shown = until(wanted, async || {
            let shown = String::from_utf8_lossy(&server.output(id, 0).await).into_owned();
            shown.ends_with(wanted).then_some(shown)
        })
        .await;
        server.input(id, then).await;
    }
    let told = shown.rsplit_once('.').expect("what came, and what came next");
    assert_eq!(told.1, "5a!", "something more was sent to the program: {shown:?}");
    let sent = told.0.rsplit(|c: char| !c.is_ascii_hexdigit()).next();
    sent.expect("its end").to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn h50_every_question_is_answered_once_however_many_watch() {
    let server = Server::start().await;
    let (questions, answers) = (QUESTIONS.map(|(question, _)| question).concat(), answers());
    for viewers in [0, 1, 5] {
        let sent = sent_to(&server, &questions, answers.len(), viewers).await;
        assert!(sent.ends_with(&hex(&answers)), "{viewers} watch: {sent}, and not {}", hex(&answers));
    }
}

#[tokio::test]
async fn h51_a_title_never_comes_back_as_something_typed() {
    let server = Server::start().await;
    let command = "; rm -rf ~";
    let named =
        format!("\x1b]0;{command}\n\x07\x1b]1;{command}\x07\x1b]2;{command}\x1b\\\x1b]7;file://h/{command}\x07");
    let asked = "\x1b[20t\x1b[21t\x1b[22t\x1b[23t\x1b]l\x1b\\\x1b[5n";
    let answers = b"\x1b]L\x1b\\\x1b]l\x1b\\\x1b[0n";
    let sent = sent_to(&server, &format!("{named}{asked}"), answers.len(), 1).await;
    assert!(sent.ends_with(&hex(answers)), "{sent}");
}

#[tokio::test]
async fn h52_the_clipboard_is_left_alone_where_the_setting_says_so_and_never_read() {
    let server = Server::start_with(&["--clipboard", "off"]).await;
    let script = r#"stty raw -echo; head -c 1 >/dev/null; printf '\033]52;c;aGVsbG8=\007\033]52;c;?\007\033[5n'
        head -c 4 | od -An -v -tx1 | tr -d ' \n'; printf '\033]2;done\007'; exec cat"#;
    let id = server.open(&["sh", "-c", script]).await;
    let mut client = Client::attach(&server, &id).await;
    client.typed("!").await;
    client.until_event("a title", |event| matches!(event, Event::Title { .. }).then_some(())).await;
    // A latest value may come before the output it was found in.
    client.until_shown("done\u{7}").await;
    assert!(!client.events.iter().any(|(_, event)| matches!(event, Event::Clipboard { .. })));
    assert!(client.shown().contains("1b5b306e"), "only the status report is answered: {:?}", client.shown());
}

#[tokio::test]
async fn h52_what_is_no_text_or_too_much_of_it_is_not_offered_to_anybodys_clipboard() {
    let server = Server::start().await;
    let script = r#"stty raw -echo; head -c 1 >/dev/null
        for what in '%%%' 'aGVsbG8' '/w==' '!'; do printf '\033]52;c;%s\007' "$what"; done
        printf '\033]52;x;aGVsbG8=\007\033]52;c;'; head -c 10000000 /dev/zero | tr '\0' A; printf '\007'
        printf '\033]52;c;Z29vZA==\007\033]2;done\007'; exec cat"#;
    let id = server.open(&["sh", "-c", script]).await;
    let mut client = Client::attach(&server, &id).await;
    client.forgets = true;
    client.typed("!").await;
    client.until_event("a title", |event| matches!(event, Event::Title { .. }).then_some(())).await;
    let good = Event::Clipboard { selection: "c".into(), text: "good".into() };
    client.until_event("the one that is good", |event| (*event == good).then_some(())).await;
    let offered = client.events.iter().filter(|(_, event)| matches!(event, Event::Clipboard { .. })).count();
    assert_eq!(offered, 1, "{:?}", client.events);
}

#[tokio::test]
async fn h53_a_paste_can_neither_end_its_brackets_nor_press_keys() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "stty raw -echo; printf '\\033[?2004hready'; exec cat -v"]).await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    client.command(Command::Paste { text: "a\nb\u{1b}[201~c".into(), submit: true }).await;
    client.until_shown("^[[200~a^Mb[201~c^[[201~^M").await;
    // Keys (C0), sequences in one byte (C1), a bare carriage return, and what only looks like the end of the brackets.
    let text = "\u{3}x\u{4}\u{7f}\u{9b}201~\u{85}\ry\u{1b}\u{1b}[[201~201~\r\nz";
    client.command(Command::Paste { text: text.into(), submit: false }).await;
    client.until_shown("^[[200~x201~^My[[201~201~^Mz^[[201~").await;
}

#[tokio::test]
async fn h57_a_size_out_of_bounds_is_refused_and_the_least_and_the_largest_are_taken() {
    let server = Server::start().await;
    let id = server.open(&["cat"]).await;
    let resize = format!("/api/sessions/{id}/resize");
    let mut client = Client::attach(&server, &id).await;
    for (cols, rows) in [(0, 0), (0, 24), (80, 0), (1001, 24), (80, 1001), (65_535, 65_535)] {
        let (status, refusal) = server.call("POST", &resize, Some(json!({ "cols": cols, "rows": rows }))).await;
        assert_eq!((status, &refusal["code"]), (400, &json!("invalid_field")), "{cols}×{rows}");
        client.send(&ClientMessage::Resize { cols, rows }).await;
        let refused = |event: &Event| matches!(event, Event::Refused { code: RefusalCode::InvalidSize, .. });
        client.until_event("a refusal", |event| refused(event).then_some(())).await;
        client.events.clear();
        let session = server.session(&id).await;
        assert_eq!((&session["cols"], &session["rows"]), (&json!(80), &json!(24)), "{cols}×{rows}");
    }
    for (cols, rows) in [(1, 1), (1000, 1000), (1, 1000), (1000, 1), (80, 24)] {
        assert_eq!(server.call("POST", &resize, Some(json!({ "cols": cols, "rows": rows }))).await.0, 200);
        let now = Event::Resize { cols, rows };
        client.until_event("the size", |event| (*event == now).then_some(())).await;
    }
}

/// A thousand sizes from each of two clients while the program prints without end, and the screen is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h57_a_flood_of_sizes_while_a_program_prints_leaves_a_true_screen() {
    const SIZES: u16 = 1000;
    let _turn = alone().await;
    let server = Server::start().await;
    let script = "stty -echo; yes '\u{6f22}\u{5b57} a line that is wrapped in most sizes \u{1b}[31mred\u{1b}[m' & head -n 1 >/dev/null
        kill $!; wait $!; printf '\\033[2J\\033[Hover'; exec cat";
    let id = server.open(&["sh", "-c", script]).await;
    let mut watcher = Client::join(&server, &id, by_default()).await;
    watcher.forgets = true;
    let mut watching = JoinSet::new();
    watching.spawn(async move {
        watcher.until_on_screen("over").await;
        watcher
    });
    let mut resizing = JoinSet::new();
    for seed in 1..=2_u16 {
        let (server, id) = (Arc::clone(&server), id.clone());
        resizing.spawn(async move {
            let mut client = Client::join(&server, &id, by_default()).await;
            client.forgets = true;
            for n in 1..=SIZES {
                let size = n.wrapping_mul(7919).wrapping_mul(seed);
                client.send(&ClientMessage::Resize { cols: 1 + size % 200, rows: 1 + size / 200 % 60 }).await;
                client.step().await.expect("open");
                client.screen = None; // one who draws is enough
            }
            // Behind the answer to this all of them have been heard.
            client.send(&ClientMessage::Resize { cols: 0, rows: 0 }).await;
            let refused = |event: &Event| matches!(event, Event::Refused { .. }).then_some(());
            client.until_event("a refusal", refused).await;
        });
    }
    resizing.join_all().await;
    server.call("POST", &format!("/api/sessions/{id}/resize"), Some(json!({ "cols": 50, "rows": 20 }))).await;
    server.input(&id, "\n").await;
    let watcher = watching.join_next().await.expect("one").expect("it saw the end");
    let mut late = Client::join(&server, &id, by_default()).await;
    late.until_on_screen("over").await;
    let shown = |client: &Client| {
        let screen = client.screen.as_ref().expect("a screen");
        (screen.size(), screen.cursor(), screen.lines(0).collect::<Vec<_>>())
    };
    assert_eq!(shown(&watcher), shown(&late));
}

/// The long form is `examples/screen_fuzz`.
#[test]
fn h58_a_screen_survives_random_output_and_sizes_and_a_snapshot_makes_it_again() {
    const SEQUENCES: u64 = 20_000;
    let report = fuzz::run(20_261_121, SEQUENCES);
    println!("{report:?}");
    assert!(report.sequences >= SEQUENCES && report.resizes > 100 && report.snapshots > 10, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h60_noise_in_many_sessions_neither_ends_the_server_nor_makes_it_grow() {
    const SESSIONS: usize = 8;
    let _turn = alone().await;
    let server = Server::start_with(&["--log-bytes", "131072", "--scrollback-lines", "100"]).await;
    // Noise asks, too: only a G, which is in no answer, asks for more of it.
    let script = "stty raw -echo; while :; do
        until [ \"$(head -c 1)\" = G ]; do :; done; head -c 262144 /dev/urandom; done";
    let mut ids = Vec::new();
    for _ in 0..SESSIONS {
        ids.push(server.open(&["sh", "-c", script]).await);
    }
    let round = async |upto: u64| {
        for id in &ids {
            server.input(id, "G").await;
        }
        for id in &ids {
            let printed = async || server.session(id).await["output"]["end"].as_u64().filter(|&end| end >= upto);
            until("the noise", printed).await;
            server.screen_seen(id).await;
        }
    };
    for n in 1..=4 {
        round(n * MEBIBYTE / 4).await;
    }
    let before = resident_bytes(server.pid());
    for n in 5..=12 {
        round(n * MEBIBYTE / 4).await;
    }
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    println!("{} KiB more after {} MiB of noise", grown / 1024, 2 * SESSIONS);
    assert!(grown < 8 * MEBIBYTE, "{} KiB more", grown / 1024);
    let quiet = server.open(&["sh", "-c", "printf alive; exec cat"]).await;
    Client::attach(&server, &quiet).await.until_shown("alive").await;
}
