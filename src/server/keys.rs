//! The keys that sign access tokens: made when there is none, changed every month, taken for as long as a token of
//! theirs can live, and sealed in the store.

use std::time::Duration;

use jiff::SignedDuration;

use super::ServerError;
use super::seals::{SealFile, SealsError, seal, seal_signing_key};
use crate::auth::seal::{Place, Ring, SealError};
use crate::auth::token::{KeyRing, LEEWAY, RetiredKey, SigningKey};
use crate::http::Outside;
use crate::store::{KeptKey, Store, StoredKey};

/// How old a key may be before a new one signs: a month of what a stolen backup could forge.
const KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The store of the keys, and what they are sealed with.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) outside: &'a Outside,
    pub(super) file: &'a SealFile,
    pub(super) ring: &'a Ring,
}

/// The keys, of which the one that signs is not too old.
pub(super) async fn ready(kept: Kept<'_>, lifetime: Duration) -> Result<KeyRing, ServerError> {
    let Kept { store, outside, file, ring } = kept;
    let stored = store.signing_keys().await?;
    let in_clear = |key: &&StoredKey| matches!(key.secret, KeptKey::Plain(_));
    for key in stored.iter().filter(in_clear) {
        seal_signing_key(store, outside, ring, file, &key.kid, &key.secret).await?;
        tracing::info!(kid = key.kid, "sealed a signing key that was kept in clear");
    }
    // One that was kept in clear may be in a backup.
    let is_good = |key: &&StoredKey| !in_clear(key) && outside.now().duration_since(key.created) <= KEY_AGE_MAX;
    if stored.first().filter(is_good).is_none() {
        make(store, outside, ring).await?;
    }
    let longest = SignedDuration::try_from(lifetime).map_err(|_| ServerError::NoSecrets)?.saturating_add(LEEWAY);
    if let Ok(before) = outside.now().saturating_sub(longest) {
        store.forget_signing_keys(before).await?;
    }
    read(kept, lifetime).await
}

/// Has a new key sign.
///
/// # Errors
/// When the system has no randomness, the store is away, or there is nothing to seal it with.
pub async fn rotate(file: &SealFile, store: &dyn Store, outside: &Outside) -> Result<StoredKey, ServerError> {
    let ring = file.ready(store, outside).await?;
    make(store, outside, &ring).await
}

async fn make(store: &dyn Store, outside: &Outside, ring: &Ring) -> Result<StoredKey, ServerError> {
    let kid = outside.id().map_err(|_| ServerError::NoSecrets)?.simple().to_string();
    let secret: [u8; crate::auth::token::KEY_BYTES] = outside.bytes().map_err(|_| ServerError::NoSecrets)?;
    let sealed = seal(ring, outside, &Place::SigningKey(kid.clone()), &secret)?;
    let key = StoredKey { kid, secret: KeptKey::Sealed(sealed), created: outside.now(), retired: None };
    store.rotate_signing_key(&key).await?;
    tracing::info!(kid = key.kid, "made a signing key");
    Ok(key)
}

/// The keys as they are in the store. A retired one is taken until the last of its tokens has expired.
pub(super) async fn read(kept: Kept<'_>, lifetime: Duration) -> Result<KeyRing, ServerError> {
    let lifetime = SignedDuration::try_from(lifetime).map_err(|_| ServerError::NoSecrets)?;
    let mut stored = kept.store.signing_keys().await?.into_iter();
    let newest = opened(kept, &stored.next().ok_or(ServerError::NoSecrets)?)?;
    let older = stored.map(|stored| {
        let retired = stored.retired.unwrap_or(stored.created);
        let ends = retired.saturating_add(lifetime.saturating_add(LEEWAY)).map_err(|_| ServerError::NoSecrets)?;
        Ok(RetiredKey { key: opened(kept, &stored)?, ends })
    });
    let older = older.collect::<Result<_, ServerError>>()?;
    Ok(KeyRing::new(newest, older, lifetime))
}

fn opened(kept: Kept<'_>, key: &StoredKey) -> Result<SigningKey, ServerError> {
    let opened = match &key.secret {
        KeptKey::Sealed(sealed) => kept.file.open(kept.ring, &Place::SigningKey(key.kid.clone()), sealed)?,
        // All were sealed at the start: this one was put there since, by nobody of ours.
        KeptKey::Plain(_) => return Err(SealsError::Broken(SealError::Broken).into()),
    };
    let seed = opened.try_into().map_err(|_| SealsError::Broken(SealError::Broken))?;
    SigningKey::new(&key.kid, &seed).map_err(|_| ServerError::NoSecrets)
}
