//! One session's output to many viewers, each of whom gets and compares every byte.
//!
//! The time is from the line that starts the program to the last byte at the last viewer. The session is `lossless`, so
//! that nobody is given a screen instead. CPU is told twice: to that last byte, and with what the server does afterwards
//! for its screen, which the floor has none of.

use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::figures::{Round, Rounds, figure, ratios_to_floor};
use super::{Lab, attempt};
use crate::client::crowd::Crowd;
use crate::client::expected::Expected;
use crate::process::{Process, cpu, peak, reset_peaks};
use crate::program::{Program, READY};
use crate::result::{Measured, Unit};
use crate::target::{Begin, Pace, Target};

const SEED: u64 = 1;
const MIB: usize = 1 << 20;
const GIGABYTE: f64 = 1e9;

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
    let mut targets = lab.targets()?;
    let mut measured = Vec::new();
    for viewers in viewers {
        let mut results: Vec<Rounds> = targets.iter().map(|_| Rounds::default()).collect();
        for round in 1..=lab.rounds() {
            for (target, result) in targets.iter_mut().zip(&mut results) {
                lab.progress.step(format!("throughput: {}, {viewers} viewers, round {round}", target.name()));
                let round = |target: &mut dyn Target| fan_out(target, &program, &expected, viewers);
                result.take(attempt(target.as_mut(), round));
            }
        }
        let parameters = [("viewers", viewers.to_string()), ("MiB", (bytes / MIB).to_string())];
        let results = results.into_iter().zip(&targets);
        let mut these: Vec<_> = results
            .map(|(result, target)| result.measured("throughput", target.as_ref(), &parameters, lab.rounds()))
            .collect();
        ratios_to_floor(&mut these, &["wall", "cpu per GB", "peak RSS"]);
        measured.extend(these);
    }
    Ok(measured)
}

fn fan_out(
    target: &mut dyn Target,
    program: &Program,
    expected: &Arc<Expected>,
    viewers: usize,
) -> anyhow::Result<Round> {
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
    Ok(round)
}
