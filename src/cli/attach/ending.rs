//! How attaching can end: what the user is told, and the exit code.

use crate::cli::print::printable;

/// What a shell adds to a signal's number.
const SIGNALLED: u8 = 128;
/// The code of a program that ended in a way no code says.
const FAILURE: u8 = 1;

/// Why attaching ended, errors aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The program has.
    Exited {
        /// What it returned.
        code: Option<i32>,
        /// What killed it.
        signal: Option<String>,
        /// Why it could not be started, or why nobody saw how it ended.
        reason: Option<String>,
    },
    /// The session was closed.
    Closed,
    /// The user left, or the terminal went away.
    Detached,
    /// This command was asked to go.
    Signalled(i32),
}

impl Ending {
    /// What to tell.
    pub(super) fn line(&self, id: &str) -> Option<String> {
        match self {
            Self::Exited { code: None, signal: None, reason } => {
                let why = reason.as_ref().map(|why| format!(": {}", printable(why))).unwrap_or_default();
                Some(format!("[ended{why}]"))
            }
            Self::Exited { signal, reason, .. } => {
                let why = reason.as_ref().or(signal.as_ref());
                let why = why.map(|why| format!(" ({})", printable(why))).unwrap_or_default();
                Some(format!("[exited with code {}{why}]", self.code()))
            }
            Self::Closed => Some("[session closed]".into()),
            Self::Detached => Some(format!("[detached; fantail attach {id}]")),
            Self::Signalled(_) => None,
        }
    }

    /// The exit code: the program's own, where it ended.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Exited { signal: Some(name), .. } => number(name).map_or(FAILURE, |number| SIGNALLED + number),
            Self::Exited { code, .. } => code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILURE),
            Self::Closed | Self::Detached => 0,
            Self::Signalled(number) => u8::try_from(*number).map_or(FAILURE, |number| SIGNALLED + number),
        }
    }
}

/// The number here of a signal that the server, which may be another system, calls by name.
fn number(name: &str) -> Option<u8> {
    let number = match name.strip_prefix("SIG").unwrap_or(name) {
        "HUP" => libc::SIGHUP,
        "INT" => libc::SIGINT,
        "QUIT" => libc::SIGQUIT,
        "ILL" => libc::SIGILL,
        "TRAP" => libc::SIGTRAP,
        "ABRT" => libc::SIGABRT,
        "BUS" => libc::SIGBUS,
        "FPE" => libc::SIGFPE,
        "KILL" => libc::SIGKILL,
        "USR1" => libc::SIGUSR1,
        "SEGV" => libc::SIGSEGV,
        "USR2" => libc::SIGUSR2,
        "PIPE" => libc::SIGPIPE,
        "ALRM" => libc::SIGALRM,
        "TERM" => libc::SIGTERM,
        "XCPU" => libc::SIGXCPU,
        "XFSZ" => libc::SIGXFSZ,
        "VTALRM" => libc::SIGVTALRM,
        "PROF" => libc::SIGPROF,
        "IO" => libc::SIGIO,
        "SYS" => libc::SIGSYS,
        _ => return None,
    };
    u8::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(code: Option<i32>, signal: Option<&str>) -> Ending {
        Ending::Exited { code, signal: signal.map(str::to_owned), reason: None }
    }

    #[test]
    fn the_exit_code_is_the_programs_as_a_shell_would_give_it() {
        assert_eq!(exited(Some(3), None).code(), 3);
        assert_eq!(exited(None, Some("SIGKILL")).code(), 137);
        assert_eq!(exited(None, Some("SIGRTMIN+3")).code(), 1);
        assert_eq!(exited(Some(-1), None).code(), 1);
        assert_eq!(Ending::Signalled(libc::SIGTERM).code(), 143);
        assert_eq!((Ending::Closed.code(), Ending::Detached.code()), (0, 0));
    }

    #[test]
    fn every_ending_is_told_in_one_line_without_control_characters() {
        assert_eq!(exited(Some(0), None).line("x").as_deref(), Some("[exited with code 0]"));
        assert_eq!(exited(None, Some("SIG\x1b")).line("x").as_deref(), Some("[exited with code 1 (SIG\\x1b)]"));
        assert_eq!(exited(None, Some("SIGKILL")).line("x").as_deref(), Some("[exited with code 137 (SIGKILL)]"));
        let lost = Ending::Exited { code: None, signal: None, reason: Some("the machine was restarted".into()) };
        assert_eq!((lost.line("x").as_deref(), lost.code()), (Some("[ended: the machine was restarted]"), 1));
        assert_eq!(Ending::Detached.line("0c6cb0a2").as_deref(), Some("[detached; fantail attach 0c6cb0a2]"));
    }
}
