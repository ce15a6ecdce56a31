//! Attaching, over real sockets, to a server that follows a script: what is drawn and what is typed come through
//! once and in order, whatever the connection does in between.

use std::io::{PipeWriter, Read as _, Write as _};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::attachment::Attachment;
use super::console::{Console, listen_to_resizes};
use super::display::Display;
use super::ending::Ending;
use super::{Mode, Wish};
use crate::cli::client::Client;
use crate::cli::place::ServerArgs;
use crate::protocol::{
    Access, ClientMessage, Command, Event, Limits, RefusalCode, SUBPROTOCOL, ServerMessage, Welcome,
};
use crate::terminal::screen::{Line, Screen};
use crate::terminal::{Offset, Size};

/// Far longer than any script takes.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(20);

/// The server's end of one connection.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    query: String,
}

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut query = String::new();
        #[expect(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
        let answer = |request: &Request, mut response: Response| {
            query = request.uri().query().unwrap_or_default().to_owned();
            assert_eq!(request.headers()["authorization"], "Bearer secret");
            response.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().expect("a value"));
            Ok(response)
        };
        let socket = accept_hdr_async(stream, answer).await.expect("an upgrade");
        Self { socket, query }
    }

    async fn send(&mut self, message: Vec<u8>) {
        self.socket.send(Message::Binary(message.into())).await.expect("sent");
    }

    async fn welcome(&mut self, client_id: &str, input_seq: u64, offset: u64) {
        let welcome = Welcome {
            session: serde_json::json!({ "output": { "start": 0, "end": offset } }),
            access: Access::Control,
            owns: true,
            client_id: client_id.into(),
            input_seq,
            offset,
            cols: 80,
            rows: 24,
            limits: Limits::default(),
        };
        self.event(Event::Welcome(Box::new(welcome))).await;
    }

    async fn event(&mut self, event: Event) {
        self.send(ServerMessage::encode_event(Offset(0), &event)).await;
    }

    async fn output(&mut self, offset: u64, bytes: &[u8]) {
        self.send(ServerMessage::Output { offset: Offset(offset), bytes }.encode()).await;
    }

    async fn snapshot(&mut self, offset: u64, bytes: &[u8]) {
        let snapshot = ServerMessage::Snapshot { offset: Offset(offset), cols: 80, rows: 24, scrollback: 0, bytes };
        self.send(snapshot.encode()).await;
    }

    async fn gap(&mut self, from: u64, to: u64) {
        self.send(ServerMessage::Gap { from: Offset(from), to: Offset(to) }.encode()).await;
    }

    async fn exit(&mut self, code: i32) {
        self.event(Event::Exit { code: Some(code), signal: None, reason: None }).await;
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.socket.send(Message::Close(Some(frame))).await.expect("sent");
    }

    /// The next message that is not a report of what was drawn.
    async fn next_input(&mut self) -> (u64, Vec<u8>) {
        loop {
            match self.socket.next().await.expect("a message").expect("a message") {
                Message::Binary(message) => match ClientMessage::decode(&message).expect("a message") {
                    ClientMessage::Input { seq, bytes } => return (seq, bytes.to_vec()),
                    ClientMessage::Rendered(_) | ClientMessage::Resize { .. } => {}
                    command @ ClientMessage::Command(_) => panic!("{command:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next report of what was drawn.
    async fn next_report(&mut self) -> u64 {
        loop {
            if let Message::Binary(message) = self.socket.next().await.expect("a message").expect("a message")
                && let ClientMessage::Rendered(offset) = ClientMessage::decode(&message).expect("a message")
            {
                return offset.0;
            }
        }
    }

    async fn next_close(&mut self) -> u16 {
        loop {
            if let Message::Close(Some(frame)) = self.socket.next().await.expect("a message").expect("a message") {
                return frame.code.into();
            }
        }
    }
}

/// Attaches to a server that follows `script`, with output to a pipe, and gives what came of it and what was drawn.
/// Nobody looks before the end.
async fn attach<S>(mode: Mode, script: impl FnOnce(TcpListener, PipeWriter) -> S) -> (anyhow::Result<Ending>, String)
where
    S: Future<Output = ()>,
{
    attach_to(None, Wish { mode, clipboard: false }, script).await
}

/// The same, with output to a terminal of size `here`, if one is given.
async fn attach_to<S>(
    here: Option<Size>,
    wish: Wish,
    script: impl FnOnce(TcpListener, PipeWriter) -> S,
) -> (anyhow::Result<Ending>, String)
where
    S: Future<Output = ()>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = ServerArgs { url: Some(url), token: Some("secret".to_owned().into()), ..ServerArgs::default() };
    let (stdin, keys) = std::io::pipe().expect("a pipe");
    let (mut seen, stdout) = std::io::pipe().expect("a pipe");
    let client = async {
        let console = Console::over(stdin, &stdout, Display::of(here), listen_to_resizes()?)?;
        let attachment = Attachment::new(server.clone(), "id".into(), wish, here.is_some());
        let socket = attachment.dial(&Client::find(&server)?).await?;
        attachment.run(console, socket).await
    };
    let both = Box::pin(async { tokio::join!(client, script(listener, keys)) });
    let (ending, ()) = tokio::time::timeout(SCRIPT_TIMEOUT, both).await.expect("the script ends");
    drop(stdout);
    let mut drawn = String::new();
    seen.read_to_string(&mut drawn).expect("text");
    (ending, drawn)
}

fn exited(code: i32) -> Ending {
    Ending::Exited { code: Some(code), signal: None, reason: None }
}

#[tokio::test]
async fn a_connection_dropped_in_mid_output_is_resumed_to_the_byte() {
    let (ending, drawn) = attach(Mode::Joined, async |listener, _keys| {
        let mut first = Peer::accept(&listener).await;
        assert!(first.query.starts_with("from=start"), "{}", first.query);
        first.welcome("c", 0, 100).await;
        first.output(100, b"hello wor").await;
        assert!(first.next_report().await >= 100);
        drop(first);
        let mut second = Peer::accept(&listener).await;
        assert!(second.query.starts_with("from=109&client=c"), "{}", second.query);
        second.welcome("c", 0, 106).await;
        second.output(106, b"world").await;
        second.output(111, b"!").await;
        second.exit(3).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), exited(3));
    assert_eq!(drawn, "hello world!");
}

#[tokio::test]
async fn input_whose_ack_was_lost_is_written_once_and_input_that_was_lost_is_sent_again() {
    let (ending, _) = attach(Mode::Joined, async |listener, mut keys: PipeWriter| {
        let mut first = Peer::accept(&listener).await;
        first.welcome("c", 0, 0).await;
        keys.write_all(b"a").expect("typed");
        assert_eq!(first.next_input().await, (1, b"a".to_vec()));
        keys.write_all(b"b").expect("typed");
        assert_eq!(first.next_input().await, (2, b"b".to_vec()));
        drop(first);
        // It took the first and has never seen the second.
        let mut second = Peer::accept(&listener).await;
        second.welcome("c", 1, 0).await;
        assert_eq!(second.next_input().await, (2, b"b".to_vec()));
        second.send(ServerMessage::InputAck(2).encode()).await;
        keys.write_all(b"c").expect("typed");
        assert_eq!(second.next_input().await, (3, b"c".to_vec()));
        second.close(1000).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), Ending::Closed);
}

#[tokio::test]
async fn a_loss_soon_after_others_is_told_as_well() {
    let joined = Wish { mode: Mode::Joined, clipboard: false };
    let (ending, drawn) = attach_to(Size::new(80, 24).ok(), joined, async |listener, _keys| {
        for _ in 0..3 {
            Peer::accept(&listener).await.welcome("c", 0, 0).await;
        }
        for _ in 0..2 {
            drop(listener.accept().await.expect("a connection"));
        }
        let mut last = Peer::accept(&listener).await;
        last.welcome("c", 0, 0).await;
        last.exit(0).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), exited(0));
    assert!(drawn.contains("connection lost, trying again"), "{drawn}");
}

#[tokio::test]
async fn under_a_new_client_id_nothing_is_written_twice() {
    let (ending, _) = attach(Mode::Joined, async |listener, mut keys: PipeWriter| {
        let mut first = Peer::accept(&listener).await;
        first.welcome("c", 0, 0).await;
        keys.write_all(b"rm x\r").expect("typed");
        assert_eq!(first.next_input().await.0, 1);
        first.close(1012).await;
        drop(first);
        let mut second = Peer::accept(&listener).await;
        second.welcome("another", 0, 0).await;
        keys.write_all(b"y").expect("typed");
        assert_eq!(second.next_input().await, (1, b"y".to_vec()));
        second.close(1000).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), Ending::Closed);
}

#[tokio::test]
async fn a_hole_ends_the_connection_and_a_gap_does_not() {
    let (ending, drawn) = attach(Mode::View, async |listener, _keys| {
        let mut first = Peer::accept(&listener).await;
        first.welcome("c", 0, 0).await;
        first.output(0, b"a").await;
        first.output(2, b"c").await;
        assert_eq!(first.next_close().await, 1002);
        drop(first);
        let mut second = Peer::accept(&listener).await;
        assert!(second.query.starts_with("from=1&client=c&access=view"), "{}", second.query);
        second.welcome("c", 0, 1).await;
        second.gap(1, 9).await;
        second.snapshot(9, b"what a terminal would be drawn").await;
        second.output(9, b"z").await;
        second.exit(0).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), exited(0));
    assert_eq!(drawn, "az");
}

#[tokio::test]
async fn a_server_that_keeps_breaking_the_contract_is_given_up() {
    let (ending, _) = attach(Mode::Joined, async |listener, _keys| {
        for _ in 0..5 {
            let mut peer = Peer::accept(&listener).await;
            peer.output(0, b"no welcome").await;
            assert_eq!(peer.next_close().await, 1002);
        }
    })
    .await;
    assert!(format!("{:#}", ending.expect_err("given up")).contains("did not begin with a welcome"));
}

#[tokio::test]
async fn a_refusal_is_an_end_and_says_why() {
    let (ending, _) = attach(Mode::Joined, async |listener, _keys| {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome("c", 0, 0).await;
        peer.close(4403).await;
    })
    .await;
    assert!(ending.expect_err("refused").to_string().contains("forbidden"));
}

#[tokio::test]
async fn what_was_typed_before_the_detach_key_is_still_sent() {
    let (ending, _) = attach(Mode::Joined, async |listener, mut keys: PipeWriter| {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome("c", 0, 0).await;
        keys.write_all(b"make\r\x1dd and nothing after").expect("typed");
        assert_eq!(peer.next_input().await, (1, b"make\r".to_vec()));
        assert_eq!(peer.next_close().await, 1000);
    })
    .await;
    assert_eq!(ending.expect("an ending"), Ending::Detached);
}

#[tokio::test]
async fn refused_input_is_not_sent_again() {
    let (ending, _) = attach(Mode::Joined, async |listener, mut keys: PipeWriter| {
        let mut first = Peer::accept(&listener).await;
        first.welcome("c", 0, 0).await;
        keys.write_all(b"a").expect("typed");
        assert_eq!(first.next_input().await.0, 1);
        let (command, code) = ("input".to_owned(), RefusalCode::ControlHeld);
        first.event(Event::Refused { command, code, seq: Some(1), error: "held".into() }).await;
        first.close(1001).await;
        drop(first);
        let mut second = Peer::accept(&listener).await;
        second.welcome("c", 1, 0).await;
        keys.write_all(b"b").expect("typed");
        assert_eq!(second.next_input().await, (2, b"b".to_vec()));
        second.close(1000).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), Ending::Closed);
}

#[tokio::test]
async fn a_terminal_that_stands_still_keeps_nobody_from_leaving() {
    let (ending, drawn) = attach(Mode::Joined, async |listener, mut keys: PipeWriter| {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome("c", 0, 0).await;
        assert_eq!(peer.next_report().await, 0, "starts the window");
        let block = [b'x'; 32 * 1024];
        for number in 0..16 {
            peer.output(number * block.len() as u64, &block).await;
        }
        let drawn = peer.next_report().await;
        assert!(drawn < 512 * 1024, "only what the pipe took: {drawn}");
        keys.write_all(b"q\x1dd").expect("typed");
        assert_eq!(peer.next_input().await, (1, b"q".to_vec()));
    })
    .await;
    assert_eq!(ending.expect("an ending"), Ending::Detached);
    assert!(drawn.len() < 512 * 1024, "nobody has read what did not fit the pipe");
}

/// What a terminal shows that is written `drawn`: its lines, and whether they are those of the alternate screen.
fn shown(drawn: &str) -> (Vec<String>, bool) {
    let mut screen = Screen::new(Size::DEFAULT, 1000);
    screen.feed(drawn.as_bytes());
    let text = |line: Line| line.runs.iter().map(|run| run.text.as_str()).collect::<String>();
    (screen.lines(1000).map(text).filter(|line| !line.is_empty()).collect(), screen.is_alternate())
}

const JOINED: Wish = Wish { mode: Mode::Joined, clipboard: false };

#[tokio::test]
async fn a_terminal_is_drawn_the_screen_and_what_follows_and_is_asked_nothing() {
    let (ending, drawn) = attach_to(Some(Size::DEFAULT), JOINED, async |listener, mut keys: PipeWriter| {
        let mut peer = Peer::accept(&listener).await;
        assert!(peer.query.starts_with("from=snapshot"), "{}", peer.query);
        assert!(peer.query.contains("scrollback="), "{}", peer.query);
        peer.welcome("c", 0, 70).await;
        assert_eq!(peer.next_report().await, 70, "starts the window");
        peer.snapshot(75, b"screen \x1b[6n\x1b[?10").await;
        peer.output(75, b"04h and\x1b[c more\x1b]52;c;eA==\x07").await;
        let report = peer.next_report().await;
        assert!(report >= 75, "{report}");
        // What a terminal would answer, should it have been asked after all, and that it has the focus.
        keys.write_all(b"a\x1b[1;1R\x1b[I\x1b[?1;2cb").expect("typed");
        assert_eq!(peer.next_input().await, (1, b"ab".to_vec()));
        peer.exit(0).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), exited(0));
    let shown = drawn.split_once("screen ").expect("drawn").1;
    assert!(shown.starts_with("\x1b[?1004h and more\x18"), "{}", shown.escape_debug());
}

#[tokio::test]
async fn a_terminal_of_another_size_is_painted_pictures_until_it_is_of_the_sessions() {
    let here = Size::new(60, 10).expect("a size");
    let (ending, drawn) = attach_to(Some(here), JOINED, async |listener, mut keys: PipeWriter| {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome("c", 0, 0).await;
        peer.snapshot(0, b"\x1b[?1h\x1b[1mabove").await;
        let flood = b"a line of a flood\r\n".repeat(5000);
        peer.output(0, &flood).await;
        let mut end = flood.len() as u64;
        while peer.next_report().await < end {}
        let question = b"\x1b[6n".repeat(20_000);
        peer.output(end, &question).await;
        end += question.len() as u64;
        while peer.next_report().await < end {}
        keys.write_all(b"x").expect("typed");
        assert_eq!(peer.next_input().await, (1, b"x".to_vec()));
        peer.event(Event::Resize { cols: 60, rows: 10 }).await;
        peer.output(end, b"\x1b[H\x1b[Jpassed").await;
        peer.exit(0).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), exited(0));
    let (painted, passed) = drawn.split_once("\x1b[H\x1b[Jpassed").expect("passed");
    assert!(painted.len() < 200_000 && painted.contains("\x1b[?1h"), "{}", painted.len());
    assert!(!drawn.contains("[6n") && passed.contains("\x1b[?1l"));
}

#[tokio::test]
async fn a_terminal_that_was_too_slow_is_drawn_anew_and_told_what_is_missing() {
    let (ending, drawn) = attach_to(Some(Size::DEFAULT), JOINED, async |listener, _keys| {
        let mut cut = Peer::accept(&listener).await;
        cut.welcome("c", 0, 0).await;
        drop(cut);
        let mut first = Peer::accept(&listener).await;
        assert!(first.query.starts_with("from=snapshot&"), "the first snapshot never came: {}", first.query);
        first.welcome("c", 0, 0).await;
        first.snapshot(0, b"").await;
        let output = b"seen\x1b[?1049h\x1b[?1000h\x1b[31m\x1b]0;never ended";
        first.output(0, output).await;
        while first.next_report().await < output.len() as u64 {}
        first.gap(output.len() as u64, 5000).await;
        drop(first);
        let mut second = Peer::accept(&listener).await;
        assert!(second.query.starts_with("from=40&"), "the gap's snapshot never came: {}", second.query);
        second.welcome("c", 0, 40).await;
        second.gap(40, 5000).await;
        second.snapshot(5000, b"$ ").await;
        second.output(5000, b"live").await;
        second.exit(0).await;
    })
    .await;
    assert_eq!(ending.expect("an ending"), exited(0));
    assert_eq!(
        shown(drawn.trim_end_matches(['\r', '\n'])),
        (vec!["$ live".to_owned()], false),
        "{}",
        drawn.escape_debug()
    );
    assert!(drawn.rsplit_once("never ended").expect("drawn").1.contains("\x1b[?1000l"), "the mouse is let go");
}

#[tokio::test]
async fn of_output_that_scrolled_by_unseen_a_terminal_says_how_much_it_was() {
    let (_, drawn) = attach_to(Some(Size::DEFAULT), JOINED, async |listener, _keys| {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome("c", 0, 0).await;
        peer.snapshot(0, b"").await;
        peer.output(0, b"y\r\ny\r\n").await;
        while peer.next_report().await < 6 {}
        peer.gap(6, 5006).await;
        peer.snapshot(5006, b"$ ").await;
        peer.exit(0).await;
    })
    .await;
    let lines = ["y", "y", "[5000 bytes of output skipped]", "$"];
    assert_eq!(shown(&drawn).0, lines, "{}", drawn.escape_debug());
}

#[tokio::test]
async fn a_gap_without_its_snapshot_ends_the_connection() {
    let (_, drawn) = attach(Mode::Joined, async |listener, _keys| {
        let mut first = Peer::accept(&listener).await;
        first.welcome("c", 0, 0).await;
        first.gap(0, 9).await;
        first.output(9, b"z").await;
        assert_eq!(first.next_close().await, 1002);
        drop(first);
        let mut second = Peer::accept(&listener).await;
        second.welcome("c", 0, 0).await;
        second.exit(0).await;
    })
    .await;
    assert_eq!(drawn, "");
}

#[tokio::test]
async fn a_session_opened_for_a_terminal_keeps_its_size_and_one_joined_is_left_alone() {
    for (mode, fits) in [(Mode::Opened, true), (Mode::Joined, false)] {
        let wish = Wish { mode, clipboard: false };
        let (ending, _) = attach_to(Some(Size::DEFAULT), wish, async |listener, mut keys: PipeWriter| {
            let mut peer = Peer::accept(&listener).await;
            peer.welcome("c", 0, 0).await;
            keys.write_all(b"x").expect("typed");
            let mut said = Vec::new();
            while let Some(Ok(Message::Binary(message))) = peer.socket.next().await {
                match ClientMessage::decode(&message).expect("a message") {
                    ClientMessage::Rendered(_) => {}
                    ClientMessage::Command(Command::Fit) => said.push("fit"),
                    ClientMessage::Input { .. } => break,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(!said.is_empty(), fits);
            peer.close(1000).await;
        })
        .await;
        assert_eq!(ending.expect("an ending"), Ending::Closed);
    }
}

#[tokio::test]
async fn the_clipboard_is_written_only_where_that_was_asked_for() {
    for clipboard in [true, false] {
        let wish = Wish { mode: Mode::Joined, clipboard };
        let (_, drawn) = attach_to(Some(Size::DEFAULT), wish, async |listener, _keys| {
            let mut peer = Peer::accept(&listener).await;
            peer.welcome("c", 0, 0).await;
            peer.snapshot(0, b"").await;
            peer.event(Event::Clipboard { selection: "c;\x07".into(), text: "β\x1b".into() }).await;
            peer.exit(0).await;
        })
        .await;
        assert_eq!(drawn.contains("\x1b]52;c;zrIb\x1b\\"), clipboard, "{}", drawn.escape_debug());
    }
}
