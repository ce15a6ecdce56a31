//! What must outlive the server: accounts, logins with their refresh tokens, signing keys, and what is left of sessions
//! whose terminals are gone.
//!
//! A trait in domain words and one backend. The store decides nothing (what a spent token means is `auth`'s business)
//! except what only a database can: that of many rotations of one token exactly one wins. It is never on the path of
//! terminal bytes.

mod data_dir;
mod session;
mod sqlite;

#[cfg(test)]
mod suite;

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

pub use data_dir::DataDir;
pub use session::{LastScreen, RECORD_BYTES_MAX, SCREEN_BYTES_MAX, SESSIONS_AT_ONCE, SessionRow};
pub use sqlite::SqliteStore;

/// Someone who can log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its lasting name.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// bcrypt hash of its password; none when it has none and only a login link lets it in.
    pub password_hash: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// A refresh token as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// The login it descends from.
    pub login: Uuid,
    /// When it stops being usable.
    pub expires: Timestamp,
}

/// What the store knows of a presented refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRefreshToken {
    /// The token.
    pub token: RefreshToken,
    /// The account of its login.
    pub account: Uuid,
    /// What that account is called.
    pub account_name: String,
    /// When it was exchanged for its successor.
    pub spent: Option<Timestamp>,
    /// Whether its login has been ended.
    pub login_ended: bool,
}

/// A key that signs access tokens. No `Debug`.
#[derive(Clone)]
pub struct StoredKey {
    /// Its name, as it stands in tokens.
    pub kid: String,
    /// The key.
    pub secret: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another account has that name.
    #[error("there is already an account of that name")]
    NameTaken,
    /// The account is not there.
    #[error("there is no such account")]
    NoSuchAccount,
    /// More than is kept of one session.
    #[error("the {what} has more than {max} bytes")]
    TooLarge {
        /// What has.
        what: &'static str,
        /// What it may have.
        max: usize,
    },
    /// A row does not hold what we write.
    #[error("damaged data in the store: {0}")]
    Damaged(&'static str),
    /// The data directory or a file in it cannot be used.
    #[error("{path}: {reason}")]
    Place {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The schema could not be brought up to date.
    #[error("the store's schema could not be brought up to date: {0}")]
    Schema(String),
    /// The database failed; another try may succeed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// What a backend does. One test suite holds for all of them.
#[async_trait]
pub trait Store: Send + Sync {
    /// Adds an account.
    async fn add_account(&self, account: &Account) -> Result<(), StoreError>;
    /// The account of that id.
    async fn account(&self, id: Uuid) -> Result<Option<Account>, StoreError>;
    /// The account of that name.
    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError>;
    /// The first account ever made: the person who runs the server.
    async fn owner(&self) -> Result<Option<Account>, StoreError>;
    /// Whether any account can log in with a password.
    async fn has_passwords(&self) -> Result<bool, StoreError>;
    /// Sets a password and ends every login of the account, in one step.
    async fn set_password(&self, account: Uuid, hash: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Starts a login of `account` with its first refresh token; where it was earned with a password, only while
    /// `proven`, the hash it was checked against, is still the account's. Returns whether it did: a check takes its
    /// time, and a password set meanwhile ends only the logins there are.
    async fn start_login(
        &self,
        account: Uuid,
        first: &RefreshToken,
        proven: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Looks a refresh token up by digest.
    async fn refresh_token(&self, digest: [u8; 32]) -> Result<Option<KnownRefreshToken>, StoreError>;
    /// Spends a token and adds its successor, unless it is spent already or its login has ended. Returns whether it
    /// did: of any number of calls for one token, exactly one does.
    async fn rotate(&self, spent: [u8; 32], successor: &RefreshToken, now: Timestamp) -> Result<bool, StoreError>;
    /// Ends a login and all of its tokens. An ended one stays as it is.
    async fn end_login(&self, login: Uuid, now: Timestamp) -> Result<(), StoreError>;
    /// The logins that ended at `since` or later.
    async fn logins_ended_since(&self, since: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, StoreError>;
    /// Forgets refresh tokens that expired before `before`, and logins that have none left.
    async fn forget_expired(&self, before: Timestamp) -> Result<(), StoreError>;

    /// The signing keys, newest first.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError>;
    /// Adds a signing key.
    async fn add_signing_key(&self, key: &StoredKey) -> Result<(), StoreError>;

    /// Writes a session down, over what was written of it before; a screen that is none leaves the one that is kept.
    async fn keep_session(&self, session: &SessionRow) -> Result<(), StoreError>;
    /// Writes a session's screen down, if the session is.
    async fn keep_screen(&self, session: Uuid, screen: &LastScreen, now: Timestamp) -> Result<(), StoreError>;
    /// The sessions that are written down, in the order of their ids, from the one after `after` on: at most
    /// [`SESSIONS_AT_ONCE`], and none only when there are no more.
    async fn sessions(&self, after: Option<Uuid>) -> Result<Vec<SessionRow>, StoreError>;
    /// Forgets what was written down of these sessions, in one step.
    async fn forget_sessions(&self, sessions: &[Uuid]) -> Result<(), StoreError>;
}
