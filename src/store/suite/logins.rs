//! Logins and refresh tokens.

use futures_util::future::join_all;

use super::*;
use crate::auth::revocation::Revocation;

promises! {
    a_refresh_token_is_rotated_once_and_keeps_its_history,
    of_many_rotations_at_once_exactly_one_wins,
    an_ended_login_rotates_nothing_and_is_told,
    logins_are_listed_while_they_can_be_renewed,
    a_password_set_while_a_login_starts_ends_it_or_keeps_it_from_starting,
    what_expired_is_forgotten,
}

fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

async fn a_refresh_token_is_rotated_once_and_keeps_its_history(store: &SqlStore) {
    people(store).await;
    logged_in(store, 1, 1, 10).await;
    let known = store.refresh_token(digest(1)).await.unwrap().unwrap();
    assert_eq!((known.token, known.spent, known.login_ended), (token(1, 10), None, false));
    assert!(matches!(known.holder, LoginHolder::Account(account) if account.name == "ann"));
    assert!(store.rotate(digest(1), &token(2, 10), now()).await.unwrap());
    assert!(!store.rotate(digest(1), &token(3, 10), now()).await.unwrap());
    assert_eq!(store.refresh_token(digest(1)).await.unwrap().unwrap().spent, Some(now()));
    assert!(store.refresh_token(digest(2)).await.unwrap().is_some());
    assert!(store.refresh_token(digest(3)).await.unwrap().is_none(), "the loser's successor was never made");
    let stranger = store.start_login(&login(LoginBy::Link(id(99)), 9, 19), now()).await;
    assert!(matches!(stranger, Err(StoreError::NoSuchAccount)));
}

async fn of_many_rotations_at_once_exactly_one_wins(store: &SqlStore) {
    people(store).await;
    logged_in(store, 1, 100, 11).await;
    let successors: Vec<_> = (101..=200).map(|digest| token(digest, 11)).collect();
    let attempts = successors.iter().map(|successor| store.rotate(digest(100), successor, now()));
    let wins = join_all(attempts).await;
    assert_eq!(wins.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
}

async fn an_ended_login_rotates_nothing_and_is_told(store: &SqlStore) {
    people(store).await;
    logged_in(store, 1, 1, 10).await;
    let ten = LoginId(Uuid::from_u128(10));
    assert!(store.end_login(ten, now()).await.unwrap());
    assert!(!store.end_login(ten, now() + DAY).await.unwrap());
    assert!(!store.rotate(digest(1), &token(2, 10), now()).await.unwrap());
    assert!(store.refresh_token(digest(1)).await.unwrap().unwrap().login_ended);
    let told = store.revocations(0).await.unwrap();
    assert_eq!(told.iter().map(|told| (told.what, told.at)).collect::<Vec<_>>(), [(Revocation::Login(ten), now())]);
    assert_eq!(store.revocations(told[0].seq).await.unwrap(), []);
}

async fn logins_are_listed_while_they_can_be_renewed(store: &SqlStore) {
    people(store).await;
    for n in [11, 12, 13] {
        logged_in(store, 1, n, n.into()).await;
    }
    logged_in(store, 2, 20, 20).await;
    store.end_login(LoginId(Uuid::from_u128(12)), now()).await.unwrap();
    store.rotate(digest(13), &RefreshToken { expires: now() + DAY + DAY, ..token(14, 13) }, now() + DAY).await.unwrap();
    let listed = store.logins(id(1), now()).await.unwrap();
    assert_eq!(listed.iter().map(|login| login.id.0.as_u128()).collect::<Vec<_>>(), [11, 13]);
    assert_eq!((listed[1].created, listed[1].renewed), (now(), now() + DAY));
    assert_eq!(listed[0].client, "127.0.0.1 · tests");
    let later = store.logins(id(1), now() + DAY).await.unwrap();
    assert_eq!(later.len(), 1, "the other's token has expired");
    store.end_logins(id(1), Some(LoginId(Uuid::from_u128(11))), now()).await.unwrap();
    let kept = store.logins(id(1), now()).await.unwrap();
    assert_eq!(kept.iter().map(|login| login.id.0.as_u128()).collect::<Vec<_>>(), [11]);
}

/// The check of a password takes its time; one set meanwhile must not leave a login alive that the old one has earned.
async fn a_password_set_while_a_login_starts_ends_it_or_keeps_it_from_starting(store: &SqlStore) {
    people(store).await;
    for round in 0..20_u8 {
        let (old, new) = (format!("hash {round}"), format!("hash {}", round + 1));
        store.set_password(id(1), &old, None, now()).await.unwrap();
        let by = LoginBy::Password(id(1), old);
        let starting = login(by, round + 1, u128::from(round) + 100);
        let (started, set) =
            tokio::join!(store.start_login(&starting, now()), store.set_password(id(1), &new, None, now()));
        set.unwrap();
        if started.unwrap() {
            assert!(store.refresh_token(digest(round + 1)).await.unwrap().unwrap().login_ended, "round {round}");
        }
    }
}

async fn what_expired_is_forgotten(store: &SqlStore) {
    people(store).await;
    logged_in(store, 2, 20, 12).await;
    store.end_login(LoginId(Uuid::from_u128(12)), now()).await.unwrap();
    store.forget_expired(now()).await.unwrap();
    assert!(store.refresh_token(digest(20)).await.unwrap().is_some());
    store.forget_expired(now() + DAY + DAY).await.unwrap();
    assert!(store.refresh_token(digest(20)).await.unwrap().is_none());
    assert_eq!(store.revocations(0).await.unwrap(), []);
}
