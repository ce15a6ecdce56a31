//! The web client, embedded in the binary.

use std::fmt::Write as _;

use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

use super::error::ApiError;

/// The page itself, which names the files of its version.
const INDEX: &str = "index.html";
/// Files whose names change with their content.
const HASHED: &str = "assets/";
/// They never change under one name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Everything else is asked for again each time, and answered with 304 where it is the same.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Files;

/// The page, for each of its screens that has an address.
pub(super) async fn index(headers: HeaderMap) -> Result<Response, ApiError> {
    serve(INDEX, &headers)
}

/// A file of the client, or nothing at all.
pub(super) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    if method != Method::GET && method != Method::HEAD {
        return Err(ApiError::NoSuchRoute);
    }
    // Looked up as it is in a list of names: nothing is decoded, joined or opened.
    serve(uri.path().trim_start_matches('/'), &headers)
}

fn serve(name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let file = Files::get(name).ok_or(ApiError::NoSuchRoute)?;
    let tag = entity_tag(&file.metadata.sha256_hash());
    let cache = if name.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN };
    let answer_headers = [(header::CACHE_CONTROL, cache), (header::ETAG, tag.clone())];
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer_headers).into_response());
    }
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    // Text of ours is UTF-8; without saying so a browser may guess.
    let charset = if kind.type_() == mime_guess::mime::TEXT { "; charset=utf-8" } else { "" };
    let kind = HeaderValue::try_from(format!("{}{charset}", kind.essence_str())).map_err(|_| ApiError::Internal)?;
    Ok((answer_headers, [(header::CONTENT_TYPE, kind)], file.data).into_response())
}

/// The start of the file's hash, in quotes.
fn entity_tag(hash: &[u8; 32]) -> HeaderValue {
    let mut tag = String::from("\"");
    for byte in &hash[..16] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
}
