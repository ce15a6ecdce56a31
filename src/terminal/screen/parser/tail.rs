//! Writes a parser's state down as bytes. Changes nothing.

use super::Parser;
use super::state::{Osc, State};

impl Parser {
    /// Bytes that bring a parser which has read nothing to where this one is: the half-read sequence and character.
    /// Not the very bytes that were read, but bounded ones; a string that is dropped is begun, with nothing in it.
    /// Feeding them causes no action.
    pub(in crate::terminal::screen) fn tail(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self.state {
            State::Ground => {}
            State::Escape => out.extend(b"\x1b"),
            State::EscapeSlow => out.extend(b"\x1b\x7f"),
            State::EscapeIntermediate => self.write(&mut out, b"\x1b", false),
            State::CsiEntry => out.extend(b"\x1b["),
            State::CsiEntrySlow => out.extend(b"\x1b\x7f["),
            State::CsiParam | State::CsiIntermediate => self.write(&mut out, b"\x1b[", true),
            State::CsiIgnore => out.extend(b"\x1b[0<"),
            State::SosPm => out.extend(b"\x1bX"),
            State::Osc(Osc::Bad) => out.extend(b"\x1b]x"),
            State::Osc(osc @ (Osc::Number(number) | Osc::Text(number))) => {
                out.extend(b"\x1b]");
                if let Some(number) = number {
                    out.extend_from_slice(number.to_string().as_bytes());
                }
                if matches!(osc, Osc::Text(_)) {
                    out.push(b';');
                }
                out.extend_from_slice(&self.payload);
            }
            State::DcsEntry => out.extend(b"\x1bP"),
            State::DcsParam | State::DcsIntermediate => self.write(&mut out, b"\x1bP", true),
            State::DcsIgnore => out.extend(b"\x1bP0<"),
            State::Dcs(final_byte) => {
                self.write(&mut out, b"\x1bP", true);
                out.push(final_byte);
                out.extend_from_slice(&self.payload);
            }
            State::ApcEntry => out.extend(b"\x1b_"),
            State::ApcIntermediate => out.extend(b"\x1b_ "),
            State::Apc => out.extend(b"\x1b_x"),
        }
        out.extend_from_slice(&self.partial[..usize::from(self.partial_len)]);
        out
    }

    /// Writes down introducer, prefix, parameters and intermediates.
    fn write(&self, out: &mut Vec<u8>, introducer: &[u8], params: bool) {
        let collected = self.collected.to_be_bytes().into_iter().filter(|byte| *byte != 0);
        out.extend_from_slice(introducer);
        out.extend(collected.clone().filter(|byte| *byte >= 0x3c));
        if params {
            self.params.write(out);
        }
        out.extend(collected.filter(|byte| *byte < 0x3c));
    }
}
