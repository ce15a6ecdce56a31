//! The floor: this program again, as the cheapest server there can be, in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use super::http::Http;
use super::{Begin, Pace, Session, Target, native};
use crate::client::Attachment;
use crate::process::Process;

/// A running floor, which is ended with this.
pub(crate) struct Floor {
    http: Http,
    opened: Vec<Session>,
    child: Child,
    processes: [Process; 1],
}

impl Floor {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("where this program is")?;
        let mut child = Command::new(own)
            .arg("floor")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the floor")?;
        let processes = [Process { pid: child.id() }];
        let said = child.stdout.take().context("piped").and_then(|stdout| {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line)?;
            Ok(line)
        });
        match said.and_then(|url| Http::new(url.trim(), None)) {
            Ok(http) => Ok(Self { http, opened: Vec::new(), child, processes }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.context("the floor did not say where it listens"))
            }
        }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // Its sessions' terminals go with it, and their programs with these.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Target for Floor {
    fn name(&self) -> &'static str {
        "floor"
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

    /// It does nothing that nobody sees.
    fn settle(&mut self, _session: &Session) -> anyhow::Result<()> {
        Ok(())
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }
}
