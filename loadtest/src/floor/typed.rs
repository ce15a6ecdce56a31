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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::frames::{PONG, write_masked};

    #[test]
    fn what_is_typed_is_understood_once_it_is_whole() {
        let mut all = Vec::new();
        for length in [1, 200, 70_000] {
            let message = ClientMessage::Input { seq: 1, bytes: &vec![b'k'; length] }.encode();
            write_masked(&mut all, BINARY, &message, 0xdead_beef);
        }
        write_masked(&mut all, PONG, b"", 1);
        write_masked(&mut all, CLOSE, &[3, 232], 2);
        let (mut bytes, mut taken) = (Vec::new(), Vec::new());
        for byte in all {
            bytes.push(byte);
            taken.extend(take(&mut bytes));
        }
        let input = |length| Typed::Input(vec![b'k'; length]);
        assert_eq!(taken, [input(1), input(200), input(70_000), Typed::Nothing, Typed::Closed]);
    }
}
