//! The floor of opening and closing sessions: posix_spawn(3) of the same program on a fresh terminal, the signal that
//! ends it, and wait(2). No server, no session, no answer to anybody.
//!
//! That ends most programs before they have come to their first line, which a server cannot: its client has to be
//! answered in between. So there is another floor, which lets each run until it has read a line.

use std::ffi::CString;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;
use rustix::process::{Signal, WaitOptions, kill_process, waitpid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::child::{Ours, end_with_parent};
use super::posix::spawn;

/// A line without anything in it, from the terminal and from the program.
const SAID_TWICE: &[u8] = b"\r\n\r\n";

/// The name of the hidden command that is this floor.
pub(crate) const COMMAND: &str = "spawns-floor";

#[derive(Args, Debug)]
pub(crate) struct SpawnsArgs {
    /// Programs opened and closed by all threads together
    #[arg(long)]
    pairs: usize,
    /// Threads that do so
    #[arg(long)]
    threads: usize,
    /// The program's path
    #[arg(long)]
    program: String,
    /// Lets each run, which must say again what it reads, until it has read a line
    #[arg(long)]
    lets_run: bool,
}

/// How this floor is to open and close.
#[derive(Clone, Copy)]
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    pub(crate) threads: usize,
    pub(crate) lets_run: bool,
}

/// What it took, in seconds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Spawned {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    /// Each opening and each closing.
    pub(crate) opens: Vec<f64>,
    pub(crate) closes: Vec<f64>,
}

/// Lets a process of ours open and close `pairs` programs.
pub(crate) fn measure(pairs: usize, floor: Floor, program: &str) -> Result<Spawned> {
    let Floor { threads, lets_run, .. } = floor;
    let mut words = vec![COMMAND.to_owned()];
    words.extend([format!("--pairs={pairs}"), format!("--threads={threads}"), format!("--program={program}")]);
    words.extend(lets_run.then(|| "--lets-run".to_owned()));
    let mut ours = Ours::start(&words, &[])?;
    let spawned: Spawned = serde_json::from_str(&ours.line()?).context("what the floor says")?;
    ensure!(spawned.opens.len() == pairs && spawned.closes.len() == pairs, "the floor has not done all");
    Ok(spawned)
}

/// Is it. Says what it took.
pub(crate) fn run(args: &SpawnsArgs) -> Result<()> {
    end_with_parent()?;
    let program = &CString::new(args.program.as_bytes())?;
    let (before, began) = (cpu(), Instant::now());
    let each = std::thread::scope(|scope| {
        let shares = (0..args.threads).map(|thread| (args.pairs + thread) / args.threads);
        let threads: Vec<_> = shares.map(|share| scope.spawn(move || pairs(share, program, args.lets_run))).collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?;
    let (wall, cpu) = (began.elapsed().as_secs_f64(), (cpu() - before).as_secs_f64());
    let (opens, closes) = each.into_iter().flatten().unzip();
    let line = serde_json::to_string(&Spawned { wall, cpu, opens, closes })?;
    writeln!(io::stdout(), "{line}").context("nobody to tell")
}

/// CPU time of this process, its children's left out, as it is of a server's.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn pairs(count: usize, program: &CString, lets_run: bool) -> Result<Vec<(f64, f64)>> {
    (0..count).map(|_| pair(program, lets_run)).collect()
}

/// How long opening took, and closing.
fn pair(program: &CString, lets_run: bool) -> Result<(f64, f64)> {
    let began = Instant::now();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).context("a terminal")?;
    grantpt(&terminal)?;
    unlockpt(&terminal)?;
    let pid = spawn(program, &ptsname(&terminal, Vec::new())?).context("starting the program")?;
    let opened = began.elapsed();
    if lets_run {
        say_a_line(&terminal).context("what the program says again")?;
    }
    let closing = Instant::now();
    kill_process(pid, Signal::HUP)?;
    let (_, status) = waitpid(Some(pid), WaitOptions::empty())?.context("nobody to wait for")?;
    drop(terminal);
    let ended_by = status.terminating_signal();
    ensure!(ended_by == Some(Signal::HUP.as_raw()), "the program ended otherwise: {status:?}");
    Ok((opened.as_secs_f64(), closing.elapsed().as_secs_f64()))
}

/// Until the terminal has said it, and the program.
fn say_a_line(terminal: &OwnedFd) -> Result<()> {
    rustix::io::write(terminal, b"\n")?;
    let mut said = Vec::new();
    while said.len() < SAID_TWICE.len() {
        let mut room = [0; 16];
        let read = rustix::io::read(terminal, &mut room)?;
        ensure!(read > 0, "the terminal has ended");
        said.extend_from_slice(&room[..read]);
    }
    ensure!(said == SAID_TWICE, "{said:?}");
    Ok(())
}
