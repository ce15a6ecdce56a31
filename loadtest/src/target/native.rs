//! What speaks Fantail's REST and its native wire: a server started here, one that runs somewhere, and the floor.

use std::path::Path;

use anyhow::Context as _;
use fantail::protocol::SUBPROTOCOL;
use serde_json::json;

use super::http::Http;
use super::started::{FLAGS, Started};
use super::{Begin, Pace, Session, Target};
use crate::client::{Attachment, Dialect, handshake};
use crate::floor;
use crate::floor::child::Ours;
use crate::process::Process;
use crate::rest::Place;

/// One of them.
pub(crate) struct Native {
    name: &'static str,
    http: Http,
    opened: Vec<Session>,
    processes: Vec<Process>,
    terms: Option<String>,
    /// The one login that can be had with the link the server printed.
    login: Option<String>,
    /// Whether a session has a screen, which is behind what its viewers have.
    has_screens: bool,
    /// What was started here ends with this.
    _server: Option<Started>,
    _floor: Option<Ours>,
}

impl Native {
    /// A server of ours that is started here, with a data directory of its own.
    pub(crate) fn start(binary: &Path) -> anyhow::Result<Self> {
        let started = Started::start(binary)?;
        let server = Self::running(&started.url, Some(started.token.clone()), started.processes.clone())?;
        let (terms, login) = (Some(FLAGS.join(" ")), started.login.clone());
        Ok(Self { terms, login, _server: Some(started), ..server })
    }

    /// One that runs, whose processes are known if it is on this machine.
    pub(crate) fn running(url: &str, token: Option<String>, processes: Vec<Process>) -> anyhow::Result<Self> {
        Ok(Self {
            name: "fantail",
            http: Http::new(url, token)?,
            opened: Vec::new(),
            processes,
            terms: None,
            login: None,
            has_screens: true,
            _server: None,
            _floor: None,
        })
    }

    /// This program again, as the cheapest server there can be. Its sessions' terminals go with it, and their programs
    /// with these.
    pub(crate) fn floor() -> anyhow::Result<Self> {
        let mut ours = Ours::start(&[floor::COMMAND.to_owned()], &[])?;
        let server = Self::running(&ours.line()?, None, vec![ours.process()])?;
        Ok(Self { name: "floor", has_screens: false, _floor: Some(ours), ..server })
    }

    /// Where its REST is, with an access token as people have it: the token that a server leaves for the command line
    /// is no JWT. One that runs already is shown the token that was given.
    pub(crate) fn login(&mut self) -> anyhow::Result<Place> {
        let token = match self.login.take() {
            Some(link) => {
                let body = json!({ "token": link });
                let answer = self.http.ask("POST", "/api/auth/link", Some(&body))?.expect(200)?;
                Some(answer.json()["accessToken"].as_str().context("no access token")?.to_owned())
            }
            None => self.http.token().map(str::to_owned),
        };
        Ok(Place { address: self.http.address(), authority: self.http.authority().to_owned(), token })
    }
}

impl Target for Native {
    fn name(&self) -> &'static str {
        self.name
    }

    fn terms(&self) -> Option<String> {
        self.terms.clone()
    }

    fn start_session(&mut self, command: &[String], pace: Pace) -> anyhow::Result<Session> {
        let mut body = json!({ "command": command });
        if pace == Pace::Lossless {
            body["pace"] = "lossless".into();
        }
        let answer = self.http.ask("POST", "/api/sessions", Some(&body))?.expect(201)?;
        let id = answer.json()["sessionId"].as_str().map(ToOwned::to_owned);
        Ok(Session { id: id.context("a session without an id")? })
    }

    fn end_session(&mut self, session: &Session) -> anyhow::Result<()> {
        self.http.ask("DELETE", &format!("/api/sessions/{}", session.id), None)?.expect(204)?;
        Ok(())
    }

    fn opened(&mut self) -> &mut Vec<Session> {
        &mut self.opened
    }

    fn attachment(&self, session: &Session, begin: Begin) -> anyhow::Result<Attachment> {
        let from = match begin {
            Begin::Start => "start",
            Begin::Screen => "snapshot",
        };
        let path = format!("/api/sessions/{}/ws?from={from}", session.id);
        let request = handshake::upgrade(self.http.authority(), &path, Some(SUBPROTOCOL), self.http.token());
        Ok(Attachment { address: self.http.address(), request, dialect: Dialect::Native, keyboard: None })
    }

    /// A screen is answered when what was printed before is shown.
    fn settle(&mut self, session: &Session) -> anyhow::Result<()> {
        if self.has_screens {
            self.http.ask("GET", &format!("/api/sessions/{}/screen", session.id), None)?.expect(200)?;
        }
        Ok(())
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }
}
