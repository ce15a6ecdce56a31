//! Ten thousand programs that start and end, and a thousand that cannot start: nothing of them is left behind.
//!
//! `cargo run --release --example spawn_storm`. The long form of `h67` in `tests/it/hostile/processes.rs`.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a check that cannot run must stop")]

use std::os::fd::AsFd as _;
use std::time::Instant;

use fantail::session::{Exit, Launch, LocalSpawner, SessionId, Spawner as _};
use fantail::terminal::Size;
use rustix::fs::{MemfdFlags, memfd_create};

const STARTED: usize = 10_000;
const FAILING: usize = 1_000;

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("readable").count()
}

fn children() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").expect("readable").flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.map(|list| list.split_whitespace().count()).sum()
}

fn launch(program: &str, dir: &str) -> Launch {
    Launch::new(&[program.to_owned()], dir.into(), &[("PATH".into(), "/usr/bin:/bin".into())]).expect("valid")
}

#[tokio::main]
async fn main() {
    let spawner = LocalSpawner { descriptors: None };
    let memory = memfd_create("storm", MemfdFlags::CLOEXEC).expect("a memfd");
    let session = SessionId::from_random([7; 16]);
    let program = launch("true", "/");
    let mut before = None;
    let begun = Instant::now();
    for round in 0..STARTED {
        let mut spawned = spawner.spawn(session, memory.as_fd(), &program, Size::DEFAULT).await.expect("started");
        assert_eq!(spawned.child.exited().await, Exit::Code(0), "round {round}");
        spawned.child.reap().await;
        drop(spawned);
        before.get_or_insert_with(open_descriptors);
    }
    println!("{STARTED} programs in {:?}", begun.elapsed());
    let failing = [launch("/no/such", "/"), launch("true", "/no/such"), launch("/etc/passwd", "/")];
    for round in 0..FAILING {
        let refused = spawner.spawn(session, memory.as_fd(), &failing[round % failing.len()], Size::DEFAULT).await;
        assert!(refused.err().expect("refused").field().is_some(), "round {round}");
    }
    assert_eq!((Some(open_descriptors()), children()), (before, 0), "descriptors, and children that were not reaped");
    println!("{FAILING} failing ones; as many descriptors as before, no child left");
}
