//! The REST API as the commands use it: asking a server to open, list and close sessions.
//!
//! Knows requests and answers, never a terminal.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use super::place::{Local, Place, PlaceError, ServerArgs};
use super::print::printable;
use super::session::{OpenRequest, Session};
use super::trust::TrustError;
use crate::terminal::render::Format;

/// Longest wait for a connection: a server that can be reached answers within a few round trips.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an answer. Closing a session waits for its processes to go, with their grace.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// What the address of a Unix socket begins with.
const UNIX: &str = "unix:";
/// What is asked at the other end of one.
const UNIX_ROOT: &str = "http://localhost/";

/// A server, ready to be asked.
pub(super) struct Client {
    http: reqwest::Client,
    root: Url,
    authorization: Option<HeaderValue>,
    local: Option<Local>,
}

/// Why a request got no answer to use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// No server to ask.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Its certificate cannot be checked.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// What the user named is no address.
    #[error("{0}: not a server's address, such as https://host:port or unix:/path")]
    BadUrl(String),
    /// The token cannot be a header's value.
    #[error("the token holds characters that no token has")]
    BadToken,
    /// The file of a local server outlived it.
    #[error("no server is running (pid {}, named in {}, is gone); start one with `fantail serve`", .0.pid, .0.file.display())]
    Stale(Local),
    /// No connection, or it broke.
    #[error("cannot reach the server at {url}")]
    Unreachable {
        /// Its root.
        url: Url,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// The server said no.
    #[error("{message} ({code})")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The stable code.
        code: String,
        /// The server's words.
        message: String,
    },
    /// Something answered, but not as Fantail does.
    #[error("{url} answered {status}, but not as Fantail does")]
    NotFantail {
        /// Its root.
        url: Url,
        /// The HTTP status.
        status: StatusCode,
    },
}

impl Client {
    /// The server that `args` mean.
    ///
    /// # Errors
    /// When there is none, or its address or token cannot be used. Nothing is sent yet.
    pub(super) fn find(args: &ServerArgs) -> Result<Self, ClientError> {
        Self::at(args.place()?)
    }

    fn at(place: Place) -> Result<Self, ClientError> {
        let bad_url = || ClientError::BadUrl(printable(&place.url));
        let socket = place.url.strip_prefix(UNIX).map(PathBuf::from);
        let mut root = Url::parse(socket.as_ref().map_or(&place.url, |_| UNIX_ROOT)).map_err(|_| bad_url())?;
        let usable = matches!(root.scheme(), "http" | "https") && root.username().is_empty();
        if !usable || root.password().is_some() {
            // Not quoted when it holds a password.
            return Err(if root.password().is_some() { ClientError::BadToken } else { bad_url() });
        }
        root.set_query(None);
        root.set_fragment(None);
        let authorization = place.token.map(|token| bearer(token.reveal())).transpose()?;
        // A proxy would be handed the token, a redirect would lead away from the server that was named.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("fantail/", env!("CARGO_PKG_VERSION")));
        let http = match socket {
            Some(path) => http.unix_socket(path),
            None => place.trust.applied(http)?,
        };
        let http = http.build().map_err(|source| ClientError::Unreachable { url: root.clone(), source })?;
        Ok(Self { http, root, authorization, local: place.local })
    }

    /// Whether the server is one of this machine, whose directories are ours.
    #[must_use]
    pub(super) const fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// # Errors
    /// When the server does not open it.
    pub(super) async fn open(&self, session: &OpenRequest) -> Result<Session, ClientError> {
        let request = self.request(Method::POST, &["api", "sessions"], &[]).timeout(ANSWER_TIMEOUT);
        self.read(self.send(request.json(session)).await?).await
    }

    /// Opens a session in place of one that has ended.
    ///
    /// # Errors
    /// When the server does not open it.
    pub(super) async fn reopen(&self, id: &str) -> Result<Session, ClientError> {
        let request = self.request(Method::POST, &["api", "sessions", id, "reopen"], &[]).timeout(ANSWER_TIMEOUT);
        self.read(self.send(request).await?).await
    }

    /// The sessions, newest first, as the server describes them.
    ///
    /// # Errors
    /// When the server does not tell.
    pub(super) async fn list_json(&self) -> Result<Vec<serde_json::Value>, ClientError> {
        let request = self.request(Method::GET, &["api", "sessions"], &[]).timeout(ANSWER_TIMEOUT);
        self.read(self.send(request).await?).await
    }

    /// The sessions, newest first.
    ///
    /// # Errors
    /// When the server does not tell.
    pub(super) async fn list(&self) -> Result<Vec<Session>, ClientError> {
        let request = self.request(Method::GET, &["api", "sessions"], &[]).timeout(ANSWER_TIMEOUT);
        self.read(self.send(request).await?).await
    }

