//! How long does a key take until its echo is back? One viewer types one key at a time into a session of a real server,
//! over loopback, and waits for the OUTPUT that holds it; beside two floors on a terminal of their own: the bare terminal,
//! and a proxy that does nothing but copy between it and a TCP connection.
//!
//! `cargo bench --bench echo`. The same program behind all three; the echo is the kernel's. The client blocks on its
//! socket in all three, and every byte that comes back is compared. The line that begins with `cpu` is the server's CPU
//! time an echo. As a test it runs once.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark that cannot run must stop")]

mod floor;
#[path = "../real/mod.rs"]
#[allow(dead_code, reason = "shared, and not all of it is for this one")]
mod real;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use criterion::{Criterion, criterion_group, criterion_main};
use fantail::protocol::{ClientMessage, ServerMessage};
use real::server::Server;
use real::socket::{PATIENCE, request};
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// The terminal echoes each key, and nothing else prints.
const PROGRAM: &str = "stty -icanon; printf ready; exec cat >/dev/null";
const READY: &str = "ready";

/// The keys that are typed, in turns.
fn key(turn: u64) -> u8 {
    b'a' + u8::try_from(turn % 26).unwrap_or(0)
}

/// Writes a key and reads it back.
fn echo(writer: &mut impl Write, reader: &mut impl Read, turn: u64) {
    let mut back = [0; 1];
    writer.write_all(&[key(turn)]).expect("taken");
    reader.read_exact(&mut back).expect("an echo");
    assert_eq!(back, [key(turn)]);
}

fn connection(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("set");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

/// A viewer that types.
struct Typist {
    socket: WebSocket<TcpStream>,
    seq: u64,
}

impl Typist {
    fn attach(server: &Server, session: &str) -> Self {
        let (socket, _) = client(request(server, session), connection(server.authority())).expect("a handshake");
        let mut typist = Self { socket, seq: 0 };
        while !typist.read(|message| matches!(message, ServerMessage::Snapshot { .. })) {}
        typist
    }

    /// Reads one message, and says what `judge` makes of it.
    fn read(&mut self, judge: impl FnOnce(ServerMessage<'_>) -> bool) -> bool {
        match self.socket.read().expect("a message") {
            Message::Binary(message) => judge(ServerMessage::decode(&message).expect("a message")),
            Message::Ping(_) => false,
            other => panic!("{other:?}"),
        }
    }

    fn echo(&mut self) {
        self.seq += 1;
        let key = [key(self.seq)];
        let message = ClientMessage::Input { seq: self.seq, bytes: &key }.encode();
        self.socket.send(Message::binary(message)).expect("taken");
        let is_echo = |message: ServerMessage<'_>| match message {
            ServerMessage::Output { bytes, .. } => {
                assert_eq!(bytes, key);
                true
            }
            ServerMessage::InputAck(_) | ServerMessage::Event { .. } => false,
            other => panic!("{other:?}"),
        };
        while !self.read(is_echo) {}
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn echoing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("echo of a key");
    group.bench_function("floor: a bare terminal", |bencher| {
        let (mut terminal, mut turn) = (floor::Terminal::open(), 0);
        bencher.iter(|| {
            turn += 1;
            echo(&mut terminal.writer, &mut terminal.reader, turn);
        });
    });
    group.bench_function("floor: a terminal behind a bare TCP proxy", |bencher| {
        let runtime = runtime();
        let (proxy, mut turn) = (floor::Proxy::start(&runtime), 0);
        let mut writer = connection(&proxy.address);
        let mut reader = writer.try_clone().expect("a descriptor");
        bencher.iter(|| {
            turn += 1;
            echo(&mut writer, &mut reader, turn);
        });
        // Both directions end with their connection, and the runtime waits for them.
        writer.shutdown(Shutdown::Both).expect("connected");
        proxy.end();
    });
    let runtime = runtime();
    let server = runtime.block_on(Server::start(4 << 20));
    let session = runtime.block_on(async {
        let session = server.open(PROGRAM).await;
        server.until_printed(&session, READY.len()).await;
        session
    });
    let (before, mut echoes) = (server.cpu(), 0);
    group.bench_function("a session", |bencher| {
        let mut typist = Typist::attach(&server, &session);
        bencher.iter(|| typist.echo());
        echoes += typist.seq;
    });
    let cpu = server.cpu() - before;
    println!("cpu the server's, an echo: {:.1} µs of {echoes}", cpu.as_secs_f64() * 1e6 / echoes.max(1) as f64);
    group.finish();
    runtime.block_on(server.close(&session));
}

criterion_group!(benches, echoing);
criterion_main!(benches);
