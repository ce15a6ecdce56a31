//! What does a viewer that cannot follow cost a program? `seq 1 2000000` with one fast viewer, and with a 64 KB/s one and
//! one that never reads beside it, in turns; below it the floor: the same on a raw PTY that is drained and nothing else.
//!
//! `cargo bench --bench flood`. The program times itself. The fast viewer checks every byte and its address, the slow
//! one its last screen and what it fetches of its gaps; whatever is wrong is counted, told and fails the run. All of it
//! shares the machine, viewers included. As a test it runs once, on little.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark that cannot run must stop")]

mod floor;
#[path = "../real/mod.rs"]
mod real;
mod session;
mod viewers;

use std::process::ExitCode;
use std::time::Duration;

use real::server::Server;
use viewers::{Fast, Slow, Stuck};

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What is printed before the flood: the terminal no longer echoes, and a byte starts it.
pub(crate) const READY: &str = "ready";
/// What is printed behind it, with the nanoseconds it took between.
pub(crate) const TOOK: &str = "took ";
pub(crate) const END: &str = " end";

/// How much is run.
struct Plan {
    lines: u32,
    rounds: usize,
}

impl Plan {
    /// All of it to measure; little to show that it runs.
    fn of_arguments() -> Self {
        if std::env::args().any(|argument| argument == "--bench") {
            Self { lines: 2_000_000, rounds: 5 }
        } else {
            Self { lines: 20_000, rounds: 1 }
        }
    }

    /// The program, which waits for a line, floods, and says how long that took.
    fn program(&self) -> String {
        let lines = self.lines;
        format!(
            "stty -echo; printf {READY}; read _; s=$(date +%s%N); seq 1 {lines}; e=$(date +%s%N); \
             printf '{TOOK}%s{END}' $((e - s)); exec cat >/dev/null"
        )
    }

    /// What it prints before it says how long it took.
    fn expected(&self) -> Vec<u8> {
        let flood: String = (1..=self.lines).map(|n| format!("{n}\r\n")).collect();
        [READY.as_bytes(), flood.as_bytes()].concat()
    }
}

/// The nanoseconds in what was printed behind the flood.
pub(crate) fn took(tail: &str) -> Option<Duration> {
    let nanos = tail.split(TOOK).nth(1)?.split(END).next()?;
    tail.ends_with(END).then_some(Duration::from_nanos(nanos.parse().ok()?))
}

/// What several rounds of one kind gave.
#[derive(Default)]
struct Rounds {
    walls: Vec<Duration>,
    cpu: Duration,
    bytes: usize,
    errors: Vec<String>,
}

impl Rounds {
    fn tell(&mut self, name: &str, of_what: &str) -> Duration {
        self.walls.sort();
        let (Some(first), Some(last)) = (self.walls.first(), self.walls.last()) else {
            println!("{name}: no round came to its end");
            return Duration::ZERO;
        };
        let median = self.walls[self.walls.len() / 2];
        let cpu = self.cpu.as_secs_f64() * 1000.0 / (self.bytes as f64 / MEBIBYTE);
        println!("{name}: program's wall {median:.3?} ({first:.3?} to {last:.3?}), {of_what} {cpu:.2} ms of CPU a MiB");
        median
    }
}

