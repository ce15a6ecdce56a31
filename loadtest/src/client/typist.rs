//! One who types and waits for the echo, on a blocking socket: the time is measured around one write and one read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::connection::mask;
use super::frames::{self, write_masked};
use super::handshake::Answer;
use super::stream::Stream;
use super::{Attachment, Dialect, Said};

/// How long anything may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);
const ROOM: usize = 64 << 10;

/// A viewer that types.
pub(crate) struct Typist {
    socket: TcpStream,
    /// What is typed goes here, where that is not the same.
    keyboard: Option<TcpStream>,
    stream: Stream,
    dialect: Dialect,
    seq: u64,
    room: Vec<u8>,
    /// Output that came and was not yet taken.
    output: Vec<u8>,
    frame: Vec<u8>,
}

impl Typist {
    /// Attaches.
    pub(crate) fn attach(attachment: &Attachment) -> anyhow::Result<Self> {
        let keyboard = attachment.keyboard.as_ref().map(|request| keyboard(attachment, request)).transpose()?;
        let mut socket = connect(attachment)?;
        socket.write_all(&attachment.request)?;
        let stream = Stream::new(attachment.dialect);
        let (room, dialect) = (vec![0; ROOM], attachment.dialect);
        Ok(Self { socket, keyboard, stream, dialect, seq: 0, room, output: Vec::new(), frame: Vec::new() })
    }

    /// Reads until this has come, and nothing else.
    pub(crate) fn until_printed(&mut self, text: &[u8]) -> anyhow::Result<()> {
        while self.output.len() < text.len() {
            self.receive()?;
        }
        if self.output != text {
            bail!("{:?} was printed instead of {:?}", self.output.escape_ascii(), text.escape_ascii());
        }
        self.output.clear();
        Ok(())
    }

    /// Types `key` and waits for its echo, which must be all that comes.
    pub(crate) fn trip(&mut self, key: u8) -> anyhow::Result<Duration> {
        self.seq += 1;
        self.frame.clear();
        let (opcode, payload) = self.dialect.input(self.seq, &[key]);
        write_masked(&mut self.frame, opcode, &payload, mask(self.seq));
        let began = Instant::now();
        self.keyboard.as_mut().unwrap_or(&mut self.socket).write_all(&self.frame)?;
        while self.output.is_empty() {
            self.receive()?;
        }
        let took = began.elapsed();
        if self.output != [key] {
            let (came, key) = (self.output.escape_ascii(), key.escape_ascii());
            bail!("{came} came back for {key}, trip {}", self.seq);
        }
        self.output.clear();
        Ok(took)
    }

    fn receive(&mut self) -> anyhow::Result<()> {
        let read = self.socket.read(&mut self.room).context("waiting for the server")?;
        if read == 0 {
            bail!("the server hung up");
        }
        let Self { stream, output, .. } = self;
        let mut answer = None;
        let fed = stream.feed(&self.room[..read], |said| {
            match said {
                Said::Output(bytes) => output.extend_from_slice(bytes),
                Said::Ping(payload) => answer = Some((frames::PONG, payload.to_vec())),
                Said::Greet(message) => answer = Some((frames::BINARY, message)),
                Said::Closed(code) => return Err(format!("the server closed with {code}")),
                Said::Gap { from, to } => return Err(format!("output {from}..{to} was skipped")),
                Said::Exit => return Err("the program ended".into()),
                Said::Welcome { .. } | Said::Snapshot { .. } | Said::Ack(_) => {}
            }
            Ok(())
        });
        fed.map_err(anyhow::Error::msg)?;
        if let Some((opcode, payload)) = answer {
            let mut frame = Vec::new();
            write_masked(&mut frame, opcode, &payload, mask(self.seq));
            self.socket.write_all(&frame)?;
        }
        Ok(())
    }
}

/// A blocking socket on which nothing is waited for without end.
pub(super) fn connect(attachment: &Attachment) -> anyhow::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&attachment.address, PATIENCE).context("connecting")?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// A WebSocket for what is typed, once it is one.
fn keyboard(attachment: &Attachment, request: &[u8]) -> anyhow::Result<TcpStream> {
    let mut socket = connect(attachment)?;
    socket.write_all(request)?;
    let (mut answer, mut room) = (Answer::default(), [0; 1024]);
    loop {
        let read = socket.read(&mut room).context("waiting for the keyboard")?;
        if read == 0 {
            bail!("the server hung up");
        }
        if answer.feed(&room[..read]).map_err(anyhow::Error::msg)?.is_some() {
            return Ok(socket);
        }
    }
}
