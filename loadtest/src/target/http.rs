//! REST, as far as sessions are opened and closed by it: one connection, one request at a time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// How long an answer may take: closing a session has seconds of grace.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the longest answer that is read.
const ANSWER_MAX: usize = 64 << 20;
const END: &[u8] = b"\r\n\r\n";

/// A client of one server.
pub(crate) struct Http {
    authority: String,
    address: SocketAddr,
    token: Option<String>,
    connection: Option<TcpStream>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The same, if it was answered with `status`.
    pub(crate) fn expect(self, status: u16) -> anyhow::Result<Self> {
        if self.status != status {
            bail!("answered {} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        Ok(self)
    }
}

impl Http {
    pub(crate) fn new(url: &str, token: Option<String>) -> anyhow::Result<Self> {
        let rest = url.strip_prefix("http://").with_context(|| format!("{url} does not begin with http://"))?;
        let authority = rest.trim_end_matches('/').to_owned();
        let with_port = if authority.contains(':') { authority.clone() } else { format!("{authority}:80") };
        let address = with_port.to_socket_addrs().with_context(|| format!("looking up {with_port}"))?.next();
        let address = address.with_context(|| format!("{with_port} has no address"))?;
        Ok(Self { authority, address, token, connection: None })
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends a request and reads the answer. One that finds its connection closed is sent once more on another: a
    /// server may have closed it meanwhile.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.authority);
        if let Some(token) = &self.token {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        if !body.is_empty() {
            request += "Content-Type: application/json\r\n";
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        if let Some(kept) = self.connection.take()
            && let Ok(answer) = self.exchange(kept, request.as_bytes())
        {
            return Ok(answer);
        }
        let fresh = TcpStream::connect_timeout(&self.address, PATIENCE)
            .with_context(|| format!("connecting to {}", self.authority))?;
        fresh.set_nodelay(true)?;
        fresh.set_read_timeout(Some(PATIENCE))?;
        self.exchange(fresh, request.as_bytes()).with_context(|| format!("{method} {path}"))
    }

    fn exchange(&mut self, mut connection: TcpStream, request: &[u8]) -> anyhow::Result<Answer> {
        connection.write_all(request)?;
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(at) = bytes.windows(END.len()).position(|four| four == END) {
                break at + END.len();
            }
            more(&mut connection, &mut bytes)?;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let header = |name: &str| {
            let mut headers = text.lines().filter_map(|line| line.split_once(':'));
            headers.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned()))
        };
        let length = header("content-length").map_or(Ok(0), |length| length.parse::<usize>())?;
        while bytes.len() < head + length {
            more(&mut connection, &mut bytes)?;
        }
        if header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.connection = Some(connection);
        }
        Ok(Answer { status, body: bytes.split_off(head) })
    }
}

fn more(connection: &mut TcpStream, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut piece = [0; 16 << 10];
    match connection.read(&mut piece)? {
        0 => bail!("the server hung up"),
        read if bytes.len() + read > ANSWER_MAX => bail!("an endless answer"),
        read => bytes.extend_from_slice(&piece[..read]),
    }
    Ok(())
}
