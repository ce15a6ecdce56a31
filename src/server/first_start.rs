//! What a server without a past makes for itself: the owner's account and a signing key.

use std::time::Duration;

use jiff::SignedDuration;

use super::ServerError;
use crate::auth::Username;
use crate::auth::token::{KeyRing, SigningKey};
use crate::http::Outside;
use crate::store::{Account, Store, StoredKey};

/// What the owner is called when the system's name for it cannot be used.
const OWNER: &str = "owner";
/// How old a key may be at a start before a new one signs: a month of what a stolen backup could forge.
const KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The first account, made when there is none.
pub(super) async fn owner(
    store: &dyn Store,
    outside: &Outside,
    login_name: Option<&str>,
) -> Result<Account, ServerError> {
    if let Some(owner) = store.owner().await? {
        return Ok(owner);
    }
    let name = login_name.and_then(|name| Username::parse(name).ok());
    let account = Account {
        id: outside.id().map_err(|_| ServerError::NoSecrets)?,
        name: name.map_or_else(|| OWNER.into(), |name| name.to_string()),
        password_hash: None,
        created: outside.now(),
    };
    store.add_account(&account).await?;
    tracing::info!(account = %account.id, name = account.name, "made the owner's account");
    Ok(account)
}

/// The keys: the newest signs, and the one before it is still taken, because its last tokens may not have expired.
pub(super) async fn keys(store: &dyn Store, outside: &Outside, lifetime: Duration) -> Result<KeyRing, ServerError> {
    let mut stored = store.signing_keys().await?;
    let too_old = |key: &StoredKey| outside.now().duration_since(key.created) > KEY_AGE_MAX;
    if stored.first().is_none_or(too_old) {
        let id = outside.id().map_err(|_| ServerError::NoSecrets)?;
        let secret = outside.bytes().map_err(|_| ServerError::NoSecrets)?;
        let key = StoredKey { kid: id.simple().to_string(), secret, created: outside.now() };
        store.add_signing_key(&key).await?;
        stored.insert(0, key);
    }
    let ready = |key: &StoredKey| SigningKey::new(&key.kid, &key.secret).map_err(|_| ServerError::NoSecrets);
    let mut keys = stored.iter().take(2).map(ready);
    let newest = keys.next().ok_or(ServerError::NoSecrets)??;
    let older = keys.collect::<Result<Vec<_>, _>>()?;
    let lifetime = SignedDuration::try_from(lifetime).map_err(|_| ServerError::NoSecrets)?;
    Ok(KeyRing::new(newest, older, lifetime))
}
