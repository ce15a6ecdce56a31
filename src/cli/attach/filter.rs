//! Takes out of a program's output what is not for this terminal to act on. Pure.
//!
//! Questions (which terminal is this, where is the cursor) are the server's to answer: this terminal would answer them
//! again. The clipboard (OSC 52) is the user's. What is left draws, or steers how keys and the mouse are reported; where
//! the terminal does not show the output itself, only the latter goes through.

/// Bytes of a sequence that are waited for before judging it. Longer than any that means something.
const HELD_MAX: usize = 1024;
/// Modes that change what the terminal sends or announces, or which of its screens is in use, rather than what is drawn:
/// keys, mouse, focus, paste, alternate screen, colour schemes.
const STEERING_MODES: [u32; 21] =
    [1, 9, 47, 66, 67, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 1034, 1036, 1047, 1049, 2004, 2031];
/// Reports every resize at once and then on; the server does that.
const SIZE_REPORTS: u32 = 2048;
const FOCUS_REPORTS: u32 = 1004;
/// What a reset means for what the terminal sends; a full one also leaves the alternate screen.
const STEERING_RESET: &[u8] = b"\x1b[?1;9;66;1000;1002;1003;1004;1005;1006;1015;1016;2004l\x1b>\x1b[>4m\x1b[=0u";
const STEERING_FULL_RESET: &[u8] = b"\x1b[?1049l";

/// Follows one output from its beginning.
#[derive(Debug, Default)]
pub(super) struct Filter {
    state: State,
    /// What was read of a sequence that is not judged yet.
    held: Vec<u8>,
    focus_asked: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// The first byte of a control of the second set (C1) in UTF-8, or of another character.
    Utf8C2,
    Escape,
    Sequence,
    /// The number of an OSC, or the parameters of a DCS.
    StringHead,
    /// The rest of a string, judged already or when it ends.
    String(Verdict),
    /// ESC in a string: its end, or another sequence.
    StringEscape(Verdict),
}

/// What becomes of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Drop,
    Draws,
    Steers,
    /// Wait for its end.
    Hold,
}

impl Filter {
    /// Appends to `out` what `bytes` say next, of drawing only where `draws`.
    pub(super) fn pass(&mut self, mut bytes: &[u8], draws: bool, out: &mut Vec<u8>) {
        while let Some(&byte) = bytes.first() {
            if self.state == State::Ground {
                let plain = bytes.iter().position(|byte| matches!(byte, 0x05 | 0x07 | 0x1b | 0xc2));
                let (text, rest) = bytes.split_at(plain.unwrap_or(bytes.len()));
                if draws {
                    out.extend_from_slice(text);
                }
                bytes = rest;
                if text.is_empty() {
                    self.ground(byte, out);
                    bytes = &rest[1..];
                }
            } else {
                self.step(byte, draws, out);
                bytes = &bytes[1..];
            }
        }
    }

    /// Something else was shown in between: the rest of a string that has begun would be shown as text.
    pub(super) fn interrupted(&mut self) {
        if let State::String(verdict) | State::StringEscape(verdict) = &mut self.state
            && *verdict != Verdict::Hold
        {
            *verdict = Verdict::Drop;
        }
    }

    /// Whether focus reports were switched on since this was last asked.
    pub(super) fn take_focus_asked(&mut self) -> bool {
        std::mem::take(&mut self.focus_asked)
    }

