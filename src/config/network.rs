//! What the settings of the net must be: how it is listened, and whose word on who calls is taken.

use std::net::IpAddr;
use std::path::PathBuf;

use axum::http::Uri;
use ipnet::IpNet;

use super::Environment;
use super::check::{Wrong, named_path, wrong};
use super::raw::Raw;

/// What TLS is served with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// These PEM files.
    Files {
        /// The certificate, and those behind it.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// A certificate that the server makes and keeps.
    SelfSigned,
}

/// What TLS is to be served with, if anything.
pub(super) fn tls(raw: &Raw, environment: &Environment) -> Result<Option<Tls>, Wrong> {
    let cert = named_path("tls_cert", &raw.tls_cert, environment)?;
    let key = named_path("tls_key", &raw.tls_key, environment)?;
    match (cert, key, raw.tls_self_signed) {
        (Some(_), _, true) => wrong("tls_self_signed", "not together with `tls_cert`"),
        (Some(cert), Some(key), false) => Ok(Some(Tls::Files { cert, key })),
        (Some(_), None, false) => wrong("tls_cert", "needs `tls_key`, the file with its private key"),
        (None, Some(_), _) => wrong("tls_key", "needs `tls_cert`, the file with its certificate"),
        (None, None, true) => Ok(Some(Tls::SelfSigned)),
        (None, None, false) => Ok(None),
    }
}

/// The networks that `trusted_proxies` names. A bare address is a network of one.
pub(super) fn trusted_proxies(raw: &Raw) -> Result<Vec<IpNet>, Wrong> {
    let parsed = raw.trusted_proxies.iter().map(|written| {
        let address = || written.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
        let network = written.parse().or_else(|_| address());
        network.or_else(|_| {
            let rule = format!("{written:?} is neither an address nor a block such as 10.0.0.0/8");
            wrong("trusted_proxies", rule)
        })
    });
    parsed.collect()
}

/// Beyond this machine nothing may be sent in clear: a password that is read on the way opens a shell.
pub(super) fn check_the_open_net(raw: &Raw, tls: Option<&Tls>, proxies: &[IpNet]) -> Result<(), Wrong> {
    if raw.behind_tls_proxy && tls.is_some() {
        return wrong("behind_tls_proxy", "not together with `tls_cert` or `tls_self_signed`");
    }
    if raw.bind.to_canonical().is_loopback() || tls.is_some() || (raw.behind_tls_proxy && !proxies.is_empty()) {
        return Ok(());
    }
    if raw.behind_tls_proxy {
        return wrong("behind_tls_proxy", "beyond a loopback `bind` needs `trusted_proxies`, the proxy's addresses");
    }
    wrong(
        "bind",
        format!(
            "{} can be reached from other machines: set `tls_cert` and `tls_key`, or `tls_self_signed`, or \
             `behind_tls_proxy` with `trusted_proxies`",
            raw.bind
        ),
    )
}

/// Origins as browsers write them.
pub(super) fn origins(key: &'static str, written: &[String]) -> Result<Vec<String>, Wrong> {
    let parse = |written: &String| {
        let rule = || format!("{written:?} is not an origin such as https://term.example.org");
        origin(written).map_or_else(|| wrong(key, rule()), Ok)
    };
    written.iter().map(parse).collect()
}

/// An origin as a browser writes it: `https://host[:port]`, lower case, without the scheme's own port.
fn origin(written: &str) -> Option<String> {
    let uri = written.parse::<Uri>().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let usual_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    if !bare || authority.host().is_empty() || written.contains(['#', '*']) {
        return None;
    }
    let host = authority.host().to_ascii_lowercase();
    Some(match authority.port_u16() {
        Some(port) if port != usual_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}
