//! RFC 6455 frames: a server's, taken apart as they come, and a client's, written.
//!
//! Copies no payload: what is read is shown where it lies, in pieces as the socket gave them.

/// The opcodes of RFC 6455, section 5.2.
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
/// Most bytes of a control frame's payload.
pub(crate) const CONTROL_MAX: usize = 125;
/// Bytes of the longest header a server sends: two, and a length of eight.
const HEADER_MAX: usize = 10;

/// What a server's frames are found to hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Some of a message's payload.
    Data {
        /// A message begins here.
        first: bool,
        bytes: &'a [u8],
        /// It ends here.
        last: bool,
    },
    /// A whole control frame.
    Control { opcode: u8, payload: &'a [u8] },
}

/// Reads a server's frames.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    header: [u8; HEADER_MAX],
    /// Bytes of `header` that are there.
    have: usize,
    /// Payload bytes of the frame that are still to come; none between frames.
    left: Option<u64>,
    opcode: u8,
    fin: bool,
    /// The next piece is a message's first.
    first: bool,
    /// A message has begun and not ended.
    within: bool,
    control: Vec<u8>,
}

impl FrameReader {
    /// Takes what was read; `on` is shown what it holds.
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut on: impl FnMut(Piece<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        while !bytes.is_empty() {
            let left = match self.left {
                Some(left) => left,
                None => match self.header(&mut bytes)? {
                    Some(left) => left,
                    None => return Ok(()),
                },
            };
            let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (piece, rest) = bytes.split_at(here);
            bytes = rest;
            let left = left - here as u64;
            self.left = (left > 0).then_some(left);
            if self.opcode & 0x8 == 0 {
                let last = left == 0 && self.fin;
                if here > 0 || last {
                    on(Piece::Data { first: std::mem::take(&mut self.first), bytes: piece, last })?;
                }
                self.within = !last;
            } else {
                self.control.extend_from_slice(piece);
                if left == 0 {
                    on(Piece::Control { opcode: self.opcode, payload: &self.control })?;
                    self.control = Vec::new();
                }
            }
        }
        Ok(())
    }

