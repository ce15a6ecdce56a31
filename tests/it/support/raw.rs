//! HTTP and WebSockets spoken by hand: for what no well-behaved client would send.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use rustix::net::sockopt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Server, patiently, until};

/// The key every handshake here offers.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// First byte of a whole binary message.
pub const BINARY: u8 = 0x82;
/// First byte of a whole text message.
pub const TEXT: u8 = 0x81;
/// First byte of a close frame.
pub const CLOSE: u8 = 0x88;
/// First byte of a ping.
pub const PING: u8 = 0x89;
/// First byte of a pong.
pub const PONG: u8 = 0x8a;

/// What came back for a request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = patiently("a body", response.bytes()).await.expect("a body").to_vec();
        Self { status, headers, body }
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Status and the refusal's code.
    pub fn code(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, reserved bits and opcode.
    pub first: u8,
    pub payload: Vec<u8>,
}

/// A connection on which anything can be said.
pub struct Raw {
    stream: TcpStream,
    /// Read and not yet taken.
    seen: Vec<u8>,
}

impl Raw {
    pub async fn connect(server: &Server) -> Self {
        Self::connect_to(server.authority()).await
    }

    pub async fn connect_to(authority: &str) -> Self {
        Self::over(patiently("a connection", TcpStream::connect(authority)).await.expect("connected"))
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("configured");
        Self { stream, seen: Vec::new() }
    }

    /// A WebSocket of the local token to `session`, its welcome still to be read.
    pub async fn attach(server: &Server, session: &str) -> Self {
        let mut raw = Self::connect(server).await;
        let answer = raw.ask(&handshake(server, session, &[])).await;
        assert_eq!(answer.status, 101, "{answer:?}");
        raw
    }

