//! How providers are asked: in time, in size, encrypted, and nobody but whom the settings and the provider itself name.

use std::time::Duration;

use axum::http::uri::Scheme;
use futures_util::future::BoxFuture;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;

/// How long a provider may take for one answer, and for the connection to it. Somebody waits before a browser.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Longest answer read, in bytes: keys and tokens take some dozens of KiB.
const ANSWER_MAX: usize = 512 * 1024;
/// What a provider on this machine may be called.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Why a provider did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("an address that is not encrypted")]
    InClear,
    #[error("an answer of more than {ANSWER_MAX} bytes")]
    TooLarge,
    /// Without its address, which has no business in a log.
    #[error("{0}")]
    Failed(reqwest::Error),
}

/// Asks one provider.
#[derive(Clone)]
pub(super) struct Fetch {
    client: reqwest::Client,
    /// Whether the provider is a program on this machine, which may be asked in clear.
    is_local: bool,
}

impl Fetch {
    /// What asks the provider of that address.
    pub(super) fn of(issuer: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            // Only what the settings say counts, not what the environment does.
            .no_proxy()
            .redirect(Policy::none())
            .timeout(ANSWER_DEADLINE)
            .connect_timeout(CONNECT_DEADLINE)
            .user_agent(concat!("fantail/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, is_local: issuer.starts_with("http://") })
    }

    /// Whether an address that the provider names may be used, by us or by a browser.
    pub(super) fn may_use(&self, uri: &axum::http::Uri) -> bool {
        let in_clear = || self.is_local && uri.host().is_some_and(|host| LOOPBACK.contains(&host));
        uri.scheme() == Some(&Scheme::HTTPS) || (uri.scheme() == Some(&Scheme::HTTP) && in_clear())
    }

    /// The provider's answer.
    pub(super) async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        if !self.may_use(request.uri()) {
            return Err(FetchError::InClear);
        }
        let failed = |error: reqwest::Error| FetchError::Failed(error.without_url());
        let mut answer = self.client.execute(request.try_into().map_err(failed)?).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > ANSWER_MAX {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Fetch {
    type Error = FetchError;
    type Future = BoxFuture<'c, Result<HttpResponse, FetchError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_provider_on_this_machine_is_asked_in_clear_and_only_there() {
        let may = |issuer: &str, uri: &'static str| Fetch::of(issuer).unwrap().may_use(&uri.parse().unwrap());
        assert!(may("https://id.example", "https://keys.example/jwks"));
        assert!(!may("https://id.example", "http://id.example/token"));
        assert!(!may("https://id.example", "http://127.0.0.1/token"));
        assert!(may("http://127.0.0.1:9", "http://127.0.0.1:9/token"));
        assert!(!may("http://127.0.0.1:9", "http://id.example/token"));
        assert!(!may("http://127.0.0.1:9", "ftp://127.0.0.1:9/x"));
    }
}
