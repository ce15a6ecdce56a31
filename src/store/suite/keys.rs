//! Signing keys.

use super::*;
use crate::auth::seal::Sealed;

promises! {
    a_new_key_retires_the_one_before_it,
    a_key_is_sealed_anew_unless_somebody_else_was_faster,
}

fn key(kid: &str, byte: u8, created: Timestamp) -> StoredKey {
    StoredKey { kid: kid.into(), secret: KeptKey::kept(&[byte; 69]), created, retired: None }
}

async fn a_new_key_retires_the_one_before_it(store: &SqlStore) {
    for (n, kid) in [(0, "first"), (1, "second"), (2, "third")] {
        let created = now() + DAY * n;
        store.rotate_signing_key(&key(kid, u8::try_from(n).unwrap(), created)).await.unwrap();
    }
    let keys = store.signing_keys().await.unwrap();
    let known: Vec<_> = keys.iter().map(|key| (key.kid.as_str(), key.secret.bytes()[0], key.retired)).collect();
    assert_eq!(known, [("third", 2, None), ("second", 1, Some(now() + DAY * 2)), ("first", 0, Some(now() + DAY))]);
    store.forget_signing_keys(now() + DAY * 2).await.unwrap();
    assert_eq!(store.signing_keys().await.unwrap().len(), 2);
}

async fn a_key_is_sealed_anew_unless_somebody_else_was_faster(store: &SqlStore) {
    let plain = KeptKey::kept(&[7; 32]);
    assert!(matches!(plain, KeptKey::Plain(_)), "as keys were kept before there was sealing");
    store.rotate_signing_key(&StoredKey { secret: plain.clone(), ..key("k", 0, now()) }).await.unwrap();
    let (one, other) = (Sealed::kept(vec![1; 69]), Sealed::kept(vec![2; 69]));
    assert!(store.reseal_signing_key("k", &plain, &one).await.unwrap());
    assert!(!store.reseal_signing_key("k", &plain, &other).await.unwrap());
    assert!(!store.reseal_signing_key("other", &KeptKey::Sealed(one.clone()), &other).await.unwrap());
    let keys = store.signing_keys().await.unwrap();
    assert!(keys[0].secret == KeptKey::Sealed(one) && keys[0].retired.is_none());
}
