//! API tokens, as they are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Account, StoreError};
use crate::auth::api_token::ApiTokenId;
use crate::auth::{AccountId, Digest, Rights};

/// Most API tokens of an account that have not ended: a person's programs, with room.
pub const API_TOKENS_MAX: u32 = 100;

/// An API token. Its secret is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Which.
    pub id: ApiTokenId,
    /// Whose.
    pub account: AccountId,
    /// What it is for, in its owner's words.
    pub name: String,
    /// Of its secret.
    pub digest: Digest,
    /// What it was made for. What it may do is never more than what its account may.
    pub scopes: Rights,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// When it was last used, to the minute.
    pub used: Option<Timestamp>,
}

/// API tokens.
#[async_trait]
pub trait ApiTokens: Send + Sync {
    /// Adds a token, unless its account has [`API_TOKENS_MAX`] ([`StoreError::TooMany`]).
    async fn add_api_token(&self, token: &ApiToken, now: Timestamp) -> Result<(), StoreError>;
    /// The token of that id that was not revoked, and its account.
    async fn api_token(&self, id: ApiTokenId) -> Result<Option<(ApiToken, Account)>, StoreError>;
    /// The tokens of an account that were not revoked, newest first.
    async fn api_tokens(&self, account: AccountId) -> Result<Vec<ApiToken>, StoreError>;
    /// Revokes a token of that account. Returns whether it was there.
    async fn revoke_api_token(&self, id: ApiTokenId, account: AccountId, now: Timestamp) -> Result<bool, StoreError>;
    /// Notes that a token was used.
    async fn used_api_token(&self, id: ApiTokenId, now: Timestamp) -> Result<(), StoreError>;
}
