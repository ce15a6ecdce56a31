//! The opening handshake of RFC 6455, as bytes out and bytes in.
//!
//! The key is always the same, so that its answer is a constant: it guards against caches, and none is here.

/// Of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server makes of it.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Bytes of the longest answer that is read: more than any server sends before it switches protocols.
const ANSWER_MAX: usize = 16 * 1024;
/// Bytes of a refusal's body that are shown.
const SHOWN_MAX: usize = 200;

/// The request that asks to upgrade `path`.
pub(crate) fn upgrade(authority: &str, path: &str, subprotocol: Option<&str>, bearer: Option<&str>) -> Vec<u8> {
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    );
    if let Some(subprotocol) = subprotocol {
        request += &format!("Sec-WebSocket-Protocol: {subprotocol}\r\n");
    }
    if let Some(token) = bearer {
        request += &format!("Authorization: Bearer {token}\r\n");
    }
    (request + "\r\n").into_bytes()
}

/// Reads a server's answer until it has switched.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    head: Vec<u8>,
}

/// The end of an answer's head.
const END: &[u8] = b"\r\n\r\n";

impl Answer {
    /// Takes what was read. Gives what lies behind the answer, once it is whole and the protocol has been switched.
    pub(crate) fn feed<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, String> {
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        let Some(at) = self.head.windows(END.len()).position(|four| four == END) else {
            return if self.head.len() > ANSWER_MAX { Err("an endless answer".into()) } else { Ok(None) };
        };
        let end = at + END.len();
        check(&self.head[..end], &self.head[end..])?;
        self.head = Vec::new();
        Ok(Some(&bytes[end - before..]))
    }
}

/// Whether `head` is the answer that switches.
fn check(head: &[u8], behind: &[u8]) -> Result<(), String> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        let behind = String::from_utf8_lossy(&behind[..behind.len().min(SHOWN_MAX)]);
        return Err(format!("refused: {status} {behind}"));
    }
    let accept = lines
        .filter_map(|line| line.split_once(':'))
        .find_map(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-accept").then_some(value.trim()));
    if accept == Some(ACCEPT) { Ok(()) } else { Err(format!("the key was answered by {accept:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(accept: &str) -> String {
        format!("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n")
    }

    #[test]
    fn an_answer_is_understood_wherever_it_is_cut() {
        let whole = [answer(ACCEPT).as_bytes(), b"rest"].concat();
        for cut in 0..whole.len() {
            let mut reader = Answer::default();
            let (before, behind) = whole.split_at(cut);
            let rest = match reader.feed(before).expect("right") {
                Some(rest) => [rest, behind].concat(),
                None => reader.feed(behind).expect("right").expect("whole").to_vec(),
            };
            assert_eq!(rest, b"rest", "cut at {cut}");
        }
    }

    #[test]
    fn refusals_and_strangers_are_errors() {
        let refusal = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nbusy";
        assert_eq!(Answer::default().feed(refusal), Err("refused: HTTP/1.1 429 Too Many Requests busy".into()));
        assert!(Answer::default().feed(answer("other").as_bytes()).is_err());
        assert!(Answer::default().feed(&[b'x'; ANSWER_MAX + 1]).is_err());
    }

    #[test]
    fn the_answer_to_the_key_is_what_tungstenite_makes_of_it() {
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(KEY.as_bytes());
        assert_eq!(accept, ACCEPT);
    }
}
