//! One connection: a loop that pulls from its viewer as its socket takes, and hands on what its client says.
//!
//! Never queues output (law 3): at most one chunk of shared frames and a bounded number of its own bytes wait here.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::acks::Acks;
use super::allowance::Allowance;
use super::attendance::Attendance;
use super::ending::{End, Ending, Ends};
use super::frame::{FrameReader, Received, Violation};
use super::incoming::Incoming;
use super::latest::Latest;
use super::outgoing::Outgoing;
use crate::auth::Access;
use crate::protocol::{CloseCode, Event, MESSAGE_BYTES_MAX, PING_SECONDS, ServerMessage, Welcome};
use crate::session::{Attached, Next, Status, Viewer, until};

const PING_EVERY: Duration = Duration::from_secs(PING_SECONDS);
/// A client silent for this long is gone: two pings went unanswered.
const SILENCE_MAX: Duration = Duration::from_secs(2 * PING_SECONDS);
/// How long a client has to take the rest of the output before a close that waits for it.
const FLUSH_WAIT: Duration = Duration::from_secs(5);
/// How long a client has to take and answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// Bytes written before others get their turn: two segments, some dozen microseconds.
const UNBROKEN_MAX: usize = 128 * 1024;

pub(super) struct Connection<S> {
    socket: S,
    frames: FrameReader,
    outgoing: Outgoing,
    viewer: Viewer,
    attendance: Box<Attendance>,
    ending: Ending,
    status: watch::Receiver<Arc<Status>>,
    latest: Latest,
    written: Arc<AtomicU64>,
    acks: Acks,
    phase: Phase,
    heard: Instant,
    pings: Interval,
    /// What its client may still send of pings and pongs.
    allowance: Allowance,
    /// Bytes written since it stepped back for others.
    unbroken: usize,
}

