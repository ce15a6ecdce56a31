//! Every way we know to pass off a token that is not ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const KEY: [u8; KEY_BYTES] = [42; KEY_BYTES];
const LOGIN: LoginId = LoginId(Uuid::from_u128(2));
const ANN: Holder =
    Holder { who: Who::Account { id: AccountId(Uuid::from_u128(1)), role: Role::Member }, epoch: 4, login: LOGIN };
const LINK: Holder = Holder {
    who: Who::Share { id: ShareId(Uuid::from_u128(5)), session: Uuid::from_u128(6), access: Access::View },
    epoch: 0,
    login: LOGIN,
};
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(SigningKey::new("k1", &KEY).unwrap(), Vec::new(), LIFETIME)
}

fn good_claims() -> Value {
    let id = Uuid::from_u128(3).to_string();
    json!({
        "iss": "fantail", "aud": "fantail", "sub": id, "sid": id, "jti": id, "iat": 1_000, "nbf": 1_000, "exp": 1_900,
        "role": "member", "epoch": 1,
    })
}

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&KEY).unwrap()
}

fn our_key() -> EncodingKey {
    EncodingKey::from_ed_der(pair().to_pkcs8v1().unwrap().as_ref())
}

/// Signs with our key whatever header and claims a forger who has somehow got hold of it would like.
fn forge(header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &our_key()).unwrap()
}

/// Signs with what anyone can know, the public key, for whoever would take it for a shared secret; or with the seed.
fn forge_with_secret(algorithm: Algorithm, secret: &[u8]) -> String {
    let header = Header { alg: algorithm, ..our_header() };
    jsonwebtoken::encode(&header, &good_claims(), &EncodingKey::from_secret(secret)).unwrap()
}

fn our_header() -> Header {
    Header { typ: Some(TYPE.into()), kid: Some("k1".into()), ..Header::new(ALGORITHM) }
}

fn refused(token: &str) {
    assert_eq!(ring().verify(token, at(1_100)), Err(TokenError::Invalid), "{token}");
}

#[test]
fn a_token_comes_back_as_it_was_made() {
    for holder in [ANN, LINK] {
        let token = ring().mint(&holder, Uuid::from_u128(3), at(1_000)).unwrap();
        let claims = ring().verify(&token, at(1_100)).unwrap();
        let Holder { who, epoch, login } = holder;
        let expected = Claims { who, epoch, login, id: Uuid::from_u128(3), issued: at(1_000), expires: at(1_900) };
        assert_eq!(claims, expected);
    }
}

#[test]
fn the_forgers_tools_work_when_nothing_is_forged() {
    assert!(ring().verify(&forge(&our_header(), &good_claims()), at(1_100)).is_ok());
}

#[test]
fn an_expired_token_is_told_from_an_invalid_one() {
    let token = ring().mint(&ANN, Uuid::nil(), at(1_000)).unwrap();
    assert!(ring().verify(&token, at(1_904)).is_ok(), "leeway");
    assert_eq!(ring().verify(&token, at(1_905)), Err(TokenError::Expired));
    assert_eq!(ring().verify(&token, at(900)), Err(TokenError::Invalid), "from the future");
    let other = KeyRing::new(SigningKey::new("k1", &[1; 32]).unwrap(), Vec::new(), LIFETIME);
    assert_eq!(other.verify(&token, at(5_000)), Err(TokenError::Invalid), "expired and not ours");
}

#[test]
fn h23_only_our_own_header_is_taken() {
    let encoded = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let body = encoded(good_claims());
    for header in [
        json!({"alg": "none"}),
        json!({"typ": "at+jwt", "alg": "none", "kid": "k1"}),
        json!({"alg": "EdDSA", "kid": "k1"}),
        json!({"typ": "at+jwt", "alg": "HS256", "kid": "k1"}),
        json!({"typ": "at+jwt", "alg": "ES256", "kid": "k1"}),
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k1", "crit": ["exp"]}),
    ] {
        refused(&format!("{}.{body}.", encoded(header.clone())));
        refused(&format!("{}.{body}.AAAA", encoded(header)));
    }
    let headers = [
        Header { typ: Some("JWT".into()), ..our_header() },
        Header { typ: None, ..our_header() },
        Header { kid: None, ..our_header() },
        Header { kid: Some("k2".into()), ..our_header() },
        Header { kid: Some("../k1".into()), ..our_header() },
        Header { kid: Some("x".repeat(64 * 1024)), ..our_header() },
        Header { crit: Some(vec!["exp".into()]), ..our_header() },
        Header { jku: Some("https://evil.example/keys".into()), ..our_header() },
        Header { x5u: Some("https://evil.example/cert".into()), ..our_header() },
    ];
    for header in headers {
        refused(&forge(&header, &good_claims()));
    }
    for algorithm in [Algorithm::HS256, Algorithm::HS384] {
        refused(&forge_with_secret(algorithm, pair().public_key().as_ref()));
        refused(&forge_with_secret(algorithm, &KEY));
    }
}

