//! Who may do what, decided by values alone: roles and rights, tokens, passwords, tickets, login links, limits,
//! what was revoked, access; and how secrets are sealed.
//!
//! Nothing here reads a clock, a random source, a file or a socket: time and randomness come in as parameters, so that
//! every rule can be tested at its edge. Secrets have no `Debug`.

mod access;
pub mod api_token;
pub mod audit;
mod id;
pub mod limit;
pub mod link;
mod mail;
pub mod oidc;
pub mod password;
pub mod refresh;
pub mod revocation;
mod right;
mod role;
pub mod seal;
mod secret;
pub mod ticket;
pub mod token;
mod username;
mod verified;

pub use access::{Access, AccessError, Who};
pub use id::{AccountId, IdentityId, LoginId, ShareId};
pub use mail::{Mail, MailError};
pub use right::{Right, Rights, ScopeError};
pub use role::{Role, RoleError};
pub use secret::{Digest, SECRET_BYTES, Secret};
pub use username::{Username, UsernameError};
