//! One who joins late, on a blocking socket: how long until it shows what the session shows, and how much it is sent.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::Attachment;
use super::connection::Seen;
use super::expected::Expected;
use super::stream::Stream;
use super::typist::connect;

const ROOM: usize = 64 << 10;

/// One that has joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joined {
    /// From the handshake to the whole screen, or all output up to the end where there are no screens.
    pub(crate) took: Duration,
    /// What was sent for it, the answer to the handshake included.
    pub(crate) received: u64,
}

/// Joins a session that has printed `expected` and prints no more.
pub(crate) fn join(attachment: &Attachment, expected: &Expected) -> anyhow::Result<Joined> {
    let mut socket = connect(attachment)?;
    let (mut stream, mut seen, mut received) = (Stream::new(attachment.dialect), Seen::default(), 0);
    let mut room = vec![0; ROOM];
    let began = Instant::now();
    socket.write_all(&attachment.request)?;
    while seen.snapshot.is_none() && (seen.output == 0 || seen.at < expected.len()) {
        let read = socket.read(&mut room).context("waiting for the screen")?;
        if read == 0 {
            bail!("the server hung up");
        }
        received += read as u64;
        stream.feed(&room[..read], |said| seen.take(&said, expected)).map_err(anyhow::Error::msg)?;
    }
    let took = began.elapsed();
    if seen.at != expected.len() {
        bail!("joined at {} of {} bytes", seen.at, expected.len());
    }
    Ok(Joined { took, received })
}
