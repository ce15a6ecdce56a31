//! An HTTP/1.1 answer, read to the letter (RFC 9112).

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail, ensure};

/// Longest head: our own server's is 700 bytes.
const HEAD_MAX: usize = 16 << 10;
/// Longest body: a list of thousands of sessions.
const BODY_MAX: usize = 64 << 20;
/// Longest line that tells a chunk's size.
const CHUNK_LINE_MAX: usize = 64;
const END: &[u8] = b"\r\n\r\n";
const LINE_END: &[u8] = b"\r\n";

/// What was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    headers: &'a str,
    pub(crate) body: Cow<'a, [u8]>,
}

impl<'a> Answer<'a> {
    /// The answer at the beginning of `bytes` and its length; none as long as it is not whole.
    pub(crate) fn take(bytes: &'a [u8]) -> Result<Option<(Self, usize)>> {
        let Some(end) = find(bytes, END) else {
            ensure!(bytes.len() <= HEAD_MAX, "a head of more than {HEAD_MAX} bytes");
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).context("a head that is not text")?;
        let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let (status, rest) = (status(line)?, &bytes[end + END.len()..]);
        let begun = end + END.len();
        let length = one(headers, "content-length")?;
        let (body, read) = match (length, one(headers, "transfer-encoding")?) {
            (Some(_), Some(_)) => bail!("both a length and chunks"),
            (Some(length), None) => match sized(rest, length)? {
                Some(whole) => whole,
                None => return Ok(None),
            },
            (None, Some("chunked")) => match chunks(rest)? {
                Some(whole) => whole,
                None => return Ok(None),
            },
            (None, Some(coding)) => bail!("transfer-encoding {coding:?}"),
            (None, None) if matches!(status, 204 | 304) => (Cow::Borrowed(&[][..]), 0),
            (None, None) => bail!("neither a length nor chunks"),
        };
        ensure!(status != 204 || body.is_empty(), "204 with a body");
        Ok(Some((Self { status, headers, body }, begun + read)))
    }

    /// Every header's name and value.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lines = self.headers.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.map(|(name, value)| (name, value.trim()))
    }

    /// Whether another request can follow on the connection.
    pub(crate) fn keeps_alive(&self) -> bool {
        !self
            .headers()
            .any(|(name, value)| name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close"))
    }

    /// An error that shows the answer, unless it has this status.
    pub(crate) fn expect(&self, status: u16) -> Result<()> {
        ensure!(self.status == status, "answered {} instead of {status}: {}", self.status, self.excerpt());
        Ok(())
    }

    /// The beginning of the body.
    pub(crate) fn excerpt(&self) -> String {
        const TOLD: usize = 200;
        String::from_utf8_lossy(&self.body[..self.body.len().min(TOLD)]).into_owned()
    }
}

fn status(line: &str) -> Result<u16> {
    let code = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let ends = matches!(line.as_bytes().get(12), None | Some(b' '));
    let code = code.filter(|code| ends && code.bytes().all(|digit| digit.is_ascii_digit()));
    code.and_then(|code| code.parse().ok()).with_context(|| format!("the status line is {line:?}"))
}

/// The one value of a header that must not be there twice. All lines are looked at, so that all are known to be headers.
fn one<'a>(headers: &'a str, wanted: &str) -> Result<Option<&'a str>> {
    let mut found = None;
    for line in headers.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').with_context(|| format!("the header {line:?}"))?;
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&b));
        ensure!(is_name, "the header {line:?}");
        if name.eq_ignore_ascii_case(wanted) {
            ensure!(found.is_none(), "two headers {wanted}");
            found = Some(value.trim_matches([' ', '\t']));
        }
    }
    Ok(found)
}

type Body<'a> = (Cow<'a, [u8]>, usize);

fn sized<'a>(rest: &'a [u8], length: &str) -> Result<Option<Body<'a>>> {
    ensure!(!length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit()), "content-length {length:?}");
    let length: usize = length.parse().with_context(|| format!("content-length {length}"))?;
    ensure!(length <= BODY_MAX, "a body of {length} bytes");
    Ok(rest.get(..length).map(|body| (Cow::Borrowed(body), length)))
}

fn chunks(rest: &[u8]) -> Result<Option<Body<'_>>> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(end) = find(&rest[at..], LINE_END) else {
            ensure!(rest.len() - at <= CHUNK_LINE_MAX, "an endless line before a chunk");
            return Ok(None);
        };
        let line = &rest[at..at + end];
        let text = std::str::from_utf8(line).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let size = text.and_then(|text| usize::from_str_radix(text, 16).ok());
        let size = size.with_context(|| format!("a chunk of {:?} bytes", String::from_utf8_lossy(line)))?;
        ensure!(size <= BODY_MAX && body.len() + size <= BODY_MAX, "a body of more than {BODY_MAX} bytes");
        at += end + LINE_END.len();
        let Some(chunk) = rest.get(at..at + size + LINE_END.len()) else { return Ok(None) };
        ensure!(chunk.ends_with(LINE_END), "a chunk that does not end where it should, or trailers");
        body.extend_from_slice(&chunk[..size]);
        at += chunk.len();
        if size == 0 {
            return Ok(Some((Cow::Owned(body), at)));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
    const EMPTY: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

    #[test]
    fn an_answer_is_taken_when_it_is_whole_and_not_before() {
        for (bytes, status, body) in [(SIZED, 200, &b"hello"[..]), (CHUNKED, 200, b"hello!"), (EMPTY, 204, b"")] {
            for end in 0..bytes.len() {
                assert_eq!(Answer::take(&bytes[..end]).expect("so far good"), None, "{end} bytes");
            }
            let more = [bytes, b"HTTP"].concat();
            let (answer, length) = Answer::take(&more).expect("good").expect("whole");
            assert_eq!((answer.status, &*answer.body, length), (status, body, bytes.len()));
            assert_eq!(answer.keeps_alive(), status == 200);
        }
    }

    #[test]
    fn what_is_not_http_to_the_letter_is_refused() {
        let refused = [
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 2000\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nx",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno header: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ntrailer: x\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 1\r\n\r\nx",
        ];
        for bytes in refused {
            assert!(Answer::take(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        assert!(Answer::take(&[b'x'; HEAD_MAX + 1]).is_err());
    }
}
