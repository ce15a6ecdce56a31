//! The dialect `fantail.v1`: what a message says.
//!
//! `protocol` decodes it all. Of an OUTPUT it is shown the head only, and the payload goes on as it lies.

use fantail::protocol::{Event, ServerMessage};

use super::Said;

/// Bytes of a message in which its type and its offset are.
const HEAD: usize = 9;
/// Bytes of the longest message other than OUTPUT: above the largest SNAPSHOT a server makes.
const COLLECTED_MAX: usize = 64 << 20;
/// Bytes of room kept from one message to the next.
const ROOM_KEPT: usize = 64;

/// Reads messages, and holds their offsets against each other.
#[derive(Debug, Default)]
pub(crate) struct Native {
    /// The message so far, unless it is OUTPUT.
    message: Vec<u8>,
    /// The message is OUTPUT, and its payload has begun.
    output: bool,
    /// Where the next output must be. None before the welcome, which says it.
    next: Option<u64>,
}

impl Native {
    /// Takes a piece of a message.
    pub(crate) fn piece(
        &mut self,
        mut bytes: &[u8],
        last: bool,
        on: &mut impl FnMut(Said<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        if !self.output && self.message.len() < HEAD {
            let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.message.len()));
            self.message.extend_from_slice(head);
            bytes = rest;
            if self.message.len() == HEAD {
                self.output = self.is_output()?;
            }
        }
        if self.output {
            self.next = self.next.map(|next| next + bytes.len() as u64);
            if !bytes.is_empty() {
                on(Said::Output(bytes))?;
            }
        } else {
            if self.message.len() + bytes.len() > COLLECTED_MAX {
                return Err("a message longer than any".into());
            }
            self.message.extend_from_slice(bytes);
        }
        if last {
            if !std::mem::take(&mut self.output) {
                self.whole(on)?;
            }
            self.message.clear();
            self.message.shrink_to(ROOM_KEPT);
        }
        Ok(())
    }

    /// Whether the head is an OUTPUT's, which must then be where the last one ended.
    fn is_output(&self) -> Result<bool, String> {
        // Of any other message it may be too little; that is told when it is whole.
        let Ok(ServerMessage::Output { offset, .. }) = ServerMessage::decode(&self.message) else { return Ok(false) };
        match self.next {
            Some(next) if next == offset.0 => Ok(true),
            next => Err(format!("output at {offset}, not at {next:?}")),
        }
    }

    fn whole(&mut self, on: &mut impl FnMut(Said<'_>) -> Result<(), String>) -> Result<(), String> {
        match ServerMessage::decode(&self.message).map_err(|error| error.to_string())? {
            ServerMessage::Output { .. } => Err("an output too short to be one".into()),
            ServerMessage::Snapshot { offset, bytes, .. } => {
                self.next = Some(offset.0);
                on(Said::Snapshot { offset: offset.0, bytes: bytes.len() as u64 })
            }
            ServerMessage::Gap { from, to } => {
                self.next = Some(to.0);
                on(Said::Gap { from: from.0, to: to.0 })
            }
            ServerMessage::InputAck(seq) => on(Said::Ack(seq)),
            ServerMessage::Event { json, .. } => match Event::from_json(json).map_err(|error| error.to_string())? {
                Event::Welcome(welcome) => {
                    self.next = Some(welcome.offset);
                    on(Said::Welcome { offset: welcome.offset })
                }
                Event::Refused { command, error, .. } => Err(format!("{command} was refused: {error}")),
                Event::Drain {} => Err("the server is going away".into()),
                Event::Exit { .. } => on(Said::Exit),
                _ => Ok(()),
            },
        }
    }
}
