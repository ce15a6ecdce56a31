//! Who somebody is at a provider of logins, and logins begun there, as they are kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Account, StoreError};
use crate::auth::seal::Sealed;
use crate::auth::{AccountId, Digest, IdentityId};

/// Identities of an account: beyond the providers there are.
pub const IDENTITIES_MAX: u32 = 20;
/// Logins begun at providers and not come back yet: a crowd on a Monday, at a few hundred bytes each.
pub const OIDC_STATES_MAX: u32 = 10_000;
/// Sealed values read at once.
pub const TOKENS_AT_ONCE: u32 = 200;

/// Who somebody is at a provider, bound to an account. No two have the same provider and subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its lasting name.
    pub id: IdentityId,
    /// The provider, as the settings call it.
    pub provider: String,
    /// What the provider calls them, for ever and nobody else.
    pub subject: String,
    /// Whose it is.
    pub account: AccountId,
    /// A name or mail address by which its owner knows it. Nothing is decided by it.
    pub label: String,
    /// When it was bound.
    pub created: Timestamp,
    /// When it last let somebody in.
    pub used: Timestamp,
}

/// A login begun at a provider, until its answer comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcState {
    /// Of the state that the answer will bring.
    pub digest: Digest,
    /// The provider that was asked.
    pub provider: String,
    /// Of the secret in the cookie of the browser that has begun it.
    pub browser: Digest,
    /// By what that browser is known again, if it is.
    pub device: Option<Digest>,
    /// Under which name of ours it was begun.
    pub origin: String,
    /// Where the browser goes when it is logged in.
    pub next: String,
    /// Whose identity it is to become; nobody's yet when it is a login.
    pub account: Option<AccountId>,
    /// When it is too late.
    pub expires: Timestamp,
}

/// Identities at providers of logins, and logins begun there.
#[async_trait]
pub trait Identities: Send + Sync {
    /// Keeps a login that was begun.
    async fn begin_oidc(&self, state: &OidcState, now: Timestamp) -> Result<(), StoreError>;
    /// Takes it out, unless it is too late: of any number of calls for one state, at most one gets it.
    async fn take_oidc(&self, digest: Digest, now: Timestamp) -> Result<Option<OidcState>, StoreError>;

    /// The identity that a provider calls so.
    async fn identity(&self, provider: &str, subject: &str) -> Result<Option<Identity>, StoreError>;
    /// The identities of an account, oldest first.
    async fn identities(&self, account: AccountId) -> Result<Vec<Identity>, StoreError>;
    /// Binds an identity to an account that is there and not disabled. One that is bound to it already stays; returns
    /// which it is.
    async fn link_identity(&self, identity: &Identity) -> Result<IdentityId, StoreError>;
    /// Adds an account together with its first identity.
    async fn sign_up(&self, account: &Account, identity: &Identity) -> Result<(), StoreError>;
    /// Forgets an identity of an account, with its tokens. Returns whether there was one.
    async fn unlink_identity(&self, id: IdentityId, account: AccountId) -> Result<bool, StoreError>;

    /// Keeps what the provider has given for asking it again, in place of what it gave before.
    async fn keep_tokens(&self, id: IdentityId, tokens: &Sealed) -> Result<(), StoreError>;
    /// What is kept of an identity.
    async fn tokens(&self, id: IdentityId) -> Result<Option<Sealed>, StoreError>;
    /// All that is kept of identities behind `after`, in the order of their ids: at most [`TOKENS_AT_ONCE`].
    async fn all_tokens(&self, after: Option<IdentityId>) -> Result<Vec<(IdentityId, Sealed)>, StoreError>;
    /// Keeps the same tokens otherwise, unless they are not kept like `from` any more. Returns whether it did.
    async fn reseal_tokens(&self, id: IdentityId, from: &Sealed, to: &Sealed) -> Result<bool, StoreError>;
}