#[test]
fn h23_every_claim_must_be_there_and_of_its_type() {
    let wrong: [(&str, &[Value]); 10] = [
        ("exp", &[json!("1900"), json!(1900.5), json!(-1), json!(1e300), Value::Null, json!([1900]), json!(u64::MAX)]),
        ("iat", &[json!("1000"), json!(-1), Value::Null, json!(99_999_999)]),
        ("nbf", &[json!("1000"), json!(-1), Value::Null, json!(99_999_999)]),
        ("role", &[json!("root"), json!(1), Value::Null]),
        ("epoch", &[json!("1"), json!(-1), json!(1.5), Value::Null]),
        ("iss", &[json!("other"), json!(["fantail"]), Value::Null]),
        ("aud", &[json!("other"), json!(["fantail"]), Value::Null]),
        ("sub", &[json!("ann"), json!(1), Value::Null]),
        ("sid", &[json!(""), Value::Null]),
        ("jti", &[json!("x"), Value::Null]),
    ];
    for (claim, values) in wrong {
        for value in values {
            let mut claims = good_claims();
            claims[claim] = value.clone();
            refused(&forge(&our_header(), &claims));
        }
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove(claim);
        refused(&forge(&our_header(), &claims));
    }
}

#[test]
fn a_token_is_of_an_account_or_of_a_share_and_never_of_both() {
    let id = Uuid::from_u128(3).to_string();
    for (claim, value) in [("session", json!(id)), ("access", json!("control"))] {
        let mut claims = good_claims();
        claims[claim] = value;
        refused(&forge(&our_header(), &claims));
        claims.as_object_mut().unwrap().retain(|name, _| name != "role" && name != "epoch");
        refused(&forge(&our_header(), &claims));
    }
}

#[test]
fn h23_a_claim_given_twice_is_refused() {
    let token = forge(&our_header(), &good_claims());
    let header = token.split('.').next().unwrap();
    let twice = good_claims().to_string().replace('{', "{\"exp\":99999999,");
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(twice));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &our_key(), ALGORITHM).unwrap();
    refused(&format!("{message}.{signature}"));
}

#[test]
fn h23_tampering_is_noticed_wherever_it_happens() {
    let token = ring().mint(&ANN, Uuid::from_u128(3), at(1_000)).unwrap();
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        refused(&String::from_utf8(bytes).unwrap());
    }
    for cut in [0, 1, token.len() / 2, token.len() - 1] {
        refused(&token[..cut]);
    }
    refused(&format!("{token}.x"));
    refused(&"a".repeat(1024 * 1024));
}

#[test]
fn an_older_key_is_taken_until_its_end_and_does_not_sign() {
    let old = ring().mint(&ANN, Uuid::nil(), at(1_000)).unwrap();
    let rotated = |ends| {
        let retired = RetiredKey { key: SigningKey::new("k1", &KEY).unwrap(), ends: at(ends) };
        KeyRing::new(SigningKey::new("k2", &[7; 32]).unwrap(), vec![retired], LIFETIME)
    };
    assert_eq!(rotated(1_100).verify(&old, at(1_100)), Err(TokenError::Invalid), "ended");
    let rotated = rotated(1_101);
    assert!(rotated.verify(&old, at(1_100)).is_ok());
    let new = rotated.mint(&ANN, Uuid::nil(), at(1_000)).unwrap();
    assert_eq!(ring().verify(&new, at(1_100)), Err(TokenError::Invalid));
}

#[test]
fn a_token_that_was_taken_before_is_still_looked_at() {
    let ring = ring();
    let token = ring.mint(&ANN, Uuid::nil(), at(1_000)).unwrap();
    assert!(ring.verify(&token, at(1_100)).is_ok());
    assert!(ring.verify(&token, at(1_100)).is_ok(), "remembered");
    assert_eq!(ring.verify(&token, at(1_905)), Err(TokenError::Expired));
    assert_eq!(ring.verify(&token, at(900)), Err(TokenError::Invalid), "from the future");
    for other in [format!("{token}A"), token[..token.len() - 1].to_owned(), token.to_lowercase()] {
        assert_eq!(ring.verify(&other, at(1_100)), Err(TokenError::Invalid), "{other}");
    }
}

#[test]
fn more_tokens_than_are_remembered_are_all_taken() {
    let ring = ring();
    let mint = |id| ring.mint(&ANN, Uuid::from_u128(id), at(1_000)).unwrap();
    let tokens: Vec<_> = (0..2_500).map(mint).collect();
    for (id, token) in tokens.iter().enumerate().chain(tokens.iter().enumerate()) {
        let claims = ring.verify(token, at(1_100)).unwrap();
        assert_eq!(claims.id, Uuid::from_u128(id as u128));
    }
}
