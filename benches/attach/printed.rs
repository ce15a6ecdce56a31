//! A session whose program has printed so many lines and waits at its prompt.

use std::io::Write;
use std::time::Duration;

use fantail::protocol::ServerMessage;
use fantail::terminal::render::{Format, render};
use fantail::terminal::screen::Screen;
use fantail::terminal::{Offset, Size};
use tempfile::NamedTempFile;
use tokio::time::Instant;

use crate::joiner::{Expected, Joined};
use crate::real::server::Server;

/// Begins at the left, so that however many of them are one row.
const PROMPT: &str = "\r\x1b[1;32muser@host\x1b[0m:\x1b[1;34m~/src\x1b[0m$ ";
/// Lines of scrollback that a snapshot has unless more are asked for.
const SCROLLBACK: usize = 1000;

/// The session, on a server of its own.
pub(crate) struct Printed {
    pub(crate) server: Server,
    pub(crate) session: String,
    /// All that was printed.
    output: Vec<u8>,
    scrollback: usize,
    /// Since when nothing has happened in it.
    pub(crate) quiet_since: Instant,
    _lines: NamedTempFile,
}

/// One line of a coloured log, narrower than the terminal.
fn line(number: usize) -> String {
    let color = 31 + number % 6;
    format!(
        "\x1b[2m{number:>7}\x1b[0m \x1b[1;{color}mcompiling\x1b[0m crate-{} v1.{}.0 (\x1b[4m~/src\x1b[0m)\n",
        number * 7919,
        number % 60
    )
}

impl Printed {
    /// Starts a server and the program, and waits until it has printed all of it.
    pub(crate) async fn start(lines: usize) -> Self {
        let server = Server::start(4 << 20).await;
        let text: String = (1..=lines).map(line).collect();
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        let path = file.path().display();
        let program = format!("stty -echo; cat {path}; printf '{PROMPT}'; while read -r _; do printf '{PROMPT}'; done");
        let session = server.open(&program).await;
        let output = text.replace('\n', "\r\n") + PROMPT;
        server.until_printed(&session, output.len()).await;
        let rows = usize::from(Size::DEFAULT.rows());
        Self {
            server,
            session,
            output: output.into(),
            scrollback: (lines + 1).saturating_sub(rows).min(SCROLLBACK),
            quiet_since: Instant::now(),
            _lines: file,
        }
    }

    pub(crate) fn expected(&self) -> Expected<'_> {
        Expected { session: &self.session, end: self.output.len(), scrollback: self.scrollback }
    }

    /// Lets the program print one more prompt, when nobody is there any more: the next to join find no snapshot made.
    pub(crate) async fn go_on(&mut self) {
        while self.server.object(&self.session).await["viewers"] != 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.server.type_enter(&self.session).await;
        self.output.extend(PROMPT.as_bytes());
        self.server.until_printed(&self.session, self.output.len()).await;
        self.quiet_since = Instant::now();
    }

    /// What is wrong with the screen that a joiner sees: it must be the one that the server tells of, and the one that
    /// all that was printed makes.
    pub(crate) async fn judge(&self, joined: &Joined) -> Result<(), String> {
        let Ok(ServerMessage::Snapshot { offset, bytes, .. }) = ServerMessage::decode(joined.snapshot()) else {
            return Err("a snapshot that cannot be read".into());
        };
        let text = |bytes: &[u8], offset: Offset| {
            let mut screen = Screen::new(Size::DEFAULT, SCROLLBACK);
            screen.feed(bytes);
            render(&screen, offset, Format::Text, SCROLLBACK).map_err(|error| error.to_string())
        };
        let seen = text(bytes, offset)?;
        if seen != text(&self.output, offset)? {
            return Err("a joiner does not see what was printed".into());
        }
        let path = format!("/{}/screen?format=text&scrollback={SCROLLBACK}", self.session);
        let answer = self.server.request("GET", &path).send().await.map_err(|error| error.to_string())?;
        if answer.text().await.map_err(|error| error.to_string())? != seen {
            return Err("a joiner does not see what the server tells of".into());
        }
        Ok(())
    }
}
