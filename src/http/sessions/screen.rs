//! `GET /api/sessions/{id}/screen`: what the terminal shows, in the format asked for, now or when it changes; and `text`,
//! what is on the screen as plain text, for clients that know that.
//!
//! Nobody polls: who has what is shown waits on the screen's `watch`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::tag::{Had, Part, Tag};
use super::{COLS, OFFSET, ROWS, Reached};
use crate::auth::Access;
use crate::http::App;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::parameters::Parameters;
use crate::session::{ScreenAt, ScreenGone, Session};
use crate::terminal::render::{Format, TooLarge, render, visible};

/// Most lines of scrollback in one answer: as many as a session keeps unless told otherwise.
pub(in crate::http) const SCROLLBACK_ASKED_MAX: u32 = 10_000;
/// Longest wait for a change, in milliseconds: below the minute after which common proxies give a silent request up.
pub(in crate::http) const WAIT_MAX: u32 = 55_000;

/// An HTML answer is shown by itself at most: nothing in it runs, is loaded or is sent.
const HTML_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; \
                           form-action 'none'; sandbox";

/// How a screen is written.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// With scrollback, in one of the formats.
    Whole(Format, u32),
    /// Only what is visible, as text, with marks of style or without.
    Visible { styles: bool },
}

impl Form {
    const fn part(self) -> Part {
        match self {
            Self::Whole(format, scrollback) => Part { form: format.name(), scrollback },
            Self::Visible { styles: false } => Part { form: "visible", scrollback: 0 },
            Self::Visible { styles: true } => Part { form: "styled", scrollback: 0 },
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Whole(Format::Html, _) => "text/html; charset=utf-8",
            Self::Whole(Format::Json, _) => "application/json",
            Self::Whole(Format::Text | Format::Ansi, _) | Self::Visible { .. } => "text/plain; charset=utf-8",
        }
    }
}

pub(in crate::http) async fn screen(
    State(app): State<App>,
    caller: Caller,
    reached: Reached,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let format = parameters.take_as("format")?.unwrap_or_default();
    let scrollback = parameters.take_number("scrollback", 0..=SCROLLBACK_ASKED_MAX)?.unwrap_or(0);
    let wait = parameters.take_number("wait", 0..=WAIT_MAX)?.unwrap_or(0);
    parameters.finish()?;
    let form = Form::Whole(format, scrollback);
    let wanted = Wanted { app: &app, session: &reached.session, form, had: Had::of(&headers) };
    wanted.within(Duration::from_millis(wait.into()), &caller).await
}

pub(in crate::http) async fn text(
    State(app): State<App>,
    reached: Reached,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let styles = parameters.take_switch("styles")?;
    parameters.finish()?;
    let form = Form::Visible { styles };
    let wanted = Wanted { app: &app, session: &reached.session, form, had: Had::of(&headers) };
    wanted.now().await.map(Shown::into_response)
}

/// What a request wants to see.
struct Wanted<'a> {
    app: &'a App,
    session: &'a Arc<Session>,
    form: Form,
    had: Had,
}

/// What it gets.
enum Shown {
    /// It has it already.
    Same(Tag),
    /// Something else.
    New { tag: Tag, at: ScreenAt, form: Form, bytes: Bytes },
}

impl Wanted<'_> {
    /// What is shown now, or as soon as it is something else than the client has; the same again when `wait` is over.
    async fn within(&self, wait: Duration, caller: &Caller) -> Result<Response, ApiError> {
        let deadline = Instant::now() + self.permitted(wait, caller);
        // Had first, so that no change between a look and the wait for the next is missed.
        let mut changes = self.session.screen_changes();
        let held = caller.grant(Access::View);
        let mut locked_out = self.app.locked_out(Arc::clone(self.session), &held);
        let draining = self.app.draining();
        loop {
            changes.mark_unchanged();
            let shown = self.now().await?;
            if matches!(shown, Shown::New { .. }) || Instant::now() >= deadline {
                return Ok(shown.into_response());
            }
            tokio::select! {
                // A server that drains closes its sessions: the cause is told, not what follows from it.
                biased;
                () = draining.cancelled() => return Err(ApiError::Draining),
                // Asked again, the next server answers: nothing has failed, and nobody need know.
                () = self.app.door().empties() => return Ok(shown.into_response()),
                () = &mut locked_out => return Err(ApiError::InvalidToken),
                () = self.session.closed().cancelled() => return Err(ApiError::NoSuchSession),
                // A screen whose owner has gone does not change: its session is about to be closed.
                Ok(()) = changes.changed() => {}
                () = sleep_until(deadline) => return Ok(shown.into_response()),
            }
        }
    }

    /// As much of `wait` as the caller's token is good for.
    fn permitted(&self, wait: Duration, caller: &Caller) -> Duration {
        if self.had.is_empty() {
            return Duration::ZERO;
        }
        let left = caller.expires.map(|expires| expires.duration_since(self.app.now()));
        left.map_or(wait, |left| wait.min(left.try_into().unwrap_or_default()))
    }

    /// What is shown now.
    async fn now(&self) -> Result<Shown, ApiError> {
        let (app, had, form) = (self.app.clone(), self.had.clone(), self.form);
        let (session, since) = (self.session.id(), self.session.since());
        let read = self.session.read_screen(move |screen, at| {
            let tag = Tag { session, since, revision: at.revision, part: form.part() };
            if had.has(tag) {
                return Ok(Shown::Same(tag));
            }
            // Looked for where only one is rendered at a time: of a crowd, the first makes it and the rest find it.
            let bytes = match app.renderings().find(tag) {
                Some(bytes) => bytes,
                None => {
                    let made = match form {
                        Form::Whole(format, scrollback) => render(screen, at.offset, format, scrollback as usize),
                        Form::Visible { styles } => visible(screen, styles),
                    };
                    let bytes = Bytes::from(made?);
                    app.renderings().keep(tag, &bytes);
                    bytes
                }
            };
            Ok(Shown::New { tag, at, form, bytes })
        });
        read.await.map_err(|gone| refused(gone, self.session))?.map_err(|TooLarge| ApiError::ScreenTooLarge)
    }
}

impl Shown {
    fn into_response(self) -> Response {
        match self {
            Self::Same(tag) => tag.not_modified(),
            Self::New { tag, at, form, bytes } => {
                let mut response = bytes.into_response();
                describe(&mut response, tag, at, form.media_type());
                if matches!(form, Form::Whole(Format::Html, _)) {
                    let policy = HeaderValue::from_static(HTML_POLICY);
                    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
                }
                response
            }
        }
    }
}

/// Says in `response` what of a screen it holds.
pub(super) fn describe(response: &mut Response, tag: Tag, at: ScreenAt, media_type: &'static str) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::ETAG, tag.header());
    headers.insert(OFFSET, at.offset.0.into());
    headers.insert(COLS, at.size.cols().into());
    headers.insert(ROWS, at.size.rows().into());
}

/// Why the screen does not answer.
pub(super) fn refused(ScreenGone: ScreenGone, session: &Session) -> ApiError {
    if session.is_closing() || session.closed().is_cancelled() {
        return ApiError::NoSuchSession;
    }
    if session.leaving().is_cancelled() {
        return ApiError::Draining;
    }
    tracing::error!(session = %session.id(), "a screen could not be read");
    ApiError::Internal
}
