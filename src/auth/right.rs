//! What a credential allows: the rights of its account's role, less what it was narrowed to.

use std::fmt;
use std::str::FromStr;

use super::Role;

/// One thing a credential may allow. As text, a scope of an API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Right {
    /// List and look at sessions one has access to.
    View,
    /// Type into them, resize, signal, rename and close them.
    Control,
    /// Open sessions.
    Open,
    /// Give others access to one's own sessions.
    Share,
    /// Change one's own account: password, logins, API tokens. Never a scope: a token cannot make or keep another.
    Account,
    /// Manage everyone's accounts.
    Users,
    /// Read the audit log.
    Audit,
    /// Ask as often as one likes: for load tests, whose subject is not the limits.
    LoadTest,
}

/// No right is called that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be some of {}", Right::SCOPES.map(Right::as_str).join(", "))]
pub struct ScopeError;

impl Right {
    /// Those an API token can have.
    pub const SCOPES: [Self; 7] =
        [Self::View, Self::Control, Self::Open, Self::Share, Self::Users, Self::Audit, Self::LoadTest];

    /// As a scope is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "sessions:view",
            Self::Control => "sessions:control",
            Self::Open => "sessions:open",
            Self::Share => "sessions:share",
            Self::Account => "account",
            Self::Users => "users:manage",
            Self::Audit => "audit:read",
            Self::LoadTest => "load-test",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for Right {
    type Err = ScopeError;

    fn from_str(scope: &str) -> Result<Self, ScopeError> {
        Self::SCOPES.into_iter().find(|right| right.as_str() == scope).ok_or(ScopeError)
    }
}

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rights(u8);

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);

    /// What `role` allows.
    #[must_use]
    pub fn of(role: Role) -> Self {
        use Right::{Account, Audit, Control, LoadTest, Open, Share, Users, View};
        match role {
            Role::Guest => Self::from_iter([View, Control, Account]),
            Role::Member => Self::of(Role::Guest).and([Open, Share]),
            Role::Admin => Self::of(Role::Member).and([Users, Audit, LoadTest]),
        }
    }

    /// The set with these, too.
    #[must_use]
    pub fn and(self, more: impl IntoIterator<Item = Right>) -> Self {
        more.into_iter().fold(self, |rights, right| Self(rights.0 | right.bit()))
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn allow(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }

    /// What both allow.
    #[must_use]
    pub const fn narrowed_to(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether everything `others` allow is allowed here as well.
    #[must_use]
    pub const fn cover(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Each of them that can be a scope, in the order they are listed.
    pub fn scopes(self) -> impl Iterator<Item = Right> {
        Right::SCOPES.into_iter().filter(move |right| self.allow(*right))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<T: IntoIterator<Item = Right>>(rights: T) -> Self {
        Self::NONE.and(rights)
    }
}

/// Scopes with blanks between them, as OAuth writes them.
impl fmt::Display for Rights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<_> = self.scopes().map(Right::as_str).collect();
        formatter.write_str(&scopes.join(" "))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rights({self})")
    }
}

/// Reads what `Display` has written.
impl FromStr for Rights {
    type Err = ScopeError;

    fn from_str(scopes: &str) -> Result<Self, ScopeError> {
        scopes.split_ascii_whitespace().map(Right::from_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_may_do_all_that_a_lower_one_may() {
        let (guest, member, admin) = (Rights::of(Role::Guest), Rights::of(Role::Member), Rights::of(Role::Admin));
        assert!(member.cover(guest) && admin.cover(member));
        assert!(!guest.allow(Right::Open) && !member.allow(Right::Users));
    }

    #[test]
    fn scopes_are_read_as_they_are_written_and_no_account_is_among_them() {
        let rights = Rights::of(Role::Admin);
        let read: Rights = rights.to_string().parse().unwrap();
        assert!(rights.cover(read) && !read.allow(Right::Account));
        assert_eq!("sessions:view  load-test".parse(), Ok(Rights::from_iter([Right::View, Right::LoadTest])));
        for wrong in ["account", "sessions", "SESSIONS:VIEW", "sessions:view,sessions:open"] {
            assert_eq!(wrong.parse::<Rights>(), Err(ScopeError), "{wrong}");
        }
    }
}
