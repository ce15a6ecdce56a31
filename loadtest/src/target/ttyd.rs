//! ttyd, running somewhere. It runs the program it was started with, once for every connection, so it must have been
//! started with the one that the scenario wants: `ttyd -W fantail-loadtest program …`.

use anyhow::Context as _;

use super::http::Http;
use super::{Begin, Pace, Session, Target};
use crate::client::crowd::Crowd;
use crate::client::{Attachment, Dialect, handshake};
use crate::process::Process;
use crate::program::ENTER;

/// A running ttyd.
pub(crate) struct Ttyd {
    http: Http,
    opened: Vec<Session>,
    processes: Vec<Process>,
}

impl Ttyd {
    pub(crate) fn running(url: &str, processes: Vec<Process>) -> anyhow::Result<Self> {
        Ok(Self { http: Http::new(url, None).context("--url")?, opened: Vec::new(), processes })
    }
}

impl Target for Ttyd {
    fn name(&self) -> &'static str {
        "ttyd"
    }

    /// Every connection opens one. What it runs shows in what it prints.
    fn start_session(&mut self, _command: &[String], _pace: Pace) -> anyhow::Result<Session> {
        Ok(Session { id: String::new() })
    }

    fn end_session(&mut self, _session: &Session) -> anyhow::Result<()> {
        Ok(())
    }

    fn opened(&mut self) -> &mut Vec<Session> {
        &mut self.opened
    }

    fn attachment(&self, _session: &Session, _begin: Begin) -> anyhow::Result<Attachment> {
        let request = handshake::upgrade(self.http.authority(), "/ws", Some("tty"), None);
        Ok(Attachment { address: self.http.address(), request, dialect: Dialect::Ttyd, keyboard: None })
    }

    fn settle(&mut self, _session: &Session) -> anyhow::Result<()> {
        Ok(())
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// Each viewer's program waits for a line.
    fn begin_flood(&mut self, _session: &Session, crowd: &mut Crowd) -> anyhow::Result<()> {
        (0..crowd.seen().count()).try_for_each(|viewer| crowd.type_in(viewer, ENTER))
    }

    fn shares(&self) -> bool {
        false
    }
}