    /// Sends `bytes`. The server may have hung up by now, which the test sees in what it reads.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = patiently("bytes taken", self.stream.write_all(bytes.as_ref())).await;
    }

    /// Lets the server hear that there is somebody, as the pong would of one who reads: whoever is silent is let go.
    pub async fn is_there(&mut self) {
        self.send(frame(PONG, &[])).await;
    }

    /// Sends `bytes` and says how many were taken before the server hung up.
    pub async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Goes on sending `bytes`, over and over, from `sent` of them on, until the server takes no more: it waits for its
    /// answers to be taken.
    pub async fn send_until_stuck(&mut self, bytes: &[u8], sent: &mut usize) {
        // What the runtime knows of a socket may be a look old, so once more than it says.
        let mut looks_in_vain = 0;
        until("the server to stop reading", async || {
            looks_in_vain += 1;
            while let Ok(taken) = self.stream.try_write(&bytes[*sent % bytes.len()..]) {
                *sent += taken;
                looks_in_vain = 0;
            }
            (looks_in_vain == 2).then_some(())
        })
        .await;
    }

    /// Waits for something to come; reads all that has, and forgets it.
    pub async fn take_what_came(&mut self) {
        let mut piece = vec![0; 64 * 1024];
        patiently("something to come", self.stream.readable()).await.expect("open");
        while let Ok(read) = self.stream.try_read(&mut piece) {
            assert_ne!(read, 0, "the server hung up");
        }
    }

    /// Reads one byte, however much has come.
    pub async fn read_a_byte(&mut self) {
        let byte = patiently("a byte", self.stream.read_u8()).await.expect("open");
        self.seen.push(byte);
    }

    /// Until the server has read what was sent. The kernel tells, of both ends of the connection.
    pub async fn until_read(&self) {
        let (here, there) = (self.stream.local_addr().expect("bound"), self.stream.peer_addr().expect("connected"));
        // In two looks: what is on its way when one line of the kernel's table is written may have come at the next.
        until("all that was sent to come", async || (queued(here, there)?.0 == 0).then_some(())).await;
        until("all that has come to be read", async || (queued(there, here)?.1 == 0).then_some(())).await;
    }

    /// Sends a request and reads the answer.
    pub async fn ask(&mut self, request: &str) -> Answer {
        self.send(request).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer, or `None` when the server hangs up instead.
    pub async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.seen.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read_more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.seen.drain(..end).collect()).expect("a head in ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers: HeaderMap = lines
            .filter_map(|line| line.split_once(": "))
            .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?)))
            .collect();
        let length = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
        while self.seen.len() < length && self.read_more().await {}
        let body = self.seen.drain(..length.min(self.seen.len())).collect();
        Some(Answer { status: status.expect("a status line"), headers, body })
    }

    /// Reads until the server hangs up.
    pub async fn ended(&mut self) {
        patiently("the connection's end", async { while self.read_more().await {} }).await;
    }

    /// The next frame, or `None` when the server hangs up instead.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take_frame() {
                return Some(frame);
            }
            if !self.read_more().await {
                return None;
            }
        }
    }

    /// The payload of the next frame that begins with `first`.
    pub async fn until(&mut self, first: u8) -> Vec<u8> {
        let follow = async {
            loop {
                let frame = self.frame().await.unwrap_or_else(|| panic!("no frame {first:#x} before the end"));
                assert!(frame.first == first || frame.first != CLOSE, "closed instead: {frame:?}");
                if frame.first == first {
                    return frame.payload;
                }
            }
        };
        patiently("a frame", follow).await
    }

    /// Reads to the server's close frame and answers it, as a client must. The code, once the server has hung up.
    pub async fn closed(&mut self) -> u16 {
        let payload = self.until(CLOSE).await;
        self.send(frame(CLOSE, &payload)).await;
        self.ended().await;
        let code = payload.first_chunk::<2>().unwrap_or_else(|| panic!("a code in {payload:?}"));
        u16::from_be_bytes(*code)
    }

    /// Nothing more will be sent.
    pub async fn shut_down(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection at once with a reset.
    pub fn reset(self) {
        sockopt::set_socket_linger(&self.stream, Some(std::time::Duration::ZERO)).expect("configured");
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let [first, second, rest @ ..] = &self.seen[..] else { return None };
        let (extended, length) = match second {
            126 => (2, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
            127 => (8, u64::from_be_bytes(*rest.first_chunk()?)),
            short => (0, u64::from(*short)),
        };
        let (first, begin) = (*first, 2 + extended);
        let end = begin + usize::try_from(length).expect("fits");
        if self.seen.len() < end {
            return None;
        }
        let payload = self.seen.drain(..end).skip(begin).collect();
        Some(Frame { first, payload })
    }

    /// Whether there was more.
    async fn read_more(&mut self) -> bool {
        self.seen.reserve(64 * 1024);
        matches!(patiently("bytes from the server", self.stream.read_buf(&mut self.seen)).await, Ok(1..))
    }
}

/// How much the end `local` of a connection to `remote` has sent that has not come, and has been sent and not read.
fn queued(local: SocketAddr, remote: SocketAddr) -> Option<(u64, u64)> {
    // As proc_pid_net(5) writes an address: the 32 bits as they lie in memory, read as a number.
    let written = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port()),
        IpAddr::V6(_) => panic!("the server listens on 127.0.0.1"),
    };
    let ends = format!(" {} {} ", written(local), written(remote));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("readable");
    let line = table.lines().find(|line| line.contains(&ends))?;
    let (unsent, unread) = line.split_whitespace().nth(4)?.split_once(':')?;
    Some((u64::from_str_radix(unsent, 16).ok()?, u64::from_str_radix(unread, 16).ok()?))
}

/// A request with this head and no body.
pub fn request(line: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{line} HTTP/1.1\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "\r\n"
}

/// The upgrade of a program with the local token. A header of `changes` takes the place of the usual one; an empty
/// value leaves it out.
pub fn handshake(server: &Server, session: &str, changes: &[(&str, &str)]) -> String {
    upgrade(server, &format!("GET /api/sessions/{session}/ws"), changes)
}

/// The same with another request line.
pub fn upgrade(server: &Server, line: &str, changes: &[(&str, &str)]) -> String {
    let authorization = format!("Bearer {}", server.token);
    let usual = [
        ("host", server.authority()),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
        ("sec-websocket-protocol", "fantail.v1"),
        ("authorization", &authorization),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let changed = changes.iter().copied().filter(|(_, value)| !value.is_empty());
    request(line, &kept.chain(changed).collect::<Vec<_>>())
}

/// A client's frame, masked.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];
    let mut frame = frame_head(first, payload.len() as u64);
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// What comes before a masked frame's mask, when it declares `length` bytes.
pub fn frame_head(first: u8, length: u64) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => vec![first, 0x80 | short],
        (_, Ok(long)) => [&[first, 0x80 | 126][..], &long.to_be_bytes()].concat(),
        _ => [&[first, 0x80 | 127][..], &length.to_be_bytes()].concat(),
    }
}
