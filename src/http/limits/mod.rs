//! How often everyone may ask: one limit for all requests, and further ones by the class of the route.
//!
//! Who is held is the account, or the address where nobody is logged in. Every route is held, because this stands around
//! all of them: what a route has to say about it is its class, in one table.

mod attempt;
mod class;
mod counter;
mod rates;

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use serde_json::{Value, json};

pub(super) use attempt::{Attempt, known_device};
pub use rates::Rates;

use super::App;
use super::caller::{Caller, How};
use super::connection::Connection;
use super::error::ApiError;
use crate::auth::limit::{Left, Quota, Wait};
use crate::auth::ticket::TicketGrant;
use crate::auth::{AccountId, Right, Who};
use crate::store::StoreError;
use class::Class;
use counter::{Counter, Key};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Most names with attempts or budgets that are kept in the store: some megabytes. Beyond it those go that would be
/// forgotten first.
const KEPT_MAX: u32 = 100_000;

/// The limits of this server. Those of rare classes are kept in the store.
pub(super) struct Limits {
    rates: Rates,
    ordinary: Counter,
    openings: Counter,
    tickets: Counter,
}

impl Limits {
    pub(super) fn new(rates: Rates, clock: &super::Clock) -> Self {
        let counter = |quota| Counter::new(quota, clock.clone());
        Self {
            ordinary: counter(rates.ordinary()),
            openings: counter(rates.openings()),
            tickets: counter(rates.tickets()),
            rates,
        }
    }
}

/// Who asked, found out once: extractors need not look again.
#[derive(Clone)]
pub(super) struct Asked(pub(super) Result<Caller, ApiError>);

/// A request that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Of which class.
    class: Class,
    /// How many there may be at once.
    limit: u32,
    /// How long until there may be another.
    wait: SignedDuration,
}

/// Whom a request is counted for.
#[derive(Clone, Copy)]
enum Payer {
    /// Nobody: a load test.
    Nobody,
    /// The local token. Whoever has it could end the server, so what only protects the server from many requests is not for
    /// it; what leaves something behind in the store is.
    Operator(AccountId),
    /// An account.
    Account(AccountId),
    /// Somebody at this address, who is not logged in or came by a share.
    Stranger(IpAddr),
}

impl Payer {
    fn of(caller: &Result<Caller, ApiError>, address: IpAddr) -> Self {
        let Ok(caller) = caller else { return Self::Stranger(address) };
        match caller.who.account() {
            // An administrator's login may do it too, but does not ask for it.
            _ if caller.how == How::ApiToken && caller.rights.allow(Right::LoadTest) => Self::Nobody,
            Some(id) if caller.how == How::Local => Self::Operator(id),
            Some(id) => Self::Account(id),
            None => Self::Stranger(address),
        }
    }

    /// Who comes with a ticket is who has bought it; one that hangs on nothing is the operator's.
    const fn by_ticket(grant: &TicketGrant, address: IpAddr) -> Self {
        match (grant.who, grant.bond) {
            (Who::Account { id, .. }, Some(_)) => Self::Account(id),
            (Who::Account { id, .. }, None) => Self::Operator(id),
            (Who::Share { .. }, _) => Self::Stranger(address),
        }
    }

    /// By what is counted what only protects the server from many requests.
    fn key(self) -> Option<Key> {
        match self {
            Self::Nobody | Self::Operator(_) => None,
            Self::Account(id) => Some(Key::Account(id)),
            Self::Stranger(address) => Some(Key::address(address)),
        }
    }
}

/// The layer around every route: has a request answered if it is not one too many.
pub(super) async fn hold(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let shown = match admit(&app, &mut request).await {
        Ok(shown) => shown,
        Err(refusal) => return refusal.into_response(),
    };
    let mut response = next.run(request).await;
    if let Some((quota, left)) = shown {
        show(response.headers_mut(), quota.count.get(), left.count, left.full_in);
    }
    response
}

