//! REST as a load: many kept-alive connections, each of which asks again as soon as it is answered.
//!
//! One thread and epoll, so that what is asked costs more than the asking. Strict: an answer that is not HTTP/1.1 to
//! the letter is an error, and so is a connection that the server does not keep.

pub(crate) mod answer;
pub(crate) mod turns;

use std::net::SocketAddr;

/// Where requests go, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    /// What stands in `Host`.
    pub(crate) authority: String,
    /// An access token.
    pub(crate) token: Option<String>,
}

impl Place {
    /// A whole request; `body` is JSON.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&str>) -> Vec<u8> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.authority);
        if let Some(token) = &self.token {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        if let Some(body) = body {
            request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        request += body.unwrap_or_default();
        request.into_bytes()
    }
}
