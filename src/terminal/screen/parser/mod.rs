//! Finds characters, controls and sequences in bytes, exactly where xterm.js finds them. Knows no function's meaning.
//!
//! The state machine is xterm.js's, which is Paul Williams's <https://vt100.net/emu/dec_ansi_parser> over code points
//! and with UTF-8, C1 controls and sub-parameters. All state is bounded and can be written down as bytes
//! ([`Parser::tail`]), so that a client can begin in the middle of a sequence.

mod params;
mod state;
mod tail;
mod utf8;

#[cfg(test)]
mod tests;

pub(super) use params::Params;
use state::{Osc, State};
use utf8::{Decoded, PARTIAL_MAX, decode, printable_ascii};

/// The longest text of an OSC or DCS. A longer one is read to its end and dropped whole. Clipboards of more are rare,
/// and a session must not hold more than this for a program that never ends its string. (xterm.js: 10 million.)
pub(super) const PAYLOAD_MAX: usize = 1024 * 1024;
/// The buffer for such texts that is kept between sequences: titles, links and directories fit.
const PAYLOAD_KEPT: usize = 4096;

/// What the parser found, in order.
///
/// xterm.js forgets which character came before (its `precedingJoinState` becomes 0: nothing joins what is before the
/// cursor) at each of [`execute`](Self::execute), [`csi`](Self::csi), [`esc`](Self::esc), [`osc`](Self::osc),
/// [`dcs`](Self::dcs) and [`other`](Self::other), and at nothing else: not at a CSI or DCS that it ignores, not at an
/// SOS or PM, nor at a sequence cut short by a character that has no place in it.
pub(super) trait Actions {
    /// Printable ASCII, 0x20 to 0x7e only; never empty. One run may come as several.
    fn print_ascii(&mut self, run: &[u8]);
    /// Any other printable character: from U+00A0 on.
    fn print(&mut self, c: char);
    /// A control: 0x00–0x1a, 0x1c–0x1f; 0x80–0x8f, 0x91–0x97, 0x99, 0x9a.
    fn execute(&mut self, control: u8);
    /// A control sequence.
    fn csi(&mut self, function: Function, params: &Params);
    /// An escape sequence; ST (`ESC \`) is one.
    fn esc(&mut self, function: Function);
    /// A whole OSC with a number, and what follows the first `;` of it: UTF-8 without controls.
    fn osc(&mut self, number: u32, data: &[u8]);
    /// A whole device control string, and its text: UTF-8, with C0 controls.
    fn dcs(&mut self, function: Function, params: &Params, data: &[u8]);
    /// A string ended that is nobody's: an APC, or one that was aborted, malformed or too long.
    fn other(&mut self);
}

/// Which function a sequence is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// `<`, `=`, `>`, `?` or 0 for none. With more than two intermediates it is the last but two of them: then it
    /// is no function.
    pub(super) prefix: u8,
    /// The last two of the bytes 0x20–0x2f, 0 for those that are missing.
    pub(super) intermediates: [u8; 2],
    /// The last byte.
    pub(super) final_byte: u8,
}

/// The parser.
pub(super) struct Parser {
    state: State,
    params: Params,
    /// Prefix and intermediates: the last three of them, the last one lowest.
    collected: u32,
    /// The text of the OSC or DCS.
    payload: Vec<u8>,
    /// A character cut by the end of a feed.
    partial: [u8; PARTIAL_MAX],
    partial_len: u8,
}

impl Parser {
    /// One that has read nothing.
    pub(super) const fn new() -> Self {
        Self {
            state: State::Ground,
            params: Params::new(),
            collected: 0,
            payload: Vec::new(),
            partial: [0; PARTIAL_MAX],
            partial_len: 0,
        }
    }

    /// Whether it is within nothing: neither a sequence nor a character.
    #[cfg(test)]
    fn is_ground(&self) -> bool {
        self.state == State::Ground && self.partial_len == 0
    }

