//! VibeTunnel (Gen-2), running somewhere: sessions over REST, output as server-sent events, input on a WebSocket.

use anyhow::Context as _;
use serde_json::json;

use super::http::Http;
use super::{Begin, Pace, Session, Target};
use crate::client::crowd::Crowd;
use crate::client::{Attachment, Dialect, handshake};
use crate::process::Process;

/// A running VibeTunnel.
pub(crate) struct VibeTunnel {
    http: Http,
    opened: Vec<Session>,
    processes: Vec<Process>,
}

impl VibeTunnel {
    pub(crate) fn running(url: &str, token: Option<String>, processes: Vec<Process>) -> anyhow::Result<Self> {
        Ok(Self { http: Http::new(url, token).context("--url")?, opened: Vec::new(), processes })
    }
}

impl Target for VibeTunnel {
    fn name(&self) -> &'static str {
        "vibetunnel"
    }

    /// It has no pace: everyone is sent everything, however slow.
    fn start_session(&mut self, command: &[String], _pace: Pace) -> anyhow::Result<Session> {
        let body = json!({ "command": command, "cols": 80, "rows": 24, "titleMode": "none", "spawn_terminal": false });
        let answer = self.http.ask("POST", "/api/sessions", Some(&body))?.expect(200)?;
        let id = answer.json()["sessionId"].as_str().map(ToOwned::to_owned);
        Ok(Session { id: id.context("a session without an id")? })
    }

    fn end_session(&mut self, session: &Session) -> anyhow::Result<()> {
        self.http.ask("DELETE", &format!("/api/sessions/{}", session.id), None)?.expect(200)?;
        Ok(())
    }

    fn opened(&mut self) -> &mut Vec<Session> {
        &mut self.opened
    }

    /// Its stream begins with what it kept.
    fn attachment(&self, session: &Session, _begin: Begin) -> anyhow::Result<Attachment> {
        let (authority, id) = (self.http.authority(), &session.id);
        let bearer = self.http.token().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "GET /api/sessions/{id}/stream HTTP/1.1\r\nHost: {authority}\r\nAccept: text/event-stream\r\n{bearer}\r\n"
        );
        let keyboard = handshake::upgrade(authority, &format!("/ws/input?sessionId={id}"), None, self.http.token());
        Ok(Attachment {
            address: self.http.address(),
            request: request.into_bytes(),
            dialect: Dialect::VibeTunnel,
            keyboard: Some(keyboard),
        })
    }

    fn settle(&mut self, _session: &Session) -> anyhow::Result<()> {
        Ok(())
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// Over REST: viewers only listen.
    fn type_to(&mut self, session: &Session, _crowd: &mut Crowd, _viewer: usize, bytes: &[u8]) -> anyhow::Result<()> {
        let body = json!({ "text": String::from_utf8_lossy(bytes) });
        self.http.ask("POST", &format!("/api/sessions/{}/input", session.id), Some(&body))?.expect(200)?;
        Ok(())
    }
}
