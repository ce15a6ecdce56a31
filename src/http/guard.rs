//! Who may talk to this server at all, whatever they ask for: the name they call it by, the page they come from, and
//! no credential in a URL. Stands outside the router, so that no route can be added without it.
//!
//! A page of another site can make a browser send requests here; it cannot choose `Origin`, and a name it has pointed
//! at this address (DNS rebinding) stands in `Host`. Both are compared with the few names that are right, never parsed for
//! likeness.

use std::net::IpAddr;

use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use super::connection::{Connection, Local};
use super::cors::Guest;
use super::error::ApiError;

/// Query parameters under which people put credentials. They end up in proxies' logs and browsers' histories.
const CREDENTIALS: [&str; 8] =
    ["token", "access_token", "accesstoken", "refresh_token", "refreshtoken", "ticket", "auth", "authorization"];

/// What a connection to loopback may be called by, besides its address.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Not written in a URL.
const HTTP_PORT: u16 = 80;
/// Not written in a URL either.
const HTTPS_PORT: u16 = 443;
/// What a Unix socket is called.
const UNIX_HOST: &str = "localhost";
/// Where a browser says how the page that asks and this server are related. No page can choose it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How a request called this server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Called {
    /// By an address or name of this machine.
    Local,
    /// By a name it is served under.
    Public,
}

/// What the guard has found of a request that it lets pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Admitted {
    /// The page of another site that asks, if one does.
    pub(super) guest: Option<Guest>,
    /// Whether the name it was called by is this server's alone, whatever port is asked there.
    pub(super) by_own_name: bool,
}

/// The names of this server.
pub(super) struct Guard {
    /// As configured: `https://host[:port]`.
    public_origins: Vec<String>,
    /// Their hosts, with and without the scheme's own port.
    public_hosts: Vec<String>,
    /// Of other sites whose pages are let in.
    guest_origins: Vec<String>,
}

impl Guard {
    pub(super) fn new(public_origins: Vec<String>, guest_origins: Vec<String>) -> Self {
        let public_hosts = public_origins.iter().flat_map(|origin| hosts_of(origin)).collect();
        Self { public_origins, public_hosts, guest_origins }
    }

    /// Lets a request pass or says why not.
    pub(super) fn check(&self, request: &Parts, connection: &Connection) -> Result<Admitted, ApiError> {
        let host = single(&request.headers, &header::HOST).map_err(|_| ApiError::ForeignHost)?;
        let absolute = request.uri.authority().map(axum::http::uri::Authority::as_str);
        // HTTP/2 has it in the target, and need not say it twice.
        let host = host.or(absolute.filter(|_| request.version == Version::HTTP_2)).ok_or(ApiError::ForeignHost)?;
        if absolute.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) {
            return Err(ApiError::ForeignHost);
        }
        let called = self.called(host, connection).ok_or(ApiError::ForeignHost)?;
        let origin = single(&request.headers, &header::ORIGIN).map_err(|_| ApiError::ForeignOrigin)?;
        let guest = match origin.filter(|origin| !self.is_ours(origin, called, connection)) {
            Some(foreign) => Some(self.guest(foreign).ok_or(ApiError::ForeignOrigin)?),
            None => None,
        };
        if guest.is_none() && !is_of_no_other_site(request, origin) {
            return Err(ApiError::ForeignOrigin);
        }
        no_credential_in_query(request)?;
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port != HTTPS_PORT.to_string());
        Ok(Admitted { guest, by_own_name: called == Called::Public && !has_port })
    }

    fn guest(&self, origin: &str) -> Option<Guest> {
        let known = self.guest_origins.iter().any(|guest| guest == origin);
        HeaderValue::from_str(origin).ok().filter(|_| known).map(Guest)
    }

    fn called(&self, host: &str, connection: &Connection) -> Option<Called> {
        if is_local(host, connection.local) {
            return Some(Called::Local);
        }
        self.public_hosts.iter().any(|public| public.eq_ignore_ascii_case(host)).then_some(Called::Public)
    }

    /// Whether a page of that origin is ours. Browsers write origins in one way only, so it is compared as it is. A
    /// request for the public name must come from there: `http://localhost` is then the caller's machine, not ours.
    fn is_ours(&self, origin: &str, called: Called, connection: &Connection) -> bool {
        let is_lower = || !origin.bytes().any(|byte| byte.is_ascii_uppercase());
        let scheme = match connection.local {
            Local::Tcp { tls: true, .. } => "https://",
            Local::Tcp { tls: false, .. } => "http://",
            // No browser opens a page from there.
            Local::Unix => return self.public_origins.iter().any(|ours| ours == origin),
        };
        let local = || origin.strip_prefix(scheme).is_some_and(|host| is_lower() && is_local(host, connection.local));
        self.public_origins.iter().any(|ours| ours == origin) || (called == Called::Local && local())
    }
}

/// Whether `host` means the address this connection was made to: its literal, and on loopback the names of loopback. The
/// port may be left out where it is that of what is spoken there.
fn is_local(host: &str, local: Local) -> bool {
    let Local::Tcp { address, tls } = local else { return host.eq_ignore_ascii_case(UNIX_HOST) };
    let (ip, port) = (address.ip().to_canonical(), address.port());
    let usual_port = if tls { HTTPS_PORT } else { HTTP_PORT };
    let name = match host.rsplit_once(':') {
        Some((name, written)) if !written.ends_with(']') => {
            // As a browser writes it: no sign, no zeros in front.
            let is_plain = written.starts_with(|first| ('1'..='9').contains(&first));
            if !is_plain || written.parse() != Ok(port) {
                return false;
            }
            name
        }
        _ if port == usual_port => host,
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

/// Whether the browser that has made a request that may change something says that no other site's page made it. Says
/// nothing against programs, nor against browsers that do not tell and come from a page of ours; a cookie alone, which
/// browsers send by themselves, is not enough.
fn is_of_no_other_site(request: &Parts, origin: Option<&str>) -> bool {
    if request.method.is_safe() {
        return true;
    }
    let headers = &request.headers;
    let by_itself = headers.contains_key(header::AUTHORIZATION) || !headers.contains_key(header::COOKIE);
    match single(headers, &SEC_FETCH_SITE) {
        Ok(Some("same-origin")) => true,
        Ok(Some("none")) => by_itself,
        Ok(None) => by_itself || origin.is_some(),
        Ok(Some(_)) | Err(Ambiguous) => false,
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
