//! As many viewers as come, at a steady rate: how long each waits until it is let in.
//!
//! The rate is open-loop: viewers come when they are due, whatever became of those before, and their time counts from
//! then. Once all are there, each session is typed to, and everyone must get that.

use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use clap::Args;

use super::figures::{Of, Round, distribution, figure, quantiles, sorted};
use super::turns::Turns;
use super::{Lab, close_all, open_many};
use crate::client::crowd::Crowd;
use crate::client::expected::Expected;
use crate::limits::raise_descriptors;
use crate::process::cpu;
use crate::program::{Program, READY};
use crate::result::{Curve, Measured, Unit};
use crate::target::{Begin, Target};

/// Descriptors used for other things than viewers.
const OTHER_DESCRIPTORS: u64 = 64;
/// What is typed to each session.
const KEY: u8 = b'k';

#[derive(Args, Debug)]
pub(crate) struct ConnectionsArgs {
    /// Viewers in all
    #[arg(long, default_value_t = 10_000)]
    viewers: usize,
    /// Sessions they are spread over, one measurement for each number
    #[arg(long, value_delimiter = ',', default_value = "1,1000")]
    sessions: Vec<usize>,
    /// Viewers that come in a second
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
}

impl Default for ConnectionsArgs {
    fn default() -> Self {
        Self { viewers: 10_000, sessions: vec![1, 1000], rate: 1000 }
    }
}

/// Runs it.
pub(crate) fn run(lab: &Lab<'_>, args: &ConnectionsArgs) -> anyhow::Result<Vec<Measured>> {
    let (viewers, numbers) = if lab.common.small { (100, vec![1, 10]) } else { (args.viewers, args.sessions.clone()) };
    let mut targets = lab.sharing_targets()?;
    let mut measured = Vec::new();
    for sessions in numbers {
        let turns = Turns {
            scenario: "connections",
            what: format!("{viewers} to {sessions} sessions"),
            parameters: &[
                ("viewers", viewers.to_string()),
                ("sessions", sessions.to_string()),
                ("rate", args.rate.to_string()),
            ],
            rounds: lab.rounds(),
            of: Of::Median,
        };
        let rate = f64::from(args.rate);
        measured.extend(turns.take(lab, &mut targets, |target| come(target, viewers, sessions, rate)));
    }
    Ok(measured)
}

fn come(target: &mut dyn Target, viewers: usize, sessions: usize, rate: f64) -> anyhow::Result<(Round, Vec<Curve>)> {
    let needed = viewers as u64 + OTHER_DESCRIPTORS;
    if let Some(allowed) = raise_descriptors().filter(|allowed| *allowed < needed) {
        bail!("this host allows {allowed} descriptors a process, and {needed} are needed (ulimit -Hn)");
    }
    let opened = open_many(target, &Program::Echo, sessions)?;
    let attachments: Vec<_> =
        opened.iter().map(|session| target.attachment(session, Begin::Start)).collect::<Result<_, _>>()?;
    let expected = Arc::new(Expected::once([READY, &[KEY]].concat()));
    let processes = target.processes().to_vec();
    let mut crowd = Crowd::new()?;
    let before = cpu(&processes)?;
    let each = attachments.iter().cycle().take(viewers).map(|attachment| (attachment, &expected));
    let times = crowd.arrive(rate, each)?;
    let spent = cpu(&processes)? - before;
    crowd.until(|seen| seen.at >= READY.len() as u64)?;

    let began = Instant::now();
    for (viewer, session) in opened.iter().enumerate().take(viewers) {
        target.type_to(session, &mut crowd, viewer, &[KEY])?;
    }
    crowd.until(|seen| seen.at >= expected.len())?;
    let told = began.elapsed();
    drop(crowd);
    close_all(target, &opened)?;

    let times = sorted(times);
    let mut round = quantiles(&times, &[("p99", 0.99), ("p50", 0.5), ("max", 1.0)]);
    round.push(figure("refused", (viewers - times.len()) as f64, Unit::Count));
    round.push(figure("a key of each session at all", told.as_secs_f64(), Unit::Seconds));
    if !processes.is_empty() {
        round.push(figure("cpu per handshake", spent.as_secs_f64() / viewers as f64, Unit::Seconds));
    }
    Ok((round, vec![distribution("handshake", &times)]))
}
