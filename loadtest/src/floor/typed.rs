//! What a client of the floor sends: whole masked frames, and of them what is typed.

use fantail::protocol::ClientMessage;

use crate::client::frames::{BINARY, CLOSE};

const OPCODE: u8 = 0x0f;

/// What a frame comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Input(Vec<u8>),
    Closed,
    Nothing,
}

/// Takes the first frame from `bytes`, if it is whole.
pub(super) fn take(bytes: &mut Vec<u8>) -> Option<Typed> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mask_at) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), 4),
        127 => (usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let mask: [u8; 4] = *bytes.get(mask_at..)?.first_chunk()?;
    let (begin, end) = (mask_at + 4, mask_at + 4 + length);
    if bytes.len() < end {
        return None;
    }
    let payload: Vec<u8> = bytes[begin..end].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    bytes.drain(..end);
    Some(match (first & OPCODE, ClientMessage::decode(&payload)) {
        (BINARY, Ok(ClientMessage::Input { bytes, .. })) => Typed::Input(bytes.to_vec()),
        (CLOSE, _) => Typed::Closed,
        _ => Typed::Nothing,
    })
}
