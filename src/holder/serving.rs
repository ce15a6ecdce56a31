//! Whom a holder serves, and as whom it runs programs: itself, or as root another account, which may then start programs
//! as the accounts on a list and as nobody else.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::MetadataExt as _;

use rustix::process::{Pid, Uid, geteuid};

use crate::session::UnixAccount;

/// Whom a holder serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    /// Its own account, which may start whatever the holder can.
    Itself,
    /// Another account, and root.
    Another {
        /// The account.
        uid: u32,
        /// As whom it may start programs, by name.
        users: BTreeSet<String>,
    },
}

impl Serving {
    /// Whether requests of an account are taken.
    pub(super) fn takes(&self, peer: Uid) -> bool {
        match self {
            Self::Itself => peer == geteuid(),
            Self::Another { uid, .. } => peer.as_raw() == *uid || peer.is_root(),
        }
    }

    /// Whether programs may be started as `user`; who names none gets the holder's own account, which is root.
    pub(super) fn may_run_as(&self, user: Option<&str>) -> bool {
        match self {
            Self::Itself => true,
            Self::Another { users, .. } => users.contains(user.unwrap_or("root")),
        }
    }

    /// Whether a process that somebody hands over, with its pidfd, may be one that was started here before. Otherwise
    /// who hands it over could have any process ended.
    pub(super) fn may_keep(&self, pid: Pid, pidfd: impl AsFd) -> bool {
        let Self::Another { users, .. } = self else { return true };
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd())).unwrap_or_default();
        let named = info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse::<i32>().ok());
        let owner = fs::metadata(format!("/proc/{}", pid.as_raw_nonzero())).map(|process| process.uid());
        let is_listed =
            |uid| users.iter().any(|user| matches!(UnixAccount::find(user), Ok(Some(known)) if known.uid == uid));
        named == Some(pid.as_raw_nonzero().get()) && owner.is_ok_and(is_listed)
    }

    /// Whether it waits for its account's servers for ever: it was started by somebody else than them.
    pub(super) const fn outlasts_idleness(&self) -> bool {
        matches!(self, Self::Another { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_account_runs_programs_as_those_listed_and_never_as_root_unless_listed() {
        let another =
            |users: &[&str]| Serving::Another { uid: 7, users: users.iter().map(ToString::to_string).collect() };
        let serving = another(&["ann", "bob"]);
        assert!(serving.may_run_as(Some("ann")) && !serving.may_run_as(Some("eve")));
        assert!(!serving.may_run_as(Some("root")) && !serving.may_run_as(None));
        assert!(another(&["root"]).may_run_as(None) && Serving::Itself.may_run_as(None));
        assert!(serving.takes(Uid::from_raw(7)) && serving.takes(Uid::ROOT) && !serving.takes(Uid::from_raw(8)));
        assert!(Serving::Itself.takes(geteuid()));
    }
}
