//! Logging in with another service's word (OpenID Connect): what is asked of it, what its answer means for an account,
//! and why one is refused. Nothing here speaks to anybody.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use super::{Mail, Username};

/// How long a login that was begun may take: a password looked for, and a second factor.
pub const STATE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Longest name of a person at a provider, in bytes (OpenID Connect Core 1.0 section 2).
pub const SUBJECT_MAX: usize = 255;
/// Longest of the names by which people know an identity, in characters.
const LABEL_CHARS_MAX: usize = 100;
/// Longest path to go to afterwards, in bytes: a session's with room.
pub const NEXT_MAX: usize = 200;
/// Longest start of a new account's name, so that a number fits behind it.
const NAME_START_MAX: usize = 40;

/// Why somebody was not logged in. The page is told the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The answer is to no login that this browser has begun in the last minutes.
    #[error("no login that was begun in this browser in the last minutes")]
    State,
    /// The provider says no: its user has thought better of it, perhaps.
    #[error("the provider refused")]
    Denied,
    /// The provider cannot be asked, or answers nonsense.
    #[error("the provider does not answer as it should")]
    Unavailable,
    /// Its word is not good: signature, issuer, audience, nonce or time.
    #[error("the provider's word is not good")]
    Invalid,
    /// Its word is good, but for nobody with an account.
    #[error("nobody known here")]
    Unknown,
    /// Its word is not for a confirmed mail address of an allowed domain.
    #[error("the mail address is not of an allowed domain")]
    Domain,
    /// The account lets nobody in.
    #[error("the account is disabled")]
    Disabled,
    /// The identity is another account's already.
    #[error("the identity is another account's")]
    Taken,
    /// There are as many of them as may be.
    #[error("too many at once")]
    Busy,
    /// Our fault; the log knows more.
    #[error("an internal error")]
    Internal,
}

impl Refused {
    /// What the page is told.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::State => "oidc_state",
            Self::Denied => "oidc_denied",
            Self::Unavailable => "oidc_unavailable",
            Self::Invalid => "oidc_invalid",
            Self::Unknown => "oidc_unknown",
            Self::Domain => "oidc_domain",
            Self::Disabled => "oidc_disabled",
            Self::Taken => "oidc_taken",
            Self::Busy => "oidc_busy",
            Self::Internal => "internal",
        }
    }
}

/// What proves that an answer belongs to a login begun by this browser. Both are made of the state and of a secret that
/// only the browser keeps, so that nothing of them is written down.
pub struct Proofs {
    /// Shown with the code (RFC 7636): who steals the code cannot exchange it. 43 characters.
    pub verifier: String,
    /// Stands in the id token: one of another login is not taken.
    pub nonce: String,
}

impl Proofs {
    /// The proofs of the login that `state` stands for, in the browser that keeps `secret`.
    #[must_use]
    pub fn of(state: &str, secret: &str) -> Self {
        let made = |what: &str| {
            let parts = [what, state, secret];
            let sha = parts.iter().fold(Sha256::new(), |sha, part| {
                sha.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
            });
            URL_SAFE_NO_PAD.encode(sha.finalize())
        };
        Self { verifier: made("verifier"), nonce: made("nonce") }
    }
}

/// What a provider says of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Its lasting name for them.
    pub subject: String,
    /// Their mail address, if it says that it has looked.
    pub mail: Option<String>,
    /// What they want to be called.
    pub username: Option<String>,
    /// Their name.
    pub name: Option<String>,
}

impl Person {
    /// Whether the provider vouches for a mail address of one of these domains; everyone, where there are none.
    #[must_use]
    pub fn is_of(&self, domains: &[String]) -> bool {
        let domain = self.mail.as_deref().and_then(|mail| mail.rsplit_once('@')).map(|(_, domain)| domain);
        domains.is_empty() || domain.is_some_and(|its| domains.iter().any(|domain| domain.eq_ignore_ascii_case(its)))
    }

    /// By what its owner knows the identity.
    #[must_use]
    pub fn label(&self) -> String {
        let known = [&self.mail, &self.username, &self.name].into_iter().flatten().find(|text| !text.is_empty());
        let known = known.unwrap_or(&self.subject);
        known.chars().filter(|c| !c.is_control()).take(LABEL_CHARS_MAX).collect()
    }

    /// The mail address, where it is one that an account can have.
    #[must_use]
    pub fn mail(&self) -> Option<Mail> {
        self.mail.as_deref().and_then(|mail| Mail::parse(mail).ok())
    }

