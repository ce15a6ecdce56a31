//! The floor of answering over REST: a bare axum handler that gives the same bytes, made once, to whoever asks.
//!
//! It has the server's framework and runtime, and nothing else of it: no login, no guard, no log, no sessions.

use std::io::{self, Write as _};
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::child::{Ours, end_with_parent};
use crate::process::Process;
use crate::rest::Place;
use crate::rest::answer::Answer;

/// The name of the hidden command that is this floor.
pub(crate) const COMMAND: &str = "answers-floor";

/// Headers that whoever answers makes for himself.
const MADE_ANEW: [&str; 3] = ["content-length", "date", "transfer-encoding"];

/// What is answered on a path.
#[derive(Serialize, Deserialize)]
pub(crate) struct Canned {
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Canned {
    /// What a server answered.
    pub(crate) fn of(path: &str, answer: &Answer<'_>) -> Result<Self> {
        let headers =
            answer.headers().filter(|(name, _)| !MADE_ANEW.iter().any(|made| name.eq_ignore_ascii_case(made)));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = String::from_utf8(answer.body.to_vec()).context("a body that is not text")?;
        Ok(Self { path: path.to_owned(), headers, body })
    }

    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        Ok(headers)
    }
}

/// The running floor, which ends with this.
pub(crate) struct Answers {
    pub(crate) place: Place,
    pub(crate) process: Process,
    _ours: Ours,
}

impl Answers {
    pub(crate) fn start(canned: &[Canned]) -> Result<Self> {
        let mut ours = Ours::start(&[COMMAND.to_owned()], &serde_json::to_vec(canned)?)?;
        let authority = ours.line()?;
        let address = authority.parse().with_context(|| format!("the floor's address {authority:?}"))?;
        Ok(Self { place: Place { address, authority, token: None }, process: ours.process(), _ours: ours })
    }
}

/// Is it, until it is killed. Says where it listens.
pub(crate) fn run() -> Result<()> {
    end_with_parent()?;
    let canned: Vec<Canned> = serde_json::from_reader(io::stdin().lock()).context("what to answer")?;
    ensure!(!canned.is_empty(), "nothing to answer");
    let mut router = Router::new();
    for answer in canned {
        let (headers, body) = (answer.headers()?, Bytes::from(answer.body));
        router = router.route(&answer.path, get(move || std::future::ready((headers.clone(), body.clone()))));
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(io::stdout(), "{}", listener.local_addr()?).context("nobody to tell")?;
        #[expect(clippy::disallowed_methods, reason = "the floor defends itself against nobody")]
        axum::serve(listener, router).await?;
        Ok(())
    })
}
