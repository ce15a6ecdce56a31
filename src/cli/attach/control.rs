//! Who has control of the session, as this end was last told, and what a key makes of that. Sends nothing.

use crate::cli::print::printable;
use crate::protocol::{Asking, Command};

/// A key about control, after `Ctrl-]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ControlKey {
    /// Take it, ask for it, or let it go.
    Control,
    /// Give it to who asked first.
    Give,
    /// Turn down who asked first.
    TurnDown,
}

/// What is known of control.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// This end's client id.
    client: String,
    owns: bool,
    holder: Option<String>,
    asking: Vec<Asking>,
}

impl Control {
    /// A connection began: who has control is told behind the welcome, if anybody has.
    pub(super) fn welcomed(&mut self, client: &str, owns: bool) {
        *self = Self { client: client.to_owned(), owns, ..Self::default() };
    }

    /// The server told who has it now. What to tell the user, if it concerns them.
    pub(super) fn told(&mut self, holder: Option<String>, name: Option<&str>, asking: Vec<Asking>) -> Option<String> {
        let (had, asked) = (self.has_it(), self.asks());
        let news = asking.iter().find(|asking| !self.asking.contains(asking) && asking.client != self.client).cloned();
        (self.holder, self.asking) = (holder, asking);
        let somebody = |name: Option<&str>| name.map_or_else(|| "somebody".to_owned(), printable);
        match (&self.holder, news) {
            _ if self.has_it() && !had => {
                Some("you have control: only what you type counts; Ctrl-] c lets it go".to_owned())
            }
            (Some(_), _) if had && !self.has_it() => Some(format!("{} has control now", somebody(name))),
            (None, _) if had || asked => Some("control was let go: everyone with access types".to_owned()),
            (Some(_), _) if asked && !self.asks() => Some("you were not given control".to_owned()),
            (Some(_), Some(who)) if self.decides() => {
                let who = somebody(who.name.as_deref());
                Some(format!("{who} asks for control: Ctrl-] g gives it, Ctrl-] n does not"))
            }
            _ => None,
        }
    }

    /// What a key asks of the server; or what to tell the user, where it asks nothing.
    pub(super) fn pressed(&self, key: ControlKey) -> Result<Command, &'static str> {
        let first = || self.asking.first().filter(|_| self.decides()).map(|asking| asking.client.clone());
        match key {
            ControlKey::Control if self.has_it() || self.asks() => Ok(Command::ReleaseControl),
            ControlKey::Control if self.holder.is_none() || self.owns => Ok(Command::TakeControl),
            ControlKey::Control => Ok(Command::RequestControl),
            ControlKey::Give => first().map(|client| Command::GiveControl { client }).ok_or("nobody asks for control"),
            ControlKey::TurnDown => {
                first().map(|client| Command::DenyControl { client }).ok_or("nobody asks for control")
            }
        }
    }

    fn has_it(&self) -> bool {
        self.holder.as_ref() == Some(&self.client)
    }

    fn asks(&self) -> bool {
        self.asking.iter().any(|asking| asking.client == self.client)
    }

    fn decides(&self) -> bool {
        self.owns || self.has_it()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(client: &str, name: &str) -> Asking {
        Asking { client: client.into(), name: Some(name.into()) }
    }

    fn of(client: &str, owns: bool) -> Control {
        let mut control = Control::default();
        control.welcomed(client, owns);
        control
    }

    #[test]
    fn one_key_takes_control_asks_for_it_or_lets_it_go() {
        let mut control = of("me", false);
        assert_eq!(control.pressed(ControlKey::Control), Ok(Command::TakeControl));
        assert!(control.told(Some("me".into()), None, vec![]).expect("told").starts_with("you have control"));
        assert_eq!(control.pressed(ControlKey::Control), Ok(Command::ReleaseControl));
        assert_eq!(control.told(Some("you".into()), Some("bob\x1b"), vec![]), Some("bob\\x1b has control now".into()));
        assert_eq!(control.pressed(ControlKey::Control), Ok(Command::RequestControl));
        assert_eq!(control.told(Some("you".into()), None, vec![asking("me", "ann")]), None);
        assert_eq!(control.pressed(ControlKey::Control), Ok(Command::ReleaseControl), "it asks no longer");
        assert_eq!(control.told(Some("you".into()), None, vec![]), Some("you were not given control".into()));
        let mut owner = of("me", true);
        assert_eq!(owner.told(Some("you".into()), None, vec![]), None);
        assert_eq!(owner.pressed(ControlKey::Control), Ok(Command::TakeControl), "it takes it back");
    }

    #[test]
    fn who_decides_is_told_who_asks_and_answers_the_first() {
        let asked = || vec![asking("b", "bob"), asking("c", "cem")];
        let mut holder = of("me", false);
        holder.told(Some("me".into()), None, vec![]);
        assert!(holder.told(Some("me".into()), None, asked()).expect("told").starts_with("bob asks"));
        assert_eq!(holder.told(Some("me".into()), None, asked()), None, "once");
        assert_eq!(holder.pressed(ControlKey::Give), Ok(Command::GiveControl { client: "b".into() }));
        assert_eq!(holder.pressed(ControlKey::TurnDown), Ok(Command::DenyControl { client: "b".into() }));
        let mut other = of("me", false);
        assert_eq!(other.told(Some("you".into()), None, asked()), None);
        assert!(other.pressed(ControlKey::Give).is_err());
    }
}
