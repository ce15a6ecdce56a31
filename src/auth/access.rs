//! What a caller may do with a session: the one rule.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccountId, Role, ShareId};

/// What someone may do with a session. Ordered: each includes the one before it.
/// Read, it is one that can be asked for or given: nobody asks to own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Access {
    /// See the output.
    View,
    /// See the output, type, resize, signal.
    Control,
    /// All of that, rename, close, and say who else may.
    Own,
}

/// No access is called that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid value, expected view or control")]
pub struct AccessError;

/// Someone who wants at a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// An account.
    Account {
        /// Which.
        id: AccountId,
        /// What it may do at all.
        role: Role,
    },
    /// Whoever has the link of a share.
    Share {
        /// Which.
        id: ShareId,
        /// The session it is of, and no other.
        session: Uuid,
        /// What it allows.
        access: Access,
    },
}

impl Who {
    /// The account, if it is one.
    #[must_use]
    pub const fn account(self) -> Option<AccountId> {
        match self {
            Self::Account { id, .. } => Some(id),
            Self::Share { .. } => None,
        }
    }
}

impl Access {
    /// What `who` may do with a session opened by `owner`, who may have `granted` something. `None` is answered as if
    /// there were no such session, so that a stranger learns nothing from a guess.
    #[must_use]
    pub fn of(session: Uuid, owner: AccountId, who: Who, granted: Option<Self>) -> Option<Self> {
        match who {
            Who::Account { id, role } if id == owner || role == Role::Admin => Some(Self::Own),
            // Nobody can be granted to say who else may.
            Who::Account { .. } => granted.map(|granted| granted.min(Self::Control)),
            Who::Share { session: of, access, .. } => (of == session).then_some(access.min(Self::Control)),
        }
    }

    /// Whether input, resizes and signals are taken.
    #[must_use]
    pub fn may_control(self) -> bool {
        self >= Self::Control
    }

    /// The access a caller gets who has `self` and asked for `asked`; `None` when that is more than it has.
    #[must_use]
    pub fn narrowed(self, asked: Option<Self>) -> Option<Self> {
        let asked = asked.unwrap_or(self);
        (asked <= self).then_some(asked)
    }

    /// As it is written down.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Control => "control",
            Self::Own => "own",
        }
    }
}

/// What can be given: everything but to own.
impl FromStr for Access {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        [Self::View, Self::Control].into_iter().find(|access| access.as_str() == text).ok_or(AccessError)
    }
}

impl TryFrom<String> for Access {
    type Error = AccessError;

    fn try_from(text: String) -> Result<Self, AccessError> {
        text.parse()
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: Uuid = Uuid::from_u128(10);
    const ANN: AccountId = AccountId(Uuid::from_u128(1));

    fn account(n: u128, role: Role) -> Who {
        Who::Account { id: AccountId(Uuid::from_u128(n)), role }
    }

    #[test]
    fn who_opened_a_session_owns_it_and_so_do_those_who_run_the_server() {
        assert_eq!(Access::of(BUILD, ANN, account(1, Role::Member), None), Some(Access::Own));
        assert_eq!(Access::of(BUILD, ANN, account(2, Role::Member), None), None);
        assert_eq!(Access::of(BUILD, ANN, account(2, Role::Admin), None), Some(Access::Own));
    }

    #[test]
    fn others_have_what_they_were_granted_and_never_own_it() {
        let bob = account(2, Role::Guest);
        for (granted, had) in
            [(Access::View, Access::View), (Access::Control, Access::Control), (Access::Own, Access::Control)]
        {
            assert_eq!(Access::of(BUILD, ANN, bob, Some(granted)), Some(had));
        }
    }

    #[test]
    fn a_share_is_of_one_session() {
        let share = |access| Who::Share { id: ShareId(Uuid::from_u128(3)), session: BUILD, access };
        assert_eq!(Access::of(BUILD, ANN, share(Access::View), None), Some(Access::View));
        assert_eq!(Access::of(BUILD, ANN, share(Access::Own), None), Some(Access::Control));
        let other = Uuid::from_u128(11);
        assert_eq!(Access::of(other, ANN, share(Access::Control), Some(Access::Control)), None);
    }

    #[test]
    fn nobody_can_ask_for_more_than_they_have() {
        assert_eq!(Access::View.narrowed(Some(Access::Control)), None);
        assert_eq!(Access::View.narrowed(None), Some(Access::View));
        assert_eq!(Access::Control.narrowed(Some(Access::View)), Some(Access::View));
        assert_eq!(Access::Own.narrowed(None), Some(Access::Own));
    }
}
