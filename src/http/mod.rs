//! The edge that speaks HTTP: routes as a table, one file for each resource, and what all of them share.
//!
//! Decides nothing about tokens (that is `auth`) and keeps nothing that must last (that is `store`).

pub mod accept;
mod assets;
mod auth;
mod connection;
mod cookie;
mod door;
pub mod error;
pub mod extract;
mod guard;
mod health;
mod logins;
mod outside;
mod parameters;
mod passwords;
pub mod profiles;
mod request_ids;
mod respond;
mod sessions;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

pub use connection::Connection;
pub use door::Door;
pub use logins::Logins;
pub use outside::{Clock, Outside, Random};
pub use respond::Edge;
pub use sessions::{Reached, SessionObject, principal};

use crate::auth::link::Links;
use crate::auth::ticket::{TicketGrant, Tickets};
use crate::auth::token::{KeyRing, LEEWAY};
use crate::auth::{Access, AccountId, Digest, LoginId};
use crate::registry::Registry;
use crate::store::Store;
use error::ApiError;
use extract::Caller;
use guard::Guard;
use passwords::PasswordChecks;
use profiles::Profiles;
use request_ids::RequestIds;
use sessions::{Listing, Renderings};

/// What the routes need to know of the configuration.
pub struct Settings {
    /// Whether everyone who reaches the address is the owner.
    pub no_auth: bool,
    /// Origins under which a proxy serves us.
    pub public_urls: Vec<String>,
    /// Processors of the machine: what password checks are held to.
    pub cores: usize,
    /// What may be started, and by whom.
    pub profiles: Profiles,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// What the routes need to know of the configuration.
    pub settings: Settings,
    /// The sessions.
    pub registry: Registry,
    /// Accounts and logins.
    pub store: Arc<dyn Store>,
    /// The keys that sign access tokens.
    pub keys: KeyRing,
    /// The account that the local token, a login link and a server without auth stand for.
    pub owner: AccountId,
    /// Digest of the local token.
    pub local_token: Digest,
    /// Time and randomness.
    pub outside: Outside,
}