    /// The payload's length, once the header is whole.
    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<u64>, String> {
        loop {
            let needed = match (self.have, self.header[1]) {
                (0 | 1, _) => 2,
                (_, 126) => 4,
                (_, 127) => HEADER_MAX,
                _ => 2,
            };
            if self.have == needed {
                break;
            }
            let take = bytes.len().min(needed - self.have);
            if take == 0 {
                return Ok(None);
            }
            self.header[self.have..self.have + take].copy_from_slice(&bytes[..take]);
            self.have += take;
            *bytes = &bytes[take..];
        }
        let length = match (self.header[1], self.have) {
            (126, _) => u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
            (127, _) => self.header[2..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            (short, _) => u64::from(short),
        };
        self.have = 0;
        self.begin(self.header[0], length)?;
        Ok(Some(length))
    }

    fn begin(&mut self, head: u8, length: u64) -> Result<(), String> {
        let (opcode, fin) = (head & OPCODE, head & FIN != 0);
        if head & RESERVED != 0 || self.header[1] & MASKED != 0 {
            return Err(format!("a frame with reserved bits or masked: {head:#04x}"));
        }
        match opcode {
            TEXT | BINARY if !self.within => self.first = true,
            CONTINUATION if self.within => {}
            CLOSE | PING | PONG if fin && length <= CONTROL_MAX as u64 => {}
            _ => return Err(format!("a frame that may not come here: {head:#04x}, {length} bytes")),
        }
        (self.opcode, self.fin) = (opcode, fin);
        Ok(())
    }
}

/// Appends a client's frame with a whole message. The mask is a number of the frame's: RFC 6455 wants one that nobody can
/// foresee, against proxies, which are not there.
pub(crate) fn write_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8], mask: u32) {
    out.push(FIN | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => out.push(MASKED | short),
        (_, Ok(long)) => {
            out.push(MASKED | 126);
            out.extend_from_slice(&long.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    let mask = mask.to_be_bytes();
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

    use super::*;

    /// Messages of every length of header, and what stands between them.
    fn messages() -> Vec<Message> {
        let data = [0, 1, 9, 125, 126, 127, 65_535, 65_536, 70_000].map(|length| {
            Message::Binary((0..length).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect::<Vec<_>>().into())
        });
        let control = [Message::Ping(vec![7; 3].into()), Message::Pong(Vec::new().into()), Message::Text("β".into())];
        data.into_iter().chain(control).chain([Message::Binary(b"end".to_vec().into())]).collect()
    }

    /// What a server of tungstenite sends.
    fn sent(messages: &[Message]) -> Vec<u8> {
        let mut server = WebSocket::from_raw_socket(Cursor::new(Vec::new()), Role::Server, None);
        for message in messages {
            server.write(message.clone()).expect("a Vec takes all");
        }
        server.flush().expect("a Vec takes all");
        server.into_inner().into_inner()
    }

    /// What our reader makes of it, read in pieces of `piece` bytes: opcodes and payloads.
    fn read(bytes: &[u8], piece: usize) -> Result<Vec<(u8, Vec<u8>)>, String> {
        let (mut reader, mut read, mut message) = (FrameReader::default(), Vec::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            reader.feed(piece, |piece| {
                match piece {
                    Piece::Data { first, bytes, last } => {
                        assert!(!first || message.is_empty(), "a message begins within another");
                        message.extend_from_slice(bytes);
                        if last {
                            read.push((BINARY, std::mem::take(&mut message)));
                        }
                    }
                    Piece::Control { opcode, payload } => read.push((opcode, payload.to_vec())),
                }
                Ok(())
            })?;
        }
        Ok(read)
    }

    #[test]
    fn what_tungstenite_sends_is_read_however_it_is_cut() {
        let messages = messages();
        let bytes = sent(&messages);
        let expected: Vec<_> = messages
            .iter()
            .map(|message| match message {
                Message::Ping(payload) => (PING, payload.to_vec()),
                Message::Pong(payload) => (PONG, payload.to_vec()),
                message => (BINARY, message.clone().into_data().to_vec()),
            })
            .collect();
        for piece in [1, 2, 3, 7, 1000, 65_536, bytes.len()] {
            assert_eq!(read(&bytes, piece).as_ref(), Ok(&expected), "in pieces of {piece}");
        }
    }

    #[test]
    fn what_is_written_is_read_by_tungstenite() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = Vec::new();
            write_masked(&mut bytes, BINARY, &vec![b'x'; length], 0x1234_5678);
            let mut server = WebSocket::from_raw_socket(Cursor::new(bytes), Role::Server, None);
            assert_eq!(server.read().expect("a message"), Message::Binary(vec![b'x'; length].into()));
        }
    }

    #[test]
    fn a_message_in_several_frames_is_one() {
        let mut bytes = vec![BINARY, 2, b'a', b'b', FIN | PING, 1, b'?', CONTINUATION, 0, FIN | CONTINUATION, 1, b'c'];
        assert_eq!(read(&bytes, 3), Ok(vec![(PING, b"?".to_vec()), (BINARY, b"abc".to_vec())]));
        bytes.truncate(4);
        bytes.extend([FIN | BINARY, 0]);
        assert!(read(&bytes, 100).is_err(), "a message within another");
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        let bad: [&[u8]; 5] = [
            &[FIN | BINARY, MASKED | 1, 0, 0, 0, 0, 0],
            &[FIN | 0x40 | BINARY, 0],
            &[FIN | CONTINUATION, 0],
            &[PING, 0],
            &[FIN | PING, 126, 0, 126],
        ];
        for bytes in bad {
            assert!(read(bytes, 100).is_err(), "{bytes:?}");
        }
    }
}
