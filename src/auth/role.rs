//! What an account may do at all, before any session is looked at.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an account is. Ordered: each may do what the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes part in sessions it was granted access to; opens none.
    Guest,
    /// Opens sessions, and shares them.
    Member,
    /// Runs the server: accounts, keys, the audit log, and every session.
    Admin,
}

/// No role is called that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of guest, member, admin")]
pub struct RoleError;

impl Role {
    /// As it is written down.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        [Self::Guest, Self::Member, Self::Admin].into_iter().find(|role| role.as_str() == text).ok_or(RoleError)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
