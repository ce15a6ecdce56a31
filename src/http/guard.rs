//! Who may talk to this server at all, whatever they ask for: the name they call it by, the page they come from, and
//! no credential in a URL. Stands outside the router, so that no route can be added without it.
//!
//! A page of another site can make a browser send requests here; it cannot choose `Origin`, and a name it has pointed
//! at this address (DNS rebinding) stands in `Host`. Both are compared with the few names that are right, never parsed for
//! likeness.

use std::net::IpAddr;

use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use super::connection::Connection;
use super::error::ApiError;

/// Query parameters under which people put credentials. They end up in proxies' logs and browsers' histories.
const CREDENTIALS: [&str; 8] =
    ["token", "access_token", "accesstoken", "refresh_token", "refreshtoken", "ticket", "auth", "authorization"];

/// What a connection to loopback may be called by, besides its address.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Not written in a URL.
const HTTP_PORT: u16 = 80;

/// How a request called this server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Called {
    /// By an address or name of this machine.
    Local,
    /// By the name a proxy serves it under.
    Public,
}

/// The names of this server.
pub(super) struct Guard {
    /// As configured: `https://host[:port]`.
    public_origins: Vec<String>,
    /// Their hosts, with and without the scheme's own port.
    public_hosts: Vec<String>,
}

impl Guard {
    pub(super) fn new(public_origins: Vec<String>) -> Self {
        let public_hosts = public_origins.iter().flat_map(|origin| hosts_of(origin)).collect();
        Self { public_origins, public_hosts }
    }

    /// Lets a request pass or says why not.
    pub(super) fn check(&self, request: &Parts, connection: &Connection) -> Result<(), ApiError> {
        let host = single(&request.headers, &header::HOST).map_err(|_| ApiError::ForeignHost)?;
        let host = host.ok_or(ApiError::ForeignHost)?;
        let absolute = request.uri.authority().map(axum::http::uri::Authority::as_str);
        if absolute.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) {
            return Err(ApiError::ForeignHost);
        }
        let called = self.called(host, connection).ok_or(ApiError::ForeignHost)?;
        let origin = single(&request.headers, &header::ORIGIN).map_err(|_| ApiError::ForeignOrigin)?;
        if origin.is_some_and(|origin| !self.is_ours(origin, called, connection)) {
            return Err(ApiError::ForeignOrigin);
        }
        no_credential_in_query(request)
    }

    fn called(&self, host: &str, connection: &Connection) -> Option<Called> {
        if is_local(host, connection) {
            return Some(Called::Local);
        }
        self.public_hosts.iter().any(|public| public.eq_ignore_ascii_case(host)).then_some(Called::Public)
    }

    /// Whether a page of that origin is ours. Browsers write origins in one way only, so it is compared as it is. A
    /// request for the public name must come from there: `http://localhost` is then the caller's machine, not ours.
    fn is_ours(&self, origin: &str, called: Called, connection: &Connection) -> bool {
        let is_lower = || !origin.bytes().any(|byte| byte.is_ascii_uppercase());
        let local = || origin.strip_prefix("http://").is_some_and(|host| is_lower() && is_local(host, connection));
        self.public_origins.iter().any(|ours| ours == origin) || (called == Called::Local && local())
    }
}

/// Whether `host` means the address this connection was made to: its literal, and on loopback the names of loopback. The
/// port may be left out where it is that of HTTP.
fn is_local(host: &str, connection: &Connection) -> bool {
    let (ip, port) = (connection.local_ip(), connection.local.port());
    let name = match host.rsplit_once(':') {
        Some((name, written)) if !written.ends_with(']') => {
            // As a browser writes it: no sign, no zeros in front.
            let is_plain = written.starts_with(|first| ('1'..='9').contains(&first));
            if !is_plain || written.parse() != Ok(port) {
                return false;
            }
            name
        }
        _ if port == HTTP_PORT => host,
        _ => return false,
    };
    let is_loopback = || ip.is_loopback() && LOOPBACK.iter().any(|loopback| loopback.eq_ignore_ascii_case(name));
    let is_literal = match ip {
        // There is but one way to write it that is taken.
        IpAddr::V4(ip) => name.parse() == Ok(ip),
        IpAddr::V6(ip) => {
            let written = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            written.is_some_and(|written| written.eq_ignore_ascii_case(&ip.to_string()))
        }
    };
    is_literal || is_loopback()
}

/// The ways the host of an origin is written in a `Host` header.
fn hosts_of(origin: &str) -> Vec<String> {
    let (scheme, host) = origin.split_once("://").unwrap_or(("http", origin));
    let usual_port = if scheme == "https" { ":443" } else { ":80" };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { vec![host.to_owned()] } else { vec![host.to_owned(), format!("{host}{usual_port}")] }
}

/// The header given at most once is there more than once, or is not text.
struct Ambiguous;

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
        _ => Err(Ambiguous),
    }
}

fn no_credential_in_query(request: &Parts) -> Result<(), ApiError> {
    let Query(parameters) = Query::<Vec<(String, String)>>::try_from_uri(&request.uri)
        .map_err(|_| ApiError::InvalidQuery("the query makes no sense".into()))?;
    let looks_like_one = |name: &str| CREDENTIALS.contains(&name.to_ascii_lowercase().as_str());
    if parameters.iter().any(|(name, _)| looks_like_one(name)) { Err(ApiError::CredentialInUrl) } else { Ok(()) }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
