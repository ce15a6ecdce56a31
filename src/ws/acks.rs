//! INPUT_ACKs, which wait a little for the output that the input causes: the client is woken once for both.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::outgoing::Outgoing;
use crate::protocol::ServerMessage;

/// How long an ack waits for output: an echo takes a twentieth of that, and nobody waits for an ack alone.
const LINGER: Duration = Duration::from_millis(5);

/// What is to be acknowledged.
#[derive(Default)]
pub(super) struct Acks {
    waiting: Option<u64>,
    /// Set when something waits and it is not; not stopped when that was told, because most often more waits soon.
    timer: Option<Pin<Box<Sleep>>>,
    is_set: bool,
}

impl Acks {
    /// All up to `seq` was written.
    pub(super) fn written(&mut self, seq: u64) {
        if seq == 0 {
            return;
        }
        self.waiting = Some(seq);
        if !self.is_set {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(LINGER)));
            timer.as_mut().reset(Instant::now() + LINGER);
            self.is_set = true;
        }
    }

    /// Whether [`Acks::due`] is to be waited for.
    pub(super) const fn is_timed(&self) -> bool {
        self.is_set
    }

    /// Waits until what waits has waited long enough. May be dropped and called again.
    pub(super) async fn due(&mut self) {
        if let Some(timer) = &mut self.timer {
            timer.await;
        }
        self.is_set = false;
    }

    /// Tells the client, if there is anything to tell.
    pub(super) fn tell(&mut self, outgoing: &mut Outgoing) {
        if let Some(seq) = self.waiting.take() {
            outgoing.message(ServerMessage::InputAck(seq));
        }
    }
}
