//! The names of accounts and logins, as types that cannot be taken for each other.

use std::fmt;

use uuid::Uuid;

/// An account: someone who can log in and own sessions. The `sub` of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(pub Uuid);

/// One login, and everything descended from it: its refresh tokens, access tokens and tickets. The `sid` of an access
/// token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoginId(pub Uuid);

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
