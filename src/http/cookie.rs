//! The cookies in which a browser keeps what no script may see: the refresh token of its login, that of a share, and by
//! what it is known again.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::SignedDuration;
use uuid::Uuid;

use super::error::ApiError;
use crate::auth::oidc::STATE_LIFETIME;
use crate::auth::refresh::REFRESH_LIFETIME;

/// How long a browser is known again: a year, anew with each login.
const DEVICE_LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);

/// One of our cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The refresh token of a login.
    Refresh,
    /// The refresh token of whoever came by a share of this session: a browser can have several.
    Share(Uuid),
    /// By what a browser that has logged in is known again. It lets nobody in.
    Device,
    /// By what a browser shows that it has begun the login that it comes back with from a provider.
    Oidc,
}

impl Cookie {
    fn name(self) -> Cow<'static, str> {
        match self {
            Self::Refresh => "fantail_refresh".into(),
            Self::Share(session) => format!("fantail_share_{}", session.simple()).into(),
            Self::Device => "fantail_device".into(),
            Self::Oidc => "fantail_oidc".into(),
        }
    }

    /// Where it is sent on plain http, which has no prefix that keeps neighbours from planting it.
    const fn path(self) -> &'static str {
        match self {
            Self::Refresh | Self::Device => "/api/auth",
            Self::Share(_) => "/api/shares",
            Self::Oidc => "/api/auth/oidc",
        }
    }

    const fn lifetime(self) -> SignedDuration {
        match self {
            Self::Refresh | Self::Share(_) => REFRESH_LIFETIME,
            Self::Device => DEVICE_LIFETIME,
            Self::Oidc => STATE_LIFETIME,
        }
    }

    /// Whether it is sent when a link of another site is followed here: only where that is its purpose.
    const fn same_site(self) -> &'static str {
        match self {
            Self::Refresh | Self::Share(_) | Self::Device => "Strict",
            Self::Oidc => "Lax",
        }
    }

    /// Its value. Without an `Origin` it does not count: then nothing says which page has made the browser send it.
    ///
    /// # Errors
    /// When there are several: one of them was planted by a neighbouring host, and we cannot tell which.
    pub(super) fn read(self, headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
        if !headers.contains_key(header::ORIGIN) {
            return Ok(None);
        }
        let name = format!("{}{}", prefix(headers), self.name());
        let written = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = written.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        let mut ours = pairs.filter(|(its, _)| *its == name).map(|(_, value)| value);
        match (ours.next(), ours.next()) {
            (_, Some(_)) => Err(ApiError::InvalidToken),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// The header that sets it.
    pub(super) fn set(self, value: &str, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
        self.written(value, self.lifetime().as_secs(), headers)
    }

    /// The header that removes it.
    pub(super) fn clear(self, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
        self.written("", 0, headers)
    }

    fn written(self, value: &str, seconds: i64, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
        let (prefix, name, same_site) = (prefix(headers), self.name(), self.same_site());
        // The prefix is kept only by a cookie of the whole host that came by https (RFC 6265bis section 4.1.3.2).
        let place = if prefix.is_empty() { format!("; Path={}", self.path()) } else { "; Path=/; Secure".into() };
        let cookie = format!("{prefix}{name}={value}; HttpOnly; SameSite={same_site}{place}; Max-Age={seconds}");
        let mut value = HeaderValue::try_from(cookie).map_err(|_| ApiError::Internal)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// What the names of cookies begin with where the page came by https. On plain http a browser would not keep one that
/// is `Secure`.
fn prefix(headers: &HeaderMap) -> &'static str {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin.is_some_and(|origin| origin.starts_with("https://")) { "__Host-" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_counts_only_from_a_page_and_only_when_there_is_one() {
        let read = |pairs: &[_]| Cookie::Refresh.read(&headers(pairs)).map(|value| value.map(str::to_owned));
        let origin = (header::ORIGIN, "https://a.example");
        let cookie = (header::COOKIE, "x=1; __Host-fantail_refresh=abc; y=2");
        assert_eq!(read(&[origin.clone(), cookie.clone()]), Ok(Some("abc".into())));
        assert_eq!(read(std::slice::from_ref(&cookie)), Ok(None), "no origin");
        assert_eq!(read(std::slice::from_ref(&origin)), Ok(None));
        let planted = (header::COOKIE, "__Host-fantail_refresh=evil");
        assert_eq!(read(&[origin.clone(), cookie, planted]), Err(ApiError::InvalidToken));
        let unprotected = (header::COOKIE, "fantail_refresh=evil");
        assert_eq!(read(&[origin, unprotected.clone()]), Ok(None), "any neighbour can set that one");
        assert_eq!(read(&[(header::ORIGIN, "http://localhost:1"), unprotected]), Ok(Some("evil".into())));
    }

    #[test]
    fn a_cookie_belongs_to_the_host_alone_where_the_page_came_by_https() {
        let https = Cookie::Refresh.set("abc", &headers(&[(header::ORIGIN, "https://a.example")])).unwrap();
        let expected = "__Host-fantail_refresh=abc; HttpOnly; SameSite=Strict; Path=/; Secure; Max-Age=2592000";
        assert_eq!(https, expected);
        assert!(!format!("{https:?}").contains("abc"), "hidden from logs");
        let http = Cookie::Refresh.set("abc", &headers(&[])).unwrap();
        assert_eq!(http, "fantail_refresh=abc; HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age=2592000");
        let oidc = Cookie::Oidc.set("abc", &headers(&[])).unwrap();
        assert_eq!(oidc, "fantail_oidc=abc; HttpOnly; SameSite=Lax; Path=/api/auth/oidc; Max-Age=600");
    }
}