/// Everything the routes share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    settings: Settings,
    store: Arc<dyn Store>,
    keys: KeyRing,
    owner: AccountId,
    local_token: Digest,
    request_ids: RequestIds,
    outside: Outside,
    guard: Guard,
    passwords: PasswordChecks,
    logins: Logins,
    tickets: Mutex<Tickets>,
    links: Mutex<Links>,
    renderings: Renderings,
    listing: Listing,
    door: Door,
    /// Going away for good.
    draining: CancellationToken,
    /// Going away, for good or because another server takes over. Made anew when that fails.
    leaving: Mutex<CancellationToken>,
    started: Instant,
    registry: Registry,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, registry, store, keys, owner, local_token, outside } = parts;
        let token_lifetime = keys.lifetime().saturating_add(LEEWAY);
        let draining = CancellationToken::new();
        Self(Arc::new(Inner {
            guard: Guard::new(settings.public_urls.clone()),
            passwords: PasswordChecks::new(settings.cores),
            logins: Logins::new(token_lifetime),
            tickets: Mutex::default(),
            links: Mutex::default(),
            renderings: Renderings::default(),
            listing: Listing::default(),
            door: Door::default(),
            leaving: Mutex::new(draining.child_token()),
            draining,
            started: Instant::now(),
            settings,
            registry,
            store,
            keys,
            owner,
            local_token,
            request_ids: RequestIds::new(&outside),
            outside,
        }))
    }

    /// The service: every route, with those of WebSockets, behind the guard, and every answer in the shape of the contract.
    pub fn service(&self, sockets: Router) -> Edge {
        let layers = ServiceBuilder::new()
            .layer(CatchPanicLayer::custom(respond::panicked))
            .layer(MapRequestLayer::new(respond::note_route));
        Edge::new(self.clone(), self.routes().merge(sockets).layer(layers))
    }

    /// The routes. A handler that asks for no [`Caller`] is open to everyone.
    fn routes(&self) -> Router {
        Router::new()
            .route("/health", get(health::health))
            .route("/api/health", get(health::health))
            .route("/api/auth/login", post(auth::login))
            .route("/api/auth/link", post(auth::link))
            .route("/api/auth/refresh", post(auth::refresh))
            .route("/api/auth/logout", post(auth::logout))
            .route("/api/auth/me", get(auth::me))
            .route("/api/auth/ticket", post(auth::ticket))
            .route("/api/profiles", get(profiles::list))
            .route("/api/sessions", get(sessions::list).post(sessions::open))
            .route("/api/sessions/{id}", get(sessions::inspect).patch(sessions::rename).delete(sessions::close))
            .route("/api/sessions/{id}/reopen", post(sessions::reopen))
            .route("/api/sessions/{id}/resize", post(sessions::resize))
            .route("/api/sessions/{id}/input", post(sessions::input))
            .route("/api/sessions/{id}/signal", post(sessions::signal))
            .route("/api/sessions/{id}/output", get(sessions::output))
            .route("/api/sessions/{id}/screen", get(sessions::screen))
            .route("/api/sessions/{id}/text", get(sessions::text))
            .route("/api/sessions/{id}/snapshot", get(sessions::snapshot))
            .route("/", get(assets::index))
            .route("/s/{id}", get(assets::index))
            .fallback(assets::file)
            .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
            .with_state(self.clone())
    }

    /// What the caller may do with a session, or the 404 of a session that is not there.
    ///
    /// # Errors
    /// [`ApiError::NoSuchSession`] when there is none that the caller may know of.
    pub fn access_to(&self, session: &str, caller: &Caller) -> Result<Access, ApiError> {
        Reached::by(self, session, caller.account).map(|reached| reached.access)
    }

    /// The sessions.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Makes a ticket for one WebSocket.
    ///
    /// # Errors
    /// When too many are open.
    pub fn mint_ticket(&self, caller: &Caller, session: Uuid, access: Access) -> Result<String, ApiError> {
        let (secret, now) = (self.0.outside.secret()?, self.now());
        let minted = self.0.tickets.lock().mint(&secret, session, caller.grant(access), now);
        minted.map_err(|_| ApiError::TooManyConnections)
    }

    /// Uses a ticket up.
    ///
    /// # Errors
    /// [`ApiError::InvalidTicket`] when it does not open `session`, or its login has ended since.
    pub fn redeem_ticket(&self, ticket: &str, session: Uuid) -> Result<TicketGrant, ApiError> {
        let now = self.now();
        let redeemed = self.0.tickets.lock().redeem(ticket, session, now);
        let grant = redeemed.map_err(|_| ApiError::InvalidTicket)?;
        let ended = grant.login.zip(grant.issued).is_some_and(|(login, issued)| self.0.logins.is_ended(login, issued));
        let expired = grant.expires.is_some_and(|expires| expires <= now);
        if ended || expired { Err(ApiError::InvalidTicket) } else { Ok(grant) }
    }

    /// Makes a one-use login link for the owner. Returns its token.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn mint_link(&self) -> Result<String, ApiError> {
        let (secret, now) = (self.0.outside.secret()?, self.now());
        Ok(self.0.links.lock().mint(&secret, self.0.owner, now))
    }

    /// Learns of logins ended behind our back, by a command beside the running server, or before it was started.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn learn_ended_logins(&self) -> Result<(), ApiError> {
        let lifetime = self.0.keys.lifetime().saturating_add(LEEWAY);
        let since = self.now().saturating_sub(lifetime).unwrap_or(Timestamp::MIN);
        for (login, ended) in self.0.store.logins_ended_since(since).await? {
            self.0.logins.end(LoginId(login), ended);
        }
        Ok(())
    }

    /// From now on every request but health is answered with 503 `draining`.
    pub fn drain(&self) {
        self.0.draining.cancel();
    }

    /// From now on every request is answered, and every WebSocket told, as by [`Self::drain`], until [`Self::stay`]:
    /// another server takes over.
    pub fn leave(&self) {
        self.0.leaving.lock().cancel();
    }

    /// The other server did not take over.
    pub fn stay(&self) {
        *self.0.leaving.lock() = self.0.draining.child_token();
    }

    /// Cancelled once the server is going away.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.0.leaving.lock().clone()
    }

    /// Whether anyone is let in.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.0.door
    }

    /// Ended logins, and how to wait for the end of one.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.0.logins
    }

    /// Accounts and logins.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// Time and randomness.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.0.outside
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.outside.now()
    }

    /// The account that runs the server.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.0.owner
    }

    fn next_request_id(&self) -> Uuid {
        self.0.request_ids.next(self.now())
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    fn guard(&self) -> &Guard {
        &self.0.guard
    }

    fn passwords(&self) -> &PasswordChecks {
        &self.0.passwords
    }

    fn listing(&self) -> &Listing {
        &self.0.listing
    }

    fn renderings(&self) -> &Renderings {
        &self.0.renderings
    }

    fn redeem_link(&self, token: &str) -> Option<AccountId> {
        let now = self.now();
        self.0.links.lock().redeem(token, now)
    }

    fn is_local_token(&self, token: &str) -> bool {
        self.0.local_token.matches(token)
    }

    fn uptime(&self) -> SignedDuration {
        SignedDuration::try_from(self.0.started.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}
