//! Connections in turns: each asks, waits for the answer, and asks again.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::Place;
use super::answer::Answer;
use crate::readiness::{Interest, Readiness};

/// How long nobody may be answered: closing a session has seconds of grace.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes read at once: a list of a hundred sessions.
const ROOM: usize = 64 << 10;

/// What is asked, and what is thought of the answers.
pub(crate) trait Work {
    /// What this connection asks next. None: it has done its part.
    fn ask(&mut self, connection: usize) -> Option<Vec<u8>>;

    /// What it was answered, and how long that took.
    fn answered(&mut self, connection: usize, answer: &Answer<'_>, took: Duration) -> Result<()>;
}

/// All connections.
pub(crate) struct Turns {
    readiness: Readiness,
    connections: Vec<Connection>,
    room: Vec<u8>,
}

struct Connection {
    socket: TcpStream,
    unsent: Vec<u8>,
    came: Vec<u8>,
    /// When it asked what it is not yet answered.
    asked: Option<Instant>,
}

impl Turns {
    /// Connects.
    pub(crate) fn connect(place: &Place, connections: usize) -> Result<Self> {
        let readiness = Readiness::new()?;
        let connect = |number: usize| -> Result<Connection> {
            let socket = TcpStream::connect_timeout(&place.address, PATIENCE)?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            readiness.add(&socket, number as u64, Interest::Read)?;
            Ok(Connection { socket, unsent: Vec::new(), came: Vec::new(), asked: None })
        };
        let connections = (0..connections).map(connect).collect::<Result<_>>();
        let connections = connections.with_context(|| format!("connecting to {}", place.authority))?;
        Ok(Self { readiness, connections, room: vec![0; ROOM] })
    }

    /// Lets all connections ask until none has anything more to ask. How long that took.
    pub(crate) fn run(&mut self, work: &mut impl Work) -> Result<Duration> {
        let began = Instant::now();
        let mut waiting = 0;
        for index in 0..self.connections.len() {
            waiting += usize::from(self.ask(index, work)?);
        }
        while waiting > 0 {
            let ready = self.readiness.wait(Some(PATIENCE))?;
            ensure!(!ready.is_empty(), "{waiting} requests were not answered in {} s", PATIENCE.as_secs());
            for ready in ready {
                let index = usize::try_from(ready.key)?;
                let goes_on = self.turn(index, ready.write, work).with_context(|| format!("connection {index}"))?;
                waiting -= usize::from(!goes_on);
            }
        }
        Ok(began.elapsed())
    }

    /// Whether it goes on waiting for an answer.
    fn turn(&mut self, index: usize, writable: bool, work: &mut impl Work) -> Result<bool> {
        let connection = &mut self.connections[index];
        if writable {
            connection.send()?;
            self.readiness.change(&connection.socket, index as u64, connection.interest())?;
        }
        connection.read(&mut self.room)?;
        let Some((answer, length)) = Answer::take(&connection.came)? else { return Ok(true) };
        let Some(asked) = connection.asked.take() else { bail!("an answer to nothing: {}", answer.excerpt()) };
        ensure!(length == connection.came.len(), "more than the answer came");
        ensure!(answer.keeps_alive(), "the server does not keep the connection");
        work.answered(index, &answer, asked.elapsed())?;
        connection.came.clear();
        self.ask(index, work)
    }

    /// Whether there was something more to ask.
    fn ask(&mut self, index: usize, work: &mut impl Work) -> Result<bool> {
        let Some(request) = work.ask(index) else { return Ok(false) };
        let connection = &mut self.connections[index];
        connection.unsent = request;
        connection.asked = Some(Instant::now());
        connection.send()?;
        if !connection.unsent.is_empty() {
            self.readiness.change(&connection.socket, index as u64, connection.interest())?;
        }
        Ok(true)
    }
}

impl Connection {
    fn interest(&self) -> Interest {
        if self.unsent.is_empty() { Interest::Read } else { Interest::Both }
    }

    /// Sends what the socket takes.
    fn send(&mut self) -> Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("asking"),
            }
        }
        Ok(())
    }

    /// Reads once: epoll tells when there is more.
    fn read(&mut self, room: &mut [u8]) -> Result<()> {
        match self.socket.read(room) {
            Ok(0) => bail!("the server hung up"),
            Ok(read) => self.came.extend_from_slice(&room[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("reading the answer"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    /// Asks `left` times and counts what comes back.
    struct Count {
        request: Vec<u8>,
        left: usize,
        answered: usize,
    }

    impl Work for Count {
        fn ask(&mut self, _connection: usize) -> Option<Vec<u8>> {
            self.left = self.left.checked_sub(1)?;
            Some(self.request.clone())
        }

        fn answered(&mut self, _connection: usize, answer: &Answer<'_>, _took: Duration) -> Result<()> {
            answer.expect(200)?;
            ensure!(*answer.body == *b"hi", "{:?}", answer.body);
            self.answered += 1;
            Ok(())
        }
    }

    /// Runs `left` requests on two connections against a server that answers each with `answer`.
    fn run_against(answer: &'static [u8], left: usize) -> Result<usize> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let place = Place { address, authority: address.to_string(), token: Some("secret".to_owned()) };
        std::thread::scope(|scope| {
            let mut turns = Turns::connect(&place, 2)?;
            for _ in 0..2 {
                let (mut socket, _) = listener.accept()?;
                scope.spawn(move || {
                    let mut room = [0; 4096];
                    while socket.read(&mut room).is_ok_and(|read| read > 0) {
                        let _ = socket.write_all(answer);
                    }
                });
            }
            let mut work = Count { request: place.request("GET", "/", None), left, answered: 0 };
            turns.run(&mut work)?;
            Ok(work.answered)
        })
    }

    #[test]
    fn every_request_is_answered_once() {
        assert_eq!(run_against(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", 101).expect("all"), 101);
    }

    #[test]
    fn a_wrong_answer_and_one_too_many_are_errors() {
        let refused = |answer| format!("{:#}", run_against(answer, 10).expect_err("refused"));
        assert!(
            refused(b"HTTP/1.1 500 Oops\r\ncontent-length: 3\r\n\r\nno!").contains("answered 500 instead of 200: no!")
        );
        assert!(refused(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhihi").contains("more than the answer"));
        let closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi";
        assert!(refused(closing).contains("does not keep"));
    }

    #[test]
    fn a_request_says_who_asks_and_how_long_its_body_is() {
        let address = (Ipv4Addr::LOCALHOST, 1).into();
        let place = Place { address, authority: "host:1".to_owned(), token: Some("t".to_owned()) };
        let request = String::from_utf8(place.request("POST", "/x", Some("{}"))).expect("text");
        let expected = "POST /x HTTP/1.1\r\nHost: host:1\r\nAuthorization: Bearer t\r\n\
                        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(request, expected);
    }
}
