//! What a client's messages do. The access check is here: nothing a watching connection says reaches the program.

use bytes::Bytes;

use super::attendance::Attendance;
use super::outgoing::Outgoing;
use crate::auth::Access;
use crate::auth::audit::Event as AuditEvent;
use crate::protocol::{ClientMessage, CloseCode, Command, Event, RefusalCode};
use crate::session::{InputRefused, NotRunning, Viewer};
use crate::terminal::Size;

/// What a client may do, through the viewer it has.
pub(super) struct Incoming<'a> {
    pub(super) viewer: &'a mut Viewer,
    pub(super) access: Access,
    pub(super) outgoing: &'a mut Outgoing,
    pub(super) attendance: &'a mut Attendance,
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
                Box::pin(self.resize(cols, rows)).await;
                Ok(())
            }
            ClientMessage::Command(command) => Box::pin(self.command(command)).await,
        }
    }

    fn input(&mut self, seq: u64, bytes: Bytes) -> Result<(), CloseCode> {
        let taken = if self.access.may_control() {
            self.viewer.input(seq, bytes)
        } else {
            self.attendance.tried();
            self.viewer.skip_input(seq).and(Err(InputRefused::ViewOnly))
        };
        self.outcome("input", (seq > 0).then_some(seq), taken)
    }

    fn outcome(&mut self, command: &str, seq: Option<u64>, taken: Result<(), InputRefused>) -> Result<(), CloseCode> {
        let Err(refused) = taken else { return Ok(()) };
        let code = match refused {
            InputRefused::ViewOnly => RefusalCode::ViewOnly,
            InputRefused::ControlHeld => RefusalCode::ControlHeld,
            InputRefused::NotRunning => RefusalCode::NotRunning,
            InputRefused::QueueFull => return Err(CloseCode::LimitReached),
            InputRefused::Skipped { .. } => return Err(CloseCode::BadMessage),
        };
        self.refuse(command, code, seq, refused.to_string());
        Ok(())
    }

    async fn resize(&mut self, cols: u16, rows: u16) {
        let size = Size::new(cols.into(), rows.into());
        if !self.may("resize") {
            // A client tells its window when that changes, and not again when it gets control.
            if let Ok(size) = size
                && self.access.may_control()
            {
                self.viewer.window_without_control(size);
            }
            return;
        }
        match size {
            Ok(size) => {
                let resized = self.viewer.window(size).await;
                self.ran("resize", resized);
            }
            Err(error) => self.refuse("resize", RefusalCode::InvalidSize, None, error.to_string()),
        }
    }

    async fn command(&mut self, command: Command) -> Result<(), CloseCode> {
        let name = command.name().to_owned();
        if let Command::Unknown(_) = command {
            self.refuse(&name, RefusalCode::UnknownCommand, None, "this server does not know that command".into());
            return Ok(());
        }
        if let Command::TakeControl = command {
            // Taking is how control changes hands: it needs access, not control.
            if self.access.may_control() {
                self.viewer.session().take_control(self.viewer.client());
                self.attendance.control(AuditEvent::ControlTaken);
            } else {
                self.attendance.tried();
                self.refuse(&name, RefusalCode::ViewOnly, None, InputRefused::ViewOnly.to_string());
            }
            return Ok(());
        }
        if !self.may(&name) {
            return Ok(());
        }
        match command {
            Command::ReleaseControl => {
                self.viewer.session().release_control(self.viewer.client());
                self.attendance.control(AuditEvent::ControlReleased);
            }
            Command::Signal { signal } => match signal.parse() {
                Ok(signal) => {
                    let sent = self.viewer.signal(signal).await;
                    self.ran(&name, sent);
                }
                Err(error) => self.refuse(&name, RefusalCode::UnknownSignal, None, format!("{error}")),
            },
            Command::Paste { text, submit } => {
                // After all that was printed when it was pasted: what asked for brackets may have been among it.
                let brackets = self.viewer.session().read_screen(|screen, _| screen.brackets_paste()).await;
                let taken = self.viewer.input(0, pasted(&text, submit, brackets.unwrap_or(false)).into());
                return self.outcome(&name, None, taken);
            }
            Command::Fit => {
                let resized = self.viewer.fit().await;
                self.ran(&name, resized);
            }
            Command::TakeControl | Command::Unknown(_) => {}
        }
        Ok(())
    }

    /// Whether the client may change the session now; says so if not.
    fn may(&mut self, command: &str) -> bool {
        let refusal = if !self.access.may_control() {
            self.attendance.tried();
            (RefusalCode::ViewOnly, InputRefused::ViewOnly)
        } else if !self.viewer.session().controls(Some(self.viewer.client())) {
            (RefusalCode::ControlHeld, InputRefused::ControlHeld)
        } else {
            return true;
        };
        self.refuse(command, refusal.0, None, refusal.1.to_string());
        false
    }

    fn ran(&mut self, command: &str, outcome: Result<(), NotRunning>) {
        if let Err(error) = outcome {
            self.refuse(command, RefusalCode::NotRunning, None, error.to_string());
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
