//! The last of input's way: from the queue into the terminal, so that whatever happens to this process each byte gets
//! there once.

use std::io;
use std::sync::Arc;

use super::ViewerId;
use super::handle::Session;
use super::input::Front;
use super::pty::{INPUT_MAX, Pty};
use super::typing::Input;

/// Most input written in one turn, so that a large paste does not keep the task from reading what it causes.
const TURN_MAX: usize = 64 * 1024;

/// What a session's task knows of the input it hands on.
pub(super) struct Delivery {
    session: Arc<Session>,
    pty: Arc<Pty>,
    begun: Option<Begun>,
    /// The terminal takes no more now.
    is_blocked: bool,
}

/// The beginning of the queue's front, on its way into the terminal.
struct Begun {
    len: usize,
    /// What the terminal has not taken of it.
    left: usize,
}

/// Whether the queue had more.
enum Put {
    Nothing,
    /// What this viewer typed, or what came from no viewer.
    From(Option<ViewerId>),
}

impl Delivery {
    /// Into the terminal of `session`.
    pub(super) fn new(session: &Arc<Session>, pty: &Arc<Pty>) -> Self {
        Self { session: Arc::clone(session), pty: Arc::clone(pty), begun: None, is_blocked: false }
    }

    /// Goes on with what another server had put on its way.
    pub(super) fn take_up(&mut self) {
        let left = self.pty.on_its_way().unwrap_or(0);
        self.begun = (left > 0).then_some(Begun { len: 0, left });
        self.is_blocked = left > 0;
    }

    /// Whether [`Delivery::deliver`] is to be called once the terminal takes more.
    pub(super) const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Hands on what is in the queue, as far as the terminal takes it and for a turn. Returns the last that typed any of
    /// it.
    pub(super) fn deliver(&mut self) -> Option<ViewerId> {
        self.is_blocked = false;
        let mut turn = 0;
        let mut typist = None;
        loop {
            match self.push() {
                Ok(pushed) => turn += pushed,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    return typist;
                }
                // The terminal is gone; the program's end is about to be seen.
                Err(_) => return typist,
            }
            if turn > TURN_MAX {
                self.is_blocked = true; // it is not, but this comes back here after a look at the output
                return typist;
            }
            match self.put() {
                Put::Nothing => return typist,
                Put::From(viewer) => typist = viewer.or(typist),
            }
        }
    }

    /// Puts the next chunk on its way into the terminal.
    fn put(&mut self) -> Put {
        let mut input = self.session.input.lock();
        let Input { clients, queue } = &mut *input;
        let Some(Front { bytes, viewer, delivered }) = queue.front(clients, INPUT_MAX) else { return Put::Nothing };
        let put = || if bytes.is_empty() { Ok(()) } else { self.pty.put(&bytes) };
        // Under the lock, so that nothing else changes what is written down of this client meanwhile.
        if let Err(error) = self.session.ledger.deliver(delivered, put) {
            tracing::error!(session = %self.session.id(), %error, "input cannot be written");
            return Put::Nothing;
        }
        self.begun = Some(Begun { len: bytes.len(), left: bytes.len() });
        Put::From(viewer)
    }

    /// Moves what is on its way into the terminal. Returns how much that was, when nothing is left of it.
    fn push(&mut self) -> io::Result<usize> {
        let Some(Begun { len, left }) = &mut self.begun else { return Ok(0) };
        while *left > 0 {
            *left -= self.pty.push()?.min(*left);
        }
        let len = *len;
        self.begun = None;
        self.session.ledger.delivered();
        let mut input = self.session.input.lock();
        let Input { clients, queue } = &mut *input;
        queue.wrote(clients, len);
        Ok(len)
    }
}
