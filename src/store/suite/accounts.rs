//! Accounts.

use futures_util::future::join_all;

use super::*;
use crate::auth::Mail;
use crate::auth::revocation::Revocation;

promises! {
    accounts_are_found_by_id_and_by_name_in_whatever_case,
    no_two_have_the_same_name_or_mail_but_for_case,
    they_are_listed_by_name_a_page_at_a_time,
    a_change_of_role_is_a_new_epoch_and_is_told,
    who_is_disabled_is_out_with_all_they_gave,
    the_last_administrator_stays_one_however_many_try_at_once,
    a_password_ends_every_login_but_the_one_it_was_set_from,
    browsers_are_remembered_until_there_are_too_many,
}

async fn accounts_are_found_by_id_and_by_name_in_whatever_case(store: &SqlStore) {
    assert!(store.owner().await.unwrap().is_none());
    people(store).await;
    assert_eq!(store.account(id(2)).await.unwrap().unwrap().name, "bob");
    assert_eq!(store.account_named("BoB").await.unwrap().unwrap().id, id(2));
    assert!(store.account_named("bob' or 1=1 --").await.unwrap().is_none());
    assert!(store.account_named("bob\0").await.unwrap().is_none());
    let behind = async |name: &str| -> Vec<_> {
        store.accounts(Some(name)).await.unwrap().into_iter().map(|account| account.name).collect()
    };
    assert_eq!(behind("bob\0").await, behind("bob").await);
    assert_eq!(store.owner().await.unwrap().unwrap().name, "ann");
    assert!(!store.has_passwords().await.unwrap());
}

async fn no_two_have_the_same_name_or_mail_but_for_case(store: &SqlStore) {
    people(store).await;
    let refused = store.add_account(&account(3, "ANN", Role::Guest)).await;
    assert!(matches!(refused, Err(StoreError::NameTaken)));
    let with_mail = |n, name, mail: &str| Account { mail: Some(mail.into()), ..account(n, name, Role::Guest) };
    store.add_account(&with_mail(3, "cem", "Cem@Exämple.org")).await.unwrap();
    let refused = store.add_account(&with_mail(4, "dan", "cem@eXÄmple.ORG")).await;
    assert!(matches!(refused, Err(StoreError::MailTaken)));
    let change = AccountChange { mail: Some(Some(Mail::parse("CEM@exämple.org").unwrap())), ..Default::default() };
    assert!(matches!(store.change_account(id(2), &change, now()).await, Err(StoreError::MailTaken)));
    let names = (0..8).map(|n| account(10 + n, "eve", Role::Guest));
    let added = join_all(names.map(async |eve| store.add_account(&eve).await)).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 1);
    assert!(added.iter().all(|added| matches!(added, Ok(()) | Err(StoreError::NameTaken))));
}

async fn they_are_listed_by_name_a_page_at_a_time(store: &SqlStore) {
    let all = u128::from(ACCOUNTS_AT_ONCE) + 2;
    for n in 0..all {
        let name = format!("{}{n:03}", if n % 2 == 0 { "u" } else { "U" });
        store.add_account(&account(n + 1, &name, Role::Guest)).await.unwrap();
    }
    let first = store.accounts(None).await.unwrap();
    assert_eq!(first.len(), ACCOUNTS_AT_ONCE as usize);
    let last = store.accounts(Some(&first.last().unwrap().name)).await.unwrap();
    let read: Vec<_> = first.into_iter().chain(last).map(|account| account.id).collect();
    assert_eq!(read, (0..all).map(|n| id(n + 1)).collect::<Vec<_>>());
}

async fn a_change_of_role_is_a_new_epoch_and_is_told(store: &SqlStore) {
    people(store).await;
    let promote = AccountChange { role: Some(Role::Admin), ..Default::default() };
    let bob = store.change_account(id(2), &promote, now()).await.unwrap();
    assert_eq!((bob.role, bob.epoch), (Role::Admin, 2));
    let again = store.change_account(id(2), &promote, now()).await.unwrap();
    assert_eq!(again.epoch, 2, "nothing changed");
    let told: Vec<_> = store.revocations(0).await.unwrap().into_iter().map(|revoked| revoked.what).collect();
    assert_eq!(told, [Revocation::Account { id: id(2), epoch: 2 }]);
    let missing = store.change_account(id(99), &promote, now()).await;
    assert!(matches!(missing, Err(StoreError::NoSuchAccount)));
}

