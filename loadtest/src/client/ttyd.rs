//! The dialect of ttyd, subprotocol `tty`: each message is a letter and what it is about.
//!
//! Every connection has a program of its own, so output begins with each.

use super::Said;

/// What the server and the client put before output and input.
const OUTPUT: u8 = b'0';
const INPUT: u8 = b'0';
/// What is told before anything else: the size, and no token.
const GREETING: &[u8] = br#"{"AuthToken":"","columns":80,"rows":24}"#;

/// Reads messages.
#[derive(Debug, Default)]
pub(super) struct Ttyd {
    /// The message is output, once its first byte is there.
    output: Option<bool>,
}

impl Ttyd {
    /// Takes a piece of a message.
    pub(super) fn piece(
        &mut self,
        mut bytes: &[u8],
        last: bool,
        on: &mut impl FnMut(Said<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.output.is_none()
            && let Some((kind, rest)) = bytes.split_first()
        {
            self.output = Some(*kind == OUTPUT);
            bytes = rest;
        }
        if self.output == Some(true) && !bytes.is_empty() {
            on(Said::Output(bytes))?;
        }
        if last {
            self.output = None;
        }
        Ok(())
    }
}

pub(super) fn greeting() -> Vec<u8> {
    GREETING.to_vec()
}

pub(super) fn input(bytes: &[u8]) -> Vec<u8> {
    [&[INPUT], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_what_stands_behind_its_letter_however_it_is_cut() {
        let (mut ttyd, mut output) = (Ttyd::default(), Vec::new());
        let pieces: [(&[u8], bool); 6] =
            [(b"1title", true), (b"", false), (b"0", false), (b"he", false), (b"llo", true), (b"0!", true)];
        for (piece, last) in pieces {
            let mut on = |said: Said<'_>| {
                assert!(matches!(said, Said::Output(_)));
                if let Said::Output(bytes) = said {
                    output.extend_from_slice(bytes);
                }
                Ok(())
            };
            ttyd.piece(piece, last, &mut on).expect("right");
        }
        assert_eq!(output, b"hello!");
    }
}
