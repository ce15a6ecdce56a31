//! The promises of a store, over the trait: every backend runs them.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Account, RefreshToken, Store, StoreError, StoredKey};

const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn account(n: u128, name: &str) -> Account {
    Account { id: Uuid::from_u128(n), name: name.into(), password_hash: None, created: now() }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn token(digest: u8, login: u128) -> RefreshToken {
    RefreshToken { digest: [digest; 32], login: Uuid::from_u128(login), expires: now() + DAY }
}

/// Runs them all against an empty store.
pub(super) async fn run(store: &dyn Store) {
    accounts_are_found_by_id_and_name_and_names_are_unique(store).await;
    a_refresh_token_is_rotated_once_and_keeps_its_history(store).await;
    of_many_rotations_at_once_exactly_one_wins(store).await;
    an_ended_login_rotates_nothing_and_is_listed(store).await;
    a_new_password_ends_every_login_of_its_account_only(store).await;
    what_expired_is_forgotten(store).await;
    signing_keys_come_newest_first(store).await;
}

async fn accounts_are_found_by_id_and_name_and_names_are_unique(store: &dyn Store) {
    assert!(store.owner().await.unwrap().is_none());
    store.add_account(&account(1, "ann")).await.unwrap();
    store.add_account(&account(2, "bob")).await.unwrap();
    assert!(matches!(store.add_account(&account(3, "ann")).await, Err(StoreError::NameTaken)));
    assert_eq!(store.account(Uuid::from_u128(2)).await.unwrap().unwrap().name, "bob");
    assert_eq!(store.account_named("bob").await.unwrap().unwrap().id, Uuid::from_u128(2));
    assert!(store.account_named("Bob' or 1=1 --").await.unwrap().is_none());
    assert_eq!(store.owner().await.unwrap().unwrap().name, "ann", "the first");
    assert!(!store.has_passwords().await.unwrap());
}

async fn a_refresh_token_is_rotated_once_and_keeps_its_history(store: &dyn Store) {
    store.start_login(Uuid::from_u128(1), &token(1, 10), None, now()).await.unwrap();
    let known = store.refresh_token([1; 32]).await.unwrap().unwrap();
    assert_eq!((known.token, known.spent, known.login_ended), (token(1, 10), None, false));
    assert_eq!((known.account, known.account_name.as_str()), (Uuid::from_u128(1), "ann"));
    assert!(store.rotate([1; 32], &token(2, 10), now()).await.unwrap());
    assert!(!store.rotate([1; 32], &token(3, 10), now()).await.unwrap());
    assert_eq!(store.refresh_token([1; 32]).await.unwrap().unwrap().spent, Some(now()));
    assert!(store.refresh_token([2; 32]).await.unwrap().is_some());
    assert!(store.refresh_token([3; 32]).await.unwrap().is_none(), "the loser's successor was never made");
    let stranger = store.start_login(Uuid::from_u128(99), &token(9, 19), None, now()).await;
    assert!(matches!(stranger, Err(StoreError::NoSuchAccount)));
}

async fn of_many_rotations_at_once_exactly_one_wins(store: &dyn Store) {
    store.start_login(Uuid::from_u128(1), &token(100, 11), None, now()).await.unwrap();
    let successors: Vec<_> = (101..=200).map(|digest| token(digest, 11)).collect();
    let attempts = successors.iter().map(|successor| store.rotate([100; 32], successor, now()));
    let wins = futures_util::future::join_all(attempts).await;
    assert_eq!(wins.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
}

async fn an_ended_login_rotates_nothing_and_is_listed(store: &dyn Store) {
    store.end_login(Uuid::from_u128(10), now()).await.unwrap();
    store.end_login(Uuid::from_u128(10), now() + DAY).await.unwrap();
    assert!(!store.rotate([2; 32], &token(4, 10), now()).await.unwrap());
    assert!(store.refresh_token([2; 32]).await.unwrap().unwrap().login_ended);
    let ended = [(Uuid::from_u128(10), now())];
    assert_eq!(store.logins_ended_since(now()).await.unwrap(), ended, "at its first end");
    assert_eq!(store.logins_ended_since(now() + DAY).await.unwrap(), []);
}

async fn a_new_password_ends_every_login_of_its_account_only(store: &dyn Store) {
    store.start_login(Uuid::from_u128(2), &token(20, 12), None, now()).await.unwrap();
    store.set_password(Uuid::from_u128(2), "$2b$…", now()).await.unwrap();
    assert!(store.refresh_token([20; 32]).await.unwrap().unwrap().login_ended);
    assert!(!store.refresh_token([100; 32]).await.unwrap().unwrap().login_ended, "another account's");
    assert_eq!(store.account(Uuid::from_u128(2)).await.unwrap().unwrap().password_hash.as_deref(), Some("$2b$…"));
    assert!(store.has_passwords().await.unwrap());
    let (bob, again) = (Uuid::from_u128(2), token(21, 13));
    assert!(!store.start_login(bob, &again, Some("the old one's"), now()).await.unwrap(), "proven too late");
    assert!(store.refresh_token([21; 32]).await.unwrap().is_none());
    assert!(store.start_login(bob, &again, Some("$2b$…"), now()).await.unwrap());
    assert!(matches!(store.set_password(Uuid::from_u128(99), "x", now()).await, Err(StoreError::NoSuchAccount)));
}

async fn what_expired_is_forgotten(store: &dyn Store) {
    store.forget_expired(now()).await.unwrap();
    assert!(store.refresh_token([20; 32]).await.unwrap().is_some());
    store.forget_expired(now() + DAY + DAY).await.unwrap();
    assert!(store.refresh_token([20; 32]).await.unwrap().is_none());
    assert_eq!(store.logins_ended_since(now()).await.unwrap(), [], "nor their logins");
}

async fn signing_keys_come_newest_first(store: &dyn Store) {
    for (kid, created) in [("old", now()), ("new", now() + DAY)] {
        store.add_signing_key(&StoredKey { kid: kid.into(), secret: [5; 32], created }).await.unwrap();
    }
    let keys = store.signing_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["new", "old"]);
    assert_eq!(keys[0].secret, [5; 32]);
}
