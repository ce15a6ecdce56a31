//! The edge that speaks HTTP: routes as a table, one file for each resource, and what all of them share.
//!
//! Decides nothing about tokens (that is `auth`) and keeps nothing that must last (that is `store`).

pub mod accept;
mod api_tokens;
mod assets;
pub mod audit;
mod auth;
pub mod caller;
mod connection;
mod converse;
mod cookie;
mod cors;
mod door;
pub mod error;
pub mod extract;
mod grants;
mod guard;
mod health;
mod limits;
mod listener;
mod openapi;
mod outside;
mod parameters;
mod passwords;
pub mod profiles;
mod proxies;
mod request_ids;
mod respond;
mod revocations;
mod sessions;
mod strangers;
pub mod tls;
mod tokens;
mod users;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::routing::{delete, get, post, put};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

pub use auth::{ProviderSettings, Providers};
pub use connection::{Connection, Local};
pub use door::Door;
pub use limits::Rates;
pub use listener::Listener;
pub use outside::{Clock, Outside, Random};
pub use proxies::TrustedProxies;
pub use respond::Edge;
pub use revocations::Revocations;
pub use sessions::{Reached, SessionObject, attaching};
pub use strangers::Strangers;

use crate::auth::link::Links;
use crate::auth::seal::Ring;
use crate::auth::ticket::{self, TicketGrant, Tickets};
use crate::auth::token::{KeyRing, LEEWAY};
use crate::auth::{Access, AccountId, Digest};
use crate::registry::Registry;
use crate::session::Session;
use crate::store::Store;
use api_tokens::ApiTokensRead;
use audit::AuditLog;
use caller::Caller;
use error::ApiError;
use grants::Grants;
use guard::Guard;
use limits::Limits;
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
    /// Origins of other sites whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Processors of the machine: what password checks are held to.
    pub cores: usize,
    /// What may be started, and by whom.
    pub profiles: Profiles,
    /// How often everyone may ask.
    pub rates: Rates,
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
    /// The keys that seal secrets in the store.
    pub seals: Ring,
    /// Whose word on who somebody is counts.
    pub oidc: Providers,
    /// The account that the local token, a login link and a server without auth stand for.
    pub owner: AccountId,
    /// Digest of the local token.
    pub local_token: Digest,
    /// Time and randomness.
    pub outside: Outside,
    /// Where it is noted who does what.
    pub audit: AuditLog,
}

