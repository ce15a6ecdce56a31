//! The floor: one thread that writes the same bytes to as many sockets, with epoll and nothing else.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::ClockId;
use tokio::io::AsyncReadExt as _;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use crate::Crowd;
use crate::arrivals::Arrivals;
use crate::real::cpu::cpu;
use crate::viewer::READ;

/// Written at once to a socket before it is another's turn.
const WRITE: usize = 64 << 10;

/// The clients, and the thread that writes to them.
pub(crate) struct Floor {
    crowd: Crowd,
    begin: mpsc::Sender<()>,
    writing: JoinHandle<Duration>,
}

impl Floor {
    pub(crate) async fn gather(clients: usize, expected: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let (arrivals, mut reading, mut sockets) = (Arc::new(Arrivals::default()), JoinSet::new(), Vec::new());
        for _ in 0..clients {
            let client = tokio::net::TcpStream::connect(address).await.expect("a connection");
            let (socket, _) = listener.accept().expect("a connection");
            socket.set_nonblocking(true).expect("set");
            sockets.push(socket);
            reading.spawn(read(client, expected, Arc::clone(&arrivals)));
        }
        let (begin, begins) = mpsc::channel();
        let writing = spawn_blocking(move || {
            let before = cpu(ClockId::ThreadCPUTime);
            while begins.recv().is_ok() {
                write(&sockets, expected);
            }
            cpu(ClockId::ThreadCPUTime) - before
        });
        Self { crowd: Crowd { arrivals, clients, reading }, begin, writing }
    }

    pub(crate) async fn burst(&mut self) -> Duration {
        let begin = &self.begin;
        self.crowd.burst(async || begin.send(()).expect("it still writes")).await
    }

    /// Ends it, and returns the writing thread's CPU time.
    pub(crate) async fn part(mut self) -> Duration {
        self.crowd.reading.shutdown().await;
        drop(self.begin);
        self.writing.await.expect("no panic")
    }
}

/// Reads for ever, and arrives after each `expected`.
async fn read(
    mut stream: tokio::net::TcpStream,
    expected: &'static [u8],
    arrivals: Arc<Arrivals>,
) -> Result<(), String> {
    let (mut room, mut at) = (vec![0; READ], 0);
    loop {
        let most = READ.min(expected.len() - at);
        let read = stream.read(&mut room[..most]).await.map_err(|error| error.to_string())?;
        if read == 0 || room[..read] != expected[at..at + read] {
            return Err(format!("floor: closed, or other bytes than expected at {at}"));
        }
        at = (at + read) % expected.len();
        arrivals.arrived(usize::from(at == 0));
    }
}

/// Writes all of `bytes` to all of them, to each as it takes them.
fn write(sockets: &[TcpStream], bytes: &[u8]) {
    let poll = epoll::create(CreateFlags::CLOEXEC).expect("a descriptor");
    for (index, socket) in sockets.iter().enumerate() {
        epoll::add(&poll, socket, EventData::new_u64(index as u64), EventFlags::OUT).expect("watched");
    }
    let (mut written, mut missing) = (vec![0; sockets.len()], sockets.len());
    let mut events = Vec::with_capacity(1024);
    while missing > 0 {
        events.clear();
        epoll::wait(&poll, spare_capacity(&mut events), None).expect("waited");
        for event in &events {
            let data = event.data;
            let index = usize::try_from(data.u64()).expect("an index");
            let rest = &bytes[written[index]..];
            match (&sockets[index]).write(&rest[..rest.len().min(WRITE)]) {
                Ok(took) => written[index] += took,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("floor: {error}"),
            }
            if written[index] == bytes.len() {
                epoll::delete(&poll, &sockets[index]).expect("watched until now");
                missing -= 1;
            }
        }
    }
}
