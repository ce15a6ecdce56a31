//! The audit log as values: who did what, each entry bound to the one before it by a hash, so that none can be changed,
//! taken out or put in unnoticed. Never what was typed or shown (law 8).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Longest of the texts of an entry, in bytes: what is longer is cut, because peers have a hand in some of them.
pub const TEXT_MAX: usize = 400;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What is noted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Event {
            $($(#[$doc])* $name,)*
        }

        impl Event {
            /// As it is written down.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

events! {
    /// Somebody logged in.
    LoggedIn = "login";
    /// Somebody tried to, in vain.
    LoginFailed = "login-failed";
    /// A login was ended by its owner, or by who runs the server.
    LoggedOut = "logout";
    /// A spent refresh token was used again: its login was ended.
    RefreshReused = "refresh-reused";
    /// Somebody came by a share.
    ShareUsed = "share-used";
    /// An account was added.
    UserAdded = "user-added";
    /// An account was changed.
    UserChanged = "user-changed";
    /// An identity at a provider of logins was bound to an account.
    IdentityLinked = "identity-linked";
    /// That was undone.
    IdentityUnlinked = "identity-unlinked";
    /// A password was set.
    PasswordSet = "password-set";
    /// A login link was made for an account.
    LinkMade = "login-link-made";
    /// An API token was made.
    TokenMade = "token-made";
    /// An API token was revoked.
    TokenRevoked = "token-revoked";
    /// A signing key was made, in place of the one before.
    KeyRotated = "key-rotated";
    /// What the store keeps secret was sealed with a new key.
    Resealed = "resealed";
    /// A session was opened.
    Opened = "session-opened";
    /// A session was closed.
    Closed = "session-closed";
    /// Somebody attached to a session.
    Attached = "attached";
    /// They left it.
    Detached = "detached";
    /// A link to a session was made.
    Shared = "shared";
    /// A link was revoked.
    ShareRevoked = "share-revoked";
    /// An account was granted access to a session.
    Granted = "granted";
    /// That was taken back.
    TakenBack = "grant-taken-back";
    /// A client asked for control.
    ControlAsked = "control-asked";
    /// A client has control alone: it took it.
    ControlTaken = "control-taken";
    /// Who had control, or the session's owner, gave it to a client that asked.
    ControlGiven = "control-given";
    /// They turned one down.
    ControlDenied = "control-denied";
    /// Everyone with access types again.
    ControlReleased = "control-released";
    /// A client that may only look tried to do more.
    ViewOnlyTried = "view-only-tried";
    /// So many entries could not be written down: the store was away for too long.
    Lost = "entries-lost";
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One entry, before it has its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What, as a word.
    pub event: String,
    /// Who: an account's id, a share's, or a command on the server's machine.
    pub actor: String,
    /// From where.
    pub address: String,
    /// To what: a session's id, an account's, a token's.
    pub subject: String,
    /// What else there is to know.
    pub detail: String,
}

impl Entry {
    /// Notes an event.
    #[must_use]
    pub fn new(at: Timestamp, event: Event, actor: impl fmt::Display) -> Self {
        let (event, actor) = (event.as_str().to_owned(), cut(actor.to_string()));
        // As fine as it is kept, so that it is the same when it is read again.
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        Self { at, event, actor, address: String::new(), subject: String::new(), detail: String::new() }
    }

    /// From that address.
    #[must_use]
    pub fn from(self, address: impl fmt::Display) -> Self {
        Self { address: cut(address.to_string()), ..self }
    }

    /// Of that session, account or token.
    #[must_use]
    pub fn of(self, subject: impl fmt::Display) -> Self {
        Self { subject: cut(subject.to_string()), ..self }
    }

    /// With more to know.
    #[must_use]
    pub fn with(self, detail: impl fmt::Display) -> Self {
        Self { detail: cut(detail.to_string()), ..self }
    }
}

fn cut(mut text: String) -> String {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// What binds an entry to all before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// No hash is written so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 hexadecimal digits")]
pub struct HashError;

impl std::str::FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !text.is_ascii() {
            return Err(HashError);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| HashError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| HashError)?;
        }
        Ok(Self(hash))
    }
}

/// The end of the log: how many entries it has, and what binds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The place of the last entry; the first is 1.
    pub seq: i64,
    /// Its hash.
    pub hash: Hash,
}

impl Head {
    /// Of a log without entries.
    pub const EMPTY: Self = Self { seq: 0, hash: Hash([0; 32]) };

