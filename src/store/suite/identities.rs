//! Identities at providers of logins, and logins begun there.

use futures_util::future::join_all;

use super::*;
use crate::auth::IdentityId;
use crate::auth::seal::Sealed;

promises! {
    a_login_that_was_begun_comes_back_once_however_many_hurry,
    one_that_comes_back_too_late_does_not,
    there_is_a_bound_on_logins_in_progress,
    an_identity_is_of_one_account_however_many_try_at_once,
    of_many_who_sign_up_at_once_with_one_identity_one_does,
    an_identity_lets_its_account_in_until_it_is_unlinked_or_the_account_is_disabled,
    tokens_are_kept_with_their_identity_and_sealed_anew_unless_they_changed,
}

fn identity(n: u128, subject: &str, account: u128) -> Identity {
    Identity {
        id: IdentityId(Uuid::from_u128(n)),
        provider: "example".into(),
        subject: subject.into(),
        account: id(account),
        label: format!("{subject}@example.org"),
        created: now(),
        used: now(),
    }
}

fn state(n: u8) -> OidcState {
    OidcState {
        digest: Digest([n; 32]),
        provider: "example".into(),
        browser: Digest([n + 1; 32]),
        device: None,
        origin: "https://term.example.org".into(),
        next: "/".into(),
        account: None,
        expires: now() + DAY,
    }
}

async fn a_login_that_was_begun_comes_back_once_however_many_hurry(store: &SqlStore) {
    people(store).await;
    let linking = OidcState { device: Some(Digest([9; 32])), account: Some(id(2)), ..state(5) };
    for state in [state(1), linking.clone()] {
        store.begin_oidc(&state, now()).await.unwrap();
    }
    let taken = join_all((0..16).map(|_| store.take_oidc(Digest([1; 32]), now()))).await;
    let taken: Vec<_> = taken.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken, [state(1)]);
    assert_eq!(store.take_oidc(Digest([5; 32]), now()).await.unwrap(), Some(linking));
    assert_eq!(store.take_oidc(Digest([6; 32]), now()).await.unwrap(), None);
}

async fn one_that_comes_back_too_late_does_not(store: &SqlStore) {
    store.begin_oidc(&state(1), now()).await.unwrap();
    assert_eq!(store.take_oidc(Digest([1; 32]), now() + DAY).await.unwrap(), None);
    assert_eq!(store.take_oidc(Digest([1; 32]), now()).await.unwrap(), None, "it is used up all the same");
}

async fn there_is_a_bound_on_logins_in_progress(store: &SqlStore) {
    // Filled from within, because each costs a transaction that waits for the disk.
    let is_postgres = sqlx::query("select version()").fetch_optional(store.pool()).await.is_ok();
    let bytes = if is_postgres { "convert_to($1 || cast(n as text), 'UTF8')" } else { "cast($1 || n as blob)" };
    let fill = format!(
        "insert into oidc_states (digest, provider, browser, origin, next, expires)
         select {bytes}, 'x', {bytes}, 'x', '/', $2 from
         (with recursive c (n) as (select 1 union all select n + 1 from c where n < $3) select n from c) numbers"
    );
    sqlx::query(sqlx::AssertSqlSafe(fill))
        .bind("digest ")
        .bind((now() + DAY).as_millisecond())
        .bind(i64::from(OIDC_STATES_MAX))
        .execute(store.pool())
        .await
        .unwrap();
    let refused = store.begin_oidc(&state(1), now()).await;
    assert!(matches!(refused, Err(StoreError::TooMany { max: OIDC_STATES_MAX, .. })), "{refused:?}");
    store.begin_oidc(&OidcState { expires: now() + DAY + DAY, ..state(1) }, now() + DAY).await.unwrap();
}

async fn an_identity_is_of_one_account_however_many_try_at_once(store: &SqlStore) {
    people(store).await;
    let tries = (0..8_u128).map(|n| identity(n, "s", 1 + n % 2)).collect::<Vec<_>>();
    let linked = join_all(tries.iter().map(|identity| store.link_identity(identity))).await;
    let won: Vec<_> = linked.iter().filter_map(|linked| linked.as_ref().ok()).collect();
    assert!(won.windows(2).all(|pair| pair[0] == pair[1]), "{linked:?}");
    assert_eq!(won.len(), 4, "{linked:?}");
    assert!(linked.iter().all(|linked| matches!(linked, Ok(_) | Err(StoreError::IdentityTaken))), "{linked:?}");
    let found = store.identity("example", "s").await.unwrap().unwrap();
    assert_eq!((found.id, store.identities(found.account).await.unwrap()), (*won[0], vec![found]));
    assert_eq!(store.identity("other", "s").await.unwrap(), None);
    for n in 1..=u128::from(IDENTITIES_MAX) {
        let _ = store.link_identity(&identity(100 + n, &n.to_string(), 1)).await;
    }
    let beyond = store.link_identity(&identity(999, "beyond", 1)).await;
    assert!(matches!(beyond, Err(StoreError::TooMany { max: IDENTITIES_MAX, .. })), "{beyond:?}");
    let nobody = store.link_identity(&identity(999, "nobody", 99)).await;
    assert!(matches!(nobody, Err(StoreError::NoSuchAccount)), "{nobody:?}");
}

