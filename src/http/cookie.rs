//! The cookie in which a browser keeps its refresh token, out of reach of any script.

use axum::http::{HeaderMap, HeaderValue, header};

use super::error::ApiError;
use crate::auth::refresh::REFRESH_LIFETIME;

const NAME: &str = "fantail_refresh";
/// Sent nowhere but where it is used, by no page but ours, and shown to no script.
const ATTRIBUTES: &str = "HttpOnly; SameSite=Strict; Path=/api/auth";

/// The refresh token of the cookie. Without an `Origin` it does not count: then nothing says which page has made the
/// browser send it.
///
/// # Errors
/// When there are several: one of them was planted by a neighbouring host, and we cannot tell which.
pub(super) fn refresh_token(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(None);
    }
    let written = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = written.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value);
    match (ours.next(), ours.next()) {
        (_, Some(_)) => Err(ApiError::InvalidToken),
        (token, None) => Ok(token.filter(|token| !token.is_empty())),
    }
}

/// The header that sets the cookie.
pub(super) fn set(token: &str, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    written(token, REFRESH_LIFETIME.as_secs(), headers)
}

/// The header that removes it.
pub(super) fn clear(headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    written("", 0, headers)
}

fn written(token: &str, seconds: i64, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    // On plain http a browser would not keep a `Secure` cookie, so it is one only where the page came by https.
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let secure = if origin.is_some_and(|origin| origin.starts_with("https://")) { "; Secure" } else { "" };
    let cookie = format!("{NAME}={token}; {ATTRIBUTES}; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::try_from(cookie).map_err(|_| ApiError::Internal)?;
    value.set_sensitive(true);
    Ok(value)
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
    fn the_cookie_counts_only_from_a_page_and_only_when_there_is_one() {
        let origin = (header::ORIGIN, "https://a.example");
        let cookie = (header::COOKIE, "x=1; fantail_refresh=abc; y=2");
        assert_eq!(refresh_token(&headers(&[origin.clone(), cookie.clone()])), Ok(Some("abc")));
        assert_eq!(refresh_token(&headers(std::slice::from_ref(&cookie))), Ok(None), "no origin");
        assert_eq!(refresh_token(&headers(std::slice::from_ref(&origin))), Ok(None));
        let planted = (header::COOKIE, "fantail_refresh=evil");
        assert_eq!(refresh_token(&headers(&[origin, cookie, planted])), Err(ApiError::InvalidToken));
    }

    #[test]
    fn the_cookie_is_secure_where_the_page_came_by_https() {
        let https = set("abc", &headers(&[(header::ORIGIN, "https://a.example")])).unwrap();
        let expected = "fantail_refresh=abc; HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age=2592000; Secure";
        assert_eq!(https, expected);
        assert!(!set("abc", &headers(&[])).unwrap().to_str().unwrap().contains("Secure"));
        assert!(!format!("{https:?}").contains("abc"), "hidden from logs");
    }
}
