//! The whole service without a socket: one store, one session whose program waits for a viewer, and two servers of
//! them, one that asks for credentials and one that does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Uri};
use fantail::auth::seal::{Ring, SEALING_KEY_BYTES, SealingKey};
use fantail::auth::token::{KEY_BYTES, KeyRing, SigningKey};
use fantail::auth::{AccountId, Digest};
use fantail::http::audit::AuditLog;
use fantail::http::profiles::{Profiles, Surroundings};
use fantail::http::{App, Connection, Local, Outside, Parts, Providers, Rates, Settings};
use fantail::registry::{Limits, Registry};
use fantail::session::{self, Launch, LocalSpawner, Opening, Principal, SessionId, StartOn};
use fantail::store::{DataDir, SqlStore, Store};
use fantail::terminal::Size;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Where it is reached, and where a proxy serves it.
pub const LOCAL: &str = "127.0.0.1:4020";
pub const PUBLIC: &str = "https://term.example.org";

const OWNER: Uuid = Uuid::from_u128(1);
/// Who asks to wait for a change of the screen waits longer than this, and is not waited for.
const PATIENCE: Duration = Duration::from_millis(50);
/// More of an answer's body is not looked at: an asset of the page, not a refusal.
const BODY_MAX: usize = 64 * 1024;

/// What is asked here is to reach the routes.
const UNHELD: Rates = {
    let many = NonZeroU32::MAX;
    Rates { requests: many, openings: many, tickets: many, expensive: many, saves: many, attempts: many }
};

/// Both servers.
pub struct Edge {
    runtime: Runtime,
    asking: fantail::http::Edge,
    open: fantail::http::Edge,
    _dir: tempfile::TempDir,
}

/// What came back.
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    /// Of the request.
    pub query: String,
}

impl Edge {
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        let (asking, open) = runtime.block_on(async {
            let data_dir = DataDir::prepare(dir.path()).expect("a directory of ours");
            let store: Arc<dyn Store> = Arc::new(SqlStore::open(&data_dir).await.expect("a store"));
            let limits = Limits { sessions_max: 1, exited_max: 1, exited_ttl: Duration::from_secs(600) };
            let settings = session::Settings::new(tokio::runtime::Handle::current(), || Timestamp::UNIX_EPOCH);
            let spawner = Arc::new(LocalSpawner { descriptors: None });
            let registry = Registry::new(limits, settings, spawner, Arc::clone(&store), "boot".into());
            registry.open(opening()).await.expect("a session");
            (served(false, &registry, &store), served(true, &registry, &store))
        });
        Self { runtime, asking, open, _dir: dir }
    }

    /// What a request is answered; nothing when that takes long.
    pub fn answer(&self, is_open: bool, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Seen> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        let address = LOCAL.parse().expect("an address");
        let local = Local::Tcp { address, tls: false };
        request.extensions_mut().insert(Connection::between(local, Some(address)));
        let edge = if is_open { &self.open } else { &self.asking };
        let answered = async {
            let (head, body) = edge.answer(request).await.into_parts();
            let body = body.collect().await.expect("in memory").to_bytes();
            (head, body)
        };
        let (head, body) = self.runtime.block_on(async { timeout(PATIENCE, answered).await }).ok()?;
        let body = if body.len() > BODY_MAX { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() };
        let query = uri.query().unwrap_or_default().to_owned();
        Some(Seen { status: head.status.as_u16(), headers: head.headers, body, query })
    }
}

/// A session of that id, as `fuzz/seed.py` writes it; its program is not started before somebody attaches.
fn opening() -> Opening {
    Opening {
        id: SessionId::from_uuid(Uuid::from_u128(7)),
        owner: Principal(OWNER),
        name: "fuzzed".into(),
        profile: None,
        launch: Launch::new(&["/bin/true".to_owned()], "/".into(), &[]).expect("a program"),
        size: Size::DEFAULT,
        start_on: StartOn::Attach,
        pace: None,
        sizes: None,
    }
}

fn served(no_auth: bool, registry: &Registry, store: &Arc<dyn Store>) -> fantail::http::Edge {
    let key = SigningKey::new("k1", &[9; KEY_BYTES]).expect("a key");
    let outside = outside();
    // Nobody reads what is noted: a full queue counts.
    let (audit, _) = AuditLog::new(outside.clock());
    let app = App::new(Parts {
        settings: Settings {
            no_auth,
            public_urls: vec![PUBLIC.to_owned()],
            cors_origins: Vec::new(),
            cores: 1,
            profiles: profiles(),
            rates: UNHELD,
        },
        registry: registry.clone(),
        store: Arc::clone(store),
        keys: KeyRing::new(key, Vec::new(), SignedDuration::from_mins(15)),
        seals: Ring::of(SealingKey::new([8; SEALING_KEY_BYTES]).expect("a key")),
        oidc: Providers::default(),
        owner: AccountId(OWNER),
        local_token: Digest::of("ftl_local_of_nobody"),
        outside,
        audit,
    });
    app.service(fantail::ws::routes(app.clone(), TaskTracker::new()))
}

/// None: no request opens anything here.
fn profiles() -> Profiles {
    let surroundings =
        Surroundings { environment: Vec::new(), home: "/".into(), confinement: session::Confinement::default() };
    Profiles { all: BTreeMap::new(), any_command: None, surroundings }
}

/// A clock that stands still, and randomness that repeats itself from run to run.
fn outside() -> Outside {
    let counter = AtomicU64::new(1);
    let random = move |bytes: &mut [u8]| {
        let next = counter.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        bytes.iter_mut().zip(next.into_iter().cycle()).for_each(|(byte, random)| *byte = random);
        true
    };
    Outside::new(Arc::new(|| Timestamp::constant(1_800_000_000, 0)), Arc::new(random))
}
