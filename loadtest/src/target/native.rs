//! The REST API and the native wire of Fantail, which the floor speaks as well.

use fantail::protocol::SUBPROTOCOL;
use serde_json::json;

use super::http::Http;
use super::{Begin, Pace, Session};
use crate::client::{Attachment, Dialect, handshake};

/// Opens a session over REST.
pub(super) fn open(http: &mut Http, command: &[String], pace: Pace) -> anyhow::Result<Session> {
    let mut body = json!({ "command": command });
    if pace == Pace::Lossless {
        body["pace"] = "lossless".into();
    }
    let answer = http.ask("POST", "/api/sessions", Some(&body))?.expect(201)?;
    let id = answer.json()["sessionId"].as_str().map(ToOwned::to_owned);
    Ok(Session { id: id.ok_or_else(|| anyhow::anyhow!("a session without an id"))? })
}

pub(super) fn close(http: &mut Http, session: &Session) -> anyhow::Result<()> {
    http.ask("DELETE", &format!("/api/sessions/{}", session.id), None)?.expect(204)?;
    Ok(())
}

pub(super) fn attachment(http: &Http, session: &Session, begin: Begin) -> Attachment {
    let from = match begin {
        Begin::Start => "start",
        Begin::Screen => "snapshot",
    };
    let path = format!("/api/sessions/{}/ws?from={from}", session.id);
    let request = handshake::upgrade(http.authority(), &path, Some(SUBPROTOCOL), http.token());
    Attachment { address: http.address(), request, dialect: Dialect::Native, keyboard: None }
}
