//! The signals a client may send, by name.

use std::str::FromStr;

use rustix::process::Signal as Number;

/// A signal a client may send to a session's foreground processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(Number);

/// A name that is not one of [`Signal::NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signal: must be one of {}", Signal::NAMES.join(", "))]
pub struct UnknownSignal;

/// Every signal that can end a process under a name people know, for naming an exit.
const NAMED: [(&str, Number); 31] = [
    ("HUP", Number::HUP),
    ("INT", Number::INT),
    ("QUIT", Number::QUIT),
    ("ILL", Number::ILL),
    ("TRAP", Number::TRAP),
    ("ABRT", Number::ABORT),
    ("BUS", Number::BUS),
    ("FPE", Number::FPE),
    ("KILL", Number::KILL),
    ("USR1", Number::USR1),
    ("SEGV", Number::SEGV),
    ("USR2", Number::USR2),
    ("PIPE", Number::PIPE),
    ("ALRM", Number::ALARM),
    ("TERM", Number::TERM),
    ("STKFLT", Number::STKFLT),
    ("CHLD", Number::CHILD),
    ("CONT", Number::CONT),
    ("STOP", Number::STOP),
    ("TSTP", Number::TSTP),
    ("TTIN", Number::TTIN),
    ("TTOU", Number::TTOU),
    ("URG", Number::URG),
    ("XCPU", Number::XCPU),
    ("XFSZ", Number::XFSZ),
    ("VTALRM", Number::VTALARM),
    ("PROF", Number::PROF),
    ("WINCH", Number::WINCH),
    ("IO", Number::IO),
    ("PWR", Number::POWER),
    ("SYS", Number::SYS),
];

impl Signal {
    /// What a client may send: the keyboard's signals, the polite and the final end, and those programs define.
    pub const NAMES: [&str; 10] = ["INT", "TERM", "HUP", "QUIT", "KILL", "TSTP", "CONT", "USR1", "USR2", "WINCH"];

    /// The signal's number.
    #[must_use]
    pub const fn number(self) -> Number {
        self.0
    }

    /// Whether it is what Ctrl-C, Ctrl-\ or Ctrl-Z sends.
    #[must_use]
    pub fn interrupts(self) -> bool {
        matches!(self.0, Number::INT | Number::QUIT | Number::TSTP)
    }
}

impl FromStr for Signal {
    type Err = UnknownSignal;

    /// With or without `SIG`.
    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let name = text.strip_prefix("SIG").unwrap_or(text);
        NAMED
            .iter()
            .find(|(known, _)| *known == name && Self::NAMES.contains(known))
            .map(|(_, number)| Self(*number))
            .ok_or(UnknownSignal)
    }
}

/// `SIGTERM` for 15, and so on.
pub(super) fn name_of(number: i32) -> String {
    NAMED
        .iter()
        .find(|(_, known)| known.as_raw() == number)
        .map_or_else(|| format!("SIG{number}"), |(name, _)| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_signals_can_be_sent_with_or_without_their_prefix() {
        assert_eq!("SIGINT".parse(), Ok(Signal(Number::INT)));
        assert_eq!("USR2".parse(), Ok(Signal(Number::USR2)));
        for refused in ["STOP", "SEGV", "int", "9", "", "SIGSIGINT"] {
            assert_eq!(refused.parse::<Signal>(), Err(UnknownSignal), "{refused}");
        }
        assert!(Signal::NAMES.iter().all(|name| name.parse::<Signal>().is_ok()));
    }

    #[test]
    fn an_ending_signal_is_named_and_an_unknown_one_numbered() {
        assert_eq!(name_of(15), "SIGTERM");
        assert_eq!(name_of(40), "SIG40");
    }
}
