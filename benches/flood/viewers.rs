//! The three viewers: one that follows, one behind 64 KB/s, one that never reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fantail::protocol::{ClientMessage, ServerMessage};
use fantail::terminal::screen::{Line, Screen};
use fantail::terminal::{Offset, Size};
use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;

use crate::real::server::Server;
use crate::real::socket::{Socket, connect, handshake, next};
use crate::{END, took};

/// How often a page would say what it has drawn: a few times a window.
const SAYS_EVERY: usize = 64 << 10;

async fn say<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>, message: ClientMessage<'_>) {
    // A connection that is gone is found where it is read.
    let _ = socket.send(Message::binary(message.encode())).await;
}

fn small(offset: Offset) -> usize {
    usize::try_from(offset.0).expect("small")
}

/// Never reads a byte of what it is sent.
pub(crate) struct Stuck {
    _socket: Socket<TcpStream>,
}

impl Stuck {
    pub(crate) async fn attach(server: &Server, session: &str) -> Self {
        let stream = connect(server, None).await.expect("a connection");
        Self { _socket: handshake(server, session, stream).await.expect("a handshake") }
    }
}

/// Reads all there is, and compares it.
pub(crate) struct Fast {
    socket: Socket<TcpStream>,
}

/// What the fast one saw.
pub(crate) struct Seen {
    /// What was printed behind the flood.
    pub(crate) tail: String,
    pub(crate) errors: Vec<String>,
}

impl Fast {
    pub(crate) async fn attach(server: &Server, session: &str) -> Self {
        let stream = connect(server, None).await.expect("a connection");
        Self { socket: handshake(server, session, stream).await.expect("a handshake") }
    }

    /// Starts the flood and follows it to its end. Stays attached: as long as it is, the slow one is behind somebody.
    pub(crate) async fn follow(&mut self, expected: &[u8]) -> Seen {
        let (mut at, mut said) = (0, 0);
        let (mut tail, mut errors) = (String::new(), Vec::new());
        say(&mut self.socket, ClientMessage::Input { seq: 1, bytes: b"\n" }).await;
        while !tail.ends_with(END) {
            let message = match next(&mut self.socket).await {
                Ok(message) => message,
                Err(error) => {
                    errors.push(error);
                    break;
                }
            };
            match ServerMessage::decode(&message) {
                Ok(ServerMessage::Output { offset, bytes }) => {
                    if small(offset) != at {
                        errors.push(format!("output at {offset}, not at {at}"));
                    }
                    let flood = bytes.len().min(expected.len().saturating_sub(at));
                    if bytes[..flood] != expected[at.min(expected.len())..][..flood] {
                        errors.push(format!("other bytes than expected in {at}..{}", at + flood));
                    }
                    tail.push_str(&String::from_utf8_lossy(&bytes[flood..]));
                    at += bytes.len();
                }
                Ok(ServerMessage::Snapshot { offset, .. }) => at = small(offset),
                Ok(ServerMessage::Gap { from, to }) => {
                    errors.push(format!("a gap of {from}..{to}"));
                    at = small(to);
                }
                Ok(_) => {}
                Err(error) => errors.push(format!("{error}")),
            }
            if at >= said + SAYS_EVERY {
                said = at;
                say(&mut self.socket, ClientMessage::Rendered(Offset(at as u64))).await;
            }
        }
        Seen { tail, errors }
    }
}

/// A link of 64 KB/s: reads that much in turns, out of a small buffer.
struct SlowLink {
    stream: TcpStream,
    /// Bytes that may be read before the next turn.
    left: usize,
    turn: Pin<Box<Sleep>>,
}

impl SlowLink {
    const TURN: Duration = Duration::from_millis(20);
    const BYTES_A_TURN: usize = 64_000 / 50;
    /// What is on its way on such a link: half a second of it.
    const BUFFER: u32 = 32 << 10;
}