/// Everything the routes share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    settings: Settings,
    store: Arc<dyn Store>,
    /// Changed as a whole when a key is rotated.
    keys: RwLock<Arc<KeyRing>>,
    /// Likewise.
    seals: RwLock<Arc<Ring>>,
    oidc: Providers,
    owner: AccountId,
    local_token: Digest,
    request_ids: RequestIds,
    outside: Outside,
    audit: AuditLog,
    guard: Guard,
    limits: Limits,
    passwords: PasswordChecks,
    revocations: Revocations,
    grants: Grants,
    api_tokens: ApiTokensRead,
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
        let Parts { settings, registry, store, keys, seals, oidc, owner, local_token, outside, audit } = parts;
        let token_lifetime = keys.lifetime().saturating_add(LEEWAY);
        let draining = CancellationToken::new();
        Self(Arc::new(Inner {
            guard: Guard::new(settings.public_urls.clone(), settings.cors_origins.clone()),
            limits: Limits::new(settings.rates, &outside.clock()),
            passwords: PasswordChecks::new(settings.cores),
            revocations: Revocations::new(token_lifetime),
            grants: Grants::new(),
            api_tokens: ApiTokensRead::default(),
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
            keys: RwLock::new(Arc::new(keys)),
            seals: RwLock::new(Arc::new(seals)),
            oidc,
            owner,
            local_token,
            request_ids: RequestIds::new(&outside),
            outside,
            audit,
        }))
    }

    /// The service: every route, with those of WebSockets, behind the guard, and every answer in the shape of the contract.
    pub fn service(&self, sockets: Router) -> Edge {
        let layers = ServiceBuilder::new()
            .layer(CatchPanicLayer::custom(respond::panicked))
            .layer(MapRequestLayer::new(respond::note_route))
            .layer(middleware::from_fn_with_state(self.clone(), limits::hold));
        Edge::new(self.clone(), self.routes().merge(sockets).layer(layers))
    }

    /// The routes. A handler that asks for no [`Caller`] is open to everyone.
    fn routes(&self) -> Router {
        Router::new()
            .route("/health", get(health::health))
            .route("/api/health", get(health::health))
            .route("/openapi.json", get(openapi::serve))
            .route("/api/auth/login", post(auth::login))
            .route("/api/auth/link", post(auth::link))
            .route("/api/auth/refresh", post(auth::refresh))
            .route("/api/auth/logout", post(auth::logout))
            .route("/api/auth/me", get(auth::me).patch(auth::change))
            .route("/api/auth/logins", get(auth::logins).delete(auth::end_others))
            .route("/api/auth/logins/{id}", delete(auth::end))
            .route("/api/auth/me/identities", get(auth::identities).post(auth::link_identity))
            .route("/api/auth/me/identities/{id}", delete(auth::unlink))
            .route("/api/auth/oidc", get(auth::providers))
            .route("/api/auth/oidc/{provider}/begin", post(auth::begin))
            .route("/api/auth/oidc/{provider}/callback", get(auth::callback))
            .route("/api/auth/ticket", post(auth::ticket))
            .route("/api/tokens", get(tokens::list).post(tokens::mint))
            .route("/api/tokens/{id}", delete(tokens::revoke))
            .route("/api/users", get(users::list).post(users::add))
            .route("/api/users/{id}", get(users::inspect).patch(users::change))
            .route("/api/users/{id}/link", post(users::link))
            .route("/api/users/{id}/logins", delete(users::log_out))
            .route("/api/audit", get(audit::list))
            .route("/api/profiles", get(profiles::list))
            .route("/api/shares/enter", post(auth::enter))
            .route("/api/shares/renew", post(auth::renew))
            .route("/api/sessions", get(sessions::list).post(sessions::open))
            .route("/api/sessions/{id}", get(sessions::inspect).patch(sessions::rename).delete(sessions::close))
            .route("/api/sessions/{id}/shares", get(sessions::shares).post(sessions::share))
            .route("/api/sessions/{id}/shares/{share}", delete(sessions::revoke))
            .route("/api/sessions/{id}/grants", get(sessions::grants))
            .route("/api/sessions/{id}/grants/{user}", put(sessions::grant).delete(sessions::take_back))
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
            .route("/account", get(assets::index))
            .route("/users", get(assets::index))
            .route("/audit", get(assets::index))
            .fallback(assets::file)
            .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
            .with_state(self.clone())
    }

    /// What the caller may do with a session, or the 404 of a session that is not there.
    ///
    /// # Errors
    /// [`ApiError::NoSuchSession`] when there is none that the caller may know of.
    pub fn access_to(&self, session: &str, caller: &Caller) -> Result<Access, ApiError> {
        let reached = Reached::by(self, session, caller.who, caller.rights)?;
        Ok(reached.access.min(caller.most()))
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
        let is_broken = grant.bond.is_some_and(|bond| self.0.revocations.break_bond(&bond));
        let has_expired = grant.expires.is_some_and(|expires| expires <= now);
        if is_broken || has_expired { Err(ApiError::InvalidTicket) } else { Ok(grant) }
    }

    /// Who has bought the ticket that a request offers, if one.
    fn buyer(&self, headers: &HeaderMap) -> Option<TicketGrant> {
        let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|offers| offers.to_str().ok());
        let mut offers = offers.flat_map(|offers| offers.split(','));
        let ticket = offers.find_map(|offer| offer.trim().strip_prefix(ticket::OFFERED_AS))?;
        self.0.tickets.lock().buyer(ticket, self.now())
    }

    /// Makes a one-use login link for the owner. Returns its token.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn mint_link(&self) -> Result<String, ApiError> {
        self.mint_link_for(self.0.owner)
    }

    fn mint_link_for(&self, account: AccountId) -> Result<String, ApiError> {
        let (secret, now) = (self.0.outside.secret()?, self.now());
        Ok(self.0.links.lock().mint(&secret, account, now))
    }

    /// Learns of what was changed in the store behind our back: by another server, by a command beside this one, or
    /// before it was started.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn learn_changes(&self) -> Result<(), ApiError> {
        self.learn_revocations().await?;
        Ok(self.0.grants.read(&*self.0.store).await?)
    }

    /// Learns of what was revoked in the store.
    async fn learn_revocations(&self) -> Result<(), ApiError> {
        Ok(self.0.revocations.read(&*self.0.store).await?)
    }

    /// Resolves when what somebody attached with, or their access to the session, has come to an end.
    pub fn locked_out(&self, session: Arc<Session>, grant: &TicketGrant) -> BoxFuture<'static, ()> {
        let broken = self.0.revocations.clone().broken(grant.bond);
        let (app, who, access) = (self.clone(), grant.who, grant.access);
        // Who owns a session, or has a share of it, has that for as long as the bond holds.
        if app.access(&session, who) == Some(Access::Own) || who.account().is_none() {
            return Box::pin(broken);
        }
        let mut changes = self.0.grants.changes();
        Box::pin(async move {
            let taken_back = async {
                while app.access(&session, who).is_some_and(|has| has >= access) {
                    if changes.changed().await.is_err() {
                        return std::future::pending().await; // the server's end
                    }
                }
            };
            tokio::select! {
                () = broken => {}
                () = taken_back => {}
            }
        })
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

    /// What was revoked.
    fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// Who was granted access to which session.
    fn grants(&self) -> &Grants {
        &self.0.grants
    }

    fn api_tokens(&self) -> &ApiTokensRead {
        &self.0.api_tokens
    }

    /// Where it is noted who does what.
    #[must_use]
    pub fn audit(&self) -> &AuditLog {
        &self.0.audit
    }

    /// From now on these keys sign and are taken.
    pub fn change_keys(&self, keys: KeyRing) {
        *self.0.keys.write() = Arc::new(keys);
    }

    /// From now on these keys seal and open what the store keeps secret.
    pub fn change_seals(&self, ring: Ring) {
        *self.0.seals.write() = Arc::new(ring);
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

    fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0.keys.read())
    }

    fn seals(&self) -> Arc<Ring> {
        Arc::clone(&self.0.seals.read())
    }

    fn oidc(&self) -> &Providers {
        &self.0.oidc
    }

    fn guard(&self) -> &Guard {
        &self.0.guard
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
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
