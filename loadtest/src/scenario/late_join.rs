//! One who joins late: how long until it shows what the session shows, and how many bytes that takes, beside the same for
//! a session that has printed nothing.
//!
//! The floor has no screens: it replays what it holds.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::figures::{Round, Rounds, distribution, figure, quantile, ratios_to_floor};
use super::{Lab, attempt};
use crate::client::crowd::Crowd;
use crate::client::joiner::join;
use crate::process::cpu;
use crate::program::{Program, READY};
use crate::result::{Curve, Measured, Unit};
use crate::target::{Begin, Pace, Target};

const SEED: u64 = 3;
const MIB: usize = 1 << 20;

#[derive(Args, Debug)]
pub(crate) struct LateJoinArgs {
    /// MiB printed before anybody joins
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1024))]
    mib: u16,
    /// How many join, one after the other
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    joiners: u16,
}

impl Default for LateJoinArgs {
    fn default() -> Self {
        Self { mib: 50, joiners: 50 }
    }
}

/// Runs it.
pub(crate) fn run(lab: &Lab<'_>, args: &LateJoinArgs) -> anyhow::Result<Vec<Measured>> {
    let (mib, joiners) = if lab.common.small { (1, 3) } else { (args.mib, args.joiners) };
    let mut targets = lab.sharing_targets()?;
    let mut measured = Vec::new();
    for mib in [0, mib] {
        let program = Program::Flood { seed: SEED, bytes: usize::from(mib) * MIB };
        let mut results: Vec<Rounds> = targets.iter().map(|_| Rounds::default()).collect();
        for round in 1..=lab.rounds() {
            for (target, result) in targets.iter_mut().zip(&mut results) {
                lab.progress.step(format!("late-join: {}, after {mib} MiB, round {round}", target.name()));
                let round = |target: &mut dyn Target| join_late(target, &program, joiners);
                result.take_with_curve(attempt(target.as_mut(), round));
            }
        }
        let parameters = [("printed MiB", mib.to_string()), ("joiners", joiners.to_string())];
        let results = results.into_iter().zip(&targets);
        let mut these: Vec<_> = results
            .map(|(result, target)| result.measured("late-join", target.as_ref(), &parameters, lab.rounds()))
            .collect();
        ratios_to_floor(&mut these, &["p50", "p99", "received"]);
        measured.extend(these);
    }
    Ok(measured)
}

fn join_late(target: &mut dyn Target, program: &Program, joiners: u16) -> anyhow::Result<(Round, Curve)> {
    let session = target.open_program(program, Pace::Lossless)?;
    let expected = Arc::new(program.prints());
    let mut crowd = Crowd::attach(&target.attachment(&session, Begin::Start)?, 1, &expected)?;
    crowd.until(|seen| seen.at >= READY.len() as u64)?;
    target.begin_flood(&session, &mut crowd)?;
    crowd.until(|seen| seen.at >= expected.len())?;
    drop(crowd);
    target.settle(&session)?;

    let attachment = target.attachment(&session, Begin::Screen)?;
    let processes = target.processes().to_vec();
    let before = cpu(&processes)?;
    let joined = (0..joiners).map(|_| join(&attachment, &expected)).collect::<Result<Vec<_>, _>>()?;
    let spent = cpu(&processes)? - before;
    target.close(&session)?;

    let mut times: Vec<f64> = joined.iter().map(|joined| Duration::as_secs_f64(&joined.took)).collect();
    times.sort_by(f64::total_cmp);
    let quantiles = [("p50", 0.5), ("p99", 0.99), ("max", 1.0)];
    let mut round: Round =
        quantiles.iter().map(|(name, share)| figure(name, quantile(&times, *share), Unit::Seconds)).collect();
    // The first screen is made for the first who asks, and kept for the others.
    round.extend(joined.first().map(|first| figure("first", first.took.as_secs_f64(), Unit::Seconds)));
    let most = joined.iter().map(|joined| joined.received).max().unwrap_or_default();
    round.push(figure("received", most as f64, Unit::Bytes));
    if !processes.is_empty() {
        round.push(figure("cpu per joiner", spent.as_secs_f64() / f64::from(joiners), Unit::Seconds));
    }
    Ok((round, distribution("join", &times)))
}
