//! What a client's messages do. One that may only look has no [`Typist`], and nothing it says reaches the program.

use std::fmt;

use bytes::Bytes;

use super::attendance::Attendance;
use super::outgoing::Outgoing;
use crate::auth::audit::Event as AuditEvent;
use crate::protocol::{ClientMessage, CloseCode, Command, Event, RefusalCode};
use crate::session::{ClientId, ControlRefused, InputRefused, Typist, Viewer};
use crate::terminal::Size;

/// What a client may do, through the viewer it has.
pub(super) struct Incoming<'a> {
    pub(super) viewer: &'a mut Viewer,
    pub(super) outgoing: &'a mut Outgoing,
    pub(super) attendance: &'a mut Attendance,
}

/// Why a message does nothing.
struct Refusal {
    code: RefusalCode,
    error: String,
}

impl Incoming<'_> {
    /// Does what `message` asks, or says why not. An error ends the connection.
    pub(super) async fn take(&mut self, message: Bytes) -> Result<(), CloseCode> {
        match ClientMessage::decode(&message).map_err(|_| CloseCode::BadMessage)? {
            ClientMessage::Input { seq, bytes } => self.input(seq, message.slice_ref(bytes)),
            ClientMessage::Rendered(offset) => {
                self.viewer.rendered(offset);
                Ok(())
            }
            // Rare, and boxed: every connection would have room for them otherwise.
            ClientMessage::Resize { cols, rows } => {
                let resized = Box::pin(self.resize(cols, rows)).await;
                self.outcome("resize", None, resized);
                Ok(())
            }
            ClientMessage::Command(command) => Box::pin(self.command(command)).await,
        }
    }

    fn input(&mut self, seq: u64, bytes: Bytes) -> Result<(), CloseCode> {
        let taken = match self.viewer.typist() {
            Some(mut typist) => typist.input(seq, bytes),
            None => {
                self.attendance.tried();
                self.viewer.skip_input(seq).and(Err(InputRefused::ViewOnly))
            }
        };
        let outcome = taken.map_or_else(refused, |()| Ok(Ok(())))?;
        self.outcome("input", (seq > 0).then_some(seq), outcome);
        Ok(())
    }

    async fn resize(&mut self, cols: u16, rows: u16) -> Result<(), Refusal> {
        let mut typist = self.typist()?;
        let size =
            Size::new(cols.into(), rows.into()).map_err(|error| Refusal::new(RefusalCode::InvalidSize, error))?;
        Ok(typist.window(size).await?)
    }

    async fn command(&mut self, command: Command) -> Result<(), CloseCode> {
        let name = command.name().to_owned();
        let outcome = match command {
            Command::Unknown(_) => {
                Err(Refusal::new(RefusalCode::UnknownCommand, "this server does not know that command"))
            }
            Command::Paste { text, submit } => self.paste(&text, submit).await?,
            Command::Signal { signal } => self.signal(&signal).await,
            Command::Fit => self.fit().await,
            Command::TakeControl
            | Command::ReleaseControl
            | Command::RequestControl
            | Command::GiveControl { .. }
            | Command::DenyControl { .. } => self.control(command).await,
        };
        self.outcome(&name, None, outcome);
        Ok(())
    }

    async fn paste(&mut self, text: &str, submit: bool) -> Result<Result<(), Refusal>, CloseCode> {
        if let Err(refusal) = self.typist() {
            return Ok(Err(refusal));
        }
        // After all that was printed when it was pasted: what asked for brackets may have been among it.
        let brackets = self.viewer.session().read_screen(|screen, _| screen.brackets_paste()).await;
        let typed = pasted(text, submit, brackets.unwrap_or(false));
        match self.typist() {
            Ok(mut typist) => typist.input(0, typed.into()).map_or_else(refused, |()| Ok(Ok(()))),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    async fn signal(&mut self, signal: &str) -> Result<(), Refusal> {
        let mut typist = self.typist()?;
        let signal = signal.parse().map_err(|error| Refusal::new(RefusalCode::UnknownSignal, error))?;
        Ok(typist.signal(signal).await?)
    }

    async fn fit(&mut self) -> Result<(), Refusal> {
        Ok(self.typist()?.fit().await?)
    }

    /// How control changes hands: it needs access, not control.
    async fn control(&mut self, command: Command) -> Result<(), Refusal> {
        self.typist()?;
        let event = match command {
            Command::TakeControl => {
                let name = self.attendance.name().await;
                self.typist()?.take_control(name)?;
                AuditEvent::ControlTaken
            }
            Command::RequestControl => {
                let name = self.attendance.name().await;
                self.typist()?.ask_for_control(name)?;
                AuditEvent::ControlAsked
            }
            Command::GiveControl { client } => {
                self.typist()?.give_control(asking(&client)?)?;
                AuditEvent::ControlGiven
            }
            Command::DenyControl { client } => {
                self.typist()?.deny_control(asking(&client)?)?;
                AuditEvent::ControlDenied
            }
            _ if self.typist()?.release_control() => AuditEvent::ControlReleased,
            _ => return Ok(()),
        };
        self.attendance.control(event);
        Ok(())
    }

    /// The hands of a client that may type.
    fn typist(&mut self) -> Result<Typist<'_>, Refusal> {
        self.viewer.typist().ok_or_else(|| {
            self.attendance.tried();
            Refusal::new(RefusalCode::ViewOnly, InputRefused::ViewOnly)
        })
    }

    fn outcome(&mut self, command: &str, seq: Option<u64>, outcome: Result<(), Refusal>) {
        if let Err(Refusal { code, error }) = outcome {
            self.refuse(command, code, seq, error);
        }
    }

    fn refuse(&mut self, command: &str, code: RefusalCode, seq: Option<u64>, error: String) {
        /// A name from a client, cut so that an answer is never longer than its question.
        const NAME_MAX: usize = 64;
        let command = command.chars().take(NAME_MAX).collect();
        let event = Event::Refused { command, code, seq, error };
        self.outgoing.event(self.viewer.offset(), &event);
    }
}

