//! What a viewer may do besides looking. There is no other way from a connection to the terminal: one that only
//! watches has no [`Typist`], whatever its client says.

use std::sync::Arc;

use bytes::Bytes;

use super::control::{ControlRefused, Party};
use super::input::Numbered;
use super::viewer::Viewer;
use super::{ClientId, InputRefused, NotRunning, Signal};
use crate::terminal::Size;

/// What a connection may do with the session it attaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Look.
    Watches,
    /// Type, resize and signal, while nobody else has control.
    Types,
    /// That, and decide who has control.
    Owns,
}

impl Standing {
    /// Whether it may do more than look.
    #[must_use]
    pub fn may_type(self) -> bool {
        self != Self::Watches
    }
}

/// The hands of a viewer that may type: see [`Viewer::typist`].
pub struct Typist<'a> {
    viewer: &'a mut Viewer,
    owns: bool,
}

impl Viewer {
    /// Its hands, if it may type.
    pub fn typist(&mut self) -> Option<Typist<'_>> {
        let owns = match self.standing() {
            Standing::Watches => return None,
            Standing::Types => false,
            Standing::Owns => true,
        };
        Some(Typist { viewer: self, owns })
    }
}

impl Typist<'_> {
    /// Takes typed bytes.
    ///
    /// # Errors
    /// When the session does not take input now, or somebody else has control. A refused numbered message counts as
    /// handled, except where its order or the queue's bound was broken.
    pub fn input(&mut self, seq: u64, bytes: Bytes) -> Result<(), InputRefused> {
        // Ctrl-C, Ctrl-\ and Ctrl-Z, as terminals have them unless told otherwise.
        let interrupts = matches!(bytes.last(), Some(0x03 | 0x1c | 0x1a));
        let (client, viewer) = (self.viewer.client(), self.viewer.id());
        self.viewer.session().input_from(Some(Numbered { client, seq }), Some(viewer), bytes)?;
        if interrupts {
            self.viewer.interrupted();
        }
        Ok(())
    }

    /// Sends a signal to the foreground processes.
    ///
    /// # Errors
    /// When somebody else has control, or no program runs.
    pub async fn signal(&mut self, signal: Signal) -> Result<(), InputRefused> {
        self.has_control()?;
        self.viewer.session().signal(signal).await?;
        if signal.interrupts() {
            self.viewer.interrupted();
        }
        Ok(())
    }

    /// The client's window has this size: the session takes it if its policy says so.
    ///
    /// # Errors
    /// When somebody else has control, or no program runs. The size is remembered all the same: a client tells its
    /// window when that changes, and not again when it gets control.
    pub async fn window(&mut self, size: Size) -> Result<(), InputRefused> {
        let (session, viewer) = (Arc::clone(self.viewer.session()), self.viewer.id());
        if let Err(refused) = self.has_control() {
            session.sizing.lock().window_without_control(viewer, size);
            return Err(refused);
        }
        let wanted = session.sizing.lock().window(viewer, size);
        Ok(session.fit_window(wanted).await?)
    }

    /// The session takes the size of this client's window, if its policy lets it.
    ///
    /// # Errors
    /// When somebody else has control, or no program runs.
    pub async fn fit(&mut self) -> Result<(), InputRefused> {
        self.has_control()?;
        let (session, viewer) = (self.viewer.session(), self.viewer.id());
        let wanted = session.sizing.lock().take_lead(viewer);
        Ok(session.fit(wanted).await?)
    }

    /// Has control alone from now on, under this name.
    ///
    /// # Errors
    /// When somebody else has it, unless this client's user owns the session.
    pub fn take_control(&mut self, name: Option<Arc<str>>) -> Result<(), ControlRefused> {
        let (party, owns) = (self.party(name), self.owns);
        self.viewer.session().change_control(|control| control.take(party, owns))
    }

    /// Asks for control, under this name. Where nobody has it, it is this client's at once.
    ///
    /// # Errors
    /// When too many ask.
    pub fn ask_for_control(&mut self, name: Option<Arc<str>>) -> Result<(), ControlRefused> {
        let party = self.party(name);
        self.viewer.session().change_control(|control| control.ask(party))
    }

    /// Gives control to a client that asks for it.
    ///
    /// # Errors
    /// When it is not this client's to give, or that one does not ask.
    pub fn give_control(&mut self, to: ClientId) -> Result<(), ControlRefused> {
        let (by, owns) = (self.viewer.client(), self.owns);
        self.viewer.session().change_control(|control| control.give(by, owns, to))
    }

    /// Turns down a client that asks for control.
    ///
    /// # Errors
    /// As [`Typist::give_control`].
    pub fn deny_control(&mut self, to: ClientId) -> Result<(), ControlRefused> {
        let (by, owns) = (self.viewer.client(), self.owns);
        self.viewer.session().change_control(|control| control.deny(by, owns, to))
    }

    /// Lets everyone with access type again, if this client has control; asks for it no longer, if it did.
    /// Tells whether it was one of them.
    pub fn release_control(&mut self) -> bool {
        self.viewer.session().release_control(self.viewer.client())
    }

    fn party(&self, name: Option<Arc<str>>) -> Party {
        Party { client: self.viewer.client(), name }
    }

    fn has_control(&self) -> Result<(), InputRefused> {
        let has_it = self.viewer.session().lets_type(Some(self.viewer.client()));
        if has_it { Ok(()) } else { Err(InputRefused::ControlHeld) }
    }
}

impl From<NotRunning> for InputRefused {
    fn from(NotRunning: NotRunning) -> Self {
        Self::NotRunning
    }
}
