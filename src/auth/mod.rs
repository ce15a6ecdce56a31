//! Who may do what, decided by values alone: tokens, passwords, tickets, login links, ended logins, access.
//!
//! Nothing here reads a clock, a random source, a file or a socket: time and randomness come in as parameters, so that
//! every rule can be tested at its edge. Secrets have no `Debug`.

pub mod access;
mod id;
pub mod link;
pub mod password;
pub mod refresh;
pub mod revocation;
mod role;
mod secret;
pub mod ticket;
pub mod token;
mod username;
mod verified;

pub use access::Access;
pub use id::{AccountId, LoginId};
pub use role::{Role, UnknownRole};
pub use secret::{Digest, SECRET_BYTES, Secret};
pub use username::{Username, UsernameError};
