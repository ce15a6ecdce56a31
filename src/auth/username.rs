//! What an account may be called.

use std::fmt;

/// A user name that is safe in a log line, a table and a shell: ASCII letters, digits, `.`, `_`, `-`, `@`, not starting
/// with `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name has 1 to {} of the characters a-z A-Z 0-9 . _ - @ and does not start with -", Username::MAX)]
pub struct UsernameError;

impl Username {
    /// Longest name, in characters: what `useradd` allows, doubled.
    pub const MAX: usize = 64;

    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, too long, starts with `-` or holds another character.
    pub fn parse(name: &str) -> Result<Self, UsernameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        let fits = (1..=Self::MAX).contains(&name.len()) && !name.starts_with('-') && name.chars().all(allowed);
        if fits { Ok(Self(name.to_owned())) } else { Err(UsernameError) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_shell_or_a_log_would_trip_over_are_refused() {
        for name in ["", "-rf", "a b", "a\n", "a\u{202e}b", "ä", &"x".repeat(65)] {
            assert_eq!(Username::parse(name), Err(UsernameError), "{name:?}");
        }
        for name in ["ann", "Ann.B_2-c", "ann@example.org", &"x".repeat(64)] {
            assert_eq!(Username::parse(name).unwrap().as_str(), name);
        }
    }
}
