//! A client of the native WebSocket, on another implementation of the WebSocket protocol than the server's.

use fantail::protocol::{ClientMessage, Command, Event, ServerMessage, Welcome};
use fantail::terminal::screen::Screen;
use fantail::terminal::{Offset, Size};
use futures_util::{FutureExt as _, SinkExt, StreamExt};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::{Server, patiently, trusting};

/// Lines of scrollback a client's terminal keeps: as many as a server sends unasked.
const SCROLLBACK_LINES: usize = 1000;

/// The text of a screen and its scrollback, a line a line.
pub fn text(screen: &Screen) -> String {
    let line =
        |line: fantail::terminal::screen::Line| line.runs.iter().map(|run| run.text.as_str()).collect::<String>();
    screen.lines(usize::MAX).map(|each| line(each) + "\n").collect()
}

/// How a client joins.
#[derive(Clone, Default)]
pub struct Join {
    /// `from=`; every byte held when `None`, the server's default when empty.
    pub from: Option<String>,
    /// `client=`.
    pub client: Option<String>,
    /// The bearer token; the local one when there is neither this nor a ticket.
    pub bearer: Option<String>,
    /// A ticket beside the subprotocol, as a page sends it.
    pub ticket: Option<String>,
    /// The page the socket is opened from.
    pub origin: Option<String>,
    /// More of the query, beginning with `&`.
    pub query: &'static str,
    /// Host and port of the network that leads to the server, where it is not reached directly.
    pub by_way_of: Option<String>,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Closed {
    /// With a close frame of this code.
    With(u16),
    /// Without one.
    Abruptly,
}

/// A client, and what it has seen.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub welcome: Welcome,
    /// Offset after the last byte seen.
    pub offset: Offset,
    /// All output seen on this connection.
    pub output: Vec<u8>,
    pub events: Vec<(Offset, Event)>,
    pub gaps: Vec<(Offset, Offset)>,
    /// Where each snapshot was taken.
    pub snapshots: Vec<Offset>,
    /// What a terminal shows that was sent all this: there from the first snapshot on, or when it is put there.
    pub screen: Option<Screen>,
    /// Highest INPUT_ACK.
    pub acked: u64,
    next_seq: u64,
    /// Keep no output, only its offset; for floods.
    pub forgets: bool,
}

impl Client {
    /// Attaches with the local token, to every byte held.
    pub async fn attach(server: &Server, session: &str) -> Self {
        Self::join(server, session, Join::default()).await
    }

    pub async fn join(server: &Server, session: &str, join: Join) -> Self {
        match Self::try_join(server, session, join).await {
            Ok(client) => client,
            Err(error) => panic!("cannot attach: {error}"),
        }
    }

    pub async fn try_join(server: &Server, session: &str, join: Join) -> Result<Self, Error> {
        let from = match join.from.as_deref() {
            None => "&from=start".to_owned(),
            Some("") => String::new(),
            Some(from) => format!("&from={from}"),
        };
        let client = join.client.map_or(String::new(), |client| format!("&client={client}"));
        let scheme = if server.url.starts_with("https:") { "wss" } else { "ws" };
        let authority = join.by_way_of.as_deref().unwrap_or_else(|| server.authority());
        let url = format!("{scheme}://{authority}/api/sessions/{session}/ws?{from}{client}{}", join.query);
        let mut request = url.replace("?&", "?").into_client_request().expect("a request");
        let headers = request.headers_mut();
        let mut protocols = "fantail.v1".to_owned();
        match join.ticket {
            Some(ticket) => protocols.push_str(&format!(", ticket.{ticket}")),
            None => {
                let bearer = join.bearer.as_ref().unwrap_or(&server.token);
                headers.insert("authorization", format!("Bearer {bearer}").parse().expect("a header"));
            }
        }
        headers.insert("sec-websocket-protocol", protocols.parse().expect("a header"));
        if let Some(origin) = join.origin {
            headers.insert("origin", origin.parse().expect("a header"));
        }
        let known = server.certificate().map(|certificate| Connector::Rustls(trusting(certificate)));
        let connected = connect_async_tls_with_config(request, None, false, known);
        let (mut socket, _) = patiently("a handshake", connected).await?;
        match patiently("welcome", socket.next()).await {
            Some(Ok(first)) => Ok(Self::welcomed(socket, &first.into_data())),
            Some(Err(error)) => Err(error),
            None => Err(Error::ConnectionClosed),
        }
    }

    fn welcomed(socket: WebSocketStream<MaybeTlsStream<TcpStream>>, first: &[u8]) -> Self {
        let Ok(ServerMessage::Event { json, .. }) = ServerMessage::decode(first) else { panic!("no event: {first:?}") };
        let Ok(Event::Welcome(welcome)) = Event::from_json(json) else { panic!("no welcome: {first:?}") };
        Self {
            socket,
            offset: Offset(welcome.offset),
            next_seq: welcome.input_seq + 1,
            welcome: *welcome,
            output: Vec::new(),
            events: Vec::new(),
            gaps: Vec::new(),
            snapshots: Vec::new(),
            screen: None,
            acked: 0,
            forgets: false,
        }
    }

