//! One session from here, over as many connections as it takes.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::StatusCode;

use super::answers::heard;
use super::backoff::{Backoff, GIVE_UP_AFTER};
use super::console::{Console, Event, terminal_size};
use super::control::{Control, ControlKey};
use super::dial::{Socket, dial};
use super::display::SCROLLBACK_LINES;
use super::ending::Ending;
use super::link::{Breach, Link};
use super::{Mode, Wish};
use crate::cli::client::{Client, ClientError};
use crate::cli::place::ServerArgs;
use crate::protocol::{Access, Command, RefusalCode};
use crate::terminal::Size;

/// Connections in a row that a server may break the contract on: a fault that repeats will not go away.
const BREACHES_MAX: u32 = 5;
/// Failed attempts before the user is told: a server that restarts is back within one.
const QUIET_ATTEMPTS: u32 = 2;
/// A wait before which the user is told at once: after many losses in a row already the first may be long.
const QUIET_WAIT: Duration = Duration::from_secs(1);
/// How long after focus reports are switched on one may come that nothing has caused but that: a terminal behind a slow
/// link.
const FOCUS_SETTLES: Duration = Duration::from_millis(500);

/// What outlives a connection.
pub(super) struct Attachment {
    server: ServerArgs,
    id: String,
    mode: Mode,
    backoff: Backoff,
    breaches: u32,
    pub(super) link: Link,
    pub(super) access: Access,
    /// Where output goes decides how it begins: a terminal is drawn the screen, anything else gets all there is.
    to_terminal: bool,
    /// Whether the session's programs may write to the clipboard here.
    pub(super) clipboard: bool,
    /// The size of this terminal to tell next.
    pub(super) resize: Option<Size>,
    /// The session was opened for this terminal, and has not been told so.
    pub(super) claim: bool,
    /// What is known of control, and what a key about it asks.
    pub(super) control: Control,
    pub(super) asks: Option<Command>,
    /// Until when the focus is not told.
    pub(super) focus_settles: Option<Instant>,
    /// The last refusal told, so that holding a key down tells it once.
    pub(super) last_refusal: Option<RefusalCode>,
    told_view_only: bool,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Left {
    /// For good.
    Ended(Ending),
    /// By accident: come back.
    Lost,
    /// By the server's fault: come back, but not for ever.
    Breached(Breach),
    /// Coming back would end the same way.
    Refused(String),
}

impl Attachment {
    pub(super) fn new(server: ServerArgs, id: String, wish: Wish, to_terminal: bool) -> Self {
        let Wish { mode, clipboard } = wish;
        Self {
            server,
            id,
            mode,
            backoff: Backoff::default(),
            breaches: 0,
            link: Link::default(),
            access: if mode == Mode::View { Access::View } else { Access::Control },
            to_terminal,
            clipboard,
            resize: None,
            claim: mode == Mode::Opened,
            control: Control::default(),
            asks: None,
            focus_settles: None,
            last_refusal: None,
            told_view_only: false,
        }
    }

    pub(super) async fn dial(&self, client: &Client) -> Result<Socket, ClientError> {
        dial(client, &self.id, &self.query()).await
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let view = (self.mode == Mode::View).then(|| ("access", "view".to_owned()));
        let size = terminal_size().map(|size| [("cols", size.cols().to_string()), ("rows", size.rows().to_string())]);
        let first = if self.to_terminal { "snapshot" } else { "start" };
        let scrollback = self.to_terminal.then(|| ("scrollback", SCROLLBACK_LINES.to_string()));
        self.link.query(first).into_iter().chain(view).chain(size.into_iter().flatten()).chain(scrollback).collect()
    }

    /// Follows the session from `socket` on until it ends or the user leaves, and restores the terminal.
    pub(super) async fn run(mut self, mut console: Console, mut socket: Socket) -> anyhow::Result<Ending> {
        let result = loop {
            let since = Instant::now();
            let left = self.follow(&mut console, socket).await;
            match self.judge(left, since.elapsed()) {
                Some(result) => break result,
                None => match self.reconnect(&mut console).await {
                    Ok(Ok(again)) => socket = again,
                    Ok(Err(ending)) => {
                        if self.link.has_input() {
                            console.notice("what you typed since the connection was lost has not been sent");
                        }
                        break Ok(ending);
                    }
                    Err(error) => break Err(error),
                },
            }
        };
        console.leave().await;
        result
    }