    /// Takes bytes. However they are cut, the same is found.
    pub(super) fn feed(&mut self, bytes: &[u8], actions: &mut impl Actions) {
        let mut rest = if self.partial_len > 0 { self.finish_character(bytes, actions) } else { bytes };
        while let Some(&first) = rest.first() {
            rest = match (self.state, first) {
                (State::Ground, 0x20..=0x7e) => {
                    let (run, rest) = rest.split_at(printable_ascii(rest));
                    actions.print_ascii(run);
                    rest
                }
                (State::Ground, 0..=0x1a | 0x1c..=0x1f) => {
                    actions.execute(first);
                    &rest[1..]
                }
                (State::Ground, 0x1b) if rest.get(1) == Some(&b'[') => {
                    self.state = self.clear(State::CsiEntry);
                    self.csi(&rest[2..], actions)
                }
                (State::CsiEntry | State::CsiParam, 0x20..=0x7e) => self.csi(rest, actions),
                (State::Osc(Osc::Text(_)), 0x20..=0x7f) => {
                    let (run, rest) = rest.split_at(printable_ascii(rest).max(1));
                    self.put(run);
                    rest
                }
                (_, 0..=0x7f) => {
                    self.step(first, &rest[..1], actions);
                    &rest[1..]
                }
                (_, 0x80..) => match decode(rest) {
                    Decoded::Char(c, length) => {
                        let (raw, rest) = rest.split_at(length);
                        self.character(c, raw, actions);
                        rest
                    }
                    Decoded::Dropped(length) => &rest[length..],
                    Decoded::Partial => {
                        self.partial[..rest.len()].copy_from_slice(rest);
                        self.partial_len = u8::try_from(rest.len()).unwrap_or(0);
                        return;
                    }
                },
            };
        }
    }