    /// Takes one message. Checks that output continues where it should (law 1).
    pub async fn step(&mut self) -> Result<(), Closed> {
        let message = match patiently("a message", self.socket.next()).await {
            Some(Ok(Message::Binary(message))) => message,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(frame))) => {
                return Err(frame.map_or(Closed::Abruptly, |f| Closed::With(f.code.into())));
            }
            Some(Ok(other)) => panic!("unexpected {other:?}"),
            Some(Err(_)) | None => return Err(Closed::Abruptly),
        };
        match ServerMessage::decode(&message).expect("a message of the protocol") {
            ServerMessage::Output { offset, bytes } => {
                assert_eq!(offset, self.offset, "output continues where it ended");
                self.offset = self.offset + bytes.len();
                if let Some(screen) = &mut self.screen {
                    screen.feed(bytes);
                }
                if !self.forgets {
                    self.output.extend_from_slice(bytes);
                }
            }
            ServerMessage::Gap { from, to } => {
                assert_eq!(from, self.offset, "a gap begins where output ended");
                self.offset = to;
                self.gaps.push((from, to));
            }
            ServerMessage::Event { offset, json } => {
                let event = Event::from_json(json).expect("an event");
                assert_ne!(event, Event::Unknown, "{}", String::from_utf8_lossy(json));
                if let (Event::Resize { cols, rows }, Some(screen)) = (&event, &mut self.screen) {
                    screen.resize(Size::new((*cols).into(), (*rows).into()).expect("a size"));
                }
                self.events.push((offset, event));
            }
            ServerMessage::InputAck(seq) => {
                assert!(seq >= self.acked, "acks go forward");
                self.acked = seq;
            }
            ServerMessage::Snapshot { offset, cols, rows, bytes, .. } => {
                assert_eq!(offset, self.offset, "a snapshot stands where output goes on");
                let size = Size::new(cols.into(), rows.into()).expect("a size");
                let mut screen = Screen::new(size, SCROLLBACK_LINES);
                screen.feed(bytes);
                self.screen = Some(screen);
                self.snapshots.push(offset);
            }
        }
        Ok(())
    }

    /// Follows until the output of this connection contains `wanted`.
    pub async fn until_shown(&mut self, wanted: &str) {
        let follow = async {
            while !self.shown().contains(wanted) {
                if let Err(closed) = self.step().await {
                    panic!("{closed:?} before {wanted:?} was shown: {:?}", self.shown());
                }
            }
        };
        patiently(wanted, follow).await;
    }

    /// Follows until the terminal's screen contains `wanted`. It is looked at when nothing more is there, and now and then
    /// in a flood: to write all of it out takes longer than to draw what came.
    pub async fn until_on_screen(&mut self, wanted: &str) {
        const UNLOOKED_MAX: usize = 100;
        let follow = async {
            while !self.on_screen().contains(wanted) {
                let mut stepped = self.step().await;
                for _ in 0..UNLOOKED_MAX {
                    match self.step().now_or_never() {
                        Some(more) if stepped.is_ok() => stepped = more,
                        _ => break,
                    }
                }
                if let Err(closed) = stepped {
                    panic!("{closed:?} before {wanted:?} was on screen: {:?}", self.on_screen());
                }
            }
        };
        patiently(wanted, follow).await;
    }

    /// The text of the terminal's screen and its scrollback, a line a line.
    pub fn on_screen(&self) -> String {
        self.screen.as_ref().map(text).unwrap_or_default()
    }

    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Follows until an event for which `is` gives something.
    pub async fn until_event<T>(&mut self, what: &str, is: impl Fn(&Event) -> Option<T>) -> T {
        let mut looked_at = 0;
        let follow = async {
            loop {
                while let Some((_, event)) = self.events.get(looked_at) {
                    if let Some(found) = is(event) {
                        return found;
                    }
                    looked_at += 1;
                }
                if let Err(closed) = self.step().await {
                    panic!("{closed:?} before {what}");
                }
            }
        };
        patiently(what, follow).await
    }

    pub async fn until_acked(&mut self, seq: u64) {
        let follow = async {
            while self.acked < seq {
                self.step().await.expect("open until acknowledged");
            }
        };
        patiently("an ack", follow).await;
    }

    /// Follows to the connection's end.
    pub async fn until_closed(&mut self) -> Closed {
        let follow = async {
            loop {
                if let Err(closed) = self.step().await {
                    return closed;
                }
            }
        };
        patiently("the connection's end", follow).await
    }

    /// Types `text`, numbered; returns its seq.
    pub async fn typed(&mut self, text: &str) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.send(&ClientMessage::Input { seq, bytes: text.as_bytes() }).await;
        seq
    }

    pub async fn command(&mut self, command: Command) {
        self.send(&ClientMessage::Command(command)).await;
    }

    pub async fn send(&mut self, message: &ClientMessage<'_>) {
        self.send_raw(Message::binary(message.encode())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.try_send_raw(message).await.expect("sent");
    }

    /// Sends to a server that may have been killed meanwhile.
    pub async fn try_send_raw(&mut self, message: Message) -> Result<(), Closed> {
        patiently("a message taken", self.socket.send(message)).await.map_err(|_| Closed::Abruptly)
    }

    /// Lets the server hear that there is somebody, as the pong would of one who reads: whoever is silent is let go.
    pub async fn is_there(&mut self) {
        self.send_raw(Message::Pong(Vec::new().into())).await;
    }

    /// Has the kernel keep little that this client has not read yet, so that a ping is never far behind what it reads:
    /// one of a thousand on a busy machine may need a minute for what a socket holds otherwise.
    pub fn buffers_little(&mut self) {
        let MaybeTlsStream::Plain(stream) = self.socket.get_ref() else { panic!("no TCP stream of its own") };
        set_socket_recv_buffer_size(stream, 64 * 1024).expect("a buffer");
    }

    /// The connection, for tests that misuse it.
    pub fn socket(&mut self) -> &mut WebSocketStream<MaybeTlsStream<TcpStream>> {
        &mut self.socket
    }
}
