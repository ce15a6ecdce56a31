//! The promises of a store, over the trait: every backend runs them.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Account, LastScreen, RECORD_BYTES_MAX, RefreshToken, SCREEN_BYTES_MAX, SESSIONS_AT_ONCE, SessionRow, Store,
    StoreError, StoredKey,
};

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
    a_session_is_written_over_and_keeps_its_screen_until_another_comes(store).await;
    what_is_too_large_is_refused_and_changes_nothing(store).await;
    many_sessions_are_read_a_page_at_a_time(store).await;
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

fn session(n: u128) -> SessionRow {
    let (boot, record) = ("b1".to_owned(), r#"{"version":1}"#.to_owned());
    SessionRow { id: Uuid::from_u128(n), owner: Uuid::from_u128(1), boot, record, screen: None, updated: now() }
}

fn screen(byte: u8) -> LastScreen {
    // Larger than half of all numbers, and no UTF-8.
    LastScreen { offset: u64::MAX - u64::from(byte), cols: 1000, rows: 1, bytes: vec![byte, 0xff, 0] }
}

async fn a_session_is_written_over_and_keeps_its_screen_until_another_comes(store: &dyn Store) {
    assert_eq!(store.sessions(None).await.unwrap(), []);
    let first = session(1);
    store.keep_session(&first).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), [first]);
    store.keep_screen(Uuid::from_u128(1), &screen(1), now() + DAY).await.unwrap();
    let second = SessionRow { boot: "b2".into(), record: "{}".into(), updated: now() + DAY + DAY, ..session(1) };
    store.keep_session(&second).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), [SessionRow { screen: Some(screen(1)), ..second }]);
    let third = SessionRow { screen: Some(screen(2)), ..session(1) };
    store.keep_session(&third).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), std::slice::from_ref(&third));
    store.keep_screen(Uuid::from_u128(1), &screen(3), now() + DAY).await.unwrap();
    let seen = SessionRow { screen: Some(screen(3)), updated: now() + DAY, ..third };
    assert_eq!(store.sessions(None).await.unwrap(), [seen]);

    store.forget_sessions(&[Uuid::from_u128(1)]).await.unwrap();
    store.forget_sessions(&[Uuid::from_u128(1)]).await.unwrap();
    store.keep_screen(Uuid::from_u128(1), &screen(4), now()).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), [], "a screen does not bring it back");
    store.keep_session(&session(1)).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), [session(1)], "nor is it found again");
    store.forget_sessions(&[Uuid::from_u128(1)]).await.unwrap();
    let stranger = SessionRow { owner: Uuid::from_u128(99), ..session(1) };
    assert!(matches!(store.keep_session(&stranger).await, Err(StoreError::NoSuchAccount)));
}

async fn what_is_too_large_is_refused_and_changes_nothing(store: &dyn Store) {
    let largest = LastScreen { bytes: vec![7; SCREEN_BYTES_MAX], ..screen(1) };
    let kept = SessionRow { screen: Some(largest), ..session(1) };
    store.keep_session(&kept).await.unwrap();
    let larger = LastScreen { bytes: vec![8; SCREEN_BYTES_MAX + 1], ..screen(2) };
    let refused = store.keep_screen(Uuid::from_u128(1), &larger, now() + DAY).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { what: "screen", .. })));
    let refused = store.keep_session(&SessionRow { boot: "b2".into(), screen: Some(larger), ..session(1) }).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { what: "screen", .. })));
    let refused = store.keep_session(&SessionRow { record: " ".repeat(RECORD_BYTES_MAX + 1), ..session(1) }).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { what: "record", .. })));
    assert_eq!(store.sessions(None).await.unwrap(), [kept]);
    store.forget_sessions(&[Uuid::from_u128(1)]).await.unwrap();
}

async fn many_sessions_are_read_a_page_at_a_time(store: &dyn Store) {
    let all: Vec<_> = (0..u128::from(SESSIONS_AT_ONCE) * 2 + 1).map(session).collect();
    for session in all.iter().rev() {
        store.keep_session(session).await.unwrap();
    }
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = store.sessions(after).await.unwrap();
        assert!(page.len() <= SESSIONS_AT_ONCE as usize);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        read.extend(page);
    }
    assert_eq!(read, all);
    let (kept, unwanted) = all.split_at(2);
    let unwanted: Vec<_> = unwanted.iter().map(|session| session.id).collect();
    store.forget_sessions(&unwanted).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), kept);
}
