//! The floor: the cheapest server of sessions there can be, to hold every figure against.
//!
//! One thread, one epoll set. Output is read from the terminal, made into frames once, and written to all viewers in the
//! order they came, as many frames in one writev(2) as there are. It speaks as much of REST and of `fantail.v1` as the
//! load test does, so that the clients are the same. What it leaves out is everything else: it asks nobody who he is,
//! checks nothing, keeps no screen, outlives nothing, and a viewer that does not read holds up its program for ever.

pub(crate) mod answers;
pub(crate) mod child;
mod history;
mod posix;
mod pty;
mod request;
mod session;
pub(crate) mod spawns;
mod typed;

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::Context as _;

use self::child::end_with_parent;
use self::history::Position;
use self::request::Request;
use self::session::{Printed, Session};
use self::typed::Typed;
use crate::limits::raise_descriptors;
use crate::readiness::{Interest, Readiness, Ready};

/// The name of the hidden command that is this floor.
pub(crate) const COMMAND: &str = "floor";

/// Connections that wait to be accepted.
const WAITING_MAX: i32 = 4096;
/// Bytes read from a client at once: clients type.
const CLIENT_ROOM: usize = 16 << 10;
const LISTENER: u64 = 0;
/// Keys of connections are their numbers above this, and those of terminals above the next.
const CONNECTIONS: u64 = 1 << 32;
const TERMINALS: u64 = 1 << 33;

/// All of it.
struct Floor {
    readiness: Readiness,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    sessions: HashMap<u64, Session>,
    opened: u64,
    room: Vec<u8>,
}

struct Connection {
    socket: TcpStream,
    /// Read and not yet understood.
    came: Vec<u8>,
    viewer: Option<Viewer>,
}

struct Viewer {
    session: u64,
    position: Position,
    /// The socket takes no more for now.
    blocked: bool,
}

/// Serves until it is killed. Says where it listens first.
pub(crate) fn run() -> anyhow::Result<()> {
    raise_descriptors();
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    listener.listen(WAITING_MAX)?;
    let listener = TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    end_with_parent()?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?).context("nobody to tell")?;
    let readiness = Readiness::new()?;
    readiness.add(&listener, LISTENER, Interest::Read)?;
    let floor = Floor {
        readiness,
        listener,
        connections: Vec::new(),
        free: Vec::new(),
        sessions: HashMap::new(),
        opened: 0,
        room: Vec::new(),
    };
    floor.serve()
}

