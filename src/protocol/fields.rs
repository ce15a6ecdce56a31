//! Reading a message's fields, and the one error for bytes that are no message.
//!
//! Errors never quote the message: it may hold what somebody typed (law 8).

use crate::terminal::Offset;

/// Bytes that are not a message of `fantail.v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Not even a type.
    #[error("empty message")]
    Empty,
    /// A type this version does not know.
    #[error("unknown message type {0:#04x}")]
    UnknownType(u8),
    /// Too few bytes for the fields, or bytes after the last one.
    #[error("message type {kind:#04x} cannot have {bytes} bytes")]
    WrongLength {
        /// The message's type.
        kind: u8,
        /// Bytes of the whole message.
        bytes: usize,
    },
    /// Bad UTF-8, bad JSON, a missing field or one of the wrong type.
    #[error("message type {kind:#04x} does not hold the JSON it must")]
    BadJson {
        /// The message's type.
        kind: u8,
    },
}

/// What is left to read of one message.
pub(super) struct Fields<'a> {
    kind: u8,
    message: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Result<(u8, Self), BadMessage> {
        let (&kind, rest) = message.split_first().ok_or(BadMessage::Empty)?;
        Ok((kind, Self { kind, message, rest }))
    }

    pub(super) fn u16(&mut self) -> Result<u16, BadMessage> {
        self.take().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, BadMessage> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, BadMessage> {
        self.take().map(u64::from_be_bytes)
    }

    pub(super) fn offset(&mut self) -> Result<Offset, BadMessage> {
        self.u64().map(Offset)
    }

    /// Everything after the fields.
    pub(super) const fn bytes(self) -> &'a [u8] {
        self.rest
    }

    /// `value`, if nothing follows the last field.
    pub(super) const fn done<T: Copy>(self, value: T) -> Result<T, BadMessage> {
        if self.rest.is_empty() { Ok(value) } else { Err(self.wrong_length()) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BadMessage> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(self.wrong_length())?;
        self.rest = rest;
        Ok(*field)
    }

    const fn wrong_length(&self) -> BadMessage {
        BadMessage::WrongLength { kind: self.kind, bytes: self.message.len() }
    }
}
