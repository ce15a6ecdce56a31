//! What does it cost to open and end a program? By this process itself and by the holder, beside the floor: posix_spawn
//! of the same program on a fresh terminal, and waiting for it.
//!
//! `cargo bench --bench spawn`. The program is `sleep`, which is killed at once; the time is until it is reaped. How it is
//! with thousands open is `holder`'s question. As a test it runs once.
#![allow(clippy::expect_used, missing_docs, reason = "a benchmark that cannot run must stop")]

mod floor;

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use fantail::holder::{HolderSpawner, Options, Place, end_all};
use fantail::session::{Confinement, Launch, Limits, LocalSpawner, SessionId, Spawner};
use fantail::terminal::Size;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Resource, Signal, getrlimit, kill_process};
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

const PROGRAM: &str = "/bin/sleep";
const ARGUMENT: &str = "10000";

/// Opens programs one after the other, each as a session of its own.
struct Opener {
    spawner: Arc<dyn Spawner>,
    launch: Launch,
    /// Stands for a session's memory, which is the log's cost and not the spawner's.
    memory: OwnedFd,
    opened: u64,
}

impl Opener {
    fn new(spawner: Arc<dyn Spawner>) -> Self {
        let launch = Launch::new(&[PROGRAM.into(), ARGUMENT.into()], "/".into(), &[]).expect("valid");
        let memory = memfd_create("bench", MemfdFlags::CLOEXEC).expect("a memfd");
        Self { spawner, launch, memory, opened: 0 }
    }

    async fn open_and_end(&mut self) {
        self.opened += 1;
        let mut id = [9; 16];
        id[..8].copy_from_slice(&self.opened.to_be_bytes());
        let session = SessionId::from_random(id);
        let spawned = self.spawner.spawn(session, self.memory.as_fd(), &self.launch, Size::DEFAULT).await;
        let mut spawned = spawned.expect("started");
        kill_process(spawned.child.pid(), Signal::KILL).expect("killed");
        spawned.child.exited().await;
        spawned.child.reap().await;
        self.spawner.forget(session).await;
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn spawning(criterion: &mut Criterion) {
    let runtime = runtime();
    let descriptors = getrlimit(Resource::Nofile);
    let mut group = criterion.benchmark_group("open and end a program");
    group.bench_function("floor: posix_spawn on a fresh terminal", |bencher| {
        bencher.iter(|| floor::open_and_end(PROGRAM, ARGUMENT).expect("started and ended"));
    });
    group.bench_function("by itself", |bencher| {
        let mut opener = Opener::new(Arc::new(LocalSpawner { descriptors: Some(descriptors) }));
        bencher.iter(|| runtime.block_on(opener.open_and_end()));
    });
    let data = tempfile::tempdir().expect("a directory");
    let place = Place {
        data_dir: data.path().to_owned(),
        program: env!("CARGO_BIN_EXE_fantail").into(),
        descriptors,
        of_root: false,
        debuggable: false,
        systemd: None,
    };
    let options = Options { place, tracker: TaskTracker::new() };
    let holder: Arc<dyn Spawner> = runtime.block_on(HolderSpawner::connect(options)).expect("a holder");
    let mut opener = Opener::new(Arc::clone(&holder));
    group.bench_function("by the holder", |bencher| {
        bencher.iter(|| runtime.block_on(opener.open_and_end()));
    });
    let limits = Limits { processes: Some(1_000_000), ..Limits::default() };
    let mut opener = Opener::new(holder);
    opener.launch = opener.launch.clone().confined(Confinement { limits, ..Confinement::default() });
    group.bench_function("by the holder, confined", |bencher| {
        bencher.iter(|| runtime.block_on(opener.open_and_end()));
    });
    group.finish();
    assert!(end_all(data.path()).expect("ended"), "there was a holder");
}

criterion_group!(benches, spawning);
criterion_main!(benches);
