//! The dialect of VibeTunnel (Gen-2): output as asciicast events in a stream of server-sent events.
//!
//! What it costs to unpack is the dialect's: there is no output that could be compared where it lies.

use serde_json::Value;

use super::Said;

const END: &[u8] = b"\r\n\r\n";
/// Bytes of the longest head, and of the longest line: an event holds what one read of a terminal gave, escaped.
const HEAD_MAX: usize = 16 << 10;
const LINE_MAX: usize = 16 << 20;
/// Bytes of a refusal that are shown.
const SHOWN_MAX: usize = 200;

/// Reads the stream.
#[derive(Debug, Default)]
pub(crate) struct Sse {
    /// Until the answer's head is whole.
    head: Vec<u8>,
    body: Option<Body>,
    line: Vec<u8>,
}

/// How the answer's body is sent.
#[derive(Debug)]
enum Body {
    Plain,
    Chunked(Chunks),
}

/// Where in a chunked body the next byte is.
#[derive(Clone, Copy, Debug)]
enum Chunks {
    /// In the line that tells the next chunk's size, which is so much so far.
    Size { so_far: usize, digits: bool },
    /// So much of a chunk is still to come, and behind it an empty line.
    Within(usize),
}

impl Sse {
    /// Takes what was read.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        on: &mut impl FnMut(Said<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.body.is_none() {
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let Some(at) = self.head.windows(END.len()).position(|four| four == END) else {
                return if self.head.len() > HEAD_MAX { Err("an endless answer".into()) } else { Ok(()) };
            };
            self.body = Some(body(&self.head)?);
            bytes = &bytes[at + END.len() - before..];
            self.head = Vec::new();
            on(Said::Welcome { offset: 0 })?;
        }
        while !bytes.is_empty() {
            let (text, rest) = match &mut self.body {
                Some(Body::Chunked(chunks)) => chunks.take(bytes)?,
                _ => (bytes, &bytes[bytes.len()..]),
            };
            bytes = rest;
            self.text(text, on)?;
        }
        Ok(())
    }

    fn text(&mut self, mut text: &[u8], on: &mut impl FnMut(Said<'_>) -> Result<(), String>) -> Result<(), String> {
        while let Some(at) = text.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&text[..at]);
            text = &text[at + 1..];
            if let Some(data) = self.line.strip_prefix(b"data:") {
                event(data, on)?;
            }
            self.line.clear();
        }
        self.line.extend_from_slice(text);
        if self.line.len() > LINE_MAX { Err("an endless line".into()) } else { Ok(()) }
    }
}

/// The event of a line: `[seconds, "o", "text"]`, `["exit", code, id]`, or something of no concern here.
fn event(data: &[u8], on: &mut impl FnMut(Said<'_>) -> Result<(), String>) -> Result<(), String> {
    let event: Value = serde_json::from_slice(data).map_err(|error| format!("an event that is not JSON: {error}"))?;
    if event[0] == "exit" {
        return on(Said::Exit);
    }
    match (event[1].as_str(), event[2].as_str()) {
        (Some("o"), Some(text)) => on(Said::Output(text.as_bytes())),
        _ => Ok(()),
    }
}

fn body(head: &[u8]) -> Result<Body, String> {
    let text = String::from_utf8_lossy(head);
    let status = text.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("refused: {}", text.chars().take(SHOWN_MAX).collect::<String>()));
    }
    let chunked = text.lines().filter_map(|line| line.split_once(':')).any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding") && value.trim().eq_ignore_ascii_case("chunked")
    });
    Ok(if chunked { Body::Chunked(Chunks::Size { so_far: 0, digits: false }) } else { Body::Plain })
}

impl Chunks {
    /// What of `bytes` is text, up to the end of a chunk, and what comes behind it.
    fn take<'a>(&mut self, mut bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), String> {
        loop {
            match *self {
                Self::Within(left) if left > 0 => {
                    let (text, rest) = bytes.split_at(left.min(bytes.len()));
                    *self = Self::Within(left - text.len());
                    return Ok((text, rest));
                }
                Self::Within(_) => *self = Self::Size { so_far: 0, digits: false },
                Self::Size { so_far, digits } => {
                    let Some((&byte, rest)) = bytes.split_first() else { return Ok((&[], &[])) };
                    bytes = rest;
                    *self = match char::from(byte).to_digit(16) {
                        Some(digit) if so_far <= LINE_MAX => {
                            Self::Size { so_far: so_far * 16 + digit as usize, digits: true }
                        }
                        None if byte == b'\r' => *self,
                        // The empty line behind a chunk comes here too.
                        None if byte == b'\n' && !digits => *self,
                        None if byte == b'\n' && so_far == 0 => return Err("the stream ended".into()),
                        None if byte == b'\n' => Self::Within(so_far),
                        _ => return Err("a chunk's size that is none".into()),
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

    fn events() -> String {
        let header = r#"data: {"version":2,"width":80,"height":24}"#;
        let output =
            "data: [0.1,\"o\",\"caf\u{e9} \\u001b[1m\"]\n\ndata: [0.2,\"i\",\"x\"]\n\ndata: [0.3,\"o\",\"end\"]";
        format!(":ok\n\n{header}\n\n{output}\n\n:heartbeat\n\ndata: [\"exit\",0,\"id\"]\n\n")
    }

    /// What is said, in pieces of `piece` bytes: the output, and what else.
    fn said(stream: &str, piece: usize) -> Result<(String, Vec<String>), String> {
        let (mut sse, mut output, mut others) = (Sse::default(), Vec::new(), Vec::new());
        for piece in stream.as_bytes().chunks(piece) {
            sse.feed(piece, &mut |said| {
                match said {
                    Said::Output(bytes) => output.extend_from_slice(bytes),
                    other => others.push(format!("{other:?}")),
                }
                Ok(())
            })?;
        }
        Ok((String::from_utf8_lossy(&output).into_owned(), others))
    }

    #[test]
    fn events_are_read_however_they_are_cut_and_sent() {
        let expected = ("caf\u{e9} \u{1b}[1mend".to_owned(), vec!["Welcome { offset: 0 }".into(), "Exit".into()]);
        let plain = format!("{HEAD}\r\n{}", events());
        // Chunks of ASCII, so that each is a string.
        let chunks: String = events()
            .replace('\u{e9}', "\\u00e9")
            .as_bytes()
            .chunks(20)
            .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
            .collect();
        let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}");
        for piece in [1, 2, 3, 17, 10_000] {
            assert_eq!(said(&plain, piece).as_ref(), Ok(&expected), "in pieces of {piece}");
            assert_eq!(said(&chunked, piece).as_ref(), Ok(&expected), "chunked, in pieces of {piece}");
        }
        assert!(said(&format!("{chunked}0\r\n\r\n"), 7).is_err(), "its end is the server's hanging up");
    }

    #[test]
    fn refusals_are_errors() {
        let refused = said("HTTP/1.1 404 Not Found\r\n\r\n{}", 100);
        assert!(refused.is_err_and(|error| error.contains("404")));
        assert!(said(&format!("{HEAD}\r\ndata: nothing\n\n"), 100).is_err());
    }
}
