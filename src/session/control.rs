//! Who alone may type, who asks to, and how control passes from one to the other. Knows no session: only the rules.

use std::sync::Arc;

use super::ClientId;

/// Most clients that ask for control at once: more than its holder could choose from by looking.
pub(super) const ASKING_MAX: usize = 16;

/// Who has control and who asks for it. While nobody has it everyone with access types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    holder: Option<Party>,
    /// In the order in which they asked. Empty while nobody has control.
    asking: Vec<Party>,
}

/// A client that has control or asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Which.
    pub client: ClientId,
    /// What people call it, where that is known.
    pub name: Option<Arc<str>>,
}

/// Why control stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlRefused {
    /// Somebody else has it, and it is not the caller's to decide.
    #[error("another client has taken control")]
    Held,
    /// It is to be given to, or denied, a client that does not ask for it.
    #[error("that client does not ask for control")]
    NotAsking,
    /// Too many ask for it already.
    #[error("too many ask for control")]
    TooManyAsk,
}

impl Control {
    /// Nobody has it: everyone with access types.
    pub(super) const NOBODY: Self = Self { holder: None, asking: Vec::new() };

    /// Who has it.
    #[must_use]
    pub const fn holder(&self) -> Option<&Party> {
        self.holder.as_ref()
    }

    /// Who asks for it, the first to ask first.
    #[must_use]
    pub fn asking(&self) -> &[Party] {
        &self.asking
    }

    /// Whether `client` may type: nobody else has control. What comes from no client may while nobody has.
    #[must_use]
    pub fn lets_type(&self, client: Option<ClientId>) -> bool {
        self.holder.as_ref().is_none_or(|holder| Some(holder.client) == client)
    }

    /// `party` has control from now on. Only an owner takes it from somebody else.
    pub(super) fn take(&mut self, party: Party, owns: bool) -> Result<(), ControlRefused> {
        if !owns && !self.lets_type(Some(party.client)) {
            return Err(ControlRefused::Held);
        }
        self.asking.retain(|asking| asking.client != party.client);
        self.holder = Some(party);
        Ok(())
    }

    /// `party` would like to have it, and gets it at once where nobody has. Asking again changes nothing.
    pub(super) fn ask(&mut self, party: Party) -> Result<(), ControlRefused> {
        if self.lets_type(Some(party.client)) {
            return self.take(party, false);
        }
        if !self.asks(party.client) {
            if self.asking.len() >= ASKING_MAX {
                return Err(ControlRefused::TooManyAsk);
            }
            self.asking.push(party);
        }
        Ok(())
    }

    /// It passes to `to`, which asks for it.
    pub(super) fn give(&mut self, by: ClientId, owns: bool, to: ClientId) -> Result<(), ControlRefused> {
        let party = self.answer(by, owns, to)?;
        self.holder = Some(party);
        Ok(())
    }

    /// `to` asks no longer: it was turned down.
    pub(super) fn deny(&mut self, by: ClientId, owns: bool, to: ClientId) -> Result<(), ControlRefused> {
        self.answer(by, owns, to).map(|_| ())
    }

    /// Takes from those that ask one that is answered, if `by` may answer: it has control, or owns the session.
    fn answer(&mut self, by: ClientId, owns: bool, to: ClientId) -> Result<Party, ControlRefused> {
        if !owns && self.holder.as_ref().is_none_or(|holder| holder.client != by) {
            return Err(ControlRefused::Held);
        }
        let at = self.asking.iter().position(|asking| asking.client == to).ok_or(ControlRefused::NotAsking)?;
        Ok(self.asking.remove(at))
    }

    /// `client` neither has it nor asks for it any more. Without a holder everyone types, and nobody needs to ask.
    /// Tells whether it did.
    pub(super) fn let_go(&mut self, client: ClientId) -> bool {
        let before = self.asking.len();
        self.asking.retain(|asking| asking.client != client);
        let asked = self.asking.len() < before;
        let had = self.holder.take_if(|holder| holder.client == client).is_some();
        if had {
            self.asking.clear();
        }
        had || asked
    }

    fn asks(&self, client: ClientId) -> bool {
        self.asking.iter().any(|asking| asking.client == client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNS: bool = true;

    fn id(byte: u8) -> ClientId {
        ClientId::from_random([byte; 16])
    }

    fn party(byte: u8) -> Party {
        Party { client: id(byte), name: None }
    }

    fn held_by(byte: u8) -> Control {
        let mut control = Control::NOBODY;
        control.take(party(byte), false).expect("free");
        control
    }

    fn holder(control: &Control) -> Option<ClientId> {
        control.holder().map(|holder| holder.client)
    }

    #[test]
    fn who_has_control_types_alone_and_everyone_does_when_it_is_let_go() {
        let mut control = Control::NOBODY;
        assert!(control.lets_type(Some(id(1))) && control.lets_type(None));
        control.take(party(1), false).expect("free");
        assert!(control.lets_type(Some(id(1))) && !control.lets_type(Some(id(2))) && !control.lets_type(None));
        control.ask(party(2)).expect("asked");
        assert!(control.let_go(id(1)) && !control.let_go(id(1)));
        assert_eq!(control, Control::NOBODY);
    }

    #[test]
    fn only_an_owner_takes_control_from_somebody_else() {
        let mut control = held_by(1);
        assert_eq!(control.take(party(2), false), Err(ControlRefused::Held));
        control.take(party(1), false).expect("it has it already");
        control.take(party(2), OWNS).expect("taken back");
        assert_eq!(holder(&control), Some(id(2)));
    }

    #[test]
    fn who_asks_gets_control_from_its_holder_or_an_owner_and_from_nobody_else() {
        let mut control = held_by(1);
        for asking in [2, 3, 3] {
            control.ask(party(asking)).expect("asked");
        }
        assert_eq!(control.asking().len(), 2, "asking twice is asking once");
        assert_eq!(control.give(id(2), false, id(2)), Err(ControlRefused::Held));
        assert_eq!(control.give(id(1), false, id(4)), Err(ControlRefused::NotAsking));
        control.give(id(1), false, id(3)).expect("given by its holder");
        assert_eq!((holder(&control), control.asking()), (Some(id(3)), &[party(2)][..]));
        assert_eq!(control.deny(id(1), false, id(2)), Err(ControlRefused::Held), "it is not its any more");
        control.deny(id(9), OWNS, id(2)).expect("denied by the owner");
        assert_eq!((holder(&control), control.asking()), (Some(id(3)), &[][..]));
    }

    #[test]
    fn asking_for_what_nobody_has_is_taking_it_and_who_leaves_asks_no_more() {
        let mut control = Control::NOBODY;
        control.ask(party(1)).expect("free");
        assert_eq!(holder(&control), Some(id(1)));
        control.ask(party(2)).expect("asked");
        assert!(control.let_go(id(2)));
        assert_eq!((holder(&control), control.asking()), (Some(id(1)), &[][..]));
        control.ask(party(1)).expect("it has it");
        assert_eq!(control.asking(), &[]);
    }

    #[test]
    fn only_so_many_ask_at_once() {
        let mut control = held_by(0);
        for n in 1..=ASKING_MAX {
            control.ask(party(u8::try_from(n).expect("few"))).expect("room");
        }
        assert_eq!(control.ask(party(99)), Err(ControlRefused::TooManyAsk));
        control.ask(party(1)).expect("it asks already");
    }
}
