//! `GET /api/sessions/{id}/ws`: from a request to a connection.
//!
//! Everything that can be refused is refused before the protocol is switched, in the one shape of the REST API.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::task::TaskTracker;

use super::attendance::Attendance;
use super::connection::{Arrival, Connection};
use super::ending::Ends;
use super::socket::Socket;
use crate::auth::ticket::TicketGrant;
use crate::auth::{Access, Right, Rights};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::{App, Connection as Accepted, Reached, SessionObject, attaching};
use crate::protocol::{self, INPUT_BYTES, Limits, SUBPROTOCOL, TICKET_PREFIX, WINDOW_BYTES, Welcome};
use crate::session::{Attach, AttachError, Begin, ClientId, QUEUED_PER_CLIENT_MAX, Standing};
use crate::terminal::{Offset, Size};

const _: () = assert!(INPUT_BYTES == QUEUED_PER_CLIENT_MAX, "clients are told the bound that holds");

/// Lines of scrollback a viewer begins with unless it says otherwise: a few screens, which even a slow link has soon.
const SCROLLBACK_LINES: usize = 1000;

#[derive(Clone)]
struct Sockets {
    app: App,
    connections: TaskTracker,
}

/// The WebSocket's route. Its connections live on `connections`.
pub fn routes(app: App, connections: TaskTracker) -> Router {
    Router::new()
        .route("/api/sessions/{id}/ws", get(upgrade))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(Sockets { app, connections })
}

async fn upgrade(
    State(Sockets { app, connections }): State<Sockets>,
    id: Result<Path<String>, PathRejection>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let offer = Offer::read(request.headers())?;
    let wish = Wish::read(request.uri())?;
    // An id that is not even UTF-8 is no session's.
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let accepted = Accepted::of(request.extensions())?.clone();
    let mut grant = credential(&app, &id, &offer, request.headers(), &accepted).await?;
    accepted.authenticated();
    let reached = Reached::by(&app, &id, grant.who, Rights::NONE)?;
    let access = reached.access.min(grant.access).narrowed(wish.access.map(|asked| asked.min(grant.access)));
    let access = access.ok_or(ApiError::ViewOnly)?;
    grant.access = access;
    // Taken last: a request that is refused has attached nothing.
    let Some(upgraded) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(ApiError::UpgradeRequired);
    };
    let attach = Attach {
        principal: attaching(grant.who, grant.bond),
        client: wish.client,
        fresh: ClientId::from_random(app.outside().bytes()?),
        from: wish.from,
        window: WINDOW_BYTES,
        size: wish.size,
        standing: match access {
            Access::View => Standing::Watches,
            Access::Control => Standing::Types,
            Access::Own => Standing::Owns,
        },
    };
    let (viewer, attached) = reached.session.attach(&attach, Instant::now()).await.map_err(|error| match error {
        AttachError::PastTheEnd(_) => ApiError::InvalidQuery(error.to_string()),
        AttachError::TooManyViewers => ApiError::TooManyViewers,
        AttachError::Closed => ApiError::NoSuchSession,
    })?;
    let ends = Ends {
        drain: app.draining(),
        locked_out: app.locked_out(Arc::clone(&reached.session), &grant),
        expires: grant.expires.map(|expires| {
            let left = Duration::try_from(expires.duration_since(app.now())).unwrap_or_default();
            Instant::now() + left
        }),
    };
    let (session, client) = (reached.session.id(), viewer.client());
    let attendance = Attendance::begin(&app, &grant, accepted.client, session, client, access);
    let upgrading = Upgrading { arrival: Arrival { viewer, attached, access, ends, attendance }, accepted };
    let tasks = connections.clone();
    connections.spawn(async move { upgrading.connect(upgraded, &tasks).await });
    Ok(offer.accepted())
}

/// A viewer whose request was accepted, before its protocol is switched.
struct Upgrading {
    arrival: Arrival,
    /// Its place among the connections, until this one ends.
    accepted: Accepted,
}

