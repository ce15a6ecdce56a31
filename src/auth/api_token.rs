//! API tokens: how programs show who they are. `ftl_<id>_<secret>_<check>`; only the secret's digest is kept.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{Digest, SECRET_BYTES, Secret};

/// What every token of ours starts with, so that leaks are recognised.
pub const PREFIX: &str = "ftl_";
/// How long a token lives where nobody says, and the longest it can.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// See [`LIFETIME`].
pub const LIFETIME_MAX: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How fine its last use is kept: to the minute, so that a busy program does not write once a request.
pub const USE_GRAIN: SignedDuration = SignedDuration::from_mins(1);
/// Longest name of a token, in characters: what a list can show.
pub const NAME_CHARS_MAX: usize = 100;
/// Random bytes of an id.
pub const ID_BYTES: usize = 5;

/// Characters of an id, of the secret and of the check.
const ID_CHARS: usize = ID_BYTES * 8 / 5;
const SECRET_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
/// Digits and letters that cannot be mistaken for each other (Crockford's base 32, lower case).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A token's name, which stands in it and is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiTokenId([u8; ID_CHARS]);

/// No token is called that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of an API token")]
pub struct ApiTokenIdError;

impl ApiTokenId {
    /// An id of bytes that came from the system's random source.
    #[must_use]
    pub fn from_random(bytes: [u8; ID_BYTES]) -> Self {
        Self(base32(&bytes))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for ApiTokenId {
    type Err = ApiTokenIdError;

    fn from_str(text: &str) -> Result<Self, ApiTokenIdError> {
        let chars: [u8; ID_CHARS] = text.as_bytes().try_into().map_err(|_| ApiTokenIdError)?;
        if chars.iter().all(|char| ALPHABET.contains(char)) { Ok(Self(chars)) } else { Err(ApiTokenIdError) }
    }
}

impl fmt::Display for ApiTokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A token just made: its text, to be shown once, and what is kept of it.
pub struct Minted {
    /// The token. To be shown once.
    pub text: String,
    /// What is kept.
    pub digest: Digest,
}

/// Makes a token of bytes that came from the system's random source.
#[must_use]
pub fn mint(id: ApiTokenId, random: [u8; SECRET_BYTES]) -> Minted {
    let secret = Secret::new(random).reveal();
    let body = format!("{PREFIX}{id}_{secret}");
    Minted { digest: Digest::of(&secret), text: format!("{body}_{}", check(&body)) }
}

/// A token as a peer presents it: which one it says it is, and the secret that is to prove it.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// Which it says it is.
    pub id: ApiTokenId,
    secret: &'a str,
}

impl<'a> Presented<'a> {
    /// Reads a token, whose check must be right: what is mistyped or made up asks no store.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let (body, written) = text.split_at_checked(text.len().checked_sub(CHECK_CHARS + 1)?)?;
        let (id, secret) = body.strip_prefix(PREFIX)?.split_at_checked(ID_CHARS)?;
        let secret = secret.strip_prefix('_').filter(|secret| secret.len() == SECRET_CHARS)?;
        let is_right = written.strip_prefix('_')? == check(body);
        Some(Self { id: id.parse().ok()?, secret }).filter(|_| is_right)
    }

    /// What it is looked for by: the digest of its secret.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.secret)
    }

    /// Whether its secret is the one whose digest was kept.
    #[must_use]
    pub fn proves(&self, kept: &Digest) -> bool {
        kept.matches(self.secret)
    }
}

/// When a token made now ends that is to live for `wanted`.
///
/// # Errors
/// When it would live longer than any may.
pub fn expiry(now: Timestamp, wanted: Option<SignedDuration>) -> Result<Timestamp, LifetimeError> {
    let lifetime = wanted.unwrap_or(LIFETIME);
    if lifetime <= SignedDuration::ZERO || lifetime > LIFETIME_MAX {
        return Err(LifetimeError);
    }
    now.checked_add(lifetime).map_err(|_| LifetimeError)
}

/// No token lives that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be between a second and 365 days")]
pub struct LifetimeError;

/// Six characters that tell a token from what merely looks like one.
fn check(body: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    let chars: [u8; 8] = base32(&[digest[0], digest[1], digest[2], digest[3], digest[4]]);
    chars[..CHECK_CHARS].iter().map(|char| char::from(*char)).collect()
}

/// Forty bits as eight characters.
fn base32(bytes: &[u8; 5]) -> [u8; 8] {
    let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    std::array::from_fn(|at| {
        let digit = usize::try_from(bits >> (35 - 5 * at) & 31).unwrap_or_default();
        ALPHABET[digit]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minted() -> (ApiTokenId, Minted) {
        let id = ApiTokenId::from_random([1, 2, 3, 4, 255]);
        (id, mint(id, [7; SECRET_BYTES]))
    }

    #[test]
    fn a_token_is_read_as_it_was_made_and_proves_itself() {
        let (id, minted) = minted();
        let presented = Presented::read(&minted.text).unwrap();
        assert_eq!((presented.id, presented.digest()), (id, minted.digest));
        assert!(presented.proves(&minted.digest));
        assert!(!presented.proves(&Digest::of("another")));
        assert_eq!(minted.text.len(), 4 + 8 + 1 + 43 + 1 + 6);
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn what_is_mistyped_or_made_up_is_no_token() {
        let (_, minted) = minted();
        for at in 0..minted.text.len() {
            let mut bytes = minted.text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(Presented::read(&String::from_utf8(bytes).unwrap()).is_none(), "{at}");
            assert!(Presented::read(&minted.text[..at]).is_none(), "{at}");
        }
        for text in ["", "ftl_", "ftl_local_x", "üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü", &format!("{}x", minted.text)]
        {
            assert!(Presented::read(text).is_none(), "{text}");
        }
        for id in ["", "0000000", "000000000", "0000000u", "0000000I"] {
            assert_eq!(id.parse::<ApiTokenId>(), Err(ApiTokenIdError), "{id}");
        }
    }

    #[test]
    fn a_token_lives_for_ninety_days_and_never_longer_than_a_year() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(expiry(now, None), Ok(now + LIFETIME));
        assert_eq!(expiry(now, Some(LIFETIME_MAX)), Ok(now + LIFETIME_MAX));
        for wrong in [LIFETIME_MAX + SignedDuration::from_secs(1), SignedDuration::ZERO, -LIFETIME] {
            assert_eq!(expiry(now, Some(wrong)), Err(LifetimeError));
        }
    }
}
