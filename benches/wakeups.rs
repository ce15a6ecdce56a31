//! What does one printed chunk cost with 1, 100, 1,000 or 10,000 viewers waiting for it? A key is typed into a real
//! session, its terminal echoes it, and each viewer is woken and pulls it; the floor: as many tasks that wait on a tokio
//! `watch` and read a number from it.
//!
//! `cargo bench --bench wakeups`. Without sockets: what they add is `fan_out`. With one viewer the figure is nearly all
//! the terminal's; the floor has none. The lines that begin with `cpu` are this process's CPU time a chunk. Every byte is
//! counted; a round ends when all have it. All of it is on one thread, as in the server, but for the typing. As a test it runs once, with few.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark that cannot run must stop")]

#[path = "real/arrivals.rs"]
mod arrivals;
#[path = "real/cpu.rs"]
mod cpu;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrivals::Arrivals;
use cpu::cpu;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fantail::session::{
    Attach, Begin, ClientId, Launch, LocalSpawner, Next, Opened, Opening, Principal, Session, SessionId, Settings,
    Standing, StartOn, Viewer,
};
use fantail::terminal::Size;
use rustix::time::ClockId;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The terminal echoes, and nothing else prints.
const PROGRAM: &str = "stty -icanon; printf ready; exec cat >/dev/null";
const READY: &str = "ready";
/// Longer than any round takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Past what any viewer draws here: none of them says so.
const WINDOW: u64 = 1 << 40;

fn crowds() -> &'static [usize] {
    if std::env::args().any(|argument| argument == "--bench") { &[1, 100, 1_000, 10_000] } else { &[1, 20] }
}

/// A thread of the server's kind for sessions, and so for their viewers: it looks for what has come as often.
fn lane() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).event_interval(8).enable_all().build().expect("a runtime")
}

/// A session, and its viewers, which count what they get.
struct Crowd {
    session: Arc<Session>,
    arrivals: Arc<Arrivals>,
    viewers: usize,
    tasks: JoinSet<()>,
    screens: Runtime,
}

impl Crowd {
    async fn gather(viewers: usize, lane: &Handle) -> Self {
        let screens = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let settings = Settings {
            screens: screens.handle().clone(),
            ..Settings::new(lane.clone(), || jiff::Timestamp::UNIX_EPOCH)
        };
        let command = ["sh", "-c", PROGRAM].map(str::to_owned);
        let environment = [("PATH".into(), "/usr/bin:/bin".into())];
        let opening = Opening {
            id: SessionId::from_random([1; 16]),
            owner: Principal(uuid::Uuid::from_u128(1)),
            name: "wakeups".into(),
            profile: None,
            launch: Launch::new(&command, "/".into(), &environment).expect("valid"),
            size: Size::DEFAULT,
            start_on: StartOn::Open,
            pace: None,
            sizes: None,
        };
        let spawner = Arc::new(LocalSpawner { descriptors: None });
        let Opened { session, started, life, screen } = Session::open(opening, &settings, spawner).expect("memory");
        let mut tasks = JoinSet::new();
        tasks.spawn_on(life, lane);
        tasks.spawn_on(screen, &settings.screens);
        started.await.expect("told").expect("started");
        let arrivals = Arc::new(Arrivals::default());
        arrivals.expect(viewers * READY.len());
        for number in 0..viewers {
            tasks.spawn_on(follow(attach(&session, number).await, Arc::clone(&arrivals)), lane);
        }
        timeout(PATIENCE, arrivals.all()).await.expect("all are there");
        Self { session, arrivals, viewers, tasks, screens }
    }

    /// One key, until everybody has its echo.
    async fn key(&self) -> Duration {
        self.arrivals.expect(self.viewers);
        let begun = Instant::now();
        self.session.input("x".into()).expect("taken");
        timeout(PATIENCE, self.arrivals.all()).await.expect("everybody has it");
        begun.elapsed()
    }

    async fn part(mut self) {
        self.session.begin_closing();
        self.session.ended().await;
        self.tasks.shutdown().await;
        self.screens.shutdown_background();
    }
}

