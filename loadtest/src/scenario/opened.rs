//! Sessions that are there while something else is measured.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::rest::Place;
use crate::rest::answer::Answer;
use crate::rest::turns::{Turns, Work};

/// Connections that open and close them.
const CONNECTIONS: usize = 4;

/// Sessions opened here.
pub(super) struct Opened {
    place: Place,
    ids: Vec<String>,
}

impl Opened {
    /// Opens `count` of `command`.
    pub(super) fn some(place: &Place, count: usize, command: &[&str]) -> Result<Self> {
        let body = json!({ "command": command }).to_string();
        let mut work =
            Opening { request: place.request("POST", "/api/sessions", Some(&body)), left: count, ids: Vec::new() };
        Turns::connect(place, CONNECTIONS)?.run(&mut work).context("opening sessions")?;
        ensure!(work.ids.len() == count, "{} of {count} sessions were opened", work.ids.len());
        Ok(Self { place: place.clone(), ids: work.ids })
    }

    pub(super) fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Closes them all.
    pub(super) fn close(self) -> Result<()> {
        let path = |id: &String| format!("/api/sessions/{id}");
        let requests = self.ids.iter().map(|id| self.place.request("DELETE", &path(id), None)).collect();
        Turns::connect(&self.place, CONNECTIONS)?.run(&mut Closing { requests }).context("closing sessions")?;
        Ok(())
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
