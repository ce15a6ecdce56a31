//! Sessions that are there while something else is measured.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::rest::Place;
use crate::rest::answer::Answer;
use crate::rest::turns::{Turns, Work};

/// Connections that open and close them.
const CONNECTIONS: usize = 4;

/// Sessions opened here. Those that nobody has closed when this goes are closed then: a server that runs already is not
/// to keep them.
pub(super) struct Opened {
    place: Place,
    ids: Vec<String>,
}

impl Opened {
    /// Opens `count` of `command`.
    pub(super) fn some(place: &Place, count: usize, command: &[&str]) -> Result<Self> {
        let body = json!({ "command": command }).to_string();
        let request = place.request("POST", "/api/sessions", Some(&body));
        let mut work = Opening { request, left: count, ids: Vec::new() };
        let ran = Turns::connect(place, CONNECTIONS)?.run(&mut work);
        let opened = Self::already(place, work.ids);
        ran.context("opening sessions")?;
        ensure!(opened.ids.len() == count, "{} of {count} sessions were opened", opened.ids.len());
        Ok(opened)
    }

    /// Those of these ids.
    pub(super) fn already(place: &Place, ids: Vec<String>) -> Self {
        Self { place: place.clone(), ids }
    }

    pub(super) fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Closes them all.
    pub(super) fn close(mut self) -> Result<()> {
        self.close_all().context("closing sessions")
    }

    fn close_all(&mut self) -> Result<()> {
        let close = |id: String| self.place.request("DELETE", &format!("/api/sessions/{id}"), None);
        let requests: Vec<_> = std::mem::take(&mut self.ids).into_iter().map(close).collect();
        if !requests.is_empty() {
            Turns::connect(&self.place, CONNECTIONS)?.run(&mut Closing { requests })?;
        }
        Ok(())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // Something else went wrong before, and that is told.
        let _ = self.close_all();
    }
}

struct Opening {
    request: Vec<u8>,
    left: usize,
    ids: Vec<String>,
}

impl Work for Opening {
    fn ask(&mut self, _connection: usize) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.request.clone())
    }

    fn answered(&mut self, _connection: usize, answer: &Answer<'_>, _took: Duration) -> Result<()> {
        answer.expect(201)?;
        let session: Value = serde_json::from_slice(&answer.body)?;
        self.ids.push(session["sessionId"].as_str().context("a session without an id")?.to_owned());
        Ok(())
    }
}

struct Closing {
    requests: Vec<Vec<u8>>,
}

impl Work for Closing {
    fn ask(&mut self, _connection: usize) -> Option<Vec<u8>> {
        self.requests.pop()
    }

    fn answered(&mut self, _connection: usize, answer: &Answer<'_>, _took: Duration) -> Result<()> {
        answer.expect(204)
    }
}
