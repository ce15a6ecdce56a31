//! Attempts with a credential: what fails counts, for the account and for the address it came from.
//!
//! An attempt counts as failed from its beginning, so that of a thousand at once only a few are checked, and until it has
//! succeeded, so that hanging up does not help. While the store is away nobody is let try.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::class::Class;
use super::too_many;
use crate::auth::{Digest, Secret};
use crate::http::App;
use crate::http::connection::Connection;
use crate::http::cookie::Cookie;
use crate::http::error::ApiError;
use crate::http::strangers::block;
use crate::store::Account;

/// An attempt that has begun. Dropped, it has failed.
pub(in crate::http) struct Attempt {
    /// Under which it counts.
    names: Vec<String>,
}

impl Attempt {
    /// One with the password of `account`, or of a name that nobody has.
    ///
    /// # Errors
    /// When it is not time for another.
    pub(in crate::http) async fn with_password(
        app: &App,
        connection: &Connection,
        headers: &HeaderMap,
        name: &str,
        account: Option<&Account>,
    ) -> Result<Self, ApiError> {
        let names = match account {
            Some(account) => match known_device(app, headers, account).await? {
                // Wrong passwords from elsewhere keep nobody out who has been in from here; and who has stolen this
                // browser's cookie has as few attempts as others.
                Some(device) => vec![format!("password device {}", hex(&Digest::of(device).0[..DEVICE_NAME_BYTES]))],
                None => vec![format!("password account {}", account.id), at_address("password", connection.client)],
            },
            // So that a name that nobody has is answered as any other.
            None => vec![format!("password nobody {}", bucket(name)), at_address("password", connection.client)],
        };
        Self::begin(app, names).await
    }

    /// One with a secret that nobody can guess: a login link, a share, a refresh token.
    ///
    /// # Errors
    /// When it is not time for another.
    pub(in crate::http) async fn with_secret(app: &App, address: IpAddr) -> Result<Self, ApiError> {
        Self::begin(app, vec![at_address("secret", address)]).await
    }

    async fn begin(app: &App, names: Vec<String>) -> Result<Self, ApiError> {
        let quota = app.limits().rates.attempts();
        match app.store().attempt(&names, quota, app.now()).await? {
            Ok(()) => Ok(Self { names }),
            Err(wait) => {
                tracing::info!(wait = wait.0.as_secs(), "an attempt with a credential comes too early");
                Err(too_many(Class::Attempt, quota, wait))
            }
        }
    }

    /// Has a password checked: the attempt where it is right, which is still to be forgiven.
    ///
    /// # Errors
    /// When there was no turn for it. Then it does not count.
    pub(in crate::http) async fn check(
        self,
        app: &App,
        presented: String,
        kept: Option<String>,
    ) -> Result<Option<Self>, ApiError> {
        match app.passwords().verify(presented, kept).await {
            Ok(is_right) => Ok(is_right.then_some(self)),
            Err(undecided) => {
                self.forgive(app).await;
                Err(undecided)
            }
        }
    }

    /// It has succeeded: it does not count.
    pub(in crate::http) async fn forgive(self, app: &App) {
        if let Err(error) = app.store().forgive(&self.names, app.now()).await {
            tracing::warn!(%error, "a login that succeeded counts as one that failed");
        }
    }
}

/// The cookie of a browser from which that account has logged in before.
pub(in crate::http) async fn known_device<'a>(
    app: &App,
    headers: &'a HeaderMap,
    account: &Account,
) -> Result<Option<&'a str>, ApiError> {
    // Two cookies are none: one of them was planted.
    let cookie = Cookie::Device.read(headers).ok().flatten().filter(|text| Secret::is_well_formed(text));
    let Some(text) = cookie else { return Ok(None) };
    let is_known = app.store().knows_device(account.id, Digest::of(text)).await?;
    Ok(is_known.then_some(text))
}

/// Bytes of a browser's digest that name it here.
const DEVICE_NAME_BYTES: usize = 16;

fn at_address(kind: &str, address: IpAddr) -> String {
    format!("{kind} address {}", block(address))
}

/// One of 65,536, so that names made up fill no store. The names themselves can be passwords in the wrong field.
fn bucket(name: &str) -> String {
    hex(&Digest::of(&name.to_ascii_lowercase()).0[..2])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
