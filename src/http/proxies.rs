//! Whom a request comes from when a proxy has passed it on, and which proxies' word is taken for it.
//!
//! Anyone can write `X-Forwarded-For`. It counts only from peers that the configuration names, and of what it says only
//! the last address that is not such a proxy itself: what stands before it, the client has written.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The proxies whose word is taken.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// What a trusted proxy says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// Whom it comes from.
    pub(super) client: IpAddr,
    /// Whether it came to the proxy by https.
    pub(super) https: bool,
}

impl TrustedProxies {
    /// Those in these networks.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether that peer is one of them.
    pub(super) fn contain(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// What `peer` says, if its word is taken.
    pub(super) fn forwarded(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Forwarded> {
        if !self.contain(peer) {
            return None;
        }
        let peer = peer.to_canonical();
        let (written, standard) = (items(headers, &FOR), elements(headers, "for"));
        // A proxy writes one of the two and may pass on the other as its client wrote it. Where they differ nobody can
        // tell which is whose, and the request is the proxy's own.
        let client = match (self.last_stranger(peer, &written), self.last_stranger(peer, &standard)) {
            (None, None) => peer,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) => {
                if one == other {
                    one
                } else {
                    peer
                }
            }
        };
        let scheme = items(headers, &PROTO).pop().or_else(|| elements(headers, "proto").pop());
        Some(Forwarded { client, https: scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) })
    }

    /// The last of the hops that is not a trusted proxy, or the first of all where all are. What is no address ends the
    /// way back: who wrote it is the last that is known. None when there are no hops.
    fn last_stranger(&self, peer: IpAddr, hops: &[String]) -> Option<IpAddr> {
        let mut last = (!hops.is_empty()).then_some(peer)?;
        for hop in hops.iter().rev() {
            let Some(address) = address(hop) else { break };
            last = address;
            if !self.contain(address) {
                break;
            }
        }
        Some(last)
    }
}

/// The items of a header's lists, in order.
fn items(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    // What is not text stays an item that is no address, so that nothing behind it moves into its place.
    let lines = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
    lines.flat_map(|line| line.split(',')).map(|item| item.trim().to_owned()).collect()
}

/// What the elements of `Forwarded` (RFC 7239) give for a parameter, in order; empty for one that does not give it.
fn elements(headers: &HeaderMap, parameter: &str) -> Vec<String> {
    let value = |element: String| {
        let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut named = pairs.filter(|(name, _)| name.eq_ignore_ascii_case(parameter)).map(|(_, value)| value);
        named.next().unwrap_or_default().trim_matches('"').to_owned()
    };
    items(headers, &header::FORWARDED).into_iter().map(value).collect()
}

/// An address as proxies write it: with a port or without, IPv6 in brackets or bare.
fn address(written: &str) -> Option<IpAddr> {
    let bare = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(written);
    let address = bare.parse().ok().or_else(|| written.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(peer: &str, headers: &[(&str, &str)]) -> Option<(String, bool)> {
        let networks = ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"].map(|network| network.parse().unwrap());
        let mut written = HeaderMap::new();
        for (name, value) in headers {
            written.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let forwarded = TrustedProxies::new(networks.into()).forwarded(peer.parse().unwrap(), &written)?;
        Some((forwarded.client.to_string(), forwarded.https))
    }

    fn client(headers: &[(&str, &str)]) -> String {
        said("127.0.0.1", headers).unwrap().0
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let claim = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];
        assert_eq!(said("192.168.1.5", &claim), None);
        assert_eq!(said("127.0.0.2", &claim), None);
        for proxy in ["10.1.1.1", "fd00::1", "127.0.0.1", "::ffff:10.1.1.1"] {
            assert_eq!(said(proxy, &claim), Some(("1.2.3.4".into(), true)), "{proxy}");
        }
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_no_proxy() {
        for (hops, expected) in [
            ("1.2.3.4", "1.2.3.4"),
            ("9.9.9.9, 1.2.3.4", "1.2.3.4"),
            ("9.9.9.9, 1.2.3.4, 10.0.0.2, fd00::7", "1.2.3.4"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("1.2.3.4:5678", "1.2.3.4"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("1.2.3.4, unknown", "127.0.0.1"),
            ("1.2.3.4, unknown, 10.0.0.2", "10.0.0.2"),
            ("1.2.3.4,", "127.0.0.1"),
        ] {
            assert_eq!(client(&[("x-forwarded-for", hops)]), expected, "{hops}");
        }
        assert_eq!(client(&[("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "1.2.3.4")]), "1.2.3.4");
        assert_eq!(client(&[]), "127.0.0.1");
    }

    #[test]
    fn the_standard_header_says_the_same_and_two_that_differ_say_nothing() {
        let standard = r#"for=9.9.9.9, For="[2001:db8::1]:80";proto=https;by=10.0.0.2"#;
        assert_eq!(said("10.0.0.1", &[("forwarded", standard)]), Some(("2001:db8::1".into(), true)));
        let agreed = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.4")];
        assert_eq!(client(&agreed), "1.2.3.4");
        let spoofed = [("forwarded", "for=9.9.9.9"), ("x-forwarded-for", "1.2.3.4")];
        assert_eq!(client(&spoofed), "127.0.0.1");
        assert_eq!(client(&[("forwarded", "for=_hidden")]), "127.0.0.1");
        assert_eq!(client(&[("forwarded", "proto=https")]), "127.0.0.1");
    }
}
