//! Word of changes, and the file that is opened again.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tokio::time::timeout;

use super::*;

promises! {
    revocations_are_read_in_order_from_anywhere,
}

async fn revocations_are_read_in_order_from_anywhere(store: &SqlStore) {
    people(store).await;
    for n in 1..=5 {
        logged_in(store, 1, n, n.into()).await;
    }
    store.end_logins(id(1), None, now()).await.unwrap();
    let all = store.revocations(0).await.unwrap();
    assert_eq!(all.len(), 5);
    assert!(all.is_sorted_by_key(|revoked| revoked.seq));
    assert_eq!(store.revocations(all[2].seq).await.unwrap(), all[3..]);
}

#[tokio::test]
async fn servers_that_share_a_database_are_told_of_each_others_changes() {
    let url = super::SHARED.schema().await;
    let (one, other) = (SqlStore::connect(&url).await.unwrap(), SqlStore::connect(&url).await.unwrap());
    people(&one).await;
    logged_in(&one, 1, 1, 1).await;
    other.changed_elsewhere().await.unwrap(); // that it listens from now on
    one.end_login(LoginId(Uuid::from_u128(1)), now()).await.unwrap();
    timeout(Duration::from_secs(60), other.changed_elsewhere()).await.expect("told").unwrap();
    assert_eq!(other.revocations(0).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again_and_is_readable_by_nobody_else() {
    let base = tempfile::tempdir().unwrap();
    // Everything that could mean something in a URL.
    let dir = DataDir::prepare(&base.path().join("a b%20?c#d&é")).unwrap();
    let store = SqlStore::open(&dir).await.unwrap();
    people(&store).await;
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(!names.is_empty());
    for entry in names {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    store.close().await;
    let store = SqlStore::open(&dir).await.unwrap();
    assert_eq!(store.owner().await.unwrap().unwrap().name, "ann");
}
