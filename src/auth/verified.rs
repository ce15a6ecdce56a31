//! Tokens whose signatures were found to be good, so that a client that asks often is not checked from the start each
//! time. Says nothing of whether a token still holds: who takes one from here asks that again.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::token::Claims;

/// Most tokens remembered, half a kilobyte each: some for every client that asks often. Beyond it all are forgotten,
/// which costs each of them one check.
const REMEMBERED_MAX: usize = 1024;

/// What good tokens say, by the tokens themselves. It belongs to the keys that signed them, and goes with those.
#[derive(Default)]
pub(super) struct Verified(Mutex<HashMap<Box<str>, Claims>>);

impl Verified {
    /// What `token` says, if it is remembered.
    pub(super) fn claims(&self, token: &str) -> Option<Claims> {
        self.0.lock().get(token).copied()
    }

    /// Remembers a token that was checked.
    pub(super) fn remember(&self, token: &str, claims: Claims) {
        let mut remembered = self.0.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(token.into(), claims);
    }
}
