//! Who was granted access to which session: what the store knows, held here, because every request about a session
//! asks.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;
use uuid::Uuid;

use crate::auth::{Access, AccountId};
use crate::store::{Grant, Store, StoreError};

/// The grants. Cheap to clone.
#[derive(Clone)]
pub(super) struct Grants {
    held: Arc<RwLock<BySession>>,
    /// Raised after every change: whoever waits looks again.
    changed: Arc<watch::Sender<()>>,
}

type BySession = HashMap<Uuid, HashMap<AccountId, Access>>;

impl Grants {
    pub(super) fn new() -> Self {
        Self { held: Arc::default(), changed: Arc::new(watch::Sender::new(())) }
    }

    /// Reads them all anew.
    pub(super) async fn read(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut by_session = BySession::new();
        for Grant { session, account, access, .. } in store.grants().await? {
            by_session.entry(session).or_default().insert(account, access);
        }
        self.change(|held| *held = by_session);
        Ok(())
    }

    /// Holds what was just written to the store.
    pub(super) fn hold(&self, session: Uuid, account: AccountId, access: Option<Access>) {
        self.change(|held| {
            let of_session = held.entry(session).or_default();
            match access {
                Some(access) => of_session.insert(account, access),
                None => of_session.remove(&account),
            };
            if of_session.is_empty() {
                held.remove(&session);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut BySession)) {
        change(&mut self.held.write());
        self.changed.send_replace(());
    }

    /// What an account was granted of a session.
    pub(super) fn of(&self, session: Uuid, account: AccountId) -> Option<Access> {
        self.held.read().get(&session)?.get(&account).copied()
    }

    /// All that an account was granted.
    pub(super) fn of_account(&self, account: AccountId) -> HashMap<Uuid, Access> {
        let held = self.held.read();
        held.iter().filter_map(|(session, granted)| Some((*session, *granted.get(&account)?))).collect()
    }

    /// Word of changes.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
