//! One connection: a loop that pulls from its viewer as its socket takes, and hands on what its client says.
//!
//! Never queues output (law 3): at most one chunk of shared frames and a bounded number of its own bytes wait here.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::frame::{FrameReader, Received, Violation};
use super::incoming::Incoming;
use super::latest::Latest;
use super::outgoing::Outgoing;
use crate::auth::Access;
use crate::protocol::{CloseCode, Event, MESSAGE_BYTES_MAX, PING_SECONDS, ServerMessage, Welcome};
use crate::session::{Attached, Next, Status, Viewer};

const PING_EVERY: Duration = Duration::from_secs(PING_SECONDS);
/// A client silent for this long is gone: two pings went unanswered.
const SILENCE_MAX: Duration = Duration::from_secs(2 * PING_SECONDS);
/// How long a client has to take the rest of the output before a close that waits for it.
const FLUSH_WAIT: Duration = Duration::from_secs(5);
/// How long a client has to take and answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// What ends a connection besides its peer and its session.
pub(super) struct Ends {
    /// The server is going away.
    pub(super) drain: CancellationToken,
    /// The login it was made with has been ended.
    pub(super) revoked: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// When its credential runs out.
    pub(super) expires: Option<Instant>,
}

pub(super) struct Connection<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    frames: FrameReader,
    outgoing: Outgoing,
    viewer: Viewer,
    access: Access,
    status: watch::Receiver<Status>,
    written: watch::Receiver<u64>,
    superseded: CancellationToken,
    latest: Latest,
    ends: Ends,
    phase: Phase,
    heard: Instant,
    pings: Interval,
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
    /// A connection over `stream`, from which `early` was already read.
    pub(super) fn new(stream: S, early: &[u8], viewer: Viewer, attached: Attached, access: Access, ends: Ends) -> Self {
        let (reader, writer) = split(stream);
        let Attached { known, mut status, mut written, superseded, .. } = attached;
        let mut frames = FrameReader::new(MESSAGE_BYTES_MAX);
        frames.extend(early);
        let latest = Latest::new(known);
        // What the welcome leaves out is told at once: who has control, what was written before this connection, and what
        // has changed since it attached.
        status.mark_changed();
        written.mark_changed();
        let now = Instant::now();
        let mut pings = interval_at(now + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            reader,
            writer,
            frames,
            outgoing: Outgoing::default(),
            viewer,
            access,
            status,
            written,
            superseded,
            latest,
            ends,
            phase: Phase::Open,
            heard: now,
            pings,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self, welcome: Welcome) {
        self.outgoing.event(self.viewer.offset(), &Event::Welcome(Box::new(welcome)));
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
            self.fill();
            if matches!(self.phase, Phase::Closing { peer_has_closed: true, .. }) && self.outgoing.is_idle() {
                return self.writer.shutdown().await;
            }
            self.turn().await?;
        }
    }

    /// Puts next what there is to send.
    fn fill(&mut self) {
        while self.outgoing.wants_more() && self.sends_output() {
            if self.outgoing.was_cut() {
                self.viewer.link_is_full();
            }
            match self.viewer.pull() {
                Next::Frames(chunk) => self.outgoing.chunk(chunk),
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
        let (open, sends_output) = (self.phase == Phase::Open, self.sends_output());
        let deadline = match self.phase {
            Phase::Flushing(_, deadline) | Phase::Closing { deadline, .. } => Some(deadline),
            Phase::Open => None,
        };
        let session = self.viewer.session().clone();
        tokio::select! {
            read = self.frames.read_from(&mut self.reader), if !self.outgoing.is_full() => {
                if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.heard = Instant::now();
                self.take_messages().await?;
            }
            sent = self.outgoing.write_some(&mut self.writer), if !self.outgoing.is_idle() => {
                sent?;
                // Those that were left while too much of its own was waiting.
                self.take_messages().await?;
            }
            () = self.viewer.more(), if self.outgoing.wants_more() && sends_output => {}
            Ok(()) = self.status.changed(), if open && !self.outgoing.is_full() => self.tell_changes(),
            Ok(()) = self.written.changed(), if open && !self.outgoing.is_full() => self.acknowledge(),
            () = session.leaving().cancelled(), if sends_output => {} // looked at before all else
            () = session.closed().cancelled(), if open => self.close_after_output(CloseCode::SessionClosed),
            () = self.superseded.cancelled(), if open => self.close(CloseCode::Superseded),
            () = self.ends.drain.cancelled(), if open => {
                self.tell_drain();
                self.close_after_output(CloseCode::Draining);
            }
            () = &mut self.ends.revoked, if open => self.close(CloseCode::Forbidden),
            () = until(self.ends.expires), if open => self.close(CloseCode::TokenExpired),
            () = until(deadline), if deadline.is_some() => match self.phase {
                Phase::Flushing(code, _) => self.close(code),
                Phase::Open | Phase::Closing { .. } => return Err(io::ErrorKind::TimedOut.into()),
            },
            _ = self.pings.tick(), if open => self.ping(),
        }
        Ok(())
    }

    /// Takes the whole messages that have arrived, as far as there is room for what they cause.
    async fn take_messages(&mut self) -> io::Result<()> {
        while !self.outgoing.is_full() {
            let received = match self.frames.next() {
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
                Received::Ping(payload) => self.outgoing.pong(&payload),
                Received::Pong => {}
                Received::Text => self.close(CloseCode::BadMessage),
                Received::Binary(message) => {
                    let Self { viewer, access, outgoing, .. } = self;
                    let taken = Incoming { viewer, access: *access, outgoing }.take(message).await;
                    if let Err(code) = taken {
                        self.close(code);
                    }
                }
            }
        }
        Ok(())
    }

    fn tell_changes(&mut self) {
        let status = self.status.borrow_and_update().clone();
        for event in self.latest.changes(status) {
            self.outgoing.event(self.viewer.offset(), &event);
        }
    }

    fn acknowledge(&mut self) {
        let written = *self.written.borrow_and_update();
        if written > 0 {
            self.outgoing.message(ServerMessage::InputAck(written));
        }
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

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