    /// Reads on in the character that the last feed cut; returns what comes after it.
    fn finish_character<'a>(&mut self, bytes: &'a [u8], actions: &mut impl Actions) -> &'a [u8] {
        let held = usize::from(self.partial_len);
        let mut whole = [0; 2 * PARTIAL_MAX];
        let added = bytes.len().min(PARTIAL_MAX);
        whole[..held].copy_from_slice(&self.partial[..held]);
        whole[held..held + added].copy_from_slice(&bytes[..added]);
        let length = match decode(&whole[..held + added]) {
            Decoded::Char(c, length) => {
                self.partial_len = 0;
                self.character(c, &whole[..length], actions);
                length
            }
            Decoded::Dropped(length) => {
                self.partial_len = 0;
                length
            }
            // At most three bytes then, for four are a character or none.
            Decoded::Partial => {
                self.partial.copy_from_slice(&whole[..PARTIAL_MAX]);
                self.partial_len += u8::try_from(added).unwrap_or(0);
                held + added
            }
        };
        &bytes[length - held..]
    }

    /// Takes a character that is not ASCII.
    #[inline]
    fn character(&mut self, c: char, raw: &[u8], actions: &mut impl Actions) {
        match u8::try_from(c) {
            Ok(control @ 0x80..=0x9f) => self.step(control, raw, actions),
            _ if self.state == State::Ground => actions.print(c),
            _ => self.step(0xa0, raw, actions),
        }
    }

    /// Reads on in a control sequence without intermediates: what nearly all are. As [`Self::step`] does it, faster.
    #[inline]
    fn csi<'a>(&mut self, bytes: &'a [u8], actions: &mut impl Actions) -> &'a [u8] {
        let Some(&first @ 0x20..=0x7e) = bytes.first() else { return bytes };
        let mut at = 0;
        if self.state == State::CsiEntry && (0x3c..=0x3f).contains(&first) {
            self.collected = u32::from(first);
            at = 1;
        }
        self.state = State::CsiParam;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'0'..=b'9' => at += self.params.take_digits(&bytes[at..]),
                b':' | b';' => {
                    self.params.take(byte);
                    at += 1;
                }
                0x40..=0x7e => {
                    self.state = State::Ground;
                    actions.csi(self.function(byte), &self.params);
                    return &bytes[at + 1..];
                }
                0x20..=0x2f | 0x3c..=0x3f => {
                    self.step(byte, &[byte], actions);
                    return &bytes[at + 1..];
                }
                _ => break,
            }
        }
        &bytes[at..]
    }

    /// Takes one code point in any state but `Ground` for printable ones: `code` is below 0xa0 itself, and 0xa0 for all
    /// from there on. `raw` is its UTF-8.
    #[expect(clippy::too_many_lines, reason = "one table, to be read beside the client's")]
    fn step(&mut self, code: u8, raw: &[u8], actions: &mut impl Actions) {
        use State as S;
        self.state = match (self.state, code) {
            // Strings that are somebody's end here.
            (S::Osc(_) | S::Dcs(_) | S::Apc, 0x18 | 0x1a | 0x1b | 0x9c) | (S::Osc(_), 0x07) => {
                self.end_string(code != 0x18 && code != 0x1a, actions);
                if code == 0x1b { S::EscapeSlow } else { S::Ground }
            }
            // Wherever they come.
            (_, 0x18 | 0x1a | 0x80..=0x8f | 0x91..=0x97 | 0x99 | 0x9a) => {
                actions.execute(code);
                S::Ground
            }
            (state, 0x1b) => self.clear(if state.is_device_control_or_apc() { S::EscapeSlow } else { S::Escape }),
            (_, 0x90) => self.clear(S::DcsEntry),
            (_, 0x98 | 0x9e) => S::SosPm,
            (_, 0x9b) => self.clear(S::CsiEntrySlow),
            (_, 0x9c) => S::Ground,
            (_, 0x9d) => self.clear(S::Osc(Osc::Number(None))),
            (_, 0x9f) => self.clear(S::ApcEntry),

            // Other C0 controls; DEL in the ground state falls through to the end.
            (S::Osc(_), 0..0x20) => self.state,
            (S::SosPm | S::ApcEntry | S::ApcIntermediate | S::Apc, 0..0x20 | 0x7f) => self.state,
            (S::DcsEntry | S::DcsParam | S::DcsIntermediate | S::DcsIgnore, 0..0x20 | 0x7f) => self.state,
            (S::Dcs(_), 0..0x20) => self.put(raw),
            (state, 0..0x20) => {
                actions.execute(code);
                match state {
                    S::Escape => S::EscapeSlow,
                    S::CsiEntry => S::CsiParam,
                    _ => state,
                }
            }
            (S::Escape, 0x7f) => S::EscapeSlow,
            (S::CsiEntry, 0x7f) => S::CsiParam,
            (S::EscapeSlow | S::EscapeIntermediate, 0x7f) => self.state,
            (S::CsiEntrySlow | S::CsiParam | S::CsiIntermediate | S::CsiIgnore, 0x7f) => self.state,
            // Only the first ones, as xterm.js reads runs.
            (S::Dcs(_), 0x7f) if self.payload.is_empty() => self.state,

            (S::Escape, b'[') => self.clear(S::CsiEntry),
            (S::EscapeSlow, b'[') => self.clear(S::CsiEntrySlow),
            (S::Escape | S::EscapeSlow, b']') => self.clear(S::Osc(Osc::Number(None))),
            (S::Escape | S::EscapeSlow, b'P') => self.clear(S::DcsEntry),
            (S::Escape | S::EscapeSlow, b'X' | b'^') => S::SosPm,
            (S::Escape | S::EscapeSlow, b'_') => self.clear(S::ApcEntry),
            (S::Escape | S::EscapeSlow | S::EscapeIntermediate, 0x20..=0x2f) => {
                self.collect(code, S::EscapeIntermediate)
            }
            (S::Escape | S::EscapeSlow | S::EscapeIntermediate, 0x30..=0x7e) => {
                actions.esc(self.function(code));
                S::Ground
            }

            (S::CsiEntry | S::CsiEntrySlow | S::CsiParam, b'0'..=b';') => self.parameter(code, S::CsiParam),
            (S::CsiEntry | S::CsiEntrySlow, 0x3c..=0x3f) => self.collect(code, S::CsiParam),
            (S::CsiParam, 0x3c..=0x3f) | (S::CsiIntermediate, 0x30..=0x3f) => S::CsiIgnore,
            (S::CsiEntry | S::CsiEntrySlow | S::CsiParam | S::CsiIntermediate, 0x20..=0x2f) => {
                self.collect(code, S::CsiIntermediate)
            }
            (S::CsiEntry | S::CsiEntrySlow | S::CsiParam | S::CsiIntermediate, 0x40..=0x7e) => {
                actions.csi(self.function(code), &self.params);
                S::Ground
            }
            (S::CsiIgnore, 0x20..=0x3f | 0xa0..) => S::CsiIgnore,

            (S::SosPm, 0x20..=0x7e) => S::SosPm,
            (S::Osc(osc), 0x20..=0x7f | 0xa0..) => self.put_osc(osc, code, raw),

            (S::DcsEntry | S::DcsParam, b'0'..=b';') => self.parameter(code, S::DcsParam),
            (S::DcsEntry, 0x3c..=0x3f) => self.collect(code, S::DcsParam),
            (S::DcsParam, 0x3c..=0x3f) | (S::DcsIntermediate, 0x30..=0x3f) => S::DcsIgnore,
            (S::DcsEntry | S::DcsParam | S::DcsIntermediate, 0x20..=0x2f) => self.collect(code, S::DcsIntermediate),
            (S::DcsEntry | S::DcsParam | S::DcsIntermediate, 0x40..=0x7e) => {
                // One empty parameter has no sub-parameters in xterm.js.
                if self.params.len() == 1 && self.params.get(0) == 0 {
                    self.params.reset();
                }
                S::Dcs(code)
            }
            (S::DcsIgnore, 0x20..=0x7e | 0xa0..) => S::DcsIgnore,
            (S::Dcs(_), 0x20..=0x7f | 0xa0..) => self.put(raw),

            (S::ApcEntry | S::ApcIntermediate, 0x20..=0x2f) => S::ApcIntermediate,
            (S::ApcEntry | S::ApcIntermediate | S::Apc, 0x30..=0x7e) | (S::Apc, 0x20..=0x2f | 0xa0..) => S::Apc,

            // A character that has no place in the sequence ends it, and is gone itself.
            _ => S::Ground,
        };
    }

    #[inline]
    fn clear(&mut self, next: State) -> State {
        self.params.reset();
        self.collected = 0;
        self.payload.clear();
        next
    }

    fn collect(&mut self, byte: u8, next: State) -> State {
        self.collected = (self.collected << 8 | u32::from(byte)) & 0x00ff_ffff;
        next
    }

    fn parameter(&mut self, byte: u8, next: State) -> State {
        self.params.take(byte);
        next
    }

    /// The function of what was collected and `final_byte`.
    #[inline]
    fn function(&self, final_byte: u8) -> Function {
        let [_, first, second, third] = self.collected.to_be_bytes();
        let (prefix, intermediates) = match (first, second, third) {
            (0, 0, third) if third < 0x3c => (0, [third, 0]),
            (0, 0, third) => (third, [0, 0]),
            (0, second, third) if second < 0x3c => (0, [second, third]),
            (0, second, third) => (second, [third, 0]),
            (first, second, third) => (first, [second, third]),
        };
        Function { prefix, intermediates, final_byte }
    }

    /// Takes a character of an OSC.
    fn put_osc(&mut self, osc: Osc, code: u8, raw: &[u8]) -> State {
        State::Osc(match (osc, code) {
            (Osc::Text(_), _) => return self.put(raw),
            (Osc::Number(number), b'0'..=b'9') => {
                let digit = u32::from(code - b'0');
                // No function has the greatest number.
                Osc::Number(Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit)))
            }
            (Osc::Number(number), b';') => Osc::Text(number),
            (Osc::Number(_) | Osc::Bad, _) => Osc::Bad,
        })
    }

    /// Takes text of an OSC or DCS; the state that this leads to.
    fn put(&mut self, text: &[u8]) -> State {
        if self.payload.len() + text.len() > PAYLOAD_MAX {
            self.payload = Vec::new();
            self.state = if matches!(self.state, State::Osc(_)) { State::Osc(Osc::Bad) } else { State::Apc };
        } else {
            self.payload.extend_from_slice(text);
        }
        self.state
    }

    /// Ends the OSC, DCS or APC, and forgets it.
    fn end_string(&mut self, well: bool, actions: &mut impl Actions) {
        match self.state {
            State::Osc(Osc::Number(Some(number)) | Osc::Text(Some(number))) if well => {
                actions.osc(number, &self.payload);
            }
            State::Dcs(final_byte) if well => {
                actions.dcs(self.function(final_byte), &self.params, &self.payload);
            }
            _ => actions.other(),
        }
        self.clear(State::Ground);
        self.payload.shrink_to(PAYLOAD_KEPT);
    }
}