    /// The end of the log with `entry` behind it. Each text is bound with its length, so that none can lend another a
    /// part of itself.
    #[must_use]
    pub fn after(self, entry: &Entry) -> Self {
        let seq = self.seq + 1;
        let Entry { at, event, actor, address, subject, detail } = entry;
        let mut sha = Sha256::new();
        sha.update(self.hash.0);
        sha.update(seq.to_be_bytes());
        sha.update(at.as_millisecond().to_be_bytes());
        for text in [event, actor, address, subject, detail] {
            sha.update((text.len() as u64).to_be_bytes());
            sha.update(text);
        }
        Self { seq, hash: Hash(sha.finalize().into()) }
    }
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What it is.
    pub entry: Entry,
    /// Where, and what it is said to be bound by.
    pub head: Head,
}

/// Where a log was tampered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The entry there is not the one that was written, or one before it is missing.
    #[error("entry {0} is not what was written there, or one before it is missing")]
    At(i64),
    /// Entries are missing behind that one, up to what the log says is its end.
    #[error("entries are missing behind {0}")]
    CutAfter(i64),
}

/// Goes through a log from its beginning, entry by entry.
#[derive(Clone, Copy, Debug)]
pub struct Check(Head);

impl Default for Check {
    fn default() -> Self {
        Self(Head::EMPTY)
    }
}

impl Check {
    /// Looks at the next entry.
    ///
    /// # Errors
    /// When it is not the one that was written behind those before.
    pub fn next(&mut self, placed: &Placed) -> Result<(), Broken> {
        let head = self.0.after(&placed.entry);
        if head != placed.head {
            return Err(Broken::At(head.seq));
        }
        self.0 = head;
        Ok(())
    }

    /// Whether that was all: `end` is what the log, or somebody who wrote it down elsewhere, says is its end.
    ///
    /// # Errors
    /// When it is not.
    pub fn finish(self, end: Head) -> Result<(), Broken> {
        if self.0 == end { Ok(()) } else { Err(Broken::CutAfter(self.0.seq)) }
    }

    /// How far it has come.
    #[must_use]
    pub const fn head(self) -> Head {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> (Vec<Placed>, Head) {
        let mut head = Head::EMPTY;
        let entries = (0..5).map(|n| {
            let at = Timestamp::from_second(1_800_000_000 + n).unwrap();
            let entry =
                Entry::new(at, Event::Attached, "ann").from("127.0.0.1").of(format!("session {n}")).with("view");
            head = head.after(&entry);
            Placed { entry, head }
        });
        (entries.collect(), head)
    }

    fn check(log: &[Placed], end: Head) -> Result<(), Broken> {
        let mut check = Check::default();
        log.iter().try_for_each(|placed| check.next(placed))?;
        check.finish(end)
    }

    #[test]
    fn what_was_written_is_found_whole() {
        let (log, end) = log();
        assert_eq!(check(&log, end), Ok(()));
        assert_eq!(check(&[], Head::EMPTY), Ok(()));
    }

    #[test]
    fn the_first_entry_that_was_tampered_with_is_named() {
        let (whole, end) = log();
        for at in 0..whole.len() {
            let place = i64::try_from(at).unwrap() + 1;
            let mut changed = whole.clone();
            changed[at].entry.detail = "Control".into();
            assert_eq!(check(&changed, end), Err(Broken::At(place)));
            let mut missing = whole.clone();
            missing.remove(at);
            let expected = if place == 5 { Broken::CutAfter(4) } else { Broken::At(place) };
            assert_eq!(check(&missing, end), Err(expected));
            assert_eq!(check(&whole[..at], end), Err(Broken::CutAfter(place - 1)));
        }
        let mut swapped = whole.clone();
        swapped.swap(1, 2);
        assert_eq!(check(&swapped, end), Err(Broken::At(2)));
        let mut lent = whole;
        (lent[0].entry.subject, lent[0].entry.detail) = ("session 0v".into(), "iew".into());
        assert_eq!(check(&lent, end), Err(Broken::At(1)));
    }

    #[test]
    fn a_hash_is_read_as_it_is_written_and_texts_are_bounded() {
        let (_, end) = log();
        assert_eq!(end.hash.to_string().parse(), Ok(end.hash));
        for wrong in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(wrong.parse::<Hash>(), Err(HashError), "{wrong}");
        }
        let long = Entry::new(Timestamp::UNIX_EPOCH, Event::LoginFailed, "ü".repeat(1000));
        assert_eq!(long.actor.len(), TEXT_MAX);
    }
}
