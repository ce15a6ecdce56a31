//! One non-blocking connection of a crowd: connected, upgraded, and everything it is sent verified as it comes.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

use super::expected::Expected;
use super::frames::{self, write_masked};
use super::stream::Stream;
use super::{Attachment, Dialect, Said};
use crate::readiness::Interest;

/// Bytes a connection may have waiting to be sent: it types little, and a server that does not read has to be told of.
const UNSENT_MAX: usize = 1 << 20;

/// The last of the addresses 127.0.0.x that are connected from, each good for some 28,000 connections.
const SOURCES: u8 = 16;

/// One viewer.
pub(crate) struct Connection {
    socket: TcpStream,
    stream: Stream,
    dialect: Dialect,
    /// What the socket has not taken yet; the handshake first.
    out: Vec<u8>,
    /// The number of its last input.
    seq: u64,
    expected: Arc<Expected>,
    /// What it has seen of its session.
    pub(crate) seen: Seen,
}

/// What a viewer has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) welcomed: bool,
    /// The end of the output it has, all of which was right.
    pub(crate) at: u64,
    /// Bytes of output it was sent.
    pub(crate) output: u64,
    /// Bytes of output it was told to do without.
    pub(crate) skipped: u64,
    /// Bytes of the last screen it was sent.
    pub(crate) snapshot: Option<u64>,
    pub(crate) exited: bool,
}

impl Connection {
    /// Begins to connect.
    pub(crate) fn open(attachment: &Attachment, expected: &Arc<Expected>) -> io::Result<Self> {
        let socket = TcpStream::from(dial(attachment.address)?);
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            stream: Stream::new(attachment.dialect),
            dialect: attachment.dialect,
            out: attachment.request.clone(),
            seq: 0,
            expected: Arc::clone(expected),
            seen: Seen::default(),
        })
    }

    pub(crate) const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// What it waits for.
    pub(crate) const fn interest(&self) -> Interest {
        if self.out.is_empty() { Interest::Read } else { Interest::Both }
    }

    /// Types, as soon as the socket takes it.
    pub(crate) fn type_in(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.seq += 1;
        let (opcode, payload) = self.dialect.input(self.seq, bytes);
        self.queue(opcode, &payload)?;
        self.send()
    }

    /// Sends what waits.
    pub(crate) fn send(&mut self) -> Result<(), String> {
        while !self.out.is_empty() {
            match (&self.socket).write(&self.out) {
                Ok(taken) => drop(self.out.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(error) => return Err(format!("sending: {error}")),
            }
        }
        self.out = Vec::new();
        Ok(())
    }

    /// Reads once, as much as there is room for, and verifies it. What it says is what is wrong.
    pub(crate) fn receive(&mut self, room: &mut [u8]) -> Result<(), String> {
        let read = match (&self.socket).read(room) {
            Ok(0) => return Err("the server hung up".into()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(format!("receiving: {error}")),
        };
        let Self { stream, seen, expected, .. } = self;
        let mut answer = None;
        stream.feed(&room[..read], |said| {
            match said {
                Said::Ping(payload) => answer = Some((frames::PONG, payload.to_vec())),
                Said::Greet(message) => answer = Some((frames::BINARY, message)),
                said => seen.take(&said, expected)?,
            }
            Ok(())
        })?;
        match answer {
            Some((opcode, payload)) => self.queue(opcode, &payload).and_then(|()| self.send()),
            None => Ok(()),
        }
    }

    fn queue(&mut self, opcode: u8, payload: &[u8]) -> Result<(), String> {
        if self.out.len() + payload.len() > UNSENT_MAX {
            return Err("the server reads nothing of what is typed".into());
        }
        write_masked(&mut self.out, opcode, payload, mask(self.seq));
        Ok(())
    }
}

/// A socket that connects. From one address there are as many connections to another as there are ports; where they are
/// used up, this machine has more addresses.
fn dial(address: SocketAddr) -> io::Result<OwnedFd> {
    let mut sources = (2..=SOURCES).map(|last| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)));
    let mut source = None;
    loop {
        match dial_from(source, address) {
            Err(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) if address.ip() == Ipv4Addr::LOCALHOST => {}
            dialled => return Ok(dialled?),
        }
        source = Some(sources.next().ok_or(io::ErrorKind::AddrNotAvailable)?);
    }
}

fn dial_from(source: Option<SocketAddr>, address: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
    if let Some(source) = source {
        bind(&socket, &source)?;
    }
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

/// Another for each frame, with bits everywhere.
pub(crate) fn mask(seq: u64) -> u32 {
    const SPREAD: u32 = 0x9e37_79b9;
    u32::try_from(seq & 0xffff).unwrap_or(0).wrapping_add(1).wrapping_mul(SPREAD)
}

impl Seen {
    pub(super) fn take(&mut self, said: &Said<'_>, expected: &Expected) -> Result<(), String> {
        match *said {
            Said::Welcome { offset } => (self.welcomed, self.at) = (true, offset),
            Said::Output(bytes) => {
                expected.check(self.at, bytes)?;
                self.at += bytes.len() as u64;
                self.output += bytes.len() as u64;
            }
            Said::Snapshot { offset, bytes } => (self.at, self.snapshot) = (offset, Some(bytes)),
            Said::Gap { from, to } if expected.may_be_skipped() => self.skipped += to.saturating_sub(from),
            Said::Gap { from, to } => return Err(format!("output {from}..{to} was skipped")),
            Said::Closed(code) => return Err(format!("the server closed with {code}")),
            Said::Exit => self.exited = true,
            Said::Ack(_) | Said::Ping(_) | Said::Greet(_) => {}
        }
        Ok(())
    }
}