    /// What to end with, or nothing to come back.
    fn judge(&mut self, left: Left, lasted: Duration) -> Option<anyhow::Result<Ending>> {
        self.backoff.lasted(lasted);
        match left {
            Left::Ended(ending) => return Some(Ok(ending)),
            Left::Refused(why) => return Some(Err(anyhow::anyhow!(why))),
            Left::Lost => {
                if self.backoff.attempts() == 0 {
                    self.breaches = 0;
                }
            }
            Left::Breached(breach) => {
                self.breaches += 1;
                if self.breaches >= BREACHES_MAX {
                    return Some(Err(breach).context("the server breaks the protocol"));
                }
            }
        }
        None
    }

    /// Connects again, as long as it takes but for good reasons, while the user may type or leave.
    async fn reconnect(&mut self, console: &mut Console) -> anyhow::Result<Result<Socket, Ending>> {
        let until = Instant::now() + GIVE_UP_AFTER;
        let (mut failed, mut told) = (0, false);
        loop {
            let random = getrandom::u64().context("no randomness")?;
            let wait = self.backoff.next(random);
            if !told && (failed >= QUIET_ATTEMPTS || wait > QUIET_WAIT) {
                console.notice("connection lost, trying again; Ctrl-] d detaches");
                told = true;
            }
            let wait = tokio::time::sleep(wait);
            if let Err(ending) = self.meanwhile(console, wait).await {
                return Ok(Err(ending));
            }
            // Found anew each time: a server that restarted has another token, and perhaps another port.
            let error = match Client::find(&self.server) {
                Err(error) => error,
                Ok(client) => {
                    let (id, query) = (self.id.clone(), self.query());
                    match self.meanwhile(console, dial(&client, &id, &query)).await {
                        Err(ending) => return Ok(Err(ending)),
                        Ok(Ok(socket)) => return Ok(Ok(socket)),
                        Ok(Err(error)) => error,
                    }
                }
            };
            if is_final(&error) {
                return Err(error).context("attached no longer");
            }
            if Instant::now() >= until {
                return Err(error).context("attached no longer: the server has not come back");
            }
            failed += 1;
        }
    }

    /// Waits for `future` while this end goes on.
    async fn meanwhile<T>(&mut self, console: &mut Console, future: impl Future<Output = T>) -> Result<T, Ending> {
        let mut future = pin!(future);
        loop {
            tokio::select! {
                value = &mut future => return Ok(value),
                event = console.event(self.link.input_room()) => self.happened(console, event)?,
            }
        }
    }

    /// Takes what happened at this end; an error is an end.
    pub(super) fn happened(&mut self, console: &mut Console, event: Event) -> Result<(), Ending> {
        match event {
            Event::Typed(typed) => {
                self.typed(console, &typed.input);
                typed.control.into_iter().for_each(|key| self.control_pressed(console, key));
                if typed.detach { Err(Ending::Detached) } else { Ok(()) }
            }
            Event::Drawn => Ok(()),
            Event::Resized => {
                let here = terminal_size();
                console.window(here);
                if self.access == Access::Control {
                    self.resize = here;
                }
                Ok(())
            }
            Event::InputEnded => Ok(()),
            Event::Gone => Err(Ending::Detached),
            Event::Signalled(number) => Err(Ending::Signalled(number)),
        }
    }

    fn control_pressed(&mut self, console: &mut Console, key: ControlKey) {
        match self.control.pressed(key) {
            Ok(_) if self.access == Access::View => console.notice("view only: you cannot have control"),
            // The last counts: each answers to what was known when it was pressed.
            Ok(command) => self.asks = Some(command),
            Err(why) => console.notice(why),
        }
    }

    fn typed(&mut self, console: &mut Console, typed: &[u8]) {
        let settled = self.focus_settles.is_none_or(|until| Instant::now() >= until);
        let heard = heard(typed, settled);
        if self.access == Access::Control {
            self.link.typed(&console.display.typed(heard.input));
        } else if heard.by_hand && !std::mem::replace(&mut self.told_view_only, true) {
            console.notice("view only: what you type is not sent; Ctrl-] d detaches");
        }
    }

    /// Something was shown.
    pub(super) fn shown(&mut self, console: &mut Console) {
        if console.display.take_focus_asked() {
            self.focus_settles = Some(Instant::now() + FOCUS_SETTLES);
        }
    }
}

/// Whether trying again would end the same way. A viewer's own last connection may still count against a limit.
fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::Refused { status, .. } => status.is_client_error() && *status != StatusCode::TOO_MANY_REQUESTS,
        ClientError::BadUrl(_) | ClientError::BadToken => true,
        ClientError::Place(_)
        | ClientError::Trust(_)
        | ClientError::Stale(_)
        | ClientError::Unreachable { .. }
        | ClientError::NotFantail { .. } => false,
    }
}
