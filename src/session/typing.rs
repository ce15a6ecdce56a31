//! Who may type into a session, and the way of what is typed into its queue. The task takes it from there.

use bytes::Bytes;

use super::clients::Clients;
use super::control::{Control, ControlRefused};
use super::handle::Session;
use super::input::{Answer, InputQueue, Numbered, Typed};
use super::reports;
use super::{ClientId, InputRefused, State, ViewerId};

/// Input and those it comes from, which change together.
#[derive(Default)]
pub(super) struct Input {
    pub(super) clients: Clients,
    pub(super) queue: InputQueue,
}

impl Input {
    /// Forgets what will never be written.
    pub(super) fn clear(&mut self) {
        self.queue.clear(&mut self.clients);
    }
}

impl Session {
    /// Takes bytes to type that come from no client, for a program that drives the session. What is returned tells when
    /// they, and all before them, are written.
    ///
    /// # Errors
    /// When the session does not take input now.
    pub fn input(&self, bytes: Bytes) -> Result<Typed, InputRefused> {
        self.input_from(None, None, bytes)?;
        Ok(self.input.lock().queue.typed())
    }

    pub(super) fn input_from(
        &self,
        from: Option<Numbered>,
        viewer: Option<ViewerId>,
        bytes: Bytes,
    ) -> Result<(), InputRefused> {
        let client = from.map(|from| from.client);
        let mut input = self.input.lock();
        // Under the lock: nothing is taken behind what forgets all that is left when the program ends.
        let refusal = {
            let status = self.status.borrow();
            match status.state {
                State::Running { .. } if status.control.lets_type(client) => None,
                State::Running { .. } => Some(InputRefused::ControlHeld),
                _ => Some(InputRefused::NotRunning),
            }
        };
        let Input { clients, queue } = &mut *input;
        if let Some(refusal) = refusal {
            if let Some(numbered) = from {
                InputQueue::skip(clients, numbered)?;
            }
            return Err(refusal);
        }
        let typist = viewer.filter(|_| !reports::are_all_of(&bytes));
        queue.push(clients, from, viewer, bytes)?;
        drop(input);
        if let Some(viewer) = typist {
            self.sizing.lock().typed(viewer); // the size it leads to is looked at with the input
        }
        self.bell.ring();
        Ok(())
    }

    /// Takes what the terminal answers its program: in order with what is typed, whoever has control. Answers that a
    /// program asks for and does not read are dropped beyond a bound.
    pub(super) fn answer(&self, answer: Answer) {
        // The screen of a program that another server ran may be here before its task, which says that it runs.
        if !matches!(self.status.borrow().state, State::Exited { .. }) {
            self.input.lock().queue.push_answer(answer);
            self.bell.ring();
        }
    }

    pub(super) fn skip_input(&self, numbered: Numbered) -> Result<(), InputRefused> {
        InputQueue::skip(&mut self.input.lock().clients, numbered)
    }

    /// Changes who has control, by its rules.
    pub(super) fn change_control(
        &self,
        change: impl FnOnce(&mut Control) -> Result<(), ControlRefused>,
    ) -> Result<(), ControlRefused> {
        let mut outcome = Ok(());
        self.update(|status| outcome = change(&mut status.control));
        outcome
    }

    /// `client` neither has control nor asks for it any more. Tells whether it did.
    pub(super) fn release_control(&self, client: ClientId) -> bool {
        let mut did = false;
        self.update(|status| did = status.control.let_go(client));
        did
    }

    /// Whether `client`, or a program that is no client, may type, resize and signal: nobody else has taken control.
    #[must_use]
    pub fn lets_type(&self, client: Option<ClientId>) -> bool {
        self.status.borrow().control.lets_type(client)
    }
}
