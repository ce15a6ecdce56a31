//! The REST API as the commands use it: a server's sessions, opened, listed, found and closed.
//!
//! Knows requests and answers, never a terminal.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};

use super::place::{Local, Place, PlaceError, ServerArgs};
use super::print::printable;

/// Longest wait for a connection: a server that can be reached answers within a few round trips.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an answer. Closing a session waits for its processes to go, with their grace.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of an id that people are shown: enough to tell sessions apart, and a prefix finds its session.
pub const SHORT_ID_CHARS: usize = 8;

/// A server, ready to be asked.
pub struct Client {
    http: reqwest::Client,
    root: Url,
    authorization: Option<HeaderValue>,
    local: Option<Local>,
}

/// A session as the API describes it; what no command shows is left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id in full.
    pub id: String,
    /// What its opener called it.
    pub name: Option<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How far it has got.
    pub status: Status,
    /// What the program returned.
    pub exit_code: Option<i32>,
    /// What killed the program.
    pub exit_signal: Option<String>,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// How many watch.
    pub viewers: u64,
    /// When it was opened.
    pub started_at: jiff::Timestamp,
}

/// How far a session has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Its program waits for the first viewer.
    Starting,
    /// Its program runs.
    Running,
    /// Its program has ended.
    Exited,
    /// A state of a later version.
    #[serde(other)]
    Unknown,
}

/// What to open. What is absent is left to the server.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenRequest {
    /// The program and its arguments; empty for the login shell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Where it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Additions to its environment.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub env: serde_json::Map<String, serde_json::Value>,
    /// What to call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Columns; with `rows` or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cols: Option<u16>,
    /// Rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u16>,
    /// `"now"` or `"onAttach"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawn: Option<&'static str>,
}

/// Why a request got no answer to use.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No server to ask.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// What the user named is no address.
    #[error("{0}: not a server's address, such as https://host:port")]
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

/// Why no session, or no single one, was meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// None.
    #[error("no session has the id or name {0}; `fantail ls` lists them")]
    None(String),
    /// Several.
    #[error("{wanted} could be any of {}", candidates.join(", "))]
    Several {
        /// What was asked for.
        wanted: String,
        /// The ids it fits.
        candidates: Vec<String>,
    },
}

impl Client {
    /// The server that `args` mean.
    ///
    /// # Errors
    /// When there is none, or its address or token cannot be used. Nothing is sent yet.
    pub fn find(args: &ServerArgs) -> Result<Self, ClientError> {
        Self::at(args.place()?)
    }

    fn at(place: Place) -> Result<Self, ClientError> {
        let bad_url = || ClientError::BadUrl(printable(&place.url));
        let mut root = Url::parse(&place.url).map_err(|_| bad_url())?;
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
            .user_agent(concat!("fantail/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| ClientError::Unreachable { url: root.clone(), source })?;
        Ok(Self { http, root, authorization, local: place.local })
    }

    /// Whether the server is one of this machine, whose directories are ours.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// # Errors
    /// When the server does not open it.
    pub async fn open(&self, session: &OpenRequest) -> Result<Session, ClientError> {
        let request = self.request(Method::POST, &["api", "sessions"], &[]).timeout(ANSWER_TIMEOUT);
        self.read(self.send(request.json(session)).await?).await
    }

    /// The sessions, newest first, as the server describes them.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn list_json(&self) -> Result<Vec<serde_json::Value>, ClientError> {
        let request = self.request(Method::GET, &["api", "sessions"], &[]).timeout(ANSWER_TIMEOUT);
        self.read(self.send(request).await?).await
    }

    /// The sessions, newest first.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn list(&self) -> Result<Vec<Session>, ClientError> {
        let request = self.request(Method::GET, &["api", "sessions"], &[]).timeout(ANSWER_TIMEOUT);
        self.read(self.send(request).await?).await
    }

    /// Ends a session and all its processes.
    ///
    /// # Errors
    /// When the server does not.
    pub async fn close(&self, id: &str) -> Result<(), ClientError> {
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

/// The session that `wanted` names: an id in full, else an exact name, else the only id that starts so.
///
/// # Errors
/// When it names none, or several.
pub fn resolve<'a>(sessions: &'a [Session], wanted: &str) -> Result<&'a Session, NotFound> {
    let ways: [&dyn Fn(&Session) -> bool; 3] =
        [&|session| session.id == wanted, &|session| session.name.as_deref() == Some(wanted), &|session| {
            !wanted.is_empty() && session.id.starts_with(wanted)
        }];
    for fits in ways {
        let found: Vec<&Session> = sessions.iter().filter(|session| fits(session)).collect();
        match found.as_slice() {
            [] => {}
            [session] => return Ok(session),
            several => {
                let candidates = several.iter().map(|session| printable(&session.id)).collect();
                return Err(NotFound::Several { wanted: printable(wanted), candidates });
            }
        }
    }
    Err(NotFound::None(printable(wanted)))
}

impl Session {
    /// The start of its id, as people are shown it.
    #[must_use]
    pub fn short_id(&self) -> String {
        printable(&self.id.chars().take(SHORT_ID_CHARS).collect::<String>())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cli) fn session(id: &str, name: &str) -> Session {
        Session {
            id: id.into(),
            name: Some(name.into()),
            command: vec!["/bin/sh".into()],
            status: Status::Running,
            exit_code: None,
            exit_signal: None,
            cols: 80,
            rows: 24,
            viewers: 0,
            started_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_session_is_found_by_id_then_by_name_then_by_a_prefix_that_fits_one() {
        let sessions = [session("aa11", "build"), session("aa22", "aa1"), session("bb33", "build")];
        let found = |wanted| resolve(&sessions, wanted).map(|session| session.id.as_str());
        assert_eq!(found("aa11"), Ok("aa11"));
        assert_eq!(found("aa1"), Ok("aa22"), "an exact name wins over a prefix");
        assert_eq!(found("b"), Ok("bb33"));
        assert_eq!(
            found("aa"),
            Err(NotFound::Several { wanted: "aa".into(), candidates: vec!["aa11".into(), "aa22".into()] })
        );
        assert!(matches!(found("build"), Err(NotFound::Several { .. })), "two of that name");
        for wanted in ["", "c", "aa111"] {
            assert_eq!(found(wanted), Err(NotFound::None(wanted.into())));
        }
    }

    #[test]
    fn an_address_must_be_one_of_http_and_hold_no_credential() {
        let at = |url: &str| Client::at(Place { url: url.into(), token: None, local: None }).map(|client| client.root);
        assert_eq!(at("https://h/base/?q#login=x").expect("usable").as_str(), "https://h/base/");
        for url in ["", "h:1", "ftp://h", "http://user@h", "/tmp"] {
            assert!(matches!(at(url), Err(ClientError::BadUrl(_))), "{url}");
        }
        let error = at("http://user:secret@h").expect_err("a credential").to_string();
        assert!(!error.contains("secret"));
    }

    #[test]
    fn a_path_is_built_from_escaped_segments_under_the_address() {
        let place = Place { url: "http://h/base".into(), token: Some("t".to_owned().into()), local: None };
        let client = Client::at(place).expect("a client");
        let request = client
            .request(Method::GET, &["api", "sessions", "a/../b?c"], &[("from", "a&b".to_owned())])
            .build()
            .expect("a request");
        assert_eq!(request.url().as_str(), "http://h/base/api/sessions/a%2F..%2Fb%3Fc?from=a%26b");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
    }
}
