//! What a server without a past makes for itself: the owner's account.

use super::ServerError;
use crate::auth::{AccountId, Role, Username};
use crate::http::Outside;
use crate::store::{Account, Store};

/// What the owner is called when the system's name for it cannot be used.
const OWNER: &str = "owner";
/// The first account, made when there is none.
pub(super) async fn owner(
    store: &dyn Store,
    outside: &Outside,
    login_name: Option<&str>,
) -> Result<Account, ServerError> {
    if let Some(owner) = store.owner().await? {
        return Ok(owner);
    }
    let fallback = || Username::parse(OWNER).map_err(|_| ServerError::NoSecrets);
    let name = login_name.and_then(|name| Username::parse(name).ok()).map_or_else(fallback, Ok)?;
    let id = AccountId(outside.id().map_err(|_| ServerError::NoSecrets)?);
    let account = Account::new(id, &name, Role::Admin, outside.now());
    store.add_account(&account).await?;
    tracing::info!(account = %account.id, name = account.name, "made the owner's account");
    Ok(account)
}
