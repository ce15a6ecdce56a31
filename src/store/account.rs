//! Accounts, as they are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::auth::{AccountId, Digest, LoginId, Mail, Role, Username};

/// Accounts read at once.
pub const ACCOUNTS_AT_ONCE: u32 = 200;
/// Browsers remembered of an account, about as many as a person uses: beyond it the one not seen for longest goes.
pub const DEVICES_MAX: u32 = 20;

/// Someone who can log in. No `Debug`: it holds a password's hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its lasting name.
    pub id: AccountId,
    /// What it is called. No two are called the same but for case.
    pub name: String,
    /// Its mail address, no two the same but for case.
    pub mail: Option<String>,
    /// What it may do.
    pub role: Role,
    /// bcrypt hash of its password; none when it has none and only a login link lets it in.
    pub password_hash: Option<String>,
    /// Since when nobody can log in to it.
    pub disabled: Option<Timestamp>,
    /// Counts the changes of what it may do.
    pub epoch: u64,
    /// When it was made.
    pub created: Timestamp,
}

impl Account {
    /// A new account that can do what `role` may, and has no password.
    #[must_use]
    pub fn new(id: AccountId, name: &Username, role: Role, created: Timestamp) -> Self {
        let name = name.as_str().to_owned();
        Self { id, name, mail: None, role, password_hash: None, disabled: None, epoch: 1, created }
    }
}

#[cfg(test)]
impl Account {
    /// An administrator called so, for tests.
    pub(crate) fn of_test(n: u128, name: &str) -> Self {
        Self {
            id: AccountId(uuid::Uuid::from_u128(n)),
            name: name.to_owned(),
            mail: None,
            role: Role::Admin,
            password_hash: None,
            disabled: None,
            epoch: 1,
            created: Timestamp::UNIX_EPOCH,
        }
    }
}

/// What is to change of an account; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// What it may do.
    pub role: Option<Role>,
    /// Its mail address, or none from now on.
    pub mail: Option<Option<Mail>>,
    /// Whether nobody can log in to it.
    pub disabled: Option<bool>,
}

/// Accounts, their passwords, and the browsers they are known from.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Adds an account.
    async fn add_account(&self, account: &Account) -> Result<(), StoreError>;
    /// The account of that id.
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;
    /// The account of that name, in whatever case.
    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError>;
    /// The accounts in the order of their names, from behind `after` on: at most [`ACCOUNTS_AT_ONCE`].
    async fn accounts(&self, after: Option<&str>) -> Result<Vec<Account>, StoreError>;
    /// The first administrator ever made who is not disabled: the person who runs the server.
    async fn owner(&self) -> Result<Option<Account>, StoreError>;
    /// Whether any account can log in with a password.
    async fn has_passwords(&self) -> Result<bool, StoreError>;
    /// Changes an account, and returns it as it is then. What lets it do less revokes what was given out before, in the
    /// same step; the last administrator stays one.
    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        now: Timestamp,
    ) -> Result<Account, StoreError>;
    /// Sets a password and ends every login of the account but `kept`, in one step.
    async fn set_password(
        &self,
        id: AccountId,
        hash: &str,
        kept: Option<LoginId>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Remembers a browser that has logged in.
    async fn remember_device(&self, id: AccountId, device: Digest, now: Timestamp) -> Result<(), StoreError>;
    /// Whether that account has logged in from this browser.
    async fn knows_device(&self, id: AccountId, device: Digest) -> Result<bool, StoreError>;
}
