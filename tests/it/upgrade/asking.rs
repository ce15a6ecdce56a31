//! Clients that ask all the time and try nothing twice.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::support::patiently;

/// Clients that use a connection for as long as they may.
const KEPT_ALIVE: usize = 10;
/// Clients that connect for every request.
const FRESH: usize = 4;
/// Between two requests of a client: 280 a second of all.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a connection may be kept between two requests and is not cut: whoever asks as often as once a second never
/// has one cut.
const KEPT_MAX: Duration = Duration::from_secs(1);
/// How long a new connection may take to its request and is not cut.
const FRESH_MAX: Duration = Duration::from_millis(250);
/// Bytes of the largest head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Clients at work.
pub(super) struct Asking {
    clients: JoinSet<Asked>,
    enough: CancellationToken,
}

/// What clients have seen.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) answered: usize,
    /// Connections that the server asked to be closed.
    pub(super) told_to_come_anew: usize,
    pub(super) slowest: Duration,
    /// Connections that were cut because this machine had their clients ask too late, as may happen to any: asked anew.
    pub(super) cut_for_being_late: usize,
    pub(super) failures: Vec<String>,
}

/// A connection on which the server waits for a request.
struct Connection {
    stream: TcpStream,
    /// When the last request was sent, or else the connection made: the server waits since then or later.
    since: Instant,
    /// For so long at least.
    waits: Duration,
}

/// What came of a request.
enum Answered {
    /// It was answered, and the connection may be used again or not.
    Well { stays: bool },
    /// The connection was cut when the client had not asked as soon as it must.
    Late,
}

impl Asking {
    pub(super) fn begin(authority: &str) -> Self {
        let (mut clients, enough) = (JoinSet::new(), CancellationToken::new());
        for client in 0..KEPT_ALIVE + FRESH {
            clients.spawn(ask(authority.to_owned(), client < KEPT_ALIVE, enough.clone()));
        }
        Self { clients, enough }
    }

    pub(super) async fn end(self) -> Asked {
        self.enough.cancel();
        let each = patiently("the clients' end", self.clients.join_all()).await;
        each.into_iter().fold(Asked::default(), |mut all, one| {
            all.answered += one.answered;
            all.told_to_come_anew += one.told_to_come_anew;
            all.slowest = all.slowest.max(one.slowest);
            all.cut_for_being_late += one.cut_for_being_late;
            all.failures.extend(one.failures);
            all
        })
    }
}

async fn ask(authority: String, kept_alive: bool, enough: CancellationToken) -> Asked {
    let (mut asked, mut pace) = (Asked::default(), interval(PAUSE));
    let mut connection = None;
    while !enough.is_cancelled() {
        pace.tick().await;
        let age = if connection.is_some() { "kept" } else { "fresh" };
        let begun = Instant::now();
        let answer = patiently("an answer", once(&authority, &mut connection, kept_alive)).await;
        asked.slowest = asked.slowest.max(begun.elapsed());
        match answer {
            Ok(Answered::Late) => {
                asked.cut_for_being_late += 1;
                connection = None;
            }
            Ok(Answered::Well { stays }) => {
                asked.answered += 1;
                if !stays {
                    asked.told_to_come_anew += usize::from(kept_alive);
                    connection = None;
                }
            }
            Err(error) => {
                asked.failures.push(format!("{age} connection: {error}"));
                connection = None;
            }
        }
    }
    asked
}

/// One request.
async fn once(authority: &str, connection: &mut Option<Connection>, keep_alive: bool) -> io::Result<Answered> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let since = Instant::now();
            let stream = TcpStream::connect(authority).await?;
            connection.insert(Connection { stream, since, waits: FRESH_MAX })
        }
    };
    let wish = if keep_alive { "keep-alive" } else { "close" };
    let request = format!("GET /health HTTP/1.1\r\nhost: {authority}\r\nconnection: {wish}\r\n\r\n");
    let asked = Instant::now();
    let sent = connection.stream.write_all(request.as_bytes()).await;
    let is_late = connection.since.elapsed() > connection.waits;
    let answered = async {
        sent?;
        let stays = answered_well(&mut connection.stream).await?;
        Ok(Answered::Well { stays })
    };
    match answered.await {
        Err(_) if is_late => Ok(Answered::Late),
        answered => {
            (connection.since, connection.waits) = (asked, KEPT_MAX);
            answered
        }
    }
}

/// Reads an answer, which must be a good one; whether the connection may be used again.
async fn answered_well(stream: &mut TcpStream) -> io::Result<bool> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_BYTES_MAX {
            return Err(io::Error::other("a head without end"));
        }
        stream.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length = header("content-length:").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.ok_or_else(|| io::Error::other("no length"))?];
    stream.read_exact(&mut body).await?;
    match head.starts_with("http/1.1 200 ") {
        true => Ok(header("connection:") != Some("close")),
        false => Err(io::Error::other(head.lines().next().unwrap_or_default().to_owned())),
    }
}
