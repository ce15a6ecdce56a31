//! Fantail: started here with a data directory of its own, or running somewhere.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

use super::http::Http;
use super::{Begin, Pace, Session, Target, native};
use crate::client::Attachment;
use crate::process::Process;
use crate::rest::Place;

/// Flags without which the load would be refused: connections of ten thousand viewers and of those who come and go.
const FLAGS: [&str; 4] = ["--max-connections", "32768", "--max-sessions", "4096"];
/// What the holder's process is called by its command line.
const HOLDER: &str = " holder ";
/// Before the token in a login link.
const LOGIN: &str = "#login=";

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

/// A process started here, which is ended with this.
struct Started {
    binary: PathBuf,
    child: Child,
    data: TempDir,
}

impl Fantail {
    /// Starts one.
    pub(crate) fn start(binary: &Path) -> anyhow::Result<Self> {
        let data = tempfile::tempdir().context("a data directory")?;
        let mut child = command(binary, &data)
            .args(["serve", "--port", "0"])
            .args(FLAGS)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}; --server-bin names another", binary.display()))?;
        let stdout = child.stdout.take().context("piped")?;
        let started = Started { binary: binary.to_owned(), child, data };
        // The address comes first, and the login link when all is ready.
        let mut lines = BufReader::new(stdout).lines();
        let url = lines.next().context("the server ended before it listened")??;
        let login = lines.next().context("the server ended before it was ready")??;
        let login = login.split_once(LOGIN).map(|(_, token)| token.trim().to_owned());
        let path = started.data.path().join("server.json");
        let announced = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let announced: Value = serde_json::from_slice(&announced)?;
        let token = announced["token"].as_str().context("no token in server.json")?.to_owned();
        let server = Process { pid: started.child.id() };
        let mut processes = vec![server];
        for child in server.children()? {
            if child.command_line()?.contains(HOLDER) {
                processes.push(child);
            }
        }
        if processes.len() != 2 {
            bail!("the server's holder was not found");
        }
        let terms = Some(FLAGS.join(" "));
        Ok(Self {
            http: Http::new(&url, Some(token))?,
            opened: Vec::new(),
            _started: Some(started),
            processes,
            terms,
            login,
        })
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
}

impl Fantail {
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

/// The program, with nothing of our environment that would change it.
fn command(binary: &Path, data: &TempDir) -> Command {
    let mut command = Command::new(binary);
    command.env("FANTAIL_DATA_DIR", data.path()).env("FANTAIL_LOG_LEVEL", "warn").env_remove("XDG_CONFIG_HOME");
    command.stdin(Stdio::null());
    command
}

impl Drop for Started {
    fn drop(&mut self) {
        // Ends the sessions and the holder too, which outlive a server that is killed. It has its own bound.
        let stopped = command(&self.binary, &self.data).args(["stop", "--sessions"]).stdout(Stdio::null()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

impl Target for Fantail {
    fn name(&self) -> &'static str {
        "fantail"
    }

    fn terms(&self) -> Option<String> {
        self.terms.clone()
    }

    fn start(&mut self, command: &[String], pace: Pace) -> anyhow::Result<Session> {
        native::open(&mut self.http, command, pace)
    }

    fn end(&mut self, session: &Session) -> anyhow::Result<()> {
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
