//! `GET /api/sessions/{id}/snapshot`: the bytes that make a blank terminal show what the session shows.

use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};

use super::tag::{Had, Part, Tag};
use super::{Reached, screen};
use crate::http::error::ApiError;
use crate::http::parameters::Parameters;

const SCROLLBACK: &str = "fantail-scrollback";
/// Lines above the screen when none are asked for: as many as a viewer gets that attaches, so that both have the same.
const SCROLLBACK_DEFAULT: u32 = 1000;

pub(in crate::http) async fn snapshot(
    reached: Reached,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let scrollback = parameters.take_number("scrollback", 0..=screen::SCROLLBACK_ASKED_MAX)?;
    parameters.finish()?;
    let scrollback = scrollback.unwrap_or(SCROLLBACK_DEFAULT);
    let session = &reached.session;
    // Made once for all who ask for the same, so there is nothing to be saved by asking whether it is wanted.
    let made = session.snapshot(scrollback as usize).await.map_err(|gone| screen::refused(gone, session))?;
    let part = Part { form: "snapshot", scrollback };
    let tag = Tag { session: session.id(), since: session.since(), revision: made.at.revision, part };
    if Had::of(&headers).has(tag) {
        return Ok(tag.not_modified());
    }
    let mut response = made.bytes().into_response();
    screen::describe(&mut response, tag, made.at, "application/octet-stream");
    response.headers_mut().insert(SCROLLBACK, HeaderValue::from(made.scrollback));
    Ok(response)
}
