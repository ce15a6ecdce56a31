//! A provider of logins (OpenID Connect) in the tests' own process. It looks at everything it is sent as a strict one
//! would, and lies only when it is told to.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub const CLIENT_ID: &str = "fantail-tests";
pub const CLIENT_SECRET: &str = "canary7f3a-client-secret";

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    None,
    Nonce,
    NoNonce,
    Audience,
    FurtherAudience,
    Issuer,
    AlgNone,
    Hs256,
    Expired,
    Signature,
    StrangeKey,
    AccessTokenHash,
    TokenError,
    Garbage,
    Huge,
    NoIdToken,
    ElsewhereWithToken,
    Silence,
    /// No lie, but another algorithm.
    EdDsa,
    WrongIssuerParameter,
    Denies,
}

/// A code that was given out.
struct Code {
    challenge: String,
    redirect: String,
    nonce: String,
}

/// Who logs in, as claims of the id token.
type Person = Value;

struct Inner {
    issuer: String,
    lie: Mutex<Lie>,
    person: Mutex<Person>,
    redirect: Mutex<String>,
    codes: Mutex<HashMap<String, Code>>,
    key: RsaKeyPair,
    edwards: Ed25519KeyPair,
    tokens: Mutex<Vec<String>>,
    revoked: Mutex<Vec<String>>,
    complaints: Mutex<Vec<String>>,
}

/// The provider. Its connections end with it.
pub struct Provider {
    inner: Arc<Inner>,
    _accepting: JoinSet<()>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            issuer,
            lie: Mutex::new(Lie::None),
            person: Mutex::new(json!({ "sub": "s1" })),
            redirect: Mutex::default(),
            codes: Mutex::default(),
            key: new_key(),
            edwards: Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key"),
            tokens: Mutex::default(),
            revoked: Mutex::default(),
            complaints: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .with_state(Arc::clone(&inner));
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(routes.clone());
                let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(async move { drop(served.await) });
            }
        });
        Self { inner, _accepting: accepting }
    }

    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Who logs in there from now on.
    pub fn serves(&self, person: Person) {
        *self.inner.person.lock() = person;
    }

    /// Where it sends browsers back to: nowhere else.
    pub fn registers(&self, redirect: &str) {
        redirect.clone_into(&mut self.inner.redirect.lock());
    }

    pub fn lies(&self, lie: Lie) {
        *self.inner.lie.lock() = lie;
    }

    /// All tokens it has given out for asking it again.
    pub fn tokens(&self) -> Vec<String> {
        self.inner.tokens.lock().clone()
    }

    pub fn revoked(&self) -> Vec<String> {
        self.inner.revoked.lock().clone()
    }

    /// What a strict provider would have refused.
    pub fn complaints(&self) -> Vec<String> {
        self.inner.complaints.lock().clone()
    }
}

impl Inner {
    fn complain(&self, what: &str) -> Response {
        self.complaints.lock().push(what.to_owned());
        (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_request", "error_description": what })))
            .into_response()
    }

    /// Whether the client has shown that it is who it says, in the header.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        headers.get(header::AUTHORIZATION) == HeaderValue::from_str(&expected).ok().as_ref()
    }

    fn id_token(&self, nonce: &str, access: &str) -> String {
        let lie = *self.lie.lock();
        #[expect(clippy::disallowed_methods, reason = "its clock is the world's")]
        let now = jiff::Timestamp::now().as_second();
        let expires = if lie == Lie::Expired { now - 60 } else { now + 300 };
        let hashed = if lie == Lie::AccessTokenHash { "other" } else { access };
        // The left half of the hash that the signature is made with, which is another for Ed25519.
        let hash = if lie == Lie::EdDsa {
            Sha512::digest(hashed)[..32].to_vec()
        } else {
            Sha256::digest(hashed)[..16].to_vec()
        };
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now - 1, "exp": expires, "nonce": nonce,
            "at_hash": URL_SAFE_NO_PAD.encode(hash),
        });
        for (name, value) in self.person.lock().as_object().expect("claims") {
            claims[name] = value.clone();
        }
        match lie {
            Lie::Nonce => claims["nonce"] = "another".into(),
            Lie::NoNonce => drop(claims.as_object_mut().expect("claims").remove("nonce")),
            Lie::Audience => claims["aud"] = "somebody-else".into(),
            Lie::FurtherAudience => claims["aud"] = json!([CLIENT_ID, "somebody-else"]),
            Lie::Issuer => claims["iss"] = "http://127.0.0.1:1".into(),
            _ => {}
        }
        self.signed(lie, &claims)
    }

    fn signed(&self, lie: Lie, claims: &Value) -> String {
        let kid = if lie == Lie::StrangeKey { "strange".to_owned() } else { kid_of(&self.key) };
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = match lie {
            Lie::AlgNone => return format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(claims)),
            Lie::Hs256 => {
                let header = Header::new(Algorithm::HS256);
                let key = EncodingKey::from_secret(CLIENT_SECRET.as_bytes());
                return jsonwebtoken::encode(&header, claims, &key).expect("signed");
            }
            Lie::EdDsa => json!({ "alg": "EdDSA", "kid": "edwards", "typ": "JWT" }),
            _ => json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }),
        };
        let text = format!("{}.{}", encode(&head), encode(claims));
        let mut signature = match lie {
            Lie::EdDsa => self.edwards.sign(text.as_bytes()).as_ref().to_vec(),
            _ => {
                let strange = (lie == Lie::StrangeKey).then(new_key);
                let key = strange.as_ref().unwrap_or(&self.key);
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("signed");
                signature
            }
        };
        if lie == Lie::Signature {
            signature[0] ^= 1;
        }
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn new_key() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")
}