    fn ground(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            0x07 => out.push(byte),
            0x1b => self.begin(State::Escape, b"\x1b"),
            0xc2 => self.state = State::Utf8C2,
            // ENQ, a question.
            _ => {}
        }
    }

    fn begin(&mut self, state: State, introducer: &[u8]) {
        self.state = state;
        self.held.clear();
        self.held.extend_from_slice(introducer);
    }

    fn step(&mut self, byte: u8, draws: bool, out: &mut Vec<u8>) {
        match (self.state, byte) {
            (State::Ground, _) => self.ground(byte, out),
            (State::Utf8C2, _) => self.c1(byte, draws, out),
            // CAN and SUB end whatever has begun.
            (State::String(verdict) | State::StringEscape(verdict), 0x18 | 0x1a) => {
                self.broken_off(verdict, byte, draws, out);
            }
            (_, 0x18 | 0x1a) => self.state = State::Ground,
            (State::Escape, _) => self.escape(byte, draws, out),
            (State::Sequence, _) => self.sequence(byte, draws, out),
            (State::StringHead, _) => self.string_head(byte, draws, out),
            (State::String(verdict), 0x07) if self.held.starts_with(b"\x1b]") => self.end(verdict, b"\x07", draws, out),
            (State::String(verdict), 0x1b) => self.state = State::StringEscape(verdict),
            (State::String(verdict), _) => self.string(verdict, byte, draws, out),
            (State::StringEscape(verdict), b'\\') => self.end(verdict, b"\x1b\\", draws, out),
            (State::StringEscape(verdict), _) => {
                self.broken_off(verdict, 0x18, draws, out);
                self.begin(State::Escape, b"\x1b");
                self.step(byte, draws, out);
            }
        }
    }

    /// The second byte of `C2 xx`: a control that stands for `ESC` and another byte, or a character.
    fn c1(&mut self, byte: u8, draws: bool, out: &mut Vec<u8>) {
        match byte {
            0x90 | 0x98 | 0x9a | 0x9b | 0x9d..=0x9f => {
                self.begin(State::Escape, b"\x1b");
                self.escape(byte - 0x40, draws, out);
            }
            0x80..=0xbf => {
                self.state = State::Ground;
                if draws {
                    out.extend_from_slice(&[0xc2, byte]);
                }
            }
            // The character was cut short. Half of it would join what follows once something is taken out between them:
            // what a terminal shows for it goes instead.
            _ => {
                self.state = State::Ground;
                if draws {
                    out.extend_from_slice("\u{fffd}".as_bytes());
                }
                self.pass(&[byte], draws, out);
            }
        }
    }

    fn escape(&mut self, byte: u8, draws: bool, out: &mut Vec<u8>) {
        match byte {
            0x1b => self.begin(State::Escape, b"\x1b"),
            0x00..=0x1a | 0x1c..=0x1f => within(byte, draws, out),
            _ => {
                self.held.push(byte);
                let verdict = match (self.held.len(), byte) {
                    (2, b'[') => return self.state = State::Sequence,
                    (2, b']' | b'P') => return self.state = State::StringHead,
                    (2, b'X' | b'^' | b'_') => return self.judged(Verdict::Draws, draws, out),
                    (_, 0x20..=0x2f) => return,
                    // DECID, a question.
                    (2, b'Z') => Verdict::Drop,
                    (2, b'=' | b'>') => Verdict::Steers,
                    (2, b'c') => {
                        if !draws {
                            out.extend_from_slice(STEERING_FULL_RESET);
                            out.extend_from_slice(STEERING_RESET);
                        }
                        Verdict::Draws
                    }
                    _ => Verdict::Draws,
                };
                self.emit(verdict, draws, out);
                self.state = State::Ground;
            }
        }
    }

    fn sequence(&mut self, byte: u8, draws: bool, out: &mut Vec<u8>) {
        match byte {
            0x1b => self.begin(State::Escape, b"\x1b"),
            0x00..=0x1a | 0x1c..=0x1f => within(byte, draws, out),
            0x40..=0x7e => {
                self.state = State::Ground;
                if self.held.len() < HELD_MAX {
                    self.held.push(byte);
                    self.control(draws, out);
                }
            }
            // Beyond the bound the sequence is thrown away at its end.
            _ if self.held.len() < HELD_MAX => self.held.push(byte),
            _ => {}
        }
    }

    /// A whole control sequence is held.
    fn control(&mut self, draws: bool, out: &mut Vec<u8>) {
        let body = &self.held[2..self.held.len() - 1];
        let last = self.held[self.held.len() - 1];
        if body.first() == Some(&b'?') && matches!(last, b'h' | b'l') {
            let modes: Vec<u32> = numbers(&body[1..]);
            let goes = |mode: &u32| *mode != SIZE_REPORTS && (draws || STEERING_MODES.contains(mode));
            let kept: Vec<String> = modes.iter().filter(|mode| goes(mode)).map(u32::to_string).collect();
            self.focus_asked |= last == b'h' && modes.contains(&FOCUS_REPORTS);
            if kept.len() == modes.len() {
                out.extend_from_slice(&self.held);
            } else if !kept.is_empty() {
                out.extend_from_slice(format!("\x1b[?{}{}", kept.join(";"), char::from(last)).as_bytes());
            }
            return;
        }
        if !draws && body == b"!" && last == b'p' {
            out.extend_from_slice(STEERING_RESET);
        }
        let verdict = judge(body, last);
        self.emit(verdict, draws, out);
    }

    fn string_head(&mut self, byte: u8, draws: bool, out: &mut Vec<u8>) {
        let is_osc = self.held.starts_with(b"\x1b]");
        if byte == 0x1b || (is_osc && byte == 0x07) {
            // It ends before it said anything.
            self.state = State::String(Verdict::Hold);
            return self.step(byte, draws, out);
        }
        if self.held.len() >= HELD_MAX {
            return self.state = State::String(Verdict::Drop);
        }
        self.held.push(byte);
        let head = &self.held[2..];
        if is_osc && !byte.is_ascii_digit() {
            let number = head.strip_suffix(b";").and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
            self.judged(number.map_or(Verdict::Draws, judge_command), draws, out);
        } else if !is_osc && matches!(byte, 0x40..=0x7e) {
            let asks = matches!(byte, b'q' | b'Q') && head.iter().any(|byte| matches!(byte, b'$' | b'+'));
            self.judged(if asks { Verdict::Drop } else { Verdict::Draws }, draws, out);
        }
    }

    /// The head of a string is held and judged; the rest follows.
    fn judged(&mut self, verdict: Verdict, draws: bool, out: &mut Vec<u8>) {
        self.state = State::String(verdict);
        if verdict != Verdict::Hold {
            self.emit(verdict, draws, out);
        }
    }

    fn string(&mut self, verdict: Verdict, byte: u8, draws: bool, out: &mut Vec<u8>) {
        match verdict {
            Verdict::Drop => {}
            Verdict::Draws if draws => out.push(byte),
            Verdict::Draws => {}
            Verdict::Steers => out.push(byte),
            Verdict::Hold if self.held.len() < HELD_MAX => self.held.push(byte),
            Verdict::Hold => self.state = State::String(Verdict::Drop),
        }
    }

    /// A string was broken off: nothing comes of one that was held until here.
    fn broken_off(&mut self, verdict: Verdict, by: u8, draws: bool, out: &mut Vec<u8>) {
        let verdict = if verdict == Verdict::Hold { Verdict::Drop } else { verdict };
        self.end(verdict, &[by], draws, out);
    }

    /// A string ends with `terminator`. One that was held until here is a question, if it holds one, or a setting.
    fn end(&mut self, verdict: Verdict, terminator: &[u8], draws: bool, out: &mut Vec<u8>) {
        self.state = State::Ground;
        match verdict {
            Verdict::Hold if self.held.contains(&b'?') => {}
            Verdict::Hold => {
                out.extend_from_slice(&self.held);
                out.extend_from_slice(terminator);
            }
            Verdict::Draws if draws => out.extend_from_slice(terminator),
            Verdict::Steers => out.extend_from_slice(terminator),
            Verdict::Draws | Verdict::Drop => {}
        }
    }

    fn emit(&self, verdict: Verdict, draws: bool, out: &mut Vec<u8>) {
        if verdict == Verdict::Steers || (verdict == Verdict::Draws && draws) {
            out.extend_from_slice(&self.held);
        }
    }
}