/// What follows from input that was not taken: the client is told, or its connection ends.
fn refused(error: InputRefused) -> Result<Result<(), Refusal>, CloseCode> {
    match error {
        InputRefused::QueueFull => Err(CloseCode::LimitReached),
        InputRefused::Skipped { .. } => Err(CloseCode::BadMessage),
        refused => Ok(Err(refused.into())),
    }
}

/// The client that is answered. A text that is no id is the id of none that asks.
fn asking(client: &str) -> Result<ClientId, ControlRefused> {
    client.parse().map_err(|_| ControlRefused::NotAsking)
}

impl Refusal {
    fn new(code: RefusalCode, error: impl fmt::Display) -> Self {
        Self { code, error: error.to_string() }
    }
}

impl From<InputRefused> for Refusal {
    fn from(refused: InputRefused) -> Self {
        let code = match refused {
            InputRefused::ViewOnly => RefusalCode::ViewOnly,
            InputRefused::ControlHeld => RefusalCode::ControlHeld,
            InputRefused::NotRunning => RefusalCode::NotRunning,
            InputRefused::QueueFull | InputRefused::Skipped { .. } => RefusalCode::LimitReached,
        };
        Self::new(code, refused)
    }
}

impl From<ControlRefused> for Refusal {
    fn from(refused: ControlRefused) -> Self {
        let code = match refused {
            ControlRefused::Held => RefusalCode::ControlHeld,
            ControlRefused::NotAsking => RefusalCode::NotAsking,
            ControlRefused::TooManyAsk => RefusalCode::LimitReached,
        };
        Self::new(code, refused)
    }
}

/// Text as a terminal pastes it: Enter is a carriage return, and no control character but Tab gets through, so that
/// pasted text can neither press keys nor end its own brackets. What submits it is pressed after them.
fn pasted(text: &str, submit: bool, brackets: bool) -> Vec<u8> {
    let unified = text.replace("\r\n", "\r").replace('\n', "\r");
    let mut typed = String::with_capacity(unified.len() + 16);
    typed.push_str(if brackets { "\x1b[200~" } else { "" });
    typed.extend(unified.chars().filter(|&c| c == '\r' || c == '\t' || !c.is_control()));
    typed.push_str(if brackets { "\x1b[201~" } else { "" });
    typed.push_str(if submit { "\r" } else { "" });
    typed.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_text_cannot_press_keys() {
        assert_eq!(pasted("a\r\nb\nc\td", false, false), b"a\rb\rc\td");
        assert_eq!(pasted("\x1b[201~\x03x\u{9b}31m", true, false), "[201~x31m\r".as_bytes());
        assert_eq!(pasted("a\x1b[201~\nb", true, true), b"\x1b[200~a[201~\rb\x1b[201~\r");
    }
}
