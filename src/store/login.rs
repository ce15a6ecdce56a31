//! Logins with their refresh tokens, as they are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Account, StoreError};
use crate::auth::{AccountId, Digest, IdentityId, LoginId, ShareId};

/// Longest description of a client that is kept, in characters.
pub const CLIENT_CHARS_MAX: usize = 200;

/// A login about to start.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Whose.
    pub by: LoginBy,
    /// Its first refresh token.
    pub first: RefreshToken,
    /// What the client says it is, and where it comes from: for people who look through their logins.
    pub client: String,
}

/// How a login was earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginBy {
    /// With a password, checked against this hash. It does not count if it has changed since: a check takes its time,
    /// and a password set meanwhile ends only the logins there are.
    Password(AccountId, String),
    /// With a login link.
    Link(AccountId),
    /// With the word of a provider that this is who that identity of the account's is.
    Identity(AccountId, IdentityId),
    /// With the link of a share, which is used once more by it.
    Share(ShareId),
}

/// A refresh token as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// Of its text.
    pub digest: Digest,
    /// The login it descends from.
    pub login: LoginId,
    /// When it stops being usable.
    pub expires: Timestamp,
}

/// What the store knows of a presented refresh token.
#[derive(Clone)]
pub struct KnownRefreshToken {
    /// The token.
    pub token: RefreshToken,
    /// When it was exchanged for its successor.
    pub spent: Option<Timestamp>,
    /// Whether its login has been ended.
    pub login_ended: bool,
    /// Whose login that is.
    pub holder: LoginHolder,
}

/// Whose a login is.
#[derive(Clone)]
pub enum LoginHolder {
    /// An account's.
    Account(Account),
    /// A share's.
    Share(super::Share),
}

/// A login, for its owner to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginInfo {
    /// Which.
    pub id: LoginId,
    /// When it started.
    pub created: Timestamp,
    /// When it was last renewed.
    pub renewed: Timestamp,
    /// What the client said it is, and where it came from.
    pub client: String,
}

/// Logins and refresh tokens.
#[async_trait]
pub trait Logins: Send + Sync {
    /// Starts a login, unless its account is disabled, its password not the proven one any more, or its share ended,
    /// expired or used up, or its identity not the account's any more. Returns whether it did.
    async fn start_login(&self, login: &NewLogin, now: Timestamp) -> Result<bool, StoreError>;
    /// Looks a refresh token up.
    async fn refresh_token(&self, digest: Digest) -> Result<Option<KnownRefreshToken>, StoreError>;
    /// Spends a token and adds its successor, unless it is spent already or its login has ended. Returns whether it
    /// did: of any number of calls for one token, exactly one does.
    async fn rotate(&self, spent: Digest, successor: &RefreshToken, now: Timestamp) -> Result<bool, StoreError>;
    /// The logins of an account that have not ended, newest first.
    async fn logins(&self, account: AccountId, now: Timestamp) -> Result<Vec<LoginInfo>, StoreError>;
    /// Ends a login and all of its tokens. An ended one stays as it is. Returns whether it did.
    async fn end_login(&self, login: LoginId, now: Timestamp) -> Result<bool, StoreError>;
    /// Ends all logins of an account but `kept`.
    async fn end_logins(&self, account: AccountId, kept: Option<LoginId>, now: Timestamp) -> Result<(), StoreError>;
    /// Forgets refresh tokens that expired before `before`, logins that have none left, and revocations made before.
    async fn forget_expired(&self, before: Timestamp) -> Result<(), StoreError>;
}
