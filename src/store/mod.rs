//! What must outlive the server: accounts, logins with their refresh tokens, identities at providers of logins, API
//! tokens, keys, who may reach which session, what is left of limits, and of sessions whose terminals are gone.
//!
//! Traits in domain words, one for each area, and one implementation over SQL for SQLite and PostgreSQL. The store decides
//! nothing (what a spent token means is `auth`'s business) except what only a database can: that of many rotations of one
//! token exactly one wins, that a link is used no more often than it may be. It is never on the path of terminal bytes.

mod account;
mod api_token;
mod audit;
mod change;
mod data_dir;
mod identity;
mod key;
mod limit;
mod login;
mod session;
mod sharing;
mod sql;

#[cfg(test)]
mod suite;

use std::path::PathBuf;

pub use account::{ACCOUNTS_AT_ONCE, Account, AccountChange, Accounts, DEVICES_MAX};
pub use api_token::{API_TOKENS_MAX, ApiToken, ApiTokens};
pub use audit::{AUDIT_AT_ONCE, Audit};
pub use change::{Changes, REVOCATIONS_AT_ONCE, Revoked};
pub use data_dir::DataDir;
pub use identity::{IDENTITIES_MAX, Identities, Identity, OIDC_STATES_MAX, OidcState, TOKENS_AT_ONCE};
pub use key::{KeptKey, Keys, StoredKey};
pub use limit::Limits;
pub use login::{CLIENT_CHARS_MAX, KnownRefreshToken, LoginBy, LoginHolder, LoginInfo, Logins, NewLogin, RefreshToken};
pub use session::{LastScreen, RECORD_BYTES_MAX, SCREEN_BYTES_MAX, SESSIONS_AT_ONCE, SessionRow, Sessions};
pub use sharing::{GRANTS_MAX, Grant, SHARES_MAX, Share, Sharing};
pub use sql::SqlStore;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another account has that name.
    #[error("there is already an account of that name")]
    NameTaken,
    /// Another account has that mail address.
    #[error("there is already an account with that mail address")]
    MailTaken,
    /// The identity is another account's.
    #[error("that identity is bound to another account")]
    IdentityTaken,
    /// The account is not there.
    #[error("there is no such account")]
    NoSuchAccount,
    /// Nobody could run the server any more.
    #[error("the last administrator stays one")]
    LastAdmin,
    /// As many as there may be.
    #[error("there are {max} {what} already")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: u32,
    },
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

/// All that a backend does. One test suite holds for all of them.
pub trait Store:
    Accounts + Logins + Identities + ApiTokens + Sharing + Keys + Audit + Sessions + Changes + Limits
{
}

impl<T: Accounts + Logins + Identities + ApiTokens + Sharing + Keys + Audit + Sessions + Changes + Limits> Store for T {}
