//! One-use login links: how the person at the server's console gets in without a password.

use jiff::{SignedDuration, Timestamp};

use super::{AccountId, Digest, Secret};

/// How long a link can be used: long enough to walk to the browser, too short to be found in a scrollback next week.
pub const LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Links open at once. Only the server makes them, one at each start, so this is a ceiling, not a limit anyone meets.
const LINKS_MAX: usize = 16;

struct Link {
    digest: Digest,
    account: AccountId,
    expires: Timestamp,
}

/// The links that can still be used. Only digests are kept.
#[derive(Default)]
pub struct Links(Vec<Link>);

impl Links {
    /// Makes a link for `account`; at the ceiling the oldest gives way. Returns the token for the URL's fragment.
    #[must_use]
    pub fn mint(&mut self, secret: &Secret, account: AccountId, now: Timestamp) -> String {
        self.0.retain(|link| link.expires > now);
        if self.0.len() == LINKS_MAX {
            self.0.remove(0);
        }
        let expires = now.saturating_add(LINK_LIFETIME).unwrap_or(Timestamp::MAX);
        self.0.push(Link { digest: secret.digest(), account, expires });
        secret.reveal()
    }

    /// Uses a link up. `None` when it never was, has been used or has expired: which of them is nobody's business.
    pub fn redeem(&mut self, token: &str, now: Timestamp) -> Option<AccountId> {
        let digest = Digest::of(token);
        let found = self.0.iter().position(|link| link.digest == digest)?;
        let link = self.0.swap_remove(found);
        (link.expires > now).then_some(link.account)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ANN: AccountId = AccountId(Uuid::from_u128(1));

    #[test]
    fn a_link_works_once() {
        let mut links = Links::default();
        let token = links.mint(&Secret::new([1; 32]), ANN, Timestamp::UNIX_EPOCH);
        assert_eq!(links.redeem("guess", Timestamp::UNIX_EPOCH), None);
        assert_eq!(links.redeem(&token, Timestamp::UNIX_EPOCH), Some(ANN));
        assert_eq!(links.redeem(&token, Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn a_link_is_dead_after_an_hour() {
        let mut links = Links::default();
        let token = links.mint(&Secret::new([1; 32]), ANN, Timestamp::UNIX_EPOCH);
        assert_eq!(links.redeem(&token, Timestamp::UNIX_EPOCH + LINK_LIFETIME), None);
    }

    #[test]
    fn links_never_outnumber_their_ceiling() {
        let mut links = Links::default();
        for n in 0..=20 {
            let _ = links.mint(&Secret::new([n; 32]), ANN, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(links.0.len(), LINKS_MAX);
    }
}