/// Counts a request. What is left is what is told: of the class where it has a budget, else of all requests.
async fn admit(app: &App, request: &mut Request) -> Result<Option<(Quota, Left)>, ApiError> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let class = path.and_then(|path| Class::of(request.method(), path, request.uri().query()));
    let class = class.unwrap_or(Class::Ordinary);
    if class == Class::Health {
        return Ok(None);
    }
    let connection = Connection::of(request.extensions())?;
    let address = connection.client;
    let caller = Caller::of(app, request.headers(), connection).await;
    let buyer = (class == Class::Upgrade && caller.is_err()).then(|| app.buyer(request.headers())).flatten();
    let payer = buyer.map_or_else(|| Payer::of(&caller, address), |grant| Payer::by_ticket(&grant, address));
    request.extensions_mut().insert(Asked(caller));
    let limits = app.limits();
    let ordinary = counted(&limits.ordinary, Class::Ordinary, payer)?;
    let of_class = match (class, payer) {
        (Class::Opening, _) => counted(&limits.openings, class, payer)?,
        (Class::Ticket, _) => counted(&limits.tickets, class, payer)?,
        (Class::Save, Payer::Account(id) | Payer::Operator(id)) => Some(app.saved(id).await?),
        (Class::Expensive, Payer::Account(id)) => app.computed(id).await?,
        (Class::Health | Class::Ordinary | Class::Upgrade | Class::Attempt, _)
        // Who is nobody saves nothing; a share looks at one session.
        | (Class::Save | Class::Expensive, Payer::Nobody | Payer::Operator(_) | Payer::Stranger(_)) => None,
    };
    Ok(of_class.or(ordinary))
}

fn counted(counter: &Counter, class: Class, payer: Payer) -> Result<Option<(Quota, Left)>, ApiError> {
    let Some(key) = payer.key() else { return Ok(None) };
    let left = counter.count(key).map_err(|wait| too_many(class, counter.quota(), wait))?;
    Ok(Some((counter.quota(), left)))
}

impl App {
    /// Counts a save.
    async fn saved(&self, account: AccountId) -> Result<(Quota, Left), ApiError> {
        let quota = self.limits().rates.saves();
        let taken = self.store().take(&format!("saves {account}"), quota, self.now()).await?;
        taken.map(|left| (quota, left)).map_err(|wait| too_many(Class::Save, quota, wait))
    }

    /// Counts an expensive request. Terminals are looked at without a store: while it is away only the limit of all
    /// requests holds.
    async fn computed(&self, account: AccountId) -> Result<Option<(Quota, Left)>, ApiError> {
        let quota = self.limits().rates.expensive();
        match self.store().take(&format!("expensive {account}"), quota, self.now()).await {
            Ok(taken) => {
                let left = taken.map_err(|wait| too_many(Class::Expensive, quota, wait))?;
                Ok(Some((quota, left)))
            }
            Err(error) => {
                tracing::warn!(%error, "an expensive request is not counted");
                Ok(None)
            }
        }
    }

    /// Forgets what says nothing any more of who asked how often.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_limits(&self) -> Result<(), StoreError> {
        let Limits { ordinary, openings, tickets, rates: _ } = self.limits();
        for counter in [ordinary, openings, tickets] {
            counter.forget_full();
        }
        self.store().forget_limits(KEPT_MAX, self.now()).await
    }
}

fn too_many(class: Class, quota: Quota, Wait(wait): Wait) -> ApiError {
    ApiError::RateLimited(TooMany { class, limit: quota.count.get(), wait })
}

impl TooMany {
    /// Seconds to wait, of which there is always one.
    pub(super) fn seconds(&self) -> u64 {
        whole_seconds(self.wait).max(1)
    }

    /// As people call what there is too much of.
    pub(super) const fn what(&self) -> &'static str {
        self.class.in_words()
    }

    /// As programs read it.
    pub(super) fn details(&self) -> Value {
        json!({"class": self.class.as_str(), "limit": self.limit})
    }

    /// Says so in the headers of a refusal.
    pub(super) fn show(&self, headers: &mut HeaderMap) {
        show(headers, self.limit, 0, SignedDuration::from_secs(self.seconds().cast_signed()));
    }
}

fn show(headers: &mut HeaderMap, limit: u32, remaining: u32, reset: SignedDuration) {
    headers.entry(LIMIT).or_insert(HeaderValue::from(limit));
    headers.entry(REMAINING).or_insert(HeaderValue::from(remaining));
    headers.entry(RESET).or_insert(HeaderValue::from(whole_seconds(reset)));
}

/// Rounded up: who comes then is not too early.
fn whole_seconds(time: SignedDuration) -> u64 {
    let time = Duration::try_from(time).unwrap_or_default();
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
