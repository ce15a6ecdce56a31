//! Hours of a day's use in little: sessions are opened and closed, viewers join and leave, keys are typed, output floods,
//! and all of it is verified. At the end the server must hold what it held at the beginning.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;

use super::figures::{Round, Rounds, figure};
use super::{Lab, must_share, wait};
use crate::client::crowd::Crowd;
use crate::client::expected::Expected;
use crate::client::typist::Typist;
use crate::process::{Held, Process, held};
use crate::program::{Program, READY, printable};
use crate::result::{Measured, Unit};
use crate::target::{Begin, Pace, Target};

const KEYS: usize = 32;
const VIEWERS: usize = 8;
const FLOOD: Program = Program::Flood { seed: 5, bytes: 512 << 10 };
/// Rounds before the beginning: everything has been touched once, and threads have been started.
const WARM_UP: u32 = 20;
/// How long the server may take to let go of what was closed, and how often it is looked at meanwhile.
const LETS_GO: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(250);
/// Descriptors and threads more than at the beginning that are no leak: a pool's, kept for a while.
const SLACK: u64 = 16;

#[derive(Args, Debug)]
pub(crate) struct SoakArgs {
    /// For how long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

impl Default for SoakArgs {
    fn default() -> Self {
        Self { seconds: 60 }
    }
}

/// Runs it; the floor is not asked to last.
pub(crate) fn run(lab: &Lab<'_>, args: &SoakArgs) -> anyhow::Result<Vec<Measured>> {
    let seconds = if lab.common.small { 1 } else { args.seconds };
    let mut target = lab.server()?;
    must_share(target.as_ref())?;
    lab.progress.step(format!("soak: {} for {seconds} s", target.name()));
    let mut rounds = Rounds::default();
    rounds.take(soak(target.as_mut(), Duration::from_secs(seconds)));
    Ok(vec![rounds.measured("soak", target.as_ref(), &[("seconds", seconds.to_string())], 1)])
}

fn soak(target: &mut dyn Target, time: Duration) -> anyhow::Result<Round> {
    let flood = Arc::new(FLOOD.prints());
    for _ in 0..WARM_UP {
        use_it(target, &flood)?;
    }
    let processes = target.processes().to_vec();
    let before = held(&processes)?;
    let (began, mut times) = (Instant::now(), 0_u32);
    while began.elapsed() < time {
        use_it(target, &flood)?;
        times += 1;
    }
    let a_second = f64::from(times) / began.elapsed().as_secs_f64();
    let mut round = vec![figure("rounds", a_second, Unit::PerSecond)];
    if !processes.is_empty() {
        let after = when_let_go(&processes, before)?;
        let more = |now: u64, then: u64| now as f64 - then as f64;
        round.push(figure("rss, more than before", more(after.rss, before.rss), Unit::Bytes));
        round.push(figure("descriptors, more than before", more(after.descriptors, before.descriptors), Unit::Count));
        round.push(figure("threads, more than before", more(after.tasks, before.tasks), Unit::Count));
    }
    Ok(round)
}

/// What is held once all that was closed has been let go of.
fn when_let_go(processes: &[Process], before: Held) -> anyhow::Result<Held> {
    let deadline = Instant::now() + LETS_GO;
    loop {
        let after = held(processes)?;
        if after.descriptors <= before.descriptors + SLACK && after.tasks <= before.tasks + SLACK {
            return Ok(after);
        }
        if Instant::now() >= deadline {
            bail!(
                "{} descriptors and {} threads are held, {} and {} before",
                after.descriptors,
                after.tasks,
                before.descriptors,
                before.tasks
            );
        }
        wait(LOOK)?;
    }
}

/// One of everything.
fn use_it(target: &mut dyn Target, flood: &Arc<Expected>) -> anyhow::Result<()> {
    let typed_to = target.open_program(&Program::Echo, Pace::Usual)?;
    let attachment = target.attachment(&typed_to, Begin::Start)?;
    let keys: Vec<u8> = (0..KEYS).map(printable).collect();
    let expected = Arc::new(Expected::once([READY, &keys].concat()));
    let mut watchers = Crowd::attach(&attachment, VIEWERS, &expected)?;
    let mut typist = Typist::attach(&attachment)?;
    typist.until_printed(READY)?;
    for (trip, &key) in keys.iter().enumerate() {
        typist.trip(key)?;
        if trip == KEYS / 2 {
            watchers.leave();
            watchers.join([(&attachment, &expected)])?;
        }
    }
    watchers.until(|seen| seen.at >= expected.len())?;

    let flooded = target.open_program(&FLOOD, Pace::Lossless)?;
    let mut crowd = Crowd::attach(&target.attachment(&flooded, Begin::Start)?, VIEWERS, flood)?;
    crowd.until(|seen| seen.at >= READY.len() as u64)?;
    target.begin_flood(&flooded, &mut crowd)?;
    crowd.until(|seen| seen.at >= flood.len())?;
    // One while it is watched, one after.
    target.close(&typed_to)?;
    drop((watchers, typist, crowd));
    target.close(&flooded)
}