fn kid_of(key: &RsaKeyPair) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(key.public_key().as_ref())[..8])
}

async fn discovery(State(this): State<Arc<Inner>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", this.issuer);
    Json(json!({
        "issuer": this.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"), "revocation_endpoint": at("/revoke"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
    }))
}

async fn jwks(State(this): State<Arc<Inner>>) -> Json<Value> {
    // RFC 8017 A.1.1: behind the heads of the sequence and of the first number, whose first byte is zero.
    let modulus = &this.key.public_key().as_ref()[9..9 + 256];
    let (n, kid) = (URL_SAFE_NO_PAD.encode(modulus), kid_of(&this.key));
    let rsa = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": "AQAB" });
    let x = URL_SAFE_NO_PAD.encode(this.edwards.public_key().as_ref());
    let edwards = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "edwards", "x": x });
    Json(json!({ "keys": [rsa, edwards] }))
}

async fn authorize(State(this): State<Arc<Inner>>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let redirect = text("redirect_uri");
    let scopes = text("scope");
    let mut scopes: Vec<_> = scopes.split(' ').collect();
    scopes.sort_unstable();
    for (fits, what) in [
        (text("response_type") == "code", "response_type"),
        (text("client_id") == CLIENT_ID, "client_id"),
        (redirect == *this.redirect.lock(), "redirect_uri"),
        (scopes == ["email", "openid", "profile"], "scope"),
        (text("code_challenge_method") == "S256" && text("code_challenge").len() == 43, "code_challenge"),
        (text("nonce").len() == 43, "nonce"),
        (text("state").len() == 43, "state"),
        (asked.len() == 8, "something else"),
    ] {
        if !fits {
            return this.complain(what);
        }
    }
    let state = text("state");
    let issuer = match *this.lie.lock() {
        Lie::Denies => return Redirect::to(&format!("{redirect}?error=access_denied&state={state}")).into_response(),
        Lie::WrongIssuerParameter => "http://127.0.0.1:1",
        _ => this.issuer.as_str(),
    };
    let code = format!("canary7f3a-code-{}", uuid::Uuid::new_v4());
    let given = Code { challenge: text("code_challenge"), redirect: redirect.clone(), nonce: text("nonce") };
    this.codes.lock().insert(code.clone(), given);
    let issuer = issuer.replace(':', "%3A").replace('/', "%2F");
    Redirect::to(&format!("{redirect}?code={code}&state={state}&iss={issuer}&session_state=x.y")).into_response()
}

/// The fields of a form, written as the parameters of an address are.
fn form(headers: &HeaderMap, body: &str) -> HashMap<String, String> {
    let expected = HeaderValue::from_static("application/x-www-form-urlencoded");
    assert_eq!(headers.get(header::CONTENT_TYPE), Some(&expected));
    Query::try_from_uri(&format!("/?{body}").parse().expect("a form")).expect("a form").0
}

async fn token(State(this): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let asked = form(&headers, &body);
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    if !this.knows(&headers) {
        return this.complain("client authentication");
    }
    let Some(code) = this.codes.lock().remove(&text("code")) else { return this.complain("code") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
    for (fits, what) in [
        (text("grant_type") == "authorization_code", "grant_type"),
        (text("redirect_uri") == code.redirect, "redirect_uri"),
        (challenge == code.challenge, "code_verifier"),
    ] {
        if !fits {
            return this.complain(what);
        }
    }
    let lie = *this.lie.lock();
    match lie {
        Lie::TokenError => {
            let refusal = json!({ "error": "invalid_grant", "error_description": "canary7f3a-why" });
            return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
        }
        Lie::Garbage => return "canary7f3a-garbage".into_response(),
        Lie::Huge => {
            return ([(header::CONTENT_TYPE, "application/json")], "[".repeat(4 * 1024 * 1024)).into_response();
        }
        Lie::ElsewhereWithToken => return Redirect::temporary(&format!("{}/token", this.issuer)).into_response(),
        Lie::Silence => return std::future::pending().await,
        _ => {}
    }
    let new = |what: &str| {
        let token = format!("canary7f3a-{what}-{}", uuid::Uuid::new_v4());
        this.tokens.lock().push(token.clone());
        token
    };
    let (access, refresh) = (new("access"), new("refresh"));
    let mut answer = json!({
        "access_token": access, "token_type": "Bearer", "expires_in": 300, "refresh_token": refresh,
        "id_token": this.id_token(&code.nonce, &access),
    });
    if lie == Lie::NoIdToken {
        answer.as_object_mut().expect("an object").remove("id_token");
    }
    Json(answer).into_response()
}

async fn revoke(State(this): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let asked = form(&headers, &body);
    if !this.knows(&headers) {
        return this.complain("client authentication");
    }
    this.revoked.lock().push(asked.get("token").cloned().unwrap_or_default());
    StatusCode::OK.into_response()
}