async fn of_many_who_sign_up_at_once_with_one_identity_one_does(store: &SqlStore) {
    people(store).await;
    let tries: Vec<_> =
        (10..18_u128).map(|n| (account(n, &format!("new{n}"), Role::Guest), identity(n, "s", n))).collect();
    let signed = join_all(tries.iter().map(|(account, identity)| store.sign_up(account, identity))).await;
    assert_eq!(signed.iter().filter(|signed| signed.is_ok()).count(), 1, "{signed:?}");
    assert!(signed.iter().all(|signed| matches!(signed, Ok(()) | Err(StoreError::IdentityTaken))), "{signed:?}");
    assert_eq!(store.accounts(None).await.unwrap().len(), 3, "no account without its identity stays");
    let taken = store.sign_up(&account(20, "ANN", Role::Guest), &identity(20, "t", 20)).await;
    assert!(matches!(taken, Err(StoreError::NameTaken)), "{taken:?}");
}

async fn an_identity_lets_its_account_in_until_it_is_unlinked_or_the_account_is_disabled(store: &SqlStore) {
    people(store).await;
    let ids = (store.link_identity(&identity(7, "s", 2)).await.unwrap(), id(2));
    let by = || LoginBy::Identity(ids.1, ids.0);
    let later = now() + DAY;
    assert!(store.start_login(&login(by(), 1, 10), later).await.unwrap());
    assert_eq!(store.identity("example", "s").await.unwrap().unwrap().used, later);
    let foreign = LoginBy::Identity(id(1), ids.0);
    assert!(!store.start_login(&login(foreign, 2, 11), later).await.unwrap(), "another account's");
    let disable = |disabled| AccountChange { disabled: Some(disabled), ..Default::default() };
    store.change_account(id(2), &disable(true), later).await.unwrap();
    assert!(!store.start_login(&login(by(), 3, 12), later).await.unwrap());
    let refused = store.link_identity(&identity(8, "t", 2)).await;
    assert!(matches!(refused, Err(StoreError::NoSuchAccount)), "{refused:?}");
    store.change_account(id(2), &disable(false), later).await.unwrap();
    assert!(!store.unlink_identity(ids.0, id(1)).await.unwrap(), "not by another");
    assert!(store.unlink_identity(ids.0, id(2)).await.unwrap());
    assert!(!store.unlink_identity(ids.0, id(2)).await.unwrap());
    assert!(!store.start_login(&login(by(), 4, 13), later).await.unwrap());
    assert!(store.refresh_token(Digest([4; 32])).await.unwrap().is_none());
}

async fn tokens_are_kept_with_their_identity_and_sealed_anew_unless_they_changed(store: &SqlStore) {
    people(store).await;
    let sealed = |n: u8| Sealed::kept(vec![n; 100]);
    let count = u128::from(TOKENS_AT_ONCE) + 2;
    for n in 0..count {
        let account = account(100 + n, &format!("u{n}"), Role::Guest);
        let identity = identity(n, &n.to_string(), 100 + n);
        store.sign_up(&account, &identity).await.unwrap();
        store.keep_tokens(identity.id, &sealed(1)).await.unwrap();
    }
    store.link_identity(&identity(5000, "without", 1)).await.unwrap();
    let (first, other) = (IdentityId(Uuid::from_u128(0)), IdentityId(Uuid::from_u128(5000)));
    assert_eq!(store.tokens(first).await.unwrap(), Some(sealed(1)));
    assert_eq!(store.tokens(other).await.unwrap(), None);
    let page = store.all_tokens(None).await.unwrap();
    let last = store.all_tokens(page.last().map(|(id, _)| *id)).await.unwrap();
    let read: Vec<_> = page.into_iter().chain(last).map(|(id, _)| id.0.as_u128()).collect();
    assert_eq!(read, (0..count).collect::<Vec<_>>());
    assert!(store.reseal_tokens(first, &sealed(1), &sealed(2)).await.unwrap());
    assert!(!store.reseal_tokens(first, &sealed(1), &sealed(3)).await.unwrap());
    assert_eq!(store.tokens(first).await.unwrap(), Some(sealed(2)));
}