async fn attach(session: &Arc<Session>, number: usize) -> Viewer {
    let mut random = [7; 16];
    random[..8].copy_from_slice(&number.to_le_bytes());
    let attach = Attach {
        principal: Principal(uuid::Uuid::from_u128(1)),
        client: None,
        fresh: ClientId::from_random(random),
        from: Begin::Start,
        size: None,
        standing: Standing::Types,
        window: WINDOW,
    };
    session.attach(&attach, tokio::time::Instant::now()).await.expect("attached").0
}

/// What a connection does, without a socket.
async fn follow(mut viewer: Viewer, arrivals: Arc<Arrivals>) {
    loop {
        let before = viewer.offset();
        match viewer.pull() {
            Next::Frames(chunk) => {
                let printed = usize::try_from(viewer.offset().since(before)).expect("small");
                let last = if before.0 == 0 { b"y" } else { b"x" };
                // An event takes no room: that of the program's end, at the end.
                assert!(printed == 0 || chunk.unsent().concat().ends_with(last), "other bytes than expected");
                arrivals.arrived(printed);
            }
            Next::CaughtUp => viewer.more(true).await,
            _ => panic!("the log is large and the window open"),
        }
    }
}

/// The floor's viewers, which only read a number.
async fn watching(viewers: usize) -> (watch::Sender<u64>, Arc<Arrivals>, JoinSet<()>) {
    let (sender, arrivals, mut tasks) = (watch::Sender::new(0), Arc::new(Arrivals::default()), JoinSet::new());
    for _ in 0..viewers {
        let (mut receiver, arrivals) = (sender.subscribe(), Arc::clone(&arrivals));
        tasks.spawn(async move {
            let mut last = 0;
            while receiver.changed().await.is_ok() {
                let number = *receiver.borrow_and_update();
                assert_eq!(number, last + 1, "each in its turn");
                last = number;
                arrivals.arrived(1);
            }
        });
    }
    (sender, arrivals, tasks)
}

/// What several rounds took, and this process's CPU time a round.
struct Rounds {
    count: u64,
    cpu: Duration,
}

impl Rounds {
    async fn run(&mut self, count: u64, mut round: impl AsyncFnMut() -> Duration) -> Duration {
        let before = cpu(ClockId::ProcessCPUTime);
        let mut wall = Duration::ZERO;
        for _ in 0..count {
            wall += round().await;
        }
        self.cpu += cpu(ClockId::ProcessCPUTime) - before;
        self.count += count;
        wall
    }

    fn tell(&self, name: &str, viewers: usize) {
        println!("cpu {name}, {viewers}: {:.1} µs", self.cpu.as_secs_f64() * 1e6 / self.count.max(1) as f64);
    }
}

fn waking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wake");
    for &viewers in crowds() {
        group.sample_size(if viewers < 1000 { 100 } else { 10 });
        let lane = lane();
        let mut rounds = Rounds { count: 0, cpu: Duration::ZERO };
        let (sender, arrivals, tasks) = lane.block_on(watching(viewers));
        group.bench_function(BenchmarkId::new("floor: a tokio watch", viewers), |bencher| {
            bencher.iter_custom(|count| {
                lane.block_on(rounds.run(count, async || {
                    arrivals.expect(viewers);
                    let begun = Instant::now();
                    sender.send_modify(|number| *number += 1);
                    timeout(PATIENCE, arrivals.all()).await.expect("everybody has it");
                    begun.elapsed()
                }))
            });
        });
        rounds.tell("floor", viewers);
        drop(tasks);
        let mut rounds = Rounds { count: 0, cpu: Duration::ZERO };
        let crowd = lane.block_on(Crowd::gather(viewers, lane.handle()));
        group.bench_function(BenchmarkId::new("a session", viewers), |bencher| {
            bencher.iter_custom(|count| lane.block_on(rounds.run(count, async || crowd.key().await)));
        });
        rounds.tell("a session", viewers);
        lane.block_on(crowd.part());
    }
    group.finish();
}

criterion_group!(benches, waking);
criterion_main!(benches);