    /// What a session's terminal shows, below its last lines of scrollback.
    ///
    /// # Errors
    /// When the server does not tell.
    pub(super) async fn screen(&self, id: &str, format: Format, scrollback: u32) -> Result<String, ClientError> {
        let query = [("format", format.name().to_owned()), ("scrollback", scrollback.to_string())];
        let request = self.request(Method::GET, &["api", "sessions", id, "screen"], &query).timeout(ANSWER_TIMEOUT);
        self.send(request).await?.text().await.map_err(|error| self.unreachable(error))
    }

    /// Ends a session and all its processes.
    ///
    /// # Errors
    /// When the server does not.
    pub(super) async fn close(&self, id: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &["api", "sessions", id], &[]).timeout(ANSWER_TIMEOUT);
        self.send(request).await.map(|_| ())
    }

    /// A request to the path of `segments` with `query`, all escaped, with the credential and no deadline yet.
    pub(super) fn request(&self, method: Method, segments: &[&str], query: &[(&str, String)]) -> RequestBuilder {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }

    /// The answer to `request`, if it is not a refusal.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            code: String,
        }
        Err(match response.json::<Refusal>().await {
            Ok(Refusal { error, code }) => {
                ClientError::Refused { status, code: printable(&code), message: printable(&error) }
            }
            Err(_) => ClientError::NotFantail { url: self.root.clone(), status },
        })
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let status = response.status();
        response
            .json()
            .await
            .map_err(|error| if error.is_decode() { self.not_fantail(status) } else { self.unreachable(error) })
    }

    pub(super) fn not_fantail(&self, status: StatusCode) -> ClientError {
        ClientError::NotFantail { url: self.root.clone(), status }
    }

    pub(super) fn unreachable(&self, error: reqwest::Error) -> ClientError {
        match &self.local {
            Some(local) if local.is_gone() => ClientError::Stale(local.clone()),
            _ => ClientError::Unreachable { url: self.root.clone(), source: error.without_url() },
        }
    }
}

fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::BadToken)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::trust::Trust;

    #[test]
    fn an_address_must_be_one_of_http_and_hold_no_credential() {
        let at = |url: &str| {
            Client::at(Place { url: url.into(), token: None, trust: Trust::System, local: None })
                .map(|client| client.root)
        };
        assert_eq!(at("https://h/base/?q#login=x").expect("usable").as_str(), "https://h/base/");
        for url in ["", "h:1", "ftp://h", "http://user@h", "/tmp"] {
            assert!(matches!(at(url), Err(ClientError::BadUrl(_))), "{url}");
        }
        let error = at("http://user:secret@h").expect_err("a credential").to_string();
        assert!(!error.contains("secret"));
    }

    #[test]
    fn a_path_is_built_from_escaped_segments_under_the_address() {
        let place = Place {
            url: "http://h/base".into(),
            token: Some("t".to_owned().into()),
            trust: Trust::System,
            local: None,
        };
        let client = Client::at(place).expect("a client");
        let request = client
            .request(Method::GET, &["api", "sessions", "a/../b?c"], &[("from", "a&b".to_owned())])
            .build()
            .expect("a request");
        assert_eq!(request.url().as_str(), "http://h/base/api/sessions/a%2F..%2Fb%3Fc?from=a%26b");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
    }

    /// The error of listing the sessions of a server that gives one `answer`.
    async fn refused(answer: &str) -> ClientError {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = Client::at(Place { url, token: None, trust: Trust::System, local: None }).expect("a client");
        let server = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.read(&mut [0; 4096]).await.expect("a request");
            stream.write_all(answer.as_bytes()).await.expect("answered");
        };
        tokio::join!(client.list(), server).0.expect_err("refused")
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_servers_words_and_anything_else_as_what_it_is() {
        let json = r#"{"error": "slow\u001b[2J down", "code": "too_many_viewers", "status": 429, "requestId": "r"}"#;
        let answer = format!("HTTP/1.1 429 Too Many\r\nContent-Length: {}\r\n\r\n{json}", json.len());
        assert_eq!(refused(&answer).await.to_string(), "slow\\x1b[2J down (too_many_viewers)");
        let other = refused("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        assert!(matches!(other, ClientError::NotFantail { status: StatusCode::OK, .. }), "{other}");
        let redirect = "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n";
        let moved = refused(redirect).await;
        assert!(matches!(moved, ClientError::NotFantail { status: StatusCode::FOUND, .. }), "{moved}");
    }

    #[test]
    fn a_server_that_is_gone_is_told_from_one_that_cannot_be_reached() {
        let local = Local { file: "server.json".into(), pid: i32::MAX };
        let error = ClientError::Stale(local).to_string();
        assert!(error.contains("no server is running") && error.ends_with("`fantail serve`"), "{error}");
    }
}