impl Floor {
    fn serve(mut self) -> anyhow::Result<()> {
        loop {
            for ready in self.readiness.wait(None)? {
                match ready.key {
                    LISTENER => self.accept()?,
                    CONNECTIONS..TERMINALS => self.connection(index(ready.key - CONNECTIONS), ready)?,
                    terminal => self.terminal(terminal - TERMINALS, ready)?,
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.connections.len());
            self.readiness.add(&socket, CONNECTIONS + index as u64, Interest::Read)?;
            let connection = Some(Connection { socket, came: Vec::new(), viewer: None });
            match self.connections.get_mut(index) {
                Some(place) => *place = connection,
                None => self.connections.push(connection),
            }
        }
    }

    /// Something can be read from a client, or written to it.
    fn connection(&mut self, index: usize, ready: Ready) -> io::Result<()> {
        if ready.write {
            self.write(index)?;
        }
        if !ready.read {
            return Ok(());
        }
        let Some(Some(connection)) = self.connections.get_mut(index) else { return Ok(()) };
        self.room.resize(CLIENT_ROOM.max(self.room.len()), 0);
        match connection.socket.read(&mut self.room) {
            Ok(read @ 1..) => connection.came.extend_from_slice(&self.room[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            _ => return self.leave(index),
        }
        self.understand(index)
    }

    fn understand(&mut self, index: usize) -> io::Result<()> {
        loop {
            let Some(Some(connection)) = self.connections.get_mut(index) else { return Ok(()) };
            if let Some(viewer) = &connection.viewer {
                let (session, typed) = (viewer.session, typed::take(&mut connection.came));
                match (typed, self.sessions.get_mut(&session)) {
                    (Some(Typed::Input(bytes)), Some(typed_into)) => {
                        typed_into.write(&bytes);
                        self.readiness.change(&typed_into.master, TERMINALS + session, typed_into.interest())?;
                    }
                    (Some(Typed::Closed), _) => return self.leave(index),
                    (Some(_), _) => {}
                    (None, _) => break,
                }
            } else {
                match request::take(&mut connection.came) {
                    Some(request) => self.answer(index, request)?,
                    None => break,
                }
            }
        }
        if let Some(Some(connection)) = self.connections.get_mut(index)
            && connection.came.is_empty()
        {
            connection.came = Vec::new();
        }
        Ok(())
    }

    fn answer(&mut self, index: usize, request: Request) -> io::Result<()> {
        let answer = match request {
            Request::Open { command } => match Session::start(&command) {
                Ok(session) => {
                    self.opened += 1;
                    self.readiness.add(&session.master, TERMINALS + self.opened, Interest::Read)?;
                    self.sessions.insert(self.opened, session);
                    request::opened(self.opened)
                }
                Err(_) => request::refused(),
            },
            Request::Close { session } => match self.sessions.remove(&session) {
                Some(closed) => {
                    for &viewer in &closed.viewers {
                        self.hang_up(viewer)?;
                    }
                    drop(closed);
                    request::closed()
                }
                None => request::refused(),
            },
            Request::Attach { session } => match self.sessions.get_mut(&session) {
                Some(attached) => {
                    attached.viewers.push(index);
                    let position = attached.history.oldest();
                    if let Some(Some(connection)) = self.connections.get_mut(index) {
                        connection.viewer = Some(Viewer { session, position, blocked: false });
                    }
                    [request::switched(), attached.history.welcome()].concat()
                }
                None => request::refused(),
            },
            Request::Other => request::refused(),
        };
        let Some(Some(connection)) = self.connections.get_mut(index) else { return Ok(()) };
        // Small, and the first on its connection or the only one under way: the socket has room for it.
        if connection.socket.write_all(&answer).is_err() {
            return self.leave(index);
        }
        self.write(index)
    }

    /// A program has printed, or can be typed to.
    fn terminal(&mut self, number: u64, ready: Ready) -> io::Result<()> {
        let Self { readiness, connections, sessions, room, .. } = self;
        let Some(session) = sessions.get_mut(&number) else { return Ok(()) };
        if ready.write {
            session.flush();
            readiness.change(&session.master, TERMINALS + number, session.interest())?;
        }
        if !ready.read {
            return Ok(());
        }
        match session.read(room) {
            Printed::Nothing => return Ok(()),
            Printed::Ended => return readiness.remove(&session.master),
            Printed::Some => {}
        }
        for &index in &session.viewers {
            let Some(Some(connection)) = connections.get_mut(index) else { continue };
            // The kernel tells when it takes more. Who is in trouble is found when its end is read.
            if connection.viewer.as_ref().is_some_and(|viewer| !viewer.blocked) {
                let _ = connection.write(session, readiness, index);
            }
        }
        if session.history.is_long() {
            make_room(session, connections);
            if session.full {
                readiness.change(&session.master, TERMINALS + number, session.interest())?;
            }
        }
        Ok(())
    }

    /// Writes to a viewer what it has not got.
    fn write(&mut self, index: usize) -> io::Result<()> {
        let Self { readiness, connections, sessions, .. } = self;
        let Some(Some(connection)) = connections.get_mut(index) else { return Ok(()) };
        let Some(number) = connection.viewer.as_ref().map(|viewer| viewer.session) else { return Ok(()) };
        let Some(session) = sessions.get_mut(&number) else { return Ok(()) };
        if connection.write(session, readiness, index).is_err() {
            return self.leave(index);
        }
        if session.full {
            make_room(session, connections);
            if !session.full {
                readiness.change(&session.master, TERMINALS + number, session.interest())?;
            }
        }
        Ok(())
    }

    /// A client has gone.
    fn leave(&mut self, index: usize) -> io::Result<()> {
        let viewer = self.connections.get_mut(index).and_then(|place| place.as_mut()?.viewer.take());
        self.hang_up(index)?;
        let Some(viewer) = viewer else { return Ok(()) };
        let Self { readiness, connections, sessions, .. } = self;
        let Some(session) = sessions.get_mut(&viewer.session) else { return Ok(()) };
        session.viewers.retain(|other| *other != index);
        if session.full {
            make_room(session, connections);
            readiness.change(&session.master, TERMINALS + viewer.session, session.interest())?;
        }
        Ok(())
    }

    fn hang_up(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::take) else { return Ok(()) };
        self.readiness.remove(&connection.socket)?;
        self.free.push(index);
        Ok(())
    }
}

/// Forgets what all viewers have, and says whether the program has to wait for one.
fn make_room(session: &mut Session, connections: &[Option<Connection>]) {
    let at = |index: &usize| Some(connections.get(*index)?.as_ref()?.viewer.as_ref()?.position);
    let slowest = session.viewers.iter().filter_map(at).min();
    session.history.forget(slowest.unwrap_or_else(|| session.history.newest()));
    session.full = session.history.is_full();
}

impl Connection {
    /// Writes until the viewer has all or its socket takes no more; then the kernel is asked to tell when it does.
    fn write(&mut self, session: &Session, readiness: &Readiness, index: usize) -> io::Result<()> {
        let Some(viewer) = &mut self.viewer else { return Ok(()) };
        let mut blocked = false;
        loop {
            let slices = session.history.slices(viewer.position);
            if slices.is_empty() {
                break;
            }
            match self.socket.write_vectored(&slices) {
                Ok(taken) => viewer.position = session.history.advanced(viewer.position, taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    blocked = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if blocked != viewer.blocked {
            viewer.blocked = blocked;
            let interest = if blocked { Interest::Both } else { Interest::Read };
            readiness.change(&self.socket, CONNECTIONS + index as u64, interest)?;
        }
        Ok(())
    }
}

fn index(key: u64) -> usize {
    usize::try_from(key).unwrap_or(usize::MAX)
}