fn main() -> ExitCode {
    let plan = Plan::of_arguments();
    let expected: &'static [u8] = plan.expected().leak();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mib = expected.len() as f64 / MEBIBYTE;
    println!("{} lines, {mib:.1} MiB, {} rounds each; load before: {}", plan.lines, plan.rounds, load.trim());
    let mut floor = Rounds::default();
    for _ in 0..plan.rounds {
        let drained = floor::drain(&plan.program(), expected);
        floor.walls.push(drained.wall);
        floor.cpu += drained.cpu;
        floor.bytes += expected.len();
        floor.errors.extend(drained.errors);
    }
    floor.tell("floor, a raw PTY drained", "reading it");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut errors = std::mem::take(&mut floor.errors);
    // As it comes, and with room for all of it, so that all that is skipped can still be fetched.
    for log_mib in [4, 32] {
        errors.extend(runtime.block_on(compare(&plan, expected, log_mib)));
    }
    errors.iter().take(20).for_each(|error| println!("ERROR {error}"));
    println!("{} errors", errors.len());
    if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Both kinds in turns, on one server. Returns what went wrong.
async fn compare(plan: &Plan, expected: &'static [u8], log_mib: usize) -> Vec<String> {
    let server = Server::start(log_mib << 20).await;
    let (mut nobody, mut alone, mut all) = (Rounds::default(), Rounds::default(), Rounds::default());
    let (mut gaps, mut skipped, mut fetched, mut snapshots) = (0, 0, 0, 0);
    let (mut held_alone, mut held_all) = (0, 0);
    for _ in 0..plan.rounds {
        flood(&server, plan, expected, &mut nobody, Watching::Nobody).await;
        flood(&server, plan, expected, &mut alone, Watching::Fast).await;
        held_alone = held_alone.max(server.memory("VmRSS"));
        let slow = flood(&server, plan, expected, &mut all, Watching::All).await.expect("a slow one was there");
        held_all = held_all.max(server.memory("VmRSS"));
        gaps += slow.gaps;
        skipped += slow.skipped;
        fetched += slow.fetched;
        snapshots += slow.snapshot_bytes;
    }
    println!("with a log of {log_mib} MiB:");
    nobody.tell("  nobody", "the server");
    let (one, three) = (alone.tell("  the fast one", "the server"), all.tell("  all three", "the server"));
    println!("  wall, all three to the fast one: {:.3}", three.as_secs_f64() / one.as_secs_f64());
    let mib = |bytes: usize| bytes as f64 / MEBIBYTE;
    println!(
        "  the slow one: {gaps} gaps of {:.1} MiB, {:.1} MiB of it still held, fetched and right; {:.2} MiB of snapshots",
        mib(skipped),
        mib(fetched),
        mib(snapshots),
    );
    println!("  resident, most: {:.1} MiB with the fast one, {:.1} with all three", mib(held_alone), mib(held_all));
    [nobody.errors, alone.errors, all.errors].concat()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Watching {
    Nobody,
    Fast,
    All,
}

/// One flood. Returns what became of the slow one, where there was one.
async fn flood(
    server: &Server,
    plan: &Plan,
    expected: &'static [u8],
    rounds: &mut Rounds,
    watching: Watching,
) -> Option<Slow> {
    let session = server.open(&plan.program()).await;
    server.until_printed(&session, READY.len()).await;
    // Those that cannot follow come first, so that the fast one has no start over them.
    let mut others = None;
    if watching == Watching::All {
        others = Some((Stuck::attach(server, &session).await, Slow::attach(server, &session).await));
    }
    let cpu = server.cpu();
    let mut slow = None;
    if watching == Watching::Nobody {
        server.type_enter(&session).await;
        match server.until_over(&session, expected).await {
            Ok(wall) => rounds.walls.push(wall),
            Err(error) => rounds.errors.push(format!("nobody: {error}")),
        }
        rounds.cpu += server.cpu() - cpu;
    } else {
        let mut fast = Fast::attach(server, &session).await;
        let mut following = tokio::task::JoinSet::new();
        let stuck = others.map(|(stuck, slow)| {
            let address = server.clone();
            following.spawn(async move { slow.follow(&address, expected).await });
            stuck
        });
        let seen = fast.follow(expected).await;
        // What the slow one costs later is not the flood's.
        rounds.cpu += server.cpu() - cpu;
        rounds.walls.extend(took(&seen.tail));
        rounds.errors.extend(seen.errors.into_iter().map(|error| format!("fast: {error}")));
        while let Some(followed) = following.join_next().await {
            let mut followed = followed.expect("the slow one");
            followed.judge(expected, &seen.tail);
            rounds.errors.extend(followed.errors.drain(..).map(|error| format!("slow: {error}")));
            slow = Some(followed);
        }
        drop((fast, stuck));
    }
    rounds.bytes += expected.len();
    server.close(&session).await;
    slow
}
