//! Sessions.

use super::*;

promises! {
    a_session_is_written_over_and_keeps_its_screen_until_another_comes,
    what_is_too_large_is_refused_and_changes_nothing,
    many_sessions_are_read_a_page_at_a_time,
}

fn session(n: u128) -> SessionRow {
    let (boot, record) = ("b1".to_owned(), r#"{"version":1}"#.to_owned());
    SessionRow { id: Uuid::from_u128(n), owner: Uuid::from_u128(1), boot, record, screen: None, updated: now() }
}

fn screen(byte: u8) -> LastScreen {
    // Larger than half of all numbers, and no UTF-8.
    LastScreen { offset: u64::MAX - u64::from(byte), cols: 1000, rows: 1, bytes: vec![byte, 0xff, 0] }
}

async fn a_session_is_written_over_and_keeps_its_screen_until_another_comes(store: &SqlStore) {
    people(store).await;
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

    store.forget_sessions(&[Uuid::from_u128(1)], now()).await.unwrap();
    store.forget_sessions(&[Uuid::from_u128(1)], now()).await.unwrap();
    store.keep_screen(Uuid::from_u128(1), &screen(4), now()).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), [], "a screen does not bring it back");
    store.keep_session(&session(1)).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), [session(1)], "nor is it found again");
    store.forget_sessions(&[Uuid::from_u128(1)], now()).await.unwrap();
    let stranger = SessionRow { owner: Uuid::from_u128(99), ..session(1) };
    assert!(matches!(store.keep_session(&stranger).await, Err(StoreError::NoSuchAccount)));
}

async fn what_is_too_large_is_refused_and_changes_nothing(store: &SqlStore) {
    people(store).await;
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
    store.forget_sessions(&[Uuid::from_u128(1)], now()).await.unwrap();
}

async fn many_sessions_are_read_a_page_at_a_time(store: &SqlStore) {
    people(store).await;
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
    store.forget_sessions(&unwanted, now()).await.unwrap();
    assert_eq!(store.sessions(None).await.unwrap(), kept);
}
