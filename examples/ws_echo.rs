//! Our frames, without a session: an echo server on the very reader and writer of `src/ws`, for other implementations'
//! conformance tests (`tests/outside/autobahn`). `cargo run --example ws_echo` says where it listens.
//!
//! Not the server: no guard, no credentials, no limits but that of a message.

#[path = "../src/ws/frame.rs"]
#[expect(dead_code, unreachable_pub, reason = "the server's own file, of which an echo uses a part")]
mod frame;
#[path = "../src/ws/outgoing.rs"]
#[expect(dead_code, reason = "the server's own file, of which an echo uses a part")]
mod outgoing;

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::time::Duration;

// The two files above find these where they have them in the server.
use fantail::protocol::{self, CloseCode};
use fantail::terminal;
use frame::{FrameReader, Received, Violation};
use outgoing::Outgoing;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The suite's largest message is 16 MiB.
const MESSAGE_MAX: usize = 64 * 1024 * 1024;
const REQUEST_MAX: usize = 16 * 1024;
/// How long a peer has to close its end after we have closed ours.
const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// What a final frame of text begins with.
const TEXT_FINAL: u8 = 0x81;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let connections = tokio_util::task::TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await?;
        // How one ends is for its peer to judge.
        connections.spawn(async move { served(stream).await.ok() });
    }
}

async fn served(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let early = shake_hands(&mut stream).await?;
    let mut echo = Echo { stream, frames: FrameReader::new(MESSAGE_MAX), outgoing: Outgoing::default() };
    echo.frames.extend(&early);
    echo.until_closed().await?;
    // What is left unread when a socket is closed makes it a reset, and the peer may not see our close.
    echo.stream.shutdown().await?;
    let mut rest = [0; 4096];
    let drained = async {
        while echo.stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    timeout(CLOSE_WAIT, drained).await.unwrap_or(Ok(()))
}

/// Answers the opening handshake; returns what came behind it.
async fn shake_hands(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let end = loop {
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if request.len() > REQUEST_MAX || stream.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    let head = String::from_utf8_lossy(&request[..end]);
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let mut keys = headers.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let (_, key) = keys.next().ok_or(io::ErrorKind::InvalidData)?;
    let accept = derive_accept_key(key.trim().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(request.split_off(end))
}

struct Echo {
    stream: TcpStream,
    frames: FrameReader,
    outgoing: Outgoing,
}

impl Echo {
    /// Sends back what comes, up to the close of either side.
    async fn until_closed(&mut self) -> io::Result<()> {
        loop {
            match self.frames.next_message() {
                Ok(None) => {
                    if poll_fn(|context| self.frames.poll_read(Pin::new(&mut self.stream), context)).await? == 0 {
                        return Ok(());
                    }
                    continue;
                }
                Ok(Some(Received::Binary(message))) => self.outgoing.snapshot(framed(&message, None)),
                Ok(Some(Received::Text(message))) => self.outgoing.snapshot(framed(&message, Some(TEXT_FINAL))),
                Ok(Some(Received::Ping(payload))) => self.outgoing.pong(&payload),
                Ok(Some(Received::Pong)) => {}
                Ok(Some(Received::Close(_))) => return self.close(CloseCode::SessionClosed).await,
                Err(Violation::Protocol(_)) => return self.close(CloseCode::ProtocolError).await,
                Err(Violation::InvalidText) => return self.close(CloseCode::InvalidText).await,
                Err(Violation::TooLarge) => return self.close(CloseCode::TooLarge).await,
            }
            self.flush().await?;
        }
    }

    async fn close(&mut self, code: CloseCode) -> io::Result<()> {
        self.outgoing.close(code);
        self.flush().await
    }

    async fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_idle() {
            poll_fn(|context| self.outgoing.poll_write(Pin::new(&mut self.stream), context)).await?;
        }
        Ok(())
    }
}

/// A message as one frame, which begins as the server's do unless told otherwise: it never sends text.
fn framed(message: &[u8], first: Option<u8>) -> bytes::Bytes {
    let mut frame = Vec::with_capacity(message.len() + 10);
    frame::binary(message, &mut frame);
    if let Some(first) = first {
        frame[0] = first;
    }
    frame.into()
}