async fn who_is_disabled_is_out_with_all_they_gave(store: &SqlStore) {
    people(store).await;
    logged_in(store, 2, 20, 12).await;
    let share = super::sharing::share(1, 2, None);
    store.add_share(&share, now()).await.unwrap();
    assert!(store.start_login(&login(LoginBy::Share(share.id), 21, 13), now()).await.unwrap());
    let disable = AccountChange { disabled: Some(true), ..Default::default() };
    let bob = store.change_account(id(2), &disable, now()).await.unwrap();
    assert_eq!(bob.disabled, Some(now()));
    for digest in [20, 21] {
        assert!(store.refresh_token(Digest([digest; 32])).await.unwrap().unwrap().login_ended);
    }
    assert!(store.share(share.digest).await.unwrap().is_none());
    assert!(!store.start_login(&login(LoginBy::Link(id(2)), 22, 14), now()).await.unwrap());
    let enable = AccountChange { disabled: Some(false), ..Default::default() };
    assert_eq!(store.change_account(id(2), &enable, now()).await.unwrap().disabled, None);
    assert!(store.start_login(&login(LoginBy::Link(id(2)), 23, 15), now()).await.unwrap());
}

async fn the_last_administrator_stays_one_however_many_try_at_once(store: &SqlStore) {
    for n in 1..=8 {
        store.add_account(&account(n, &format!("admin{n}"), Role::Admin)).await.unwrap();
    }
    let demote = AccountChange { role: Some(Role::Guest), ..Default::default() };
    let demoted = join_all((1..=8).map(|n| store.change_account(id(n), &demote, now()))).await;
    assert_eq!(demoted.iter().filter(|demoted| demoted.is_ok()).count(), 7);
    assert_eq!(demoted.iter().filter(|refused| matches!(refused, Err(StoreError::LastAdmin))).count(), 1);
    assert!(store.owner().await.unwrap().is_some());
}

async fn a_password_ends_every_login_but_the_one_it_was_set_from(store: &SqlStore) {
    people(store).await;
    logged_in(store, 2, 20, 12).await;
    logged_in(store, 2, 21, 13).await;
    logged_in(store, 1, 10, 11).await;
    store.set_password(id(2), "$2b$…", Some(LoginId(Uuid::from_u128(13))), now()).await.unwrap();
    let has_ended = async |digest| store.refresh_token(Digest([digest; 32])).await.unwrap().unwrap().login_ended;
    assert!(has_ended(20).await && !has_ended(21).await && !has_ended(10).await);
    assert_eq!(store.account(id(2)).await.unwrap().unwrap().password_hash.as_deref(), Some("$2b$…"));
    assert!(store.has_passwords().await.unwrap());
    let proven = |hash: &str| LoginBy::Password(id(2), hash.into());
    assert!(!store.start_login(&login(proven("the old one's"), 22, 14), now()).await.unwrap(), "proven too late");
    assert!(store.refresh_token(Digest([22; 32])).await.unwrap().is_none());
    assert!(store.start_login(&login(proven("$2b$…"), 22, 14), now()).await.unwrap());
    assert!(matches!(store.set_password(id(99), "x", None, now()).await, Err(StoreError::NoSuchAccount)));
}

async fn browsers_are_remembered_until_there_are_too_many(store: &SqlStore) {
    people(store).await;
    let device = |n: u32| Digest([u8::try_from(n).unwrap(); 32]);
    for n in 0..=DEVICES_MAX {
        let seen = now() + SignedDuration::from_secs(n.into());
        store.remember_device(id(1), device(n), seen).await.unwrap();
    }
    assert!(!store.knows_device(id(1), device(0)).await.unwrap(), "not seen for longest");
    assert!(store.knows_device(id(1), device(DEVICES_MAX)).await.unwrap());
    assert!(!store.knows_device(id(2), device(DEVICES_MAX)).await.unwrap(), "somebody else's");
}