impl Upgrading {
    /// Has the connection served where the session lives.
    async fn connect(self, upgraded: OnUpgrade, tasks: &TaskTracker) {
        let Ok(upgraded) = upgraded.await else {
            tracing::debug!("a client went away during the handshake");
            return;
        };
        let Some((socket, early)) = Socket::of(upgraded) else {
            return tracing::error!("a connection came by a socket of no known kind");
        };
        socket.suit_a_viewer();
        let lane = self.arrival.viewer.session().lane().clone();
        // Its socket and its timers are watched there.
        let _there = lane.enter();
        match socket.moved_here() {
            Ok(Socket::Tcp(stream)) => drop(tasks.spawn_on(self.served(stream, &early), &lane)),
            Ok(Socket::Tls(stream)) => drop(tasks.spawn_on(self.served(stream, &early), &lane)),
            Ok(Socket::Unix(stream)) => drop(tasks.spawn_on(self.served(stream, &early), &lane)),
            Err(error) => tracing::warn!(%error, "a connection could not be served"),
        }
    }

    /// The connection's life. It is made here and not in there, which would hold what it is made of as well.
    fn served<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S, early: &[u8]) -> impl Future<Output = ()> + use<S> {
        let Self { arrival, accepted } = self;
        let welcome = welcome(&arrival);
        let mut connection = Connection::new(stream, early, welcome, arrival);
        async move {
            connection.run().await;
            drop(accepted);
        }
    }
}

fn welcome(arrival: &Arrival) -> Welcome {
    let Arrival { viewer, attached, access, .. } = arrival;
    let access = *access;
    // What has changed since follows as events, which are told against the same.
    let session = SessionObject::at(viewer.session(), &attached.known, access);
    let session = serde_json::to_value(session).unwrap_or_default();
    Welcome {
        session,
        access: match access {
            Access::View => protocol::Access::View,
            Access::Control | Access::Own => protocol::Access::Control,
        },
        owns: access == Access::Own,
        client_id: viewer.client().to_string(),
        input_seq: attached.input_seq,
        offset: attached.offset.0,
        cols: attached.size.cols(),
        rows: attached.size.rows(),
        limits: Limits::default(),
    }
}

/// By the ticket beside the subprotocol, else by the request's own credential.
async fn credential(
    app: &App,
    id: &str,
    offer: &Offer,
    headers: &HeaderMap,
    accepted: &Accepted,
) -> Result<TicketGrant, ApiError> {
    match &offer.ticket {
        Some(ticket) => {
            let session = id.parse().map_err(|_| ApiError::NoSuchSession)?;
            app.redeem_ticket(ticket, session)
        }
        None => {
            let caller = Caller::of(app, headers, accepted).await?;
            caller.needs(Right::View)?;
            Ok(caller.grant(caller.most()))
        }
    }
}

/// A handshake that keeps RFC 6455 section 4.2.1.
struct Offer {
    accept: HeaderValue,
    ticket: Option<String>,
}

impl Offer {
    fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let is_upgrade = has_token(headers, header::CONNECTION, "upgrade")
            && has_token(headers, header::UPGRADE, "websocket")
            && only(headers, header::SEC_WEBSOCKET_VERSION) == Some("13");
        let key = only(headers, header::SEC_WEBSOCKET_KEY).filter(|key| {
            // Sixteen random bytes.
            STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16)
        });
        let offers: Vec<_> = tokens(headers, header::SEC_WEBSOCKET_PROTOCOL).collect();
        let (Some(key), true) = (key, is_upgrade && offers.contains(&SUBPROTOCOL)) else {
            return Err(ApiError::UpgradeRequired);
        };
        let mut tickets = offers.iter().filter_map(|offer| offer.strip_prefix(TICKET_PREFIX));
        let ticket = tickets.next().map(ToOwned::to_owned);
        if tickets.next().is_some() {
            return Err(ApiError::InvalidTicket);
        }
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| ApiError::UpgradeRequired)?;
        Ok(Self { accept, ticket })
    }

    fn accepted(self) -> Response {
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
            (header::SEC_WEBSOCKET_ACCEPT, self.accept),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
    }
}

fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn has_token(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// What the query asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    from: Begin,
    client: Option<ClientId>,
    access: Option<Access>,
    size: Option<Size>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WishQuery {
    from: Option<String>,
    scrollback: Option<u64>,
    client: Option<String>,
    access: Option<Access>,
    cols: Option<u64>,
    rows: Option<u64>,
}

impl Wish {
    fn read(uri: &Uri) -> Result<Self, ApiError> {
        let invalid = |why: &str| ApiError::InvalidQuery(why.to_owned());
        let Query(query) = Query::<WishQuery>::try_from_uri(uri)
            .map_err(|_| invalid("only from, scrollback, client, access, cols and rows are known, each once"))?;
        let scrollback =
            query.scrollback.map_or(SCROLLBACK_LINES, |lines| usize::try_from(lines).unwrap_or(usize::MAX));
        let from = match query.from.as_deref() {
            None | Some("snapshot") => Begin::Screen { scrollback },
            Some("start") => Begin::Start,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Begin::At(Offset(digits.parse().map_err(|_| invalid("from: too large"))?))
            }
            Some(_) => return Err(invalid("from: must be an offset, snapshot or start")),
        };
        let client = query.client.map(|id| id.parse()).transpose();
        let size = match (query.cols, query.rows) {
            (None, None) => None,
            (Some(cols), Some(rows)) => {
                Some(Size::new(cols, rows).map_err(|error| ApiError::InvalidQuery(error.to_string()))?)
            }
            _ => return Err(invalid("cols and rows go together")),
        };
        Ok(Self { from, client: client.map_err(|_| invalid("client: not a client id"))?, access: query.access, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_counts_requests_finds_tickets_where_clients_offer_them() {
        assert_eq!(crate::auth::ticket::OFFERED_AS, TICKET_PREFIX);
    }

    #[test]
    fn a_query_is_read_whole_or_refused() {
        let read = |query: &str| Wish::read(&format!("/ws?{query}").parse().expect("a URI"));
        let nothing =
            Wish { from: Begin::Screen { scrollback: SCROLLBACK_LINES }, client: None, access: None, size: None };
        assert_eq!(read(""), Ok(nothing));
        assert_eq!(read("from=7").map(|wish| wish.from), Ok(Begin::At(Offset(7))));
        assert_eq!(read("from=start").map(|wish| wish.from), Ok(Begin::Start));
        assert_eq!(read("scrollback=0").map(|wish| wish.from), Ok(Begin::Screen { scrollback: 0 }));
        assert_eq!(
            read("access=view&cols=80&rows=24").map(|wish| (wish.access, wish.size)),
            Ok((Some(Access::View), Some(Size::DEFAULT)))
        );
        for refused in [
            "from=-1",
            "from=+1",
            "from=x",
            "from=",
            "client=x",
            "access=own",
            "cols=80",
            "cols=0&rows=1",
            "form=1",
            "scrollback=-1",
        ] {
            let is_refused = matches!(read(refused), Err(ApiError::InvalidQuery(_)));
            assert!(is_refused, "{refused}");
        }
    }

    #[test]
    fn only_a_whole_handshake_is_an_offer() {
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "fantail.v1, ticket.abc"),
        ];
        let read = |headers: &[(&'static str, &'static str)]| {
            let pairs =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            Offer::read(&pairs.collect())
        };
        let offer = read(&whole).expect("whole");
        assert_eq!(offer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(offer.ticket.as_deref(), Some("abc"));
        for (index, broken) in [(0, "keep-alive"), (1, "h2c"), (2, "12"), (3, "c2hvcnQ="), (4, "ticket.abc")] {
            let mut headers = whole;
            headers[index].1 = broken;
            assert_eq!(read(&headers).err(), Some(ApiError::UpgradeRequired), "{broken}");
        }
    }
}
