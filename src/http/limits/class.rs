//! The table of classes: by which limit each route is held.

use axum::http::Method;

/// Lines above the screen from which on a look at it is expensive: below it one costs about what a page of the list does.
const DEEP_LINES: u32 = 2000;

/// What kind of request it is, besides one of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Whether we are there: never refused, because whoever watches over us would take us for dead.
    Health,
    /// Any other.
    Ordinary,
    /// Makes or changes what stays: users, tokens, shares, grants. What takes something away is ordinary: whoever has to
    /// lock somebody out is not told to wait.
    Save,
    /// Starts a program.
    Opening,
    /// A ticket for a WebSocket.
    Ticket,
    /// Becomes a WebSocket: one request, often with a ticket only. What comes over it has bounds of its own.
    Upgrade,
    /// Has much computed for one answer.
    Expensive,
    /// Shows a credential that may be a guess. Its handler counts what fails, since only that counts.
    Attempt,
}

impl Class {
    /// The class of a route: method and path as they stand in the router's table. None for one that is not listed, which
    /// a test forbids.
    pub(super) fn of(method: &Method, path: &str, query: Option<&str>) -> Option<Self> {
        Some(match (method.as_str(), path) {
            ("GET" | "HEAD", "/health" | "/api/health") => Self::Health,
            ("POST", "/api/auth/login" | "/api/auth/link" | "/api/auth/refresh" | "/api/auth/logout") => Self::Attempt,
            ("POST", "/api/shares/enter" | "/api/shares/renew") => Self::Attempt,
            // Also an attempt where it shows the password there is.
            ("PATCH", "/api/auth/me") => Self::Save,
            ("POST", "/api/tokens" | "/api/users" | "/api/users/{id}/link") => Self::Save,
            ("PATCH", "/api/users/{id}") => Self::Save,
            ("POST", "/api/sessions/{id}/shares") | ("PUT", "/api/sessions/{id}/grants/{user}") => Self::Save,
            ("POST", "/api/sessions" | "/api/sessions/{id}/reopen") => Self::Opening,
            ("POST", "/api/auth/ticket") => Self::Ticket,
            // A state that one comes back with is of 256 random bits, goes with a cookie, and cannot be guessed.
            ("GET" | "HEAD", "/api/auth/oidc" | "/api/auth/oidc/{provider}/callback") => Self::Ordinary,
            ("POST", "/api/auth/oidc/{provider}/begin" | "/api/auth/me/identities") => Self::Ordinary,
            ("GET" | "HEAD", "/api/auth/me/identities") | ("DELETE", "/api/auth/me/identities/{id}") => Self::Ordinary,
            ("GET" | "HEAD", "/api/sessions/{id}/screen" | "/api/sessions/{id}/snapshot") if is_deep(query) => {
                Self::Expensive
            }
            ("GET" | "HEAD", "/api/sessions/{id}/screen" | "/api/sessions/{id}/snapshot") => Self::Ordinary,
            ("GET" | "HEAD", "/api/sessions/{id}/text" | "/api/sessions/{id}/output") => Self::Ordinary,
            ("GET" | "HEAD", "/api/auth/me" | "/api/auth/logins" | "/api/tokens" | "/api/audit") => Self::Ordinary,
            ("GET" | "HEAD", "/api/users" | "/api/users/{id}" | "/api/profiles") => Self::Ordinary,
            ("GET" | "HEAD", "/api/sessions" | "/api/sessions/{id}") => Self::Ordinary,
            ("GET" | "HEAD", "/api/sessions/{id}/shares" | "/api/sessions/{id}/grants") => Self::Ordinary,
            ("DELETE", "/api/auth/logins" | "/api/auth/logins/{id}" | "/api/tokens/{id}") => Self::Ordinary,
            ("DELETE", "/api/users/{id}/logins" | "/api/sessions/{id}") => Self::Ordinary,
            ("DELETE", "/api/sessions/{id}/shares/{share}" | "/api/sessions/{id}/grants/{user}") => Self::Ordinary,
            ("PATCH", "/api/sessions/{id}") => Self::Ordinary,
            ("POST", "/api/sessions/{id}/resize" | "/api/sessions/{id}/input" | "/api/sessions/{id}/signal") => {
                Self::Ordinary
            }
            ("GET", "/api/sessions/{id}/ws") => Self::Upgrade,
            ("GET" | "HEAD", "/" | "/s/{id}" | "/account" | "/users" | "/audit" | "/openapi.json") => Self::Ordinary,
            _ => return None,
        })
    }

    /// As refusals name it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Ordinary | Self::Upgrade => "requests",
            Self::Save => "saves",
            Self::Opening => "openings",
            Self::Ticket => "tickets",
            Self::Expensive => "expensive",
            Self::Attempt => "attempts",
        }
    }

    /// As people do.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Health | Self::Ordinary | Self::Upgrade => "requests",
            Self::Save => "changes",
            Self::Opening => "sessions opened",
            Self::Ticket => "tickets",
            Self::Expensive => "deep looks",
            Self::Attempt => "failed attempts",
        }
    }
}

/// Whether more is asked for than a few screens.
fn is_deep(query: Option<&str>) -> bool {
    let parameters = query.unwrap_or_default().split('&').filter_map(|parameter| parameter.split_once('='));
    // What is no number is refused by the route.
    parameters
        .filter(|(name, _)| *name == "scrollback")
        .any(|(_, lines)| lines.parse().is_ok_and(|lines: u32| lines > DEEP_LINES))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The routes there are, as `METHOD path`, read from where they are made.
    fn routes() -> BTreeSet<(String, String)> {
        let mut routes = BTreeSet::new();
        for source in [include_str!("../mod.rs"), include_str!("../../ws/upgrade.rs")] {
            for row in source.split(".route(\"").skip(1) {
                let (path, rest) = row.split_once('"').unwrap();
                let handlers = rest.split('\n').next().unwrap();
                for method in ["get", "post", "put", "patch", "delete"] {
                    if handlers.contains(&format!("{method}(")) {
                        routes.insert((method.to_uppercase(), path.to_owned()));
                    }
                }
            }
        }
        routes
    }

    #[test]
    fn every_route_has_a_class() {
        let routes = routes();
        assert!(routes.len() > 40, "{routes:?}");
        for (method, path) in routes {
            let class = Class::of(&method.parse().unwrap(), &path, None);
            assert!(class.is_some(), "{method} {path} has no class");
        }
    }

    #[test]
    fn a_deep_look_is_expensive_however_its_parameters_are_ordered() {
        let class = |query| Class::of(&Method::GET, "/api/sessions/{id}/snapshot", Some(query));
        for deep in ["scrollback=2001", "format=json&scrollback=10000", "scrollback=1&scrollback=9999"] {
            assert_eq!(class(deep), Some(Class::Expensive), "{deep}");
        }
        for shallow in ["", "scrollback=2000", "scrollback=many", "lines=9999"] {
            assert_eq!(class(shallow), Some(Class::Ordinary), "{shallow}");
        }
    }
}
