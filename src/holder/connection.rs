//! A server's connection to its holder, on the runtime: one request at a time, each with its answer.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use super::HolderError;
use super::message::{Reply, Request};
use super::socket::{self, Received, Room};
use crate::session::watch;

/// How long an answer may take: a program's file system may be slow to start it from.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// A request and what goes with it.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// An answer and what came with it.
pub(super) struct Answered {
    pub(super) reply: Reply,
    pub(super) descriptors: Vec<OwnedFd>,
}

pub(super) struct Connection {
    socket: AsyncFd<OwnedFd>,
    room: Room,
}

impl Connection {
    /// Must be called within the runtime.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self { socket: watch(socket, Interest::READABLE)?, room: Room::default() })
    }

    /// Asks, and waits for the answer. After an error the connection is of no use any more.
    pub(super) async fn ask(&mut self, asked: &Asked) -> Result<Answered, HolderError> {
        let bytes = serde_json::to_vec(&asked.request).map_err(io::Error::from)?;
        let descriptors: Vec<_> = asked.descriptors.iter().map(OwnedFd::as_fd).collect();
        socket::send(&self.socket, &bytes, &descriptors).map_err(|_| HolderError::Gone)?;
        let received = timeout(ANSWER_DEADLINE, self.receive()).await.map_err(|_| HolderError::Silent)?;
        let Received { bytes, descriptors } = received.ok_or(HolderError::Gone)?;
        let reply = serde_json::from_slice(&bytes).map_err(|_| HolderError::Garbled)?;
        Ok(Answered { reply, descriptors })
    }

    /// Waits until the holder hangs up, which is when it ends; or says what it was not asked.
    pub(super) async fn ended(&mut self) {
        // Read and dropped: nothing is expected.
        self.receive().await;
    }

    async fn receive(&mut self) -> Option<Received> {
        loop {
            let mut ready = self.socket.readable().await.ok()?;
            match ready.try_io(|socket| socket::receive(socket.get_ref(), &mut self.room)) {
                Ok(received) => return received.ok().flatten(),
                Err(_would_block) => {}
            }
        }
    }
}
