//! INPUT_ACKs, which wait a little for the output that the input causes: the client is woken once for both.

use std::time::Duration;

use super::outgoing::Outgoing;
use crate::protocol::ServerMessage;
use crate::session::Linger;

/// How long an ack waits for output: an echo takes a twentieth of that, and nobody waits for an ack alone.
const PATIENCE: Duration = Duration::from_millis(5);

/// What is to be acknowledged.
#[derive(Default)]
pub(super) struct Acks {
    waiting: Option<u64>,
    /// The highest that waited or was told.
    known: u64,
    linger: Linger,
}

impl Acks {
    /// All up to `seq` was written.
    pub(super) fn written(&mut self, seq: u64) {
        if seq > self.known {
            self.known = seq;
            self.waiting = Some(seq);
            self.linger.begin(PATIENCE);
        }
    }

    /// Whether [`Acks::due`] is to be waited for.
    pub(super) const fn linger(&self) -> bool {
        self.linger.is_set()
    }

    /// Waits until what waits has waited long enough. May be dropped and called again.
    pub(super) async fn due(&mut self) {
        self.linger.due().await;
    }

    /// Tells the client, if there is anything to tell.
    pub(super) fn tell(&mut self, outgoing: &mut Outgoing) {
        if let Some(seq) = self.waiting.take() {
            outgoing.message(ServerMessage::InputAck(seq));
        }
    }
}
