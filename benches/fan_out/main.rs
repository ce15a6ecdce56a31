//! How long does a burst take to reach everybody? A program prints 1 MiB in a session of a real server, and 1, 10, 100 or
//! 1,000 viewers read it over loopback; the floor: one thread with epoll that writes the same bytes to as many sockets.
//!
//! `cargo bench --bench fan_out`. Every client of both counts and compares every byte; one that is sent a gap or another
//! byte fails the run. Timed is from the key that starts the program to the last byte of the last client, and the readers
//! share the machine with what is measured. The lines that begin with `cpu` are CPU time a burst: the server's, and that
//! of the floor's writing thread. As a test it runs once, with few.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark that cannot run must stop")]

#[path = "../real/arrivals.rs"]
mod arrivals;
mod floor;
#[path = "../real/mod.rs"]
#[allow(dead_code, reason = "shared, and not all of it is for this one")]
mod real;
mod viewer;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrivals::Arrivals;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use real::server::Server;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::NamedTempFile;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;
use viewer::Viewer;

const BURST: usize = 1 << 20;
const READY: &str = "ready";
/// Longer than any burst takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn crowds() -> &'static [usize] {
    if std::env::args().any(|argument| argument == "--bench") { &[1, 10, 100, 1_000] } else { &[1, 10] }
}

/// A mebibyte of coloured log, no two lines of it the same.
fn burst() -> Vec<u8> {
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= BURST {
            break;
        }
        let (color, version) = (31 + number % 6, number % 60);
        let _ = write!(text, "\x1b[{color}m{number:>7}\x1b[0m compiling crate-{} v1.{version}\r\n", number * 7919);
    }
    text.truncate(BURST);
    text.into_bytes()
}

/// All clients of one kind, reading.
struct Crowd {
    arrivals: Arc<Arrivals>,
    clients: usize,
    reading: JoinSet<Result<(), String>>,
}

impl Crowd {
    /// Times one burst, which `begin` begins.
    async fn burst(&mut self, begin: impl AsyncFnOnce()) -> Duration {
        self.arrivals.expect(self.clients);
        let begun = Instant::now();
        begin().await;
        tokio::select! {
            all = timeout(PATIENCE, self.arrivals.all()) => all.expect("everybody has it"),
            ended = self.reading.join_next() => panic!("a client has ended: {ended:?}"),
        }
        begun.elapsed()
    }
}

/// A session that prints the burst for each line typed, and its viewers.
struct Fanned {
    server: Server,
    session: String,
    typist: Arc<viewer::Writer>,
    crowd: Crowd,
}

impl Fanned {
    async fn gather(server: &Server, file: &NamedTempFile, clients: usize, expected: &'static [u8]) -> Self {
        let path = file.path().display();
        let program = format!("stty raw -echo; printf {READY}; while read -r _; do cat {path}; done");
        let session = server.open(&program).await;
        server.until_printed(&session, READY.len()).await;
        let (arrivals, mut reading, mut typist) = (Arc::new(Arrivals::default()), JoinSet::new(), None);
        for _ in 0..clients {
            let viewer = Viewer::attach(server, &session).await.expect("attached");
            typist.get_or_insert(viewer.writer());
            reading.spawn(viewer.follow(READY.len(), expected, Arc::clone(&arrivals)));
        }
        let crowd = Crowd { arrivals, clients, reading };
        Self { server: server.clone(), session, typist: typist.expect("one"), crowd }
    }

    async fn burst(&mut self) -> Duration {
        self.crowd.burst(async || self.typist.enter().await).await
    }

    async fn part(mut self) {
        self.crowd.reading.shutdown().await;
        self.server.close(&self.session).await;
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn tell(name: &str, clients: usize, cpu: Duration, bursts: u64) {
    println!("cpu {name}, {clients}: {:.2} ms", cpu.as_secs_f64() * 1000.0 / bursts.max(1) as f64);
}

fn fanning(criterion: &mut Criterion) {
    // Both ends of the floor's connections are in this process.
    let descriptors = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: descriptors.maximum, ..descriptors }).expect("up to the hard limit");
    let expected: &'static [u8] = burst().leak();
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(expected).expect("written");
    let runtime = runtime();
    let server = runtime.block_on(Server::start(4 << 20));
    let mut group = criterion.benchmark_group("fan out 1 MiB");
    group.sample_size(10);
    for &clients in crowds() {
        group.throughput(Throughput::Bytes((clients * BURST) as u64));
        let (mut floor, mut bursts) = (runtime.block_on(floor::Floor::gather(clients, expected)), 0);
        group.bench_function(BenchmarkId::new("floor: one thread with epoll", clients), |bencher| {
            bencher.iter_custom(|count| {
                bursts += count;
                (0..count).map(|_| runtime.block_on(floor.burst())).sum()
            });
        });
        tell("the floor's", clients, runtime.block_on(floor.part()), bursts);
        let (mut fanned, mut bursts) = (runtime.block_on(Fanned::gather(&server, &file, clients, expected)), 0);
        let before = server.cpu();
        group.bench_function(BenchmarkId::new("a session", clients), |bencher| {
            bencher.iter_custom(|count| {
                bursts += count;
                (0..count).map(|_| runtime.block_on(fanned.burst())).sum()
            });
        });
        tell("the server's", clients, server.cpu() - before, bursts);
        runtime.block_on(fanned.part());
    }
    group.finish();
}

criterion_group!(benches, fanning);
criterion_main!(benches);
