//! What does it cost to join late? 1,000 viewers connect at one moment to a session that has printed nothing, 1,000,
//! 10,000 or 100,000 coloured lines, and wait for its screen; below each the floor: as many plain TCP connections that
//! are written the same bytes.
//!
//! `cargo bench --bench attach`. Timed is from the one moment to the last byte of each viewer's SNAPSHOT. The screen has
//! changed before every storm, so that each pays for a snapshot. Every viewer's messages are checked, and one viewer's
//! screen; whatever is wrong is counted, told and fails the run. All of it shares the machine, viewers included. As a
//! test it runs once, with few.
#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark that cannot run must stop")]

mod floor;
mod joiner;
mod printed;
#[path = "../real/mod.rs"]
mod real;
mod storm;

use std::process::ExitCode;
use std::time::Duration;

use printed::Printed;
use real::cpu::cpu;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::ClockId;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Longer than a session is quiet before its screen is packed away.
const SLEEP: Duration = Duration::from_secs(32);

/// How much is run.
struct Plan {
    viewers: usize,
    rounds: usize,
    /// Lines printed before, and whether the session sleeps before each storm.
    rows: &'static [(usize, bool)],
}

impl Plan {
    /// All of it to measure; little to show that it runs.
    fn of_arguments() -> Self {
        if std::env::args().any(|argument| argument == "--bench") {
            let rows = &[(0, false), (1000, false), (10_000, false), (100_000, false), (10_000, true)];
            Self { viewers: 1000, rounds: 5, rows }
        } else {
            Self { viewers: 20, rounds: 2, rows: &[(0, false), (1000, false), (3000, false)] }
        }
    }
}

/// What several storms on one session gave.
#[derive(Default)]
struct Row {
    times: Vec<Duration>,
    floor: Vec<Duration>,
    /// The server's, the viewers', the floor's.
    cpu: [Duration; 3],
    snapshot_bytes: usize,
    resident_before: usize,
    resident_most: usize,
}

impl Row {
    fn tell(&mut self, name: &str) {
        let (ours, floor) = (spread(&mut self.times), spread(&mut self.floor));
        let joins = self.times.len().max(1) as f64;
        let [server, viewers, trivial] = self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / joins);
        println!(
            "{name}: {} bytes of snapshot\n  \
             join: median {:.1} ms, p99 {:.1}, most {:.1}\n  \
             floor: median {:.1} ms, p99 {:.1}, most {:.1}; a join's median to the floor's: {:.2}\n  \
             CPU a join: the server {server:.0} µs, its viewer {viewers:.0} µs, the floor's server {trivial:.0} µs\n  \
             the server's memory: {:.1} MiB before, {:.1} MiB at most",
            self.snapshot_bytes,
            ours[0],
            ours[1],
            ours[2],
            floor[0],
            floor[1],
            floor[2],
            ours[0] / floor[0],
            self.resident_before as f64 / MEBIBYTE,
            self.resident_most as f64 / MEBIBYTE,
        );
    }
}

/// Median, 99th percentile and maximum in milliseconds.
fn spread(times: &mut [Duration]) -> [f64; 3] {
    times.sort();
    [50, 99, 100].map(|percent| {
        let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    })
}

fn main() -> ExitCode {
    let plan = Plan::of_arguments();
    // Both ends of the floor's connections are in this process.
    let descriptors = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: descriptors.maximum, ..descriptors }).expect("up to the hard limit");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{} viewers at once, {} rounds; load before: {}", plan.viewers, plan.rounds, load.trim());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let errors = runtime.block_on(run(&plan));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load after: {}", load.trim());
    errors.iter().take(20).for_each(|error| println!("ERROR {error}"));
    println!("{} errors", errors.len());
    if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All rows in turns, each on a server of its own. Returns what went wrong.
async fn run(plan: &Plan) -> Vec<String> {
    let (mut sessions, mut errors) = (Vec::new(), Vec::new());
    for (lines, _) in plan.rows {
        sessions.push((Printed::start(*lines).await, Row::default()));
    }
    for _ in 0..plan.rounds {
        for ((_, sleeps), (session, row)) in plan.rows.iter().zip(&mut sessions) {
            if *sleeps {
                tokio::time::sleep_until(session.quiet_since + SLEEP).await;
            }
            errors.extend(round(plan.viewers, session, row).await);
            session.go_on().await;
        }
    }
    for ((lines, sleeps), (session, row)) in plan.rows.iter().zip(&mut sessions) {
        session.server.close(&session.session).await;
        row.tell(&format!("{lines} lines printed{}", if *sleeps { ", hibernated" } else { "" }));
    }
    errors
}

/// One storm, and its floor. Returns what went wrong.
async fn round(viewers: usize, printed: &Printed, row: &mut Row) -> Vec<String> {
    let server = &printed.server;
    // Forgets the most memory so far (proc_pid_clear_refs(5)).
    std::fs::write(server.proc("clear_refs"), "5").expect("permitted");
    let before = server.memory("VmRSS");
    let (servers, ours) = (server.cpu(), cpu(ClockId::ProcessCPUTime));
    let storm = storm::storm(viewers, || joiner::join(server.clone(), printed.session.clone())).await;
    row.cpu[0] += server.cpu() - servers;
    row.cpu[1] += cpu(ClockId::ProcessCPUTime) - ours;
    let most = server.memory("VmHWM");
    if row.resident_before == 0 {
        row.resident_before = before;
    }
    row.resident_most = row.resident_most.max(most);
    row.times.extend(storm.times);
    let mut errors = storm.errors;
    let Some(first) = storm.done.first() else { return errors };
    row.snapshot_bytes = first.snapshot().len();
    let expected = printed.expected();
    errors.extend(storm.done.iter().filter_map(|joined| joined.judge(&expected, first).err()));
    errors.extend(printed.judge(first).await.err());
    let received = first.received();
    drop(storm.done);

    let floor = floor::floor(viewers, received).await;
    row.floor.extend(floor.times);
    row.cpu[2] += floor.cpu;
    errors.extend(floor.errors);
    errors
}
