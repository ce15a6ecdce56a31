//! API tokens.

use futures_util::future::join_all;

use super::*;
use crate::auth::api_token::ApiTokenId;
use crate::auth::revocation::Revocation;
use crate::auth::{Right, Rights};

promises! {
    a_token_is_found_with_its_account_until_it_is_revoked,
    an_account_has_no_more_than_it_may_however_many_are_made_at_once,
}

fn api_token(n: u8, account: u128) -> ApiToken {
    ApiToken {
        id: ApiTokenId::from_random([n; 5]),
        account: id(account),
        name: "ci ü".into(),
        digest: Digest([n; 32]),
        scopes: Rights::from_iter([Right::View, Right::Open]),
        created: now(),
        expires: now() + DAY,
        used: None,
    }
}

async fn a_token_is_found_with_its_account_until_it_is_revoked(store: &SqlStore) {
    people(store).await;
    let token = api_token(1, 2);
    store.add_api_token(&token, now()).await.unwrap();
    let (found, account) = store.api_token(token.id).await.unwrap().unwrap();
    assert_eq!((&found, account.name.as_str()), (&token, "bob"));
    store.used_api_token(token.id, now() + DAY).await.unwrap();
    store.used_api_token(token.id, now()).await.unwrap();
    assert_eq!(store.api_tokens(id(2)).await.unwrap(), [ApiToken { used: Some(now() + DAY), ..token.clone() }]);
    assert!(!store.revoke_api_token(token.id, id(1), now()).await.unwrap(), "somebody else's");
    assert!(store.revoke_api_token(token.id, id(2), now()).await.unwrap());
    assert!(!store.revoke_api_token(token.id, id(2), now()).await.unwrap());
    assert!(store.api_token(token.id).await.unwrap().is_none());
    assert_eq!(store.api_tokens(id(2)).await.unwrap(), []);
    let told = store.revocations(0).await.unwrap();
    assert_eq!(told[0].what, Revocation::ApiToken(token.id));
    let stranger = store.add_api_token(&api_token(2, 99), now()).await;
    assert!(matches!(stranger, Err(StoreError::NoSuchAccount)));
}

async fn an_account_has_no_more_than_it_may_however_many_are_made_at_once(store: &SqlStore) {
    people(store).await;
    let count = u8::try_from(API_TOKENS_MAX).unwrap();
    for n in 1..count {
        store.add_api_token(&api_token(n, 1), now()).await.unwrap();
    }
    let more = (count..count + 5).map(async |n| store.add_api_token(&api_token(n, 1), now()).await);
    let added = join_all(more).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 1);
    assert!(added.iter().all(|added| matches!(added, Ok(()) | Err(StoreError::TooMany { .. }))));
    store.add_api_token(&api_token(200, 1), now() + DAY).await.expect("the others have ended");
}
