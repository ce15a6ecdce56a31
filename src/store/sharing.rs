//! Who else may reach a session, as it is kept.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;
use crate::auth::{Access, AccountId, Digest, ShareId};

/// Most shares of a session that have not ended.
pub const SHARES_MAX: u32 = 50;
/// Most accounts a session is granted to.
pub const GRANTS_MAX: u32 = 100;

/// A link that lets whoever has it reach one session. Its secret is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which.
    pub id: ShareId,
    /// The session.
    pub session: Uuid,
    /// Who made it.
    pub by: AccountId,
    /// What it allows.
    pub access: Access,
    /// What it is for, in its maker's words.
    pub label: String,
    /// Of its secret.
    pub digest: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself, with all who came by it.
    pub expires: Timestamp,
    /// How often it can be used, if that is bounded.
    pub uses_max: Option<u32>,
    /// How often it was.
    pub uses: u32,
}

/// An account that may reach a session it does not own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The session.
    pub session: Uuid,
    /// The account.
    pub account: AccountId,
    /// What it allows.
    pub access: Access,
    /// Who granted it.
    pub by: AccountId,
    /// When.
    pub created: Timestamp,
}

/// Shares and grants.
#[async_trait]
pub trait Sharing: Send + Sync {
    /// Adds a share, unless its session has [`SHARES_MAX`] ([`StoreError::TooMany`]).
    async fn add_share(&self, share: &Share, now: Timestamp) -> Result<(), StoreError>;
    /// The share with that digest that was not revoked.
    async fn share(&self, digest: Digest) -> Result<Option<Share>, StoreError>;
    /// The shares of a session that were not revoked, newest first.
    async fn shares(&self, session: Uuid) -> Result<Vec<Share>, StoreError>;
    /// Revokes a share of that session and ends every login that came by it. Returns whether it was there.
    async fn revoke_share(&self, id: ShareId, session: Uuid, now: Timestamp) -> Result<bool, StoreError>;

    /// Grants an account access to a session, in place of what it was granted before, unless [`GRANTS_MAX`] others have
    /// some ([`StoreError::TooMany`]).
    async fn grant(&self, grant: &Grant) -> Result<(), StoreError>;
    /// Takes back what an account was granted. Returns whether there was something.
    async fn take_back(&self, session: Uuid, account: AccountId) -> Result<bool, StoreError>;
    /// Every grant there is.
    async fn grants(&self) -> Result<Vec<Grant>, StoreError>;
}