/// A control inside a sequence acts as if it came before it.
fn within(byte: u8, draws: bool, out: &mut Vec<u8>) {
    if byte == 0x07 || (draws && byte != 0x05) {
        out.push(byte);
    }
}

/// What becomes of the control sequence with these parameters and intermediates, and this final byte.
fn judge(body: &[u8], last: u8) -> Verdict {
    let prefix = body.first().copied().filter(|byte| matches!(byte, b'<'..=b'?')).unwrap_or(0);
    let parameters = if prefix == 0 { body } else { &body[1..] };
    let at = parameters.iter().position(|byte| (0x20..=0x2f).contains(byte)).unwrap_or(parameters.len());
    let (parameters, intermediates) = parameters.split_at(at);
    match (prefix, intermediates, last) {
        // Attributes; status and cursor; modes; version; settings; checksums; graphics; key encodings.
        (0 | b'>' | b'=', b"", b'c')
        | (0 | b'?', b"", b'n')
        | (_, b"$", b'p')
        | (b'>', b"", b'q')
        | (0, b"", b'x')
        | (0, b"$", b'w' | b'u')
        | (0, b"&", b'u')
        | (0, b"'", b'|')
        | (0, b"#", b'|' | b'R')
        | (0 | b'?', b"*", b'y')
        | (b'?', b"", b'S' | b'm' | b'u') => Verdict::Drop,
        // Reports of the window. Its other operations are no questions.
        (0, b"", b't') if matches!(numbers(parameters).first(), Some(11 | 13..=16 | 18..=21)) => Verdict::Drop,
        // Titles kept and brought back.
        (0, b"", b't') if matches!(numbers(parameters).first(), Some(22 | 23)) => Verdict::Steers,
        // Key encodings, saved modes, the cursor's look.
        (b'>' | b'<' | b'=', b"", b'u') | (b'>', b"", b'm' | b'n') | (b'?', b"", b's' | b'r') | (0, b" ", b'q') => {
            Verdict::Steers
        }
        _ => Verdict::Draws,
    }
}

/// What becomes of the OSC of this number.
fn judge_command(number: u32) -> Verdict {
    match number {
        52 => Verdict::Drop,
        // Colours: set or asked for, which only the rest tells.
        4 | 5 | 10..=19 | 21 => Verdict::Hold,
        0..=2 | 104 | 105 | 110..=119 => Verdict::Steers,
        _ => Verdict::Draws,
    }
}

fn numbers(parameters: &[u8]) -> Vec<u32> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    parameters.split(|byte| matches!(byte, b';' | b':')).map(number).collect()
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
