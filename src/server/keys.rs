//! The keys that sign access tokens: made when there is none, changed every month, and taken for as long as a token of
//! theirs can live.

use std::time::Duration;

use jiff::SignedDuration;

use super::ServerError;
use crate::auth::token::{KeyRing, LEEWAY, RetiredKey, SigningKey};
use crate::http::Outside;
use crate::store::{Store, StoredKey};

/// How old a key may be before a new one signs: a month of what a stolen backup could forge.
const KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The keys, of which the one that signs is not too old.
pub(super) async fn ready(store: &dyn Store, outside: &Outside, lifetime: Duration) -> Result<KeyRing, ServerError> {
    let stored = store.signing_keys().await?;
    let is_good = |key: &StoredKey| outside.now().duration_since(key.created) <= KEY_AGE_MAX;
    if !stored.first().is_some_and(is_good) {
        rotate(store, outside).await?;
    }
    let longest = SignedDuration::try_from(lifetime).map_err(|_| ServerError::NoSecrets)?.saturating_add(LEEWAY);
    if let Ok(before) = outside.now().saturating_sub(longest) {
        store.forget_signing_keys(before).await?;
    }
    read(store, lifetime).await
}

/// Has a new key sign.
///
/// # Errors
/// When the system has no randomness, or the store is away.
pub async fn rotate(store: &dyn Store, outside: &Outside) -> Result<StoredKey, ServerError> {
    let id = outside.id().map_err(|_| ServerError::NoSecrets)?;
    let secret = outside.bytes().map_err(|_| ServerError::NoSecrets)?;
    let key = StoredKey { kid: id.simple().to_string(), secret, created: outside.now(), retired: None };
    store.rotate_signing_key(&key).await?;
    tracing::info!(kid = key.kid, "made a signing key");
    Ok(key)
}

/// The keys as they are in the store. A retired one is taken until the last of its tokens has expired.
pub(super) async fn read(store: &dyn Store, lifetime: Duration) -> Result<KeyRing, ServerError> {
    let lifetime = SignedDuration::try_from(lifetime).map_err(|_| ServerError::NoSecrets)?;
    let mut stored = store.signing_keys().await?.into_iter();
    let ready = |key: &StoredKey| SigningKey::new(&key.kid, &key.secret).map_err(|_| ServerError::NoSecrets);
    let newest = ready(&stored.next().ok_or(ServerError::NoSecrets)?)?;
    let older = stored.map(|stored| {
        let retired = stored.retired.unwrap_or(stored.created);
        let ends = retired.saturating_add(lifetime.saturating_add(LEEWAY)).map_err(|_| ServerError::NoSecrets)?;
        Ok(RetiredKey { key: ready(&stored)?, ends })
    });
    let older = older.collect::<Result<_, ServerError>>()?;
    Ok(KeyRing::new(newest, older, lifetime))
}
