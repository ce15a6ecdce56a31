//! What one viewer that never reads costs the others, and the server.
//!
//! Ten viewers follow a flood and compare it, without and with one beside them that has attached and reads nothing. With
//! the usual pace one of the ten may be made to skip what it was too late for: how much that was is told. The floor is measured without it only: it would wait for that one for ever.

use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::Lab;
use super::figures::{Round, Rounds, figure, value};
use super::turns::attempt;
use crate::client::crowd::Crowd;
use crate::client::expected::Expected;
use crate::client::typist::Typist;
use crate::process::{cpu, peak, reset_peaks};
use crate::program::{Program, READY};
use crate::result::{Measured, Unit};
use crate::target::{Begin, Pace, Target};

const SEED: u64 = 4;
const MIB: usize = 1 << 20;
const READING: usize = 10;
const GIGABYTE: f64 = 1e9;

#[derive(Args, Debug)]
pub(crate) struct SlowViewerArgs {
    /// MiB the program prints
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    mib: u16,
}

impl Default for SlowViewerArgs {
    fn default() -> Self {
        Self { mib: 64 }
    }
}

/// Runs it.
pub(crate) fn run(lab: &Lab<'_>, args: &SlowViewerArgs) -> anyhow::Result<Vec<Measured>> {
    let mib = if lab.common.small { 8 } else { args.mib };
    let program = Program::Flood { seed: SEED, bytes: usize::from(mib) * MIB };
    let expected = Arc::new(program.prints().or_skipped());
    let mut targets = lab.sharing_targets()?;
    // Without and with one, of each target.
    let mut results: Vec<[Rounds; 2]> = targets.iter().map(|_| Default::default()).collect();
    for round in 1..=lab.rounds() {
        for (target, results) in targets.iter_mut().zip(&mut results) {
            for (stuck, result) in results.iter_mut().enumerate().take(kinds(target.as_ref())) {
                lab.progress.step(format!("slow-viewer: {}, {stuck} that never read, round {round}", target.name()));
                let round = |target: &mut dyn Target| flood(target, &program, &expected, stuck);
                result.take(attempt(target.as_mut(), round));
            }
        }
    }
    let mut measured = Vec::new();
    for (target, results) in targets.iter().zip(results) {
        let mut these: Vec<_> = results
            .into_iter()
            .enumerate()
            .take(kinds(target.as_ref()))
            .map(|(stuck, result)| {
                let parameters = [("never read", stuck.to_string()), ("MiB", mib.to_string())];
                result.measured("slow-viewer", target.as_ref(), &parameters, lab.rounds())
            })
            .collect();
        compare(&mut these);
        measured.extend(these);
    }
    Ok(measured)
}

/// How many kinds of round a target can be put to.
fn kinds(target: &dyn Target) -> usize {
    if target.name() == "floor" { 1 } else { 2 }
}

/// Tells of the run with one that never reads how it differs from that without.
fn compare(these: &mut [Measured]) {
    let [without, with] = these else { return };
    if let (Some(now), Some(then)) = (value(with, "wall"), value(without, "wall")) {
        with.figures.push(figure("wall, ratio to without", now / then, Unit::Ratio));
    }
    if let (Some(now), Some(then)) = (value(with, "peak RSS"), value(without, "peak RSS")) {
        with.figures.push(figure("peak RSS, more than without", now - then, Unit::Bytes));
    }
}

fn flood(target: &mut dyn Target, program: &Program, expected: &Arc<Expected>, stuck: usize) -> anyhow::Result<Round> {
    // For the fastest, as usual: with `lossless` the one that never reads would rightly stop everyone.
    let session = target.open_program(program, Pace::Usual)?;
    let attachment = target.attachment(&session, Begin::Start)?;
    let mut crowd = Crowd::attach(&attachment, READING, expected)?;
    crowd.until(|seen| seen.at >= READY.len() as u64)?;
    let mut never_read = Vec::new();
    for _ in 0..stuck {
        let mut one = Typist::attach(&attachment)?;
        one.until_printed(READY)?;
        never_read.push(one);
    }
    let processes = target.processes().to_vec();
    reset_peaks(&processes)?;
    let (before, began) = (cpu(&processes)?, Instant::now());
    target.begin_flood(&session, &mut crowd)?;
    crowd.until(|seen| seen.at >= expected.len())?;
    let wall = began.elapsed().as_secs_f64();
    let spent = cpu(&processes)? - before;
    let peak = peak(&processes)?;
    let skipped: u64 = crowd.seen().map(|seen| seen.skipped).sum();
    drop((crowd, never_read));
    target.close(&session)?;

    let delivered = (expected.len() - READY.len() as u64) as f64 * READING as f64;
    let skipped = skipped as f64 / delivered;
    let mut round = vec![figure("wall", wall, Unit::Seconds), figure("share skipped", skipped, Unit::Ratio)];
    if !processes.is_empty() {
        let cost = spent.as_secs_f64() * GIGABYTE / delivered;
        round.push(figure("cpu per GB", cost, Unit::CpuSecondsPerGigabyte));
        round.push(figure("peak RSS", peak as f64, Unit::Bytes));
    }
    Ok(round)
}
