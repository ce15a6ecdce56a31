//! Fantail: started here with a data directory of its own, or running somewhere.

use std::path::Path;

use anyhow::Context as _;

use super::http::Http;
use super::started::{FLAGS, Started};
use super::{Begin, Pace, Session, Target, native};
use crate::client::Attachment;
use crate::process::Process;
use crate::rest::Place;

/// A server of ours.
pub(crate) struct Fantail {
    http: Http,
    opened: Vec<Session>,
    /// Ends it, where it was started here.
    _started: Option<Started>,
    processes: Vec<Process>,
    terms: Option<String>,
    /// The one login that can be had with the link it printed.
    login: Option<String>,
}

impl Fantail {
    /// Starts one.
    pub(crate) fn start(binary: &Path) -> anyhow::Result<Self> {
        let started = Started::start(binary)?;
        let http = Http::new(&started.url, Some(started.token.clone()))?;
        let (processes, terms, login) = (started.processes.clone(), Some(FLAGS.join(" ")), started.login.clone());
        Ok(Self { http, opened: Vec::new(), _started: Some(started), processes, terms, login })
    }

    /// One that runs, whose processes are known if it is on this machine.
    pub(crate) fn running(url: &str, token: Option<String>, processes: Vec<Process>) -> anyhow::Result<Self> {
        Ok(Self {
            http: Http::new(url, token)?,
            opened: Vec::new(),
            _started: None,
            processes,
            terms: None,
            login: None,
        })
    }

    /// Where its REST is, with an access token as people have it: the token that a server leaves for the command line
    /// is no JWT. One that runs already is shown the token that was given.
    pub(crate) fn login(&mut self) -> anyhow::Result<Place> {
        let token = match self.login.take() {
            Some(link) => {
                let body = serde_json::json!({ "token": link });
                let answer = self.http.ask("POST", "/api/auth/link", Some(&body))?.expect(200)?;
                Some(answer.json()["accessToken"].as_str().context("no access token")?.to_owned())
            }
            None => self.http.token().map(str::to_owned),
        };
        Ok(Place { address: self.http.address(), authority: self.http.authority().to_owned(), token })
    }
}

impl Target for Fantail {
    fn name(&self) -> &'static str {
        "fantail"
    }

    fn terms(&self) -> Option<String> {
        self.terms.clone()
    }

    fn start_session(&mut self, command: &[String], pace: Pace) -> anyhow::Result<Session> {
        native::open(&mut self.http, command, pace)
    }

    fn end_session(&mut self, session: &Session) -> anyhow::Result<()> {
        native::close(&mut self.http, session)
    }

    fn opened(&mut self) -> &mut Vec<Session> {
        &mut self.opened
    }

    fn attachment(&self, session: &Session, begin: Begin) -> anyhow::Result<Attachment> {
        Ok(native::attachment(&self.http, session, begin))
    }

    /// A screen is answered when what was printed before is shown.
    fn settle(&mut self, session: &Session) -> anyhow::Result<()> {
        self.http.ask("GET", &format!("/api/sessions/{}/screen", session.id), None)?.expect(200)?;
        Ok(())
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }
}
