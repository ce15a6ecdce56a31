//! Shares and grants.

use futures_util::future::join_all;

use super::*;
use crate::auth::{Access, ShareId};

promises! {
    a_share_is_used_as_often_as_it_may_be_and_no_more,
    a_revoked_share_ends_the_logins_that_came_by_it,
    an_expired_share_lets_nobody_in,
    a_session_has_no_more_shares_than_it_may,
    a_grant_takes_the_place_of_the_one_before,
    a_session_that_is_forgotten_is_shared_no_more,
}

pub(super) fn share(n: u128, by: u128, uses_max: Option<u32>) -> Share {
    Share {
        id: ShareId(Uuid::from_u128(n)),
        session: Uuid::from_u128(50),
        by: id(by),
        access: Access::Control,
        label: "review".into(),
        digest: Digest([u8::try_from(n).unwrap(); 32]),
        created: now(),
        expires: now() + DAY,
        uses_max,
        uses: 0,
    }
}

async fn a_share_is_used_as_often_as_it_may_be_and_no_more(store: &SqlStore) {
    people(store).await;
    let share = share(1, 2, Some(3));
    store.add_share(&share, now()).await.unwrap();
    assert_eq!(store.share(share.digest).await.unwrap(), Some(share.clone()));
    let uses = (1..=10).map(async |n| store.start_login(&login(LoginBy::Share(share.id), n, n.into()), now()).await);
    let used = join_all(uses).await;
    assert_eq!(used.into_iter().filter(|used| *used.as_ref().unwrap()).count(), 3);
    assert_eq!(store.shares(share.session).await.unwrap()[0].uses, 3);
}

async fn a_revoked_share_ends_the_logins_that_came_by_it(store: &SqlStore) {
    people(store).await;
    let share = share(1, 2, None);
    store.add_share(&share, now()).await.unwrap();
    assert!(store.start_login(&login(LoginBy::Share(share.id), 21, 13), now()).await.unwrap());
    let known = store.refresh_token(Digest([21; 32])).await.unwrap().unwrap();
    assert!(matches!(known.holder, LoginHolder::Share(of) if of.id == share.id && of.access == Access::Control));
    assert!(!store.revoke_share(share.id, Uuid::from_u128(51), now()).await.unwrap(), "of another session");
    assert!(store.revoke_share(share.id, share.session, now()).await.unwrap());
    assert!(!store.revoke_share(share.id, share.session, now()).await.unwrap());
    assert!(store.refresh_token(Digest([21; 32])).await.unwrap().unwrap().login_ended);
    assert_eq!(store.revocations(0).await.unwrap().len(), 1);
    assert!(!store.start_login(&login(LoginBy::Share(share.id), 22, 14), now()).await.unwrap());
    assert_eq!(store.shares(share.session).await.unwrap(), []);
}

async fn an_expired_share_lets_nobody_in(store: &SqlStore) {
    people(store).await;
    let share = share(1, 2, None);
    store.add_share(&share, now()).await.unwrap();
    assert!(!store.start_login(&login(LoginBy::Share(share.id), 21, 13), now() + DAY).await.unwrap());
    store.forget_expired(now() + DAY + DAY).await.unwrap();
    assert!(store.share(share.digest).await.unwrap().is_none());
}

async fn a_session_has_no_more_shares_than_it_may(store: &SqlStore) {
    people(store).await;
    for n in 1..=u128::from(SHARES_MAX) {
        store.add_share(&share(n, 2, None), now()).await.unwrap();
    }
    let more = share(200, 2, None);
    assert!(matches!(store.add_share(&more, now()).await, Err(StoreError::TooMany { max: SHARES_MAX, .. })));
    store.add_share(&more, now() + DAY).await.expect("the others have ended");
}

fn grant(account: u128, access: Access) -> Grant {
    Grant { session: Uuid::from_u128(50), account: id(account), access, by: id(1), created: now() }
}

async fn a_grant_takes_the_place_of_the_one_before(store: &SqlStore) {
    people(store).await;
    store.grant(&grant(2, Access::View)).await.unwrap();
    store.grant(&grant(2, Access::Control)).await.unwrap();
    assert_eq!(store.grants().await.unwrap(), [grant(2, Access::Control)]);
    assert!(matches!(store.grant(&grant(99, Access::View)).await, Err(StoreError::NoSuchAccount)));
    assert!(store.take_back(Uuid::from_u128(50), id(2)).await.unwrap());
    assert!(!store.take_back(Uuid::from_u128(50), id(2)).await.unwrap());
    for n in 0..=GRANTS_MAX {
        let (n, name) = (u128::from(n) + 100, format!("guest{n}"));
        store.add_account(&account(n, &name, Role::Guest)).await.unwrap();
        let granted = store.grant(&grant(n, Access::View)).await;
        assert_eq!(granted.is_ok(), n < u128::from(GRANTS_MAX) + 100, "{n}");
    }
    assert_eq!(store.grants().await.unwrap().len(), GRANTS_MAX as usize);
}

async fn a_session_that_is_forgotten_is_shared_no_more(store: &SqlStore) {
    people(store).await;
    store.grant(&grant(2, Access::View)).await.unwrap();
    let share = share(1, 2, None);
    store.add_share(&share, now()).await.unwrap();
    assert!(store.start_login(&login(LoginBy::Share(share.id), 21, 13), now()).await.unwrap());
    let many: Vec<_> = (0..1201).map(Uuid::from_u128).collect();
    store.forget_sessions(&many, now()).await.unwrap();
    assert_eq!(store.grants().await.unwrap(), []);
    assert!(store.share(share.digest).await.unwrap().is_none());
    assert!(store.refresh_token(Digest([21; 32])).await.unwrap().unwrap().login_ended);
}
