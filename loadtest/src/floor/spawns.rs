//! The floor of opening and closing sessions: posix_spawn(3) of the same program on a fresh terminal, the signal that
//! ends it, and wait(2). No server, no session, no answer to anybody.

use std::ffi::CString;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;
use rustix::process::{Signal, WaitOptions, kill_process, waitpid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::child::{Ours, end_with_parent};
use super::posix::spawn;

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
pub(crate) fn measure(pairs: usize, threads: usize, program: &str) -> Result<Spawned> {
    let arguments = [format!("--pairs={pairs}"), format!("--threads={threads}"), format!("--program={program}")];
    let mut ours = Ours::start(&[&[COMMAND.to_owned()][..], &arguments].concat(), &[])?;
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
        let threads: Vec<_> = shares.map(|share| scope.spawn(move || pairs(share, program))).collect();
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

fn pairs(count: usize, program: &CString) -> Result<Vec<(f64, f64)>> {
    (0..count).map(|_| pair(program)).collect()
}

/// How long opening took, and closing.
fn pair(program: &CString) -> Result<(f64, f64)> {
    let began = Instant::now();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).context("a terminal")?;
    grantpt(&terminal)?;
    unlockpt(&terminal)?;
    let pid = spawn(program, &ptsname(&terminal, Vec::new())?).context("starting the program")?;
    let opened = began.elapsed();
    kill_process(pid, Signal::HUP)?;
    let (_, status) = waitpid(Some(pid), WaitOptions::empty())?.context("nobody to wait for")?;
    drop(terminal);
    let ended_by = status.terminating_signal();
    ensure!(ended_by == Some(Signal::HUP.as_raw()), "the program ended otherwise: {status:?}");
    Ok((opened.as_secs_f64(), (began.elapsed() - opened).as_secs_f64()))
}
