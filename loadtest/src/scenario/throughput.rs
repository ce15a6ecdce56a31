//! One session's output to many viewers, each of whom gets and compares every byte.
//!
//! The time is from the line that starts the program to the last byte at the last viewer. The session is `lossless`, so
//! that nobody is given a screen instead. CPU is told twice: to that last byte, and with what the server does afterwards
//! for its screen, which the floor has none of.
//!
//! The best round is told, with the median of its wall, because a terminal has two speeds, and chance decides between them
//! for every server alike. Each 4 KiB of it take turns of the program, of a worker of the kernel and of the reader. Where
//! the scheduler has put these on one core, 64 MiB take 0.15 s and 1.2 CPU-s/GB; where they wake one another on two, up to
//! 1.8 s and 10 CPU-s/GB (measured with nothing but read(2), bound to one core and to two). It matters less the more the
//! viewers keep both cores busy.

use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::Lab;
use super::figures::{Of, Round, figure};
use super::turns::Turns;
use crate::client::crowd::Crowd;
use crate::client::expected::Expected;
use crate::process::{Process, cpu, peak, reset_peaks};
use crate::program::{Program, READY};
use crate::result::{Curve, Measured, Unit};
use crate::target::{Begin, Pace, Target};

const SEED: u64 = 1;
const MIB: usize = 1 << 20;
const GIGABYTE: f64 = 1e9;
/// For each round that is asked for: one in which the scheduler was kind must be among them.
const MORE_ROUNDS: u32 = 3;

#[derive(Args, Debug)]
pub(crate) struct ThroughputArgs {
    /// MiB the program prints
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    mib: u16,
    /// Viewers, one measurement for each number
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,500")]
    viewers: Vec<usize>,
}

impl Default for ThroughputArgs {
    fn default() -> Self {
        Self { mib: 64, viewers: vec![1, 10, 100, 500] }
    }
}

/// Runs it.
pub(crate) fn run(lab: &Lab<'_>, args: &ThroughputArgs) -> anyhow::Result<Vec<Measured>> {
    let (bytes, viewers) =
        if lab.common.small { (MIB, vec![1, 10]) } else { (usize::from(args.mib) * MIB, args.viewers.clone()) };
    let program = Program::Flood { seed: SEED, bytes };
    let expected = Arc::new(program.prints());
    let rounds = if lab.common.small { 1 } else { lab.rounds() * MORE_ROUNDS };
    let mut targets = lab.targets()?;
    let mut measured = Vec::new();
    for viewers in viewers {
        let turns = Turns {
            scenario: "throughput",
            what: format!("{viewers} viewers"),
            parameters: &[("viewers", viewers.to_string()), ("MiB", (bytes / MIB).to_string())],
            rounds,
            of: Of::Best,
        };
        measured.extend(turns.take(lab, &mut targets, |target| fan_out(target, &program, &expected, viewers)));
    }
    Ok(measured)
}

fn fan_out(
    target: &mut dyn Target,
    program: &Program,
    expected: &Arc<Expected>,
    viewers: usize,
) -> anyhow::Result<(Round, Vec<Curve>)> {
    let session = target.open_program(program, Pace::Lossless)?;
    let attachment = target.attachment(&session, Begin::Start)?;
    let mut crowd = Crowd::attach(&attachment, viewers, expected)?;
    crowd.until(|seen| seen.at >= READY.len() as u64)?;
    let processes = target.processes().to_vec();
    reset_peaks(&processes)?;
    let ours = [Process { pid: std::process::id() }];
    let (before, ours_before) = (cpu(&processes)?, cpu(&ours)?);
    let began = Instant::now();
    target.begin_flood(&session, &mut crowd)?;
    let whole = expected.len();
    crowd.until(|seen| seen.at >= whole)?;
    let wall = began.elapsed().as_secs_f64();
    let clients = (cpu(&ours)? - ours_before).as_secs_f64();
    let to_last_byte = (cpu(&processes)? - before).as_secs_f64();
    target.settle(&session)?;
    let settled = (cpu(&processes)? - before).as_secs_f64();
    let peak = peak(&processes)?;
    drop(crowd);
    target.close(&session)?;

    let delivered = (whole - READY.len() as u64) as f64 * viewers as f64;
    let mut round =
        vec![figure("wall", wall, Unit::Seconds), figure("delivered", delivered / wall, Unit::BytesPerSecond)];
    let per_gigabyte = GIGABYTE / delivered;
    // What the clients took of the machine meanwhile: a server that takes much more is what limits.
    round.push(figure("clients' cpu per GB", clients * per_gigabyte, Unit::CpuSecondsPerGigabyte));
    if !processes.is_empty() {
        round.push(figure("cpu per GB", to_last_byte * per_gigabyte, Unit::CpuSecondsPerGigabyte));
        round.push(figure("cpu per GB, screen included", settled * per_gigabyte, Unit::CpuSecondsPerGigabyte));
        round.push(figure("peak RSS", peak as f64, Unit::Bytes));
    }
    Ok((round, Vec::new()))
}
