//! The audit log.

use futures_util::future::join_all;
use sqlx::Executor as _;

use super::*;
use crate::auth::audit::{Broken, Check, Entry, Event};

promises! {
    entries_of_many_writers_are_one_unbroken_chain,
    entries_are_neither_changed_nor_deleted,
    what_somebody_did_who_can_do_it_all_the_same_is_found,
}

fn entry(n: usize) -> Entry {
    Entry::new(now(), Event::Attached, format!("ann'{n}")).from("127.0.0.1").of("séssion").with("view")
}

/// Goes through the whole log as the command does.
async fn check(store: &SqlStore) -> Result<i64, Broken> {
    let (mut check, mut after) = (Check::default(), 0);
    loop {
        let page = store.audit(after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.head.seq;
        page.iter().try_for_each(|placed| check.next(placed))?;
    }
    check.finish(store.audit_head().await.unwrap())?;
    Ok(check.head().seq)
}

async fn entries_of_many_writers_are_one_unbroken_chain(store: &SqlStore) {
    assert_eq!(check(store).await, Ok(0));
    let writers = (0..20).map(async |writer| {
        for n in 0..3 {
            store.append_audit(&[entry(writer), entry(n)]).await.unwrap();
        }
    });
    join_all(writers).await;
    let many: Vec<_> = (0..AUDIT_AT_ONCE as usize).map(entry).collect();
    let head = store.append_audit(&many).await.unwrap();
    assert_eq!(head.seq, 120 + i64::from(AUDIT_AT_ONCE));
    assert_eq!(check(store).await, Ok(head.seq));
    assert_eq!(store.audit(head.seq - 1).await.unwrap()[0].entry, many[many.len() - 1]);
}

async fn entries_are_neither_changed_nor_deleted(store: &SqlStore) {
    store.append_audit(&[entry(1), entry(2)]).await.unwrap();
    for tampering in ["update audit set detail = 'control'", "delete from audit where seq = 2", "delete from audit"] {
        assert!(store.pool().execute(tampering).await.is_err(), "{tampering}");
    }
    assert_eq!(check(store).await, Ok(2));
}

/// Who can drop the triggers can change entries: that cannot be kept from them, but it is seen.
async fn what_somebody_did_who_can_do_it_all_the_same_is_found(store: &SqlStore) {
    store.append_audit(&[entry(1), entry(2), entry(3)]).await.unwrap();
    let is_sqlite = store.pool().execute("select zeroblob(1)").await.is_ok();
    let unlock: &[&str] = if is_sqlite {
        &["drop trigger audit_is_not_changed", "drop trigger audit_is_not_shortened"]
    } else {
        &["drop trigger audit_is_not_changed on audit"]
    };
    for statement in unlock {
        store.pool().execute(*statement).await.unwrap();
    }
    store.pool().execute("delete from audit where seq = 3").await.unwrap();
    assert_eq!(check(store).await, Err(Broken::CutAfter(2)));
    store.pool().execute("update audit set actor = 'bob' where seq = 1").await.unwrap();
    assert_eq!(check(store).await, Err(Broken::At(1)));
}
