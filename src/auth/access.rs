//! What a caller may do with a session: the one rule.

use serde::{Deserialize, Serialize};

use super::AccountId;

/// What a viewer may do. Ordered: control includes view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// See the output.
    View,
    /// See the output, type, resize, signal, rename, close.
    Control,
}

impl Access {
    /// What `caller` may do with a session opened by `owner`. `None` is answered as if there were no such session, so
    /// that a stranger learns nothing from a guess.
    #[must_use]
    pub fn of(owner: AccountId, caller: AccountId) -> Option<Self> {
        (owner == caller).then_some(Self::Control)
    }

    /// Whether input, resizes and signals are taken.
    #[must_use]
    pub const fn may_control(self) -> bool {
        matches!(self, Self::Control)
    }

    /// The access a caller gets who has `self` and asked for `asked`; `None` when that is more than it has.
    #[must_use]
    pub fn narrowed(self, asked: Option<Self>) -> Option<Self> {
        let asked = asked.unwrap_or(self);
        (asked <= self).then_some(asked)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_account_that_opened_a_session_has_any_access() {
        let (ann, bob) = (AccountId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        assert_eq!(Access::of(ann, ann), Some(Access::Control));
        assert_eq!(Access::of(ann, bob), None);
    }

    #[test]
    fn nobody_can_ask_for_more_than_they_have() {
        assert_eq!(Access::View.narrowed(Some(Access::Control)), None);
        assert_eq!(Access::View.narrowed(None), Some(Access::View));
        assert_eq!(Access::Control.narrowed(Some(Access::View)), Some(Access::View));
        assert_eq!(Access::Control.narrowed(None), Some(Access::Control));
    }
}
