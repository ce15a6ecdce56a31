//! What does it cost that somebody keeps the sessions? A program opened by the holder and by this process itself, with
//! few and with thousands open, and the holder's memory for each.
//!
//! `cargo bench --bench holder`. The programs are `sleep`: nearly as many as Linux has terminals, and few as a test.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark that cannot run must stop")]

use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use fantail::holder::{HolderSpawner, Options, Place, end_all};
use fantail::session::{Launch, LocalSpawner, SessionId, Spawned, Spawner};
use fantail::terminal::Size;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::task::TaskTracker;

/// Opened in turns to measure one.
const SAMPLE: u16 = 200;

fn session(number: u16) -> SessionId {
    let mut bytes = [9; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    SessionId::from_random(bytes)
}

async fn open(spawner: &dyn Spawner, number: u16) -> Spawned {
    let memory = memfd_create("bench", MemfdFlags::CLOEXEC).expect("a memfd");
    let launch = Launch::new(&["/bin/sleep".into(), "10000".into()], "/".into(), &[]).expect("valid");
    spawner.spawn(session(number), memory.as_fd(), &launch, Size::DEFAULT).await.expect("started")
}

async fn close(spawner: &dyn Spawner, number: u16, mut spawned: Spawned) {
    rustix::process::kill_process(spawned.child.pid(), rustix::process::Signal::KILL).expect("killed");
    spawned.child.exited().await;
    spawned.child.reap().await;
    spawner.forget(session(number)).await;
}

/// Median and 99th percentile of opening one.
async fn sample(spawner: &dyn Spawner, name: &str) {
    let mut took: Vec<Duration> = Vec::new();
    for round in 0..SAMPLE {
        let begun = Instant::now();
        let spawned = open(spawner, 60_000 + round).await;
        took.push(begun.elapsed());
        close(spawner, 60_000 + round, spawned).await;
    }
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    println!("{name:>40}: {:>6} µs p50, {:>6} µs p99", took[took.len() / 2].as_micros(), p99.as_micros());
}

/// Proportional set size, in KiB.
fn pss(pid: Pid) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero())).expect("running");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Pss");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

async fn measure(data: &Path, descriptors: Rlimit, many: u16) {
    let local = LocalSpawner { descriptors: Some(descriptors) };
    sample(&local, "by itself, 1 open").await;
    let place = Place {
        data_dir: data.to_owned(),
        program: env!("CARGO_BIN_EXE_fantail").into(),
        descriptors,
        of_root: false,
        debuggable: false,
        systemd: None,
    };
    let options = Options { place, tracker: TaskTracker::new() };
    let holder = HolderSpawner::connect(options).await.expect("a holder");
    sample(&*holder, "by the holder, 1 open").await;
    let before = pss(holder.holder());
    let mut opened = Vec::new();
    for number in 0..many {
        opened.push(open(&*holder, number).await);
    }
    let after = pss(holder.holder());
    println!("{:>40}: {before} KiB, with {many} sessions {after} KiB", "PSS of the holder");
    println!("{:>40}: {:.2} KiB", "a session", (after.saturating_sub(before)) as f64 / f64::from(many));
    sample(&*holder, &format!("by the holder, {many} open")).await;
    sample(&local, &format!("by itself, {many} open")).await;
    drop(opened);
    let begun = Instant::now();
    let kept = holder.kept().await.expect("kept");
    println!("{:>40}: {:?}", format!("taking up {} sessions", kept.len()), begun.elapsed());
}

#[tokio::main]
async fn main() {
    let many = if std::env::args().any(|argument| argument == "--bench") { 3_900 } else { 100 };
    let descriptors = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: descriptors.maximum, maximum: descriptors.maximum };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit");
    let data = tempfile::tempdir().expect("a directory");
    measure(data.path(), descriptors, many).await;
    let dir = data.path().to_owned();
    let ended = tokio::task::spawn_blocking(move || end_all(&dir)).await.expect("no panic");
    assert!(ended.expect("ended"), "there was a holder");
}