    /// What a new account could be called, the best first: others may be called so already. The last ends in `tail`,
    /// which nobody else's does.
    pub fn usernames(&self, tail: &str) -> impl Iterator<Item = Username> {
        let of_mail = self.mail.as_deref().and_then(|mail| mail.split_once('@')).map(|(name, _)| name);
        let wanted = [self.username.as_deref(), of_mail, self.name.as_deref(), Some("user")];
        let start = wanted.into_iter().flatten().map(plain).find(|name| !name.is_empty()).unwrap_or_default();
        let numbered = (2..10).map(|n| n.to_string()).chain([tail.to_owned()]);
        let ends: Vec<_> = std::iter::once(String::new()).chain(numbered.map(|end| format!("-{end}"))).collect();
        ends.into_iter().filter_map(move |end| Username::parse(&format!("{start}{end}")).ok())
    }
}

/// What of a name an account can be called.
fn plain(name: &str) -> String {
    let kept = name.chars().map(|c| if c == ' ' { '.' } else { c });
    let kept = kept.filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c));
    kept.skip_while(|c| !c.is_ascii_alphanumeric()).take(NAME_START_MAX).collect()
}

/// A path of ours that a browser may be sent to, written so that no browser takes it for another place.
#[must_use]
pub fn next(path: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_".contains(c);
    let fits = path.len() <= NEXT_MAX && path.starts_with('/') && !path.contains("//") && path.chars().all(is_plain);
    fits.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(mail: Option<&str>, username: Option<&str>, name: Option<&str>) -> Person {
        let text = |given: Option<&str>| given.map(Into::into);
        Person { subject: "s".into(), mail: text(mail), username: text(username), name: text(name) }
    }

    #[test]
    fn proofs_are_the_same_for_one_login_and_others_for_another() {
        let (one, again) = (Proofs::of("state", "secret"), Proofs::of("state", "secret"));
        assert_eq!((&one.verifier, &one.nonce), (&again.verifier, &again.nonce));
        assert_eq!((one.verifier.len(), one.nonce.len()), (43, 43));
        assert_ne!(one.verifier, one.nonce);
        for other in [Proofs::of("states", "ecret"), Proofs::of("state", "other"), Proofs::of("other", "secret")] {
            assert_ne!(one.verifier, other.verifier);
            assert_ne!(one.nonce, other.nonce);
        }
    }

    #[test]
    fn a_domain_is_of_a_confirmed_address_and_as_a_whole() {
        let domains = ["example.org".to_owned()];
        let is_of = |mail| person(mail, None, None).is_of(&domains);
        assert!(is_of(Some("ann@example.org")) && is_of(Some("ann@EXAMPLE.org")));
        for wrong in [None, Some(""), Some("example.org"), Some("a@evil-example.org"), Some("a@example.org.evil.org")] {
            assert!(!is_of(wrong), "{wrong:?}");
        }
        assert!(!is_of(Some("a@example.org@evil.org")));
        assert!(person(None, None, None).is_of(&[]));
    }

    #[test]
    fn a_new_account_is_called_as_its_owner_is_elsewhere() {
        let first = |person: &Person| person.usernames("x").next().unwrap().to_string();
        assert_eq!(first(&person(Some("bob@b.org"), Some("ann"), None)), "ann");
        assert_eq!(first(&person(Some("bob@b.org"), None, Some("Ann B"))), "bob");
        assert_eq!(first(&person(None, None, Some("Ann B"))), "Ann.B");
        assert_eq!(first(&person(None, Some("-- 'or"), None)), "or");
        assert_eq!(first(&person(None, Some("日本"), None)), "user");
        let all: Vec<_> = person(None, Some(&"x".repeat(500)), None).usernames("4f").map(|n| n.to_string()).collect();
        assert_eq!((all.len(), all[9].ends_with("-4f")), (10, true));
        assert_eq!(person(None, None, Some("A\u{7}nn")).label(), "Ann");
    }

    #[test]
    fn a_browser_is_sent_to_a_path_of_ours_and_nowhere_else() {
        for good in ["/", "/s/0c6cb0a2-1111-4222-8333-444455556666"] {
            assert_eq!(next(good), Some(good));
        }
        let long = format!("/{}", "x".repeat(NEXT_MAX));
        for bad in
            ["", "s", "//evil.example", "/\\evil.example", "/a//b", "https://evil.example", "/a\r\nb", "/%2f", &long]
        {
            assert_eq!(next(bad), None, "{bad}");
        }
        assert_eq!(next("/a?b"), None);
    }
}
