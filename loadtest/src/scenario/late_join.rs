//! One who joins late: how long until it shows what the session shows, and how many bytes that takes, beside the same for
//! a session that has printed nothing.
//!
//! The floor has no screens: it replays what it holds.

use std::sync::Arc;

use clap::Args;

use super::Lab;
use super::figures::{Of, Round, distribution, figure, quantiles, sorted};
use super::turns::Turns;
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
        let turns = Turns {
            scenario: "late-join",
            what: format!("after {mib} MiB"),
            parameters: &[("printed MiB", mib.to_string()), ("joiners", joiners.to_string())],
            rounds: lab.rounds(),
            of: Of::Median,
        };
        measured.extend(turns.take(lab, &mut targets, |target| join_late(target, &program, joiners)));
    }
    Ok(measured)
}

fn join_late(target: &mut dyn Target, program: &Program, joiners: u16) -> anyhow::Result<(Round, Vec<Curve>)> {
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

    let times = sorted(joined.iter().map(|joined| joined.took));
    let mut round = quantiles(&times, &[("p50", 0.5), ("p99", 0.99), ("max", 1.0)]);
    // The first screen is made for the first who asks, and kept for the others.
    round.extend(joined.first().map(|first| figure("first", first.took.as_secs_f64(), Unit::Seconds)));
    let most = joined.iter().map(|joined| joined.received).max().unwrap_or_default();
    round.push(figure("received", most as f64, Unit::Bytes));
    if !processes.is_empty() {
        round.push(figure("cpu per joiner", spent.as_secs_f64() / f64::from(joiners), Unit::Seconds));
    }
    Ok((round, vec![distribution("join", &times)]))
}
