//! What of HTTP/1.1 the floor understands: a head, a body of known length, and no more.

use serde_json::Value;

use crate::client::handshake::ACCEPT;

const END: &[u8] = b"\r\n\r\n";

/// A request that is whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Open { command: Vec<String> },
    Close { session: u64 },
    Attach { session: u64 },
    Other,
}

/// The answers.
pub(super) fn opened(session: u64) -> Vec<u8> {
    let body = serde_json::json!({ "sessionId": session.to_string() }).to_string();
    format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(super) fn closed() -> Vec<u8> {
    b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()
}

pub(super) fn refused() -> Vec<u8> {
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()
}

pub(super) fn switched() -> Vec<u8> {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Protocol: fantail.v1\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    )
    .into_bytes()
}

/// Takes the first request from `bytes`, if it is whole.
pub(super) fn take(bytes: &mut Vec<u8>) -> Option<Request> {
    let head = bytes.windows(END.len()).position(|four| four == END)? + END.len();
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let end = head + length.unwrap_or(0);
    if bytes.len() < end {
        return None;
    }
    let body: Vec<u8> = bytes.drain(..end).skip(head).collect();
    let mut words = text.split(' ');
    Some(request(words.next()?, words.next()?, &body).unwrap_or(Request::Other))
}

fn request(method: &str, path: &str, body: &[u8]) -> Option<Request> {
    let rest = path.strip_prefix("/api/sessions")?;
    if method == "POST" && rest.is_empty() {
        let body: Value = serde_json::from_slice(body).ok()?;
        let command = body["command"].as_array()?.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect();
        return Some(Request::Open { command });
    }
    let (session, behind) = rest.strip_prefix('/')?.split_once('/').unwrap_or((rest.strip_prefix('/')?, ""));
    let session = session.parse().ok()?;
    match method {
        "DELETE" => Some(Request::Close { session }),
        "GET" if behind.starts_with("ws") => Some(Request::Attach { session }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_one_by_one_when_they_are_whole() {
        let body = r#"{"command":["cat","-u"],"pace":"lossless"}"#;
        let all = format!(
            "POST /api/sessions HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}\
             DELETE /api/sessions/7 HTTP/1.1\r\nContent-Length: 0\r\n\r\n\
             GET /api/sessions/12/ws?from=start HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            body.len()
        );
        let (mut bytes, mut taken) = (Vec::new(), Vec::new());
        for byte in all.bytes() {
            bytes.push(byte);
            taken.extend(take(&mut bytes));
        }
        let open = Request::Open { command: vec!["cat".into(), "-u".into()] };
        assert_eq!(taken, [open, Request::Close { session: 7 }, Request::Attach { session: 12 }, Request::Other]);
    }
}