/// A viewer whose request was accepted.
pub(super) struct Arrival {
    pub(super) viewer: Viewer,
    /// What its client is told.
    pub(super) attached: Attached,
    pub(super) access: Access,
    pub(super) ends: Ends,
    pub(super) attendance: Attendance,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// To be closed with this code once the client has all output.
    Flushing(CloseCode, Instant),
    /// Our close frame is on its way, or was sent. It is over when the peer's has come too.
    Closing {
        peer_has_closed: bool,
        deadline: Instant,
    },
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection over `socket`, from which `early` was already read.
    pub(super) fn new(socket: S, early: &[u8], welcome: Welcome, arrival: Arrival) -> Self {
        let Arrival { viewer, attached, ends, attendance, .. } = arrival;
        let Attached { known, mut status, written, .. } = attached;
        let mut frames = FrameReader::new(MESSAGE_BYTES_MAX);
        frames.extend(early);
        let latest = Latest::new(known);
        // What the welcome leaves out is told at once: who has control, and what has changed since it attached.
        status.mark_changed();
        let ending = Ending::new(viewer.session(), ends);
        let mut outgoing = Outgoing::default();
        outgoing.event(viewer.offset(), &Event::Welcome(Box::new(welcome)));
        let now = Instant::now();
        let mut pings = interval_at(now + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket,
            frames,
            outgoing,
            viewer,
            attendance: Box::new(attendance),
            ending,
            status,
            latest,
            written,
            acks: Acks::default(),
            phase: Phase::Open,
            heard: now,
            pings,
            allowance: Allowance::whole(now),
            unbroken: 0,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(&mut self) {
        // What came with the handshake may hold whole messages.
        let ended = match self.take_messages().await {
            Ok(()) => self.until_over().await,
            Err(error) => Err(error),
        };
        let session = self.viewer.session().id();
        match ended {
            Ok(()) => tracing::debug!(%session, "connection ended"),
            Err(error) => tracing::debug!(%session, %error, "connection lost"),
        }
    }

    async fn until_over(&mut self) -> io::Result<()> {
        loop {
            if self.viewer.session().leaving().is_cancelled() && self.sends_output() {
                self.let_go();
            }
            self.hear();
            self.fill();
            if matches!(self.phase, Phase::Closing { peer_has_closed: true, .. }) && self.outgoing.is_idle() {
                return self.socket.shutdown().await;
            }
            self.turn().await?;
        }
    }

    /// Looks at what its viewer is woken for besides output: its end, the session's latest values, and what was written
    /// of the client's input.
    fn hear(&mut self) {
        if self.phase != Phase::Open {
            return;
        }
        if self.viewer.session().closed().is_cancelled() {
            self.close_after_output(CloseCode::SessionClosed);
        } else if self.viewer.is_superseded() {
            self.close(CloseCode::Superseded);
        }
        if self.phase != Phase::Open || self.outgoing.is_full() {
            return;
        }
        // The sender lives as long as the session, which the viewer holds.
        if self.status.has_changed().unwrap_or(false) {
            let latest = Arc::clone(&self.status.borrow_and_update());
            for event in self.latest.changes(latest) {
                self.outgoing.event(self.viewer.offset(), &event);
            }
        }
        self.acks.written(self.written.load(Ordering::Acquire));
    }

    /// Puts next what there is to send.
    fn fill(&mut self) {
        while self.outgoing.wants_more() && self.sends_output() {
            if self.outgoing.was_cut() {
                self.viewer.link_is_full();
            }
            match self.viewer.pull() {
                Next::Frames(chunk) => {
                    self.outgoing.chunk(chunk);
                    self.acks.tell(&mut self.outgoing);
                }
                Next::Snapshot { skipped, snapshot } => {
                    if let Some(from) = skipped {
                        self.outgoing.message(ServerMessage::Gap { from, to: snapshot.at.offset });
                    }
                    self.outgoing.snapshot(snapshot.frame.clone());
                }
                Next::WindowFull | Next::Minting => return,
                Next::CaughtUp => {
                    if let Phase::Flushing(code, _) = self.phase {
                        self.close(code);
                    }
                    return;
                }
                Next::ScreenGone => {
                    let Phase::Flushing(code, _) = self.phase else { return self.close(CloseCode::Internal) };
                    return self.close(code);
                }
            }
        }
    }

    /// Whether output still goes to the client.
    const fn sends_output(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Flushing(..))
    }

    /// Waits for the next thing to happen, and does it.
    async fn turn(&mut self) -> io::Result<()> {
        let (open, wants_more) = (self.phase == Phase::Open, self.outgoing.wants_more() && self.sends_output());
        let deadline = match self.phase {
            Phase::Flushing(_, deadline) | Phase::Closing { deadline, .. } => Some(deadline),
            Phase::Open => None,
        };
        let Self { socket, frames, outgoing, viewer, ending, acks, .. } = self;
        tokio::select! {
            biased;
            end = ending.next() => self.ends(end),
            () = until(deadline), if deadline.is_some() => match self.phase {
                Phase::Flushing(code, _) => self.close(code),
                Phase::Open | Phase::Closing { .. } => return Err(io::ErrorKind::TimedOut.into()),
            },
            () = acks.due(), if open && acks.linger() => self.acks.tell(&mut self.outgoing),
            _ = self.pings.tick(), if open => self.ping(),
            moved = poll_fn(|context| poll_socket(socket, frames, outgoing, context)) => match moved? {
                Moved::In(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Moved::In(_) => {
                    self.heard = Instant::now();
                    self.take_messages().await?;
                }
                Moved::Out(bytes) => {
                    // Those that were left while too much of its own was waiting.
                    self.take_messages().await?;
                    self.let_others_write(bytes).await;
                }
            },
            () = viewer.more(wants_more) => {}
        }
        Ok(())
    }

    /// Steps back behind all that is ready when it has written much: one that catches up keeps no echo waiting.
    async fn let_others_write(&mut self, bytes: usize) {
        self.unbroken += bytes;
        if self.unbroken >= UNBROKEN_MAX {
            self.unbroken = 0;
            yield_now().await;
        }
    }

    fn ends(&mut self, end: End) {
        if self.phase != Phase::Open {
            return;
        }
        match end {
            End::Left => {} // looked at before all else
            End::Draining => {
                self.tell_drain();
                self.close_after_output(CloseCode::Draining);
            }
            End::LockedOut => self.close(CloseCode::Forbidden),
            End::Expired => self.close(CloseCode::TokenExpired),
        }
    }

    /// Takes the whole messages that have arrived, as far as there is room for what they cause.
    async fn take_messages(&mut self) -> io::Result<()> {
        while !self.outgoing.is_full() {
            let received = match self.frames.next_message() {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(()),
                Err(violation) => {
                    self.frames.clear();
                    if !matches!(self.phase, Phase::Closing { .. }) {
                        self.close(match violation {
                            Violation::Protocol(_) => CloseCode::ProtocolError,
                            Violation::InvalidText => CloseCode::InvalidText,
                            Violation::TooLarge => CloseCode::TooLarge,
                        });
                    }
                    return Ok(());
                }
            };
            match received {
                Received::Close(_) => self.peer_closed(),
                // After our close frame only the peer's counts (RFC 6455 section 5.5.1).
                _ if matches!(self.phase, Phase::Closing { .. }) => {}
                Received::Ping(_) | Received::Pong if !self.allowance.take(Instant::now()) => {
                    self.close(CloseCode::LimitReached);
                }
                Received::Ping(payload) => self.outgoing.pong(&payload),
                Received::Pong => {}
                Received::Text(_) => self.close(CloseCode::BadMessage),
                Received::Binary(message) => {
                    let Self { viewer, outgoing, attendance, .. } = self;
                    let taken = Incoming { viewer, outgoing, attendance }.take(message).await;
                    if let Err(code) = taken {
                        self.close(code);
                    }
                }
            }
        }
        Ok(())
    }

    fn ping(&mut self) {
        if self.heard.elapsed() >= SILENCE_MAX {
            self.close(CloseCode::Silent);
        } else if !self.outgoing.is_full() {
            self.outgoing.ping();
        }
    }

    fn close_after_output(&mut self, code: CloseCode) {
        self.phase = Phase::Flushing(code, Instant::now() + FLUSH_WAIT);
    }

    fn close(&mut self, code: CloseCode) {
        self.acks.tell(&mut self.outgoing);
        self.outgoing.close(code);
        self.phase = Phase::Closing { peer_has_closed: false, deadline: Instant::now() + CLOSE_WAIT };
    }

    fn tell_drain(&mut self) {
        self.outgoing.event(self.viewer.offset(), &Event::Drain {});
    }

    /// Gives up the session, which is the next server's now. A message that was begun is finished with a copy.
    fn let_go(&mut self) {
        self.outgoing.keep_begun();
        let code = match self.phase {
            Phase::Flushing(code, _) => code,
            Phase::Open | Phase::Closing { .. } => {
                self.tell_drain();
                CloseCode::Draining
            }
        };
        self.close(code);
        self.viewer.detach();
    }

    fn peer_closed(&mut self) {
        if !matches!(self.phase, Phase::Closing { .. }) {
            self.close(CloseCode::SessionClosed); // 1000: an answer, whatever the peer's reason
        }
        if let Phase::Closing { peer_has_closed, .. } = &mut self.phase {
            *peer_has_closed = true;
        }
    }
}

/// What was moved over a socket.
enum Moved {
    /// So many bytes in; none at its end.
    In(usize),
    /// So many bytes out.
    Out(usize),
}

/// Reads once or writes once, whichever the socket is ready for and there is a use for.
fn poll_socket<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut S,
    frames: &mut FrameReader,
    outgoing: &mut Outgoing,
    context: &mut Context<'_>,
) -> Poll<io::Result<Moved>> {
    if !outgoing.is_idle()
        && let Poll::Ready(sent) = outgoing.poll_write(Pin::new(socket), context)
    {
        return Poll::Ready(sent.map(Moved::Out));
    }
    // What it took goes on its way also when nothing follows.
    if let Poll::Ready(Err(error)) = outgoing.poll_flush(Pin::new(socket), context) {
        return Poll::Ready(Err(error));
    }
    if !outgoing.is_full()
        && let Poll::Ready(read) = frames.poll_read(Pin::new(socket), context)
    {
        return Poll::Ready(read.map(Moved::In));
    }
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    /// How much a future of a connection takes.
    fn size_of_life<F>(_life: impl FnOnce(Connection<TcpStream>) -> F) -> usize {
        size_of::<F>()
    }

    /// Ten thousand viewers that watch an idle session should cost little: this is most of what each does.
    #[test]
    fn an_idle_connection_is_small() {
        let connection = size_of::<Connection<TcpStream>>();
        let life = size_of_life(|mut connection| async move { connection.run().await });
        assert!(life <= 1536, "{life} bytes, of which the connection has {connection}");
    }
}
