//! An account's mail address.

use std::fmt;

/// A mail address as far as it can be told from looking at it: whether it takes mail only mail can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail(String);

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a mail address of at most {} bytes, such as ann@example.org", Mail::MAX)]
pub struct MailError;

impl Mail {
    /// Longest address, in bytes (RFC 5321 section 4.5.3.1.3, less the brackets).
    pub const MAX: usize = 254;

    /// Checks an address.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, MailError> {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>\"(),:;\\[]".contains(c);
        let (name, host) = text.split_once('@').ok_or(MailError)?;
        let fits = text.len() <= Self::MAX && !name.is_empty() && !host.is_empty() && !host.contains('@');
        if fits && text.chars().all(is_plain) { Ok(Self(text.to_owned())) } else { Err(MailError) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for mail in ["", "ann", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "<a@b>", &format!("{}@b", "x".repeat(254))] {
            assert_eq!(Mail::parse(mail), Err(MailError), "{mail:?}");
        }
        for mail in ["a@b", "Ann+x@example.org", "jürgen@exämple.de"] {
            assert_eq!(Mail::parse(mail).unwrap().as_str(), mail);
        }
    }
}
