//! The promises of the edge, through the whole service as a connection would use it.

mod credentials;
mod leaving;
mod limits;
mod shape;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::profiles::{Profile, SHELL, Surroundings};
use super::*;
use crate::auth::Role;
use crate::auth::seal::{SEALING_KEY_BYTES, SealingKey};
use crate::auth::token::SigningKey;
use crate::registry::Limits;
use crate::session::{self, LocalSpawner};
use crate::store::{Account, Accounts as _, DataDir, SqlStore};

const PASSWORD: &str = "correct horse battery";
const LOCAL_TOKEN: &str = "ftl_local_test";
const HOST: &str = "127.0.0.1:4020";
/// As many as no test asks that is not about limits.
const GENEROUS: Rates = {
    let many = NonZeroU32::new(100_000).unwrap();
    Rates { requests: many, openings: many, tickets: many, expensive: many, saves: many, attempts: many }
};
const ORIGIN: &str = "http://127.0.0.1:4020";

/// A server without a socket, whose clock stands still until it is moved.
struct Edge {
    app: App,
    clock: Arc<AtomicI64>,
    store: Arc<SqlStore>,
    _dir: tempfile::TempDir,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.body)).to_owned()
    }

    fn cookie(&self) -> String {
        let set = self.headers[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }
}

/// Room for the one session that is opened here.
fn registry(store: Arc<dyn Store>) -> Registry {
    let limits = Limits { sessions_max: 1, exited_max: 1, exited_ttl: Duration::ZERO };
    let settings = session::Settings::new(tokio::runtime::Handle::current(), || Timestamp::UNIX_EPOCH);
    Registry::new(limits, settings, Arc::new(LocalSpawner { descriptors: None }), store, "boot".into())
}

/// A shell for everybody.
fn profiles() -> Profiles {
    let surroundings =
        || Surroundings { environment: Vec::new(), home: "/".into(), confinement: session::Confinement::default() };
    let roles = [Role::Member, Role::Admin].into();
    let shell = Profile {
        description: None,
        command: vec!["/bin/sh".into()],
        args: false,
        roles,
        surroundings: surroundings(),
    };
    Profiles { all: [(SHELL.to_owned(), shell)].into(), any_command: Some(Role::Admin), surroundings: surroundings() }
}

impl Edge {
    async fn new() -> Self {
        Self::with(false).await
    }

    async fn with(no_auth: bool) -> Self {
        Self::with_rates(no_auth, GENEROUS).await
    }

    async fn with_rates(no_auth: bool, rates: Rates) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqlStore::open(&DataDir::prepare(dir.path()).unwrap()).await.unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000));
        // bcrypt's least cost, so that a right password is quick to check.
        let hash = bcrypt::non_truncating_hash_with_salt(PASSWORD, 4, [1; 16]).unwrap().to_string();
        let owner = Account { password_hash: Some(hash), ..Account::of_test(1, "ann") };
        store.add_account(&owner).await.unwrap();
        let sql = Arc::new(store);
        let store: Arc<dyn Store> = Arc::clone(&sql) as Arc<dyn Store>;
        let keys = KeyRing::new(SigningKey::new("k1", &[9; 32]).unwrap(), Vec::new(), SignedDuration::from_mins(15));
        let app = App::new(Parts {
            settings: Settings {
                no_auth,
                public_urls: vec!["https://term.example.org".into()],
                cors_origins: vec!["https://tools.example".into()],
                cores: 2,
                profiles: profiles(),
                rates,
            },
            registry: registry(Arc::clone(&store)),
            store,
            keys,
            seals: Ring::of(SealingKey::new([8; SEALING_KEY_BYTES]).unwrap()),
            oidc: Providers::default(),
            owner: owner.id,
            local_token: Digest::of(LOCAL_TOKEN),
            outside: outside(Arc::clone(&clock)),
            // Nobody writes it down here: what is noted is counted as lost when the queue is full.
            audit: audit::AuditLog::new(Arc::new(|| Timestamp::UNIX_EPOCH)).0,
        });
        Self { app, clock, store: sql, _dir: dir }
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn send(&self, request: Request<HttpBody>) -> Answer {
        let response = self.raw(request).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    async fn raw(&self, mut request: Request<HttpBody>) -> Response<HttpBody> {
        if request.extensions().get::<Connection>().is_none() {
            request.extensions_mut().insert(connection());
        }
        if !request.headers().contains_key(header::HOST) {
            request.headers_mut().insert(header::HOST, HOST.parse().unwrap());
        }
        self.app.service(Router::new()).answer(request).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(post(path, &[], &body)).await
    }

    async fn get_as(&self, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send(Request::get(path).header(header::AUTHORIZATION, bearer).body(HttpBody::empty()).unwrap()).await
    }

    async fn log_in(&self) -> Answer {
        let answer = self.post("/api/auth/login", json!({"username": "ann", "password": PASSWORD})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.post("/api/auth/refresh", json!({"refreshToken": token})).await
    }
}

fn connection() -> Connection {
    let local = Local::Tcp { address: HOST.parse().unwrap(), tls: false };
    Connection::between(local, HOST.parse().ok())
}

fn post(path: &str, headers: &[(header::HeaderName, &str)], body: &Value) -> Request<HttpBody> {
    let json = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    let request = headers.iter().fold(json, |request, (name, value)| request.header(name, *value));
    request.body(HttpBody::from(body.to_string())).unwrap()
}

fn get(path: &str) -> Request<HttpBody> {
    Request::get(path).body(HttpBody::empty()).unwrap()
}

/// A clock that is moved by hand, and randomness that never repeats.
fn outside(clock: Arc<AtomicI64>) -> Outside {
    let counter = AtomicU64::new(0);
    let random = move |bytes: &mut [u8]| {
        bytes.fill(0);
        let next = counter.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let length = bytes.len().min(next.len());
        bytes[..length].copy_from_slice(&next[..length]);
        true
    };
    let now = move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap();
    Outside::new(Arc::new(now), Arc::new(random))
}
