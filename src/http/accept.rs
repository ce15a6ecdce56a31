//! Accepting connections, bounded in number, and in those of each address that have not shown a credential.
//!
//! Our own loop, because the framework's has no header timeout: a hundred half-sent requests would stay for ever.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Connection, Place};
use super::converse::{Conversation, converse, converse_encrypted};
use super::door::Door;
use super::listener::{Accepted, Listener};
use super::proxies::TrustedProxies;
use super::respond::Edge;
use super::strangers::Strangers;

/// How long to wait when the machine has no descriptor or memory for another connection: long enough for one to be
/// freed, and no busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// A peer that vanished is noticed after idle + interval × probes = 2 minutes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// See [`KEEPALIVE_IDLE`].
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// See [`KEEPALIVE_IDLE`].
const KEEPALIVE_PROBES: u32 = 4;
/// How long a peer may take nothing of what waits for it before it is given up, in milliseconds: a train's tunnel. The
/// kernel counts, of what is not acknowledged and of what finds no room at the peer. WebSockets have their own rules.
const TAKES_NOTHING_MAX: u32 = 30_000;
/// What is told without a request being read when there are as many connections as may be.
const TOO_MANY: &str = "as many connections as allowed are open";
/// The same when they are of one address and nobody has logged in on them.
const TOO_MANY_STRANGERS: &str = "as many connections as allowed before a login are open from this address";

/// What every connection is served with. Cheap to clone: one for each listener, all with the same places.
#[derive(Clone)]
pub struct Acceptor {
    /// What answers.
    pub service: Edge,
    /// Places for connections, WebSockets included.
    pub slots: Arc<Semaphore>,
    /// Those that have not shown a credential.
    pub strangers: Strangers,
    /// Whose word on who calls is taken.
    pub proxies: Arc<TrustedProxies>,
    /// Owns every connection's task.
    pub tracker: TaskTracker,
    /// Whether anyone is let in, and may stay.
    pub door: Door,
    /// Ends the loop, and every connection after the request it is in.
    pub closing: CancellationToken,
}

impl Acceptor {
    /// Accepts connections while the door is open, until told to close.
    pub async fn run(self, listener: Arc<Listener>) {
        loop {
            let accepted = tokio::select! {
                // Whether anyone is let in is looked at first: from the moment it is not, the next server accepts.
                biased;
                () = self.closing.cancelled() => return,
                () = self.door.empties() => {
                    tokio::select! {
                        () = self.door.lets_in() => continue,
                        () = self.closing.cancelled() => return,
                    }
                }
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match self.place(peer) {
                    Ok(place) => self.serve(stream, peer, place),
                    Err(why) => refuse(&stream, why),
                },
                Err(error) => self.recover(&error).await,
            }
        }
    }

    /// What a connection from there takes of what there is, or what it is told.
    fn place(&self, peer: Option<SocketAddr>) -> Result<Place, &'static str> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| TOO_MANY)?;
        // A trusted proxy speaks for many, and a Unix socket is reached by nobody but the account itself.
        let stranger = match peer.map(|peer| peer.ip()).filter(|peer| !self.proxies.contain(*peer)) {
            Some(peer) => Some(self.strangers.admit(peer).ok_or(TOO_MANY_STRANGERS)?),
            None => None,
        };
        Ok(Place::new(slot, stranger))
    }

    /// A peer that gave up before it was accepted is its own affair; a machine that is full needs a pause.
    async fn recover(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return;
        }
        tracing::warn!(%error, "no connection can be accepted for now");
        tokio::select! {
            () = tokio::time::sleep(ACCEPT_PAUSE) => {}
            () = self.closing.cancelled() => {}
        }
    }

    fn serve(&self, stream: Accepted, peer: Option<SocketAddr>, place: Place) {
        if let Accepted::Tcp(stream) | Accepted::Tls(stream, _) = &stream
            && let Err(error) = configure(stream)
        {
            tracing::debug!(%error, ?peer, "a connection could not be configured");
            return;
        }
        let Ok(local) = stream.local() else { return };
        let conversation = Conversation {
            service: self.service.clone(),
            connection: Connection::between(local, peer).in_place(place),
            proxies: Arc::clone(&self.proxies),
            door: self.door.clone(),
            closing: self.closing.clone(),
        };
        match stream {
            Accepted::Tcp(stream) => self.tracker.spawn(converse(stream, conversation)),
            Accepted::Unix(stream) => self.tracker.spawn(converse(stream, conversation)),
            Accepted::Tls(stream, tls) => {
                let tasks = self.tracker.clone();
                self.tracker.spawn(converse_encrypted(stream, tls, conversation, tasks))
            }
        };
    }
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, KEEPALIVE_PROBES)?;
    sockopt::set_tcp_user_timeout(stream, TAKES_NOTHING_MAX)?;
    Ok(())
}

/// Lets a peer take its time: for a WebSocket, which hears of its client by other means.
pub(crate) fn let_take_its_time(stream: &TcpStream) -> io::Result<()> {
    Ok(sockopt::set_tcp_user_timeout(stream, 0)?)
}

/// Tells a connection too many that it is, as far as its socket takes that at once, and hangs up.
fn refuse(stream: &Accepted, why: &str) {
    tracing::debug!(why, "a connection too many");
    let body = format!(r#"{{"error": "{why}", "code": "too_many_connections", "status": 429, "requestId": ""}}"#);
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // One that does not take it at once is hung up on all the same.
    let _ = match stream {
        Accepted::Tcp(stream) => stream.try_write(answer.as_bytes()),
        Accepted::Unix(stream) => stream.try_write(answer.as_bytes()),
        // To be told anything it would have to be let in.
        Accepted::Tls(..) => Ok(0),
    };
}
