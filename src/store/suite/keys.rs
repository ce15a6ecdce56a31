//! Signing keys.

use super::*;

promises! {
    a_new_key_retires_the_one_before_it,
}

async fn a_new_key_retires_the_one_before_it(store: &SqlStore) {
    for (n, kid) in [(0, "first"), (1, "second"), (2, "third")] {
        let created = now() + DAY * n;
        let key = StoredKey { kid: kid.into(), secret: [u8::try_from(n).unwrap(); 32], created, retired: None };
        store.rotate_signing_key(&key).await.unwrap();
    }
    let keys = store.signing_keys().await.unwrap();
    let known: Vec<_> = keys.iter().map(|key| (key.kid.as_str(), key.secret[0], key.retired)).collect();
    assert_eq!(known, [("third", 2, None), ("second", 1, Some(now() + DAY * 2)), ("first", 0, Some(now() + DAY))]);
    store.forget_signing_keys(now() + DAY * 2).await.unwrap();
    assert_eq!(store.signing_keys().await.unwrap().len(), 2);
}