impl AsyncRead for SlowLink {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            ready!(self.turn.as_mut().poll(context));
            self.left = Self::BYTES_A_TURN;
            self.turn.as_mut().reset(Instant::now() + Self::TURN);
        }
        let mut piece = [0; Self::BYTES_A_TURN];
        let most = self.left.min(into.remaining());
        let mut piece = ReadBuf::new(&mut piece[..most]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        into.put_slice(piece.filled());
        self.left -= piece.filled().len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SlowLink {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Reads at 64 KB/s, draws what it is sent, and fetches what it was not.
pub(crate) struct Slow {
    socket: Option<Socket<SlowLink>>,
    session: String,
    screen: Screen,
    pub(crate) gaps: usize,
    pub(crate) skipped: usize,
    /// Skipped bytes that were still held, fetched, and right.
    pub(crate) fetched: usize,
    pub(crate) snapshot_bytes: usize,
    pub(crate) errors: Vec<String>,
}

fn blank() -> Screen {
    Screen::new(Size::DEFAULT, 1000)
}

fn visible(screen: &Screen) -> Vec<Line> {
    screen.lines(0).collect()
}

fn shows_the_end(screen: &Screen) -> bool {
    screen.lines(0).any(|line| {
        let text: String = line.runs.iter().map(|run| run.text.as_str()).collect();
        took(text.trim_end()).is_some()
    })
}

impl Slow {
    pub(crate) async fn attach(server: &Server, session: &str) -> Self {
        let stream = connect(server, Some(SlowLink::BUFFER)).await.expect("a connection");
        let link = SlowLink { stream, left: 0, turn: Box::pin(sleep_until(Instant::now())) };
        let mut socket = handshake(server, session, link).await.expect("a handshake");
        say(&mut socket, ClientMessage::Rendered(Offset(0))).await;
        Self {
            socket: Some(socket),
            session: session.to_owned(),
            screen: blank(),
            gaps: 0,
            skipped: 0,
            fetched: 0,
            snapshot_bytes: 0,
            errors: Vec::new(),
        }
    }

    /// Follows until its screen shows the end.
    pub(crate) async fn follow(mut self, server: &Server, expected: &[u8]) -> Self {
        let Some(mut socket) = self.socket.take() else { return self };
        let mut at = 0;
        while !shows_the_end(&self.screen) {
            let message = match next(&mut socket).await {
                Ok(message) => message,
                Err(error) => {
                    self.errors.push(error);
                    break;
                }
            };
            match ServerMessage::decode(&message) {
                Ok(ServerMessage::Output { offset, bytes }) => {
                    if small(offset) != at {
                        self.errors.push(format!("output at {offset}, not at {at}"));
                    }
                    self.screen.feed(bytes);
                    at += bytes.len();
                }
                Ok(ServerMessage::Snapshot { offset, bytes, .. }) => {
                    self.screen = blank();
                    self.screen.feed(bytes);
                    self.snapshot_bytes += bytes.len();
                    at = small(offset);
                }
                Ok(ServerMessage::Gap { from, to }) => {
                    self.gaps += 1;
                    self.skipped += small(to) - small(from);
                    self.fetch(server, expected, small(from), small(to)).await;
                    continue; // drawn is what the snapshot behind it shows
                }
                Ok(_) => continue,
                Err(error) => self.errors.push(format!("{error}")),
            }
            say(&mut socket, ClientMessage::Rendered(Offset(at as u64))).await;
        }
        self
    }

    /// Fetches what is still held of a gap, and compares it.
    async fn fetch(&mut self, server: &Server, expected: &[u8], from: usize, to: usize) {
        let to = to.min(expected.len());
        // What is held may move on between the question and the fetching, while the flood lasts.
        loop {
            let start = server.held(&self.session).await.0.max(from);
            if start >= to {
                return;
            }
            let Some(bytes) = server.output(&self.session, start, to).await else { continue };
            if bytes != expected[start..to] {
                self.errors.push(format!("fetched other bytes than expected in {start}..{to}"));
            }
            self.fetched += bytes.len();
            return;
        }
    }

    /// Compares its last screen with one that was fed all of it.
    pub(crate) fn judge(&mut self, expected: &[u8], tail: &str) {
        let mut whole = blank();
        whole.feed(expected);
        whole.feed(tail.as_bytes());
        if visible(&self.screen) != visible(&whole) || self.screen.cursor() != whole.cursor() {
            self.errors.push("its last screen is not the session's".into());
        }
    }
}
