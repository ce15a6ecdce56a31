//! What a server's processes occupy: fresh, for each idle viewer, for each idle session, and what idling costs.
//!
//! Memory is theirs alone: what the kernel holds for sockets and terminals is the same for every server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;

use super::figures::{Round, Rounds, figure};
use super::{Lab, close_all, open_many, wait};
use crate::client::crowd::Crowd;
use crate::process::{Held, cpu, held, peak, reset_peaks};
use crate::program::{Program, READY};
use crate::result::{Axis, Curve, Figure, Measured, Unit};
use crate::target::{Begin, Pace, Target};

/// After the last connection or output, before memory is looked at: buffers of the moment are given back.
const SETTLES: Duration = Duration::from_secs(2);
/// Longer than a session may be quiet before the server packs its screen away.
const QUIET: Duration = Duration::from_secs(36);

/// For each session, until its screen is written down for the next start: that goes on one after the other, 20 a second,
/// and a server that does so does not idle.
const WRITES_EACH: Duration = Duration::from_millis(50);

#[derive(Args, Debug)]
pub(crate) struct MemoryArgs {
    /// Idle viewers, in steps
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    viewers: Vec<usize>,
    /// Idle sessions, in steps
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000")]
    sessions: Vec<usize>,
    /// Seconds for which the last of the sessions, with a viewer each, are left alone
    #[arg(long, default_value_t = 20)]
    idle_seconds: u64,
}

impl Default for MemoryArgs {
    fn default() -> Self {
        Self { viewers: vec![100, 1000, 10_000], sessions: vec![10, 100, 1000], idle_seconds: 20 }
    }
}

/// The sizes of a run.
struct Plan {
    viewers: Vec<usize>,
    sessions: Vec<usize>,
    idle: Duration,
    settles: Duration,
    /// None: it is not waited for.
    quiet: Option<Duration>,
}

impl Plan {
    /// How long a server may write down the screens of so many sessions.
    fn writes(&self, sessions: usize) -> Duration {
        let sessions = u32::try_from(sessions).unwrap_or(u32::MAX);
        if self.quiet.is_some() { WRITES_EACH * sessions } else { Duration::ZERO }
    }
}

/// What was read at one step.
type Step = (usize, Held);

/// Runs it. Once: a second look at a process that has grown is another's.
pub(crate) fn run(lab: &Lab<'_>, args: &MemoryArgs) -> anyhow::Result<Vec<Measured>> {
    let plan = if lab.common.small {
        let moment = Duration::from_millis(200);
        Plan { viewers: vec![10, 50], sessions: vec![2, 5], idle: moment, settles: moment, quiet: None }
    } else {
        let (viewers, sessions) = (args.viewers.clone(), args.sessions.clone());
        Plan { viewers, sessions, idle: Duration::from_secs(args.idle_seconds), settles: SETTLES, quiet: Some(QUIET) }
    };
    let mut measured = Vec::new();
    for part in [of_viewers, of_sessions, of_idling] {
        // Fresh ones, so that none has what another part left.
        for mut target in lab.sharing_targets()? {
            let (what, rounds) = part(lab, target.as_mut(), &plan);
            measured.push(rounds.measured("memory", target.as_ref(), &[("of", what)], 1));
        }
    }
    Ok(measured)
}

fn of_viewers(lab: &Lab<'_>, target: &mut dyn Target, plan: &Plan) -> (String, Rounds) {
    lab.progress.step(format!("memory: {}, viewers", target.name()));
    let mut rounds = Rounds::default();
    rounds.take_drawn(grow_viewers(target, plan));
    ("idle viewers of one session".into(), rounds)
}

fn grow_viewers(target: &mut dyn Target, plan: &Plan) -> anyhow::Result<(Round, Vec<Curve>)> {
    let processes = known(target)?;
    let fresh = held(&processes)?;
    reset_peaks(&processes)?;
    let session = target.open_program(&Program::Echo, Pace::Usual)?;
    let attachment = target.attachment(&session, Begin::Screen)?;
    let expected = Arc::new(Program::Echo.prints());
    wait(plan.settles)?;
    let (mut crowd, mut steps) = (Crowd::new()?, vec![(0, held(&processes)?)]);
    for &viewers in &plan.viewers {
        let more = viewers.saturating_sub(crowd.seen().count());
        crowd.join(std::iter::repeat_n((&attachment, &expected), more))?;
        crowd.follow(plan.settles)?;
        steps.push((viewers, held(&processes)?));
    }
    let peak = peak(&processes)?;
    drop(crowd);
    target.close(&session)?;
    let mut round = vec![bytes("rss, fresh", fresh.rss), bytes("pss, fresh", fresh.pss)];
    round.extend(each("viewer", &steps));
    round.push(bytes("peak RSS of viewers", peak));
    Ok((round, vec![curve("viewers", &steps)]))
}

fn of_sessions(lab: &Lab<'_>, target: &mut dyn Target, plan: &Plan) -> (String, Rounds) {
    lab.progress.step(format!("memory: {}, sessions", target.name()));
    let mut rounds = Rounds::default();
    rounds.take_drawn(grow_sessions(target, plan));
    ("idle sessions, screen filled".into(), rounds)
}

fn grow_sessions(target: &mut dyn Target, plan: &Plan) -> anyhow::Result<(Round, Vec<Curve>)> {
    let processes = known(target)?;
    reset_peaks(&processes)?;
    let (mut sessions, mut steps) = (Vec::new(), vec![(0, held(&processes)?)]);
    let screen = Arc::new(Program::Fill.prints());
    for &wanted in &plan.sessions {
        let more = open_many(target, &Program::Fill, wanted.saturating_sub(sessions.len()))?;
        for session in &more {
            target.until_printed(session, &screen)?;
        }
        sessions.extend(more);
        wait(plan.settles)?;
        steps.push((wanted, held(&processes)?));
    }
    let mut round: Round = each("session", &steps).collect();
    if let (Some(quiet), Some(&(_, first))) = (plan.quiet, steps.first()) {
        wait(plan.writes(sessions.len()) + quiet)?;
        let asleep = [(0, first), (sessions.len(), held(&processes)?)];
        round.extend(each("hibernated session", &asleep));
    }
    round.push(bytes("peak RSS of sessions", peak(&processes)?));
    close_all(target, &sessions)?;
    Ok((round, vec![curve("sessions", &steps)]))
}

fn of_idling(lab: &Lab<'_>, target: &mut dyn Target, plan: &Plan) -> (String, Rounds) {
    let sessions = plan.sessions.last().copied().unwrap_or(0);
    lab.progress.step(format!("memory: {}, idling", target.name()));
    let mut rounds = Rounds::default();
    rounds.take(idle(target, sessions, plan));
    (format!("idling with {sessions} sessions and {sessions} viewers"), rounds)
}

fn idle(target: &mut dyn Target, count: usize, plan: &Plan) -> anyhow::Result<Round> {
    let processes = known(target)?;
    let sessions = open_many(target, &Program::Echo, count)?;
    let attachments: Vec<_> =
        sessions.iter().map(|session| target.attachment(session, Begin::Start)).collect::<Result<_, _>>()?;
    let expected = Arc::new(Program::Echo.prints());
    let mut crowd = Crowd::new()?;
    crowd.join(attachments.iter().map(|attachment| (attachment, &expected)))?;
    crowd.until(|seen| seen.at >= READY.len() as u64)?;
    crowd.follow(plan.settles + plan.writes(count))?;
    let (before, began) = (cpu(&processes)?, Instant::now());
    crowd.follow(plan.idle)?;
    let share = (cpu(&processes)? - before).as_secs_f64() / began.elapsed().as_secs_f64();
    drop(crowd);
    close_all(target, &sessions)?;
    Ok(vec![figure("share of a core", share, Unit::Ratio)])
}

fn known(target: &dyn Target) -> anyhow::Result<Vec<crate::process::Process>> {
    if target.processes().is_empty() {
        bail!("the server's processes are not known: --pid tells them");
    }
    Ok(target.processes().to_vec())
}

fn bytes(name: &str, bytes: u64) -> Figure {
    figure(name, bytes as f64, Unit::Bytes)
}

/// What each of them costs at each step, beyond the first.
fn each(of: &str, steps: &[Step]) -> impl Iterator<Item = Figure> {
    let base = steps.first().map(|(_, held)| *held).unwrap_or_default();
    steps.iter().skip(1).rev().map(move |(count, held)| {
        let each = (held.rss as f64 - base.rss as f64) / (*count).max(1) as f64;
        figure(&format!("rss per {of}, {count}"), each, Unit::Bytes)
    })
}

fn curve(of: &str, steps: &[Step]) -> Curve {
    Curve {
        name: format!("memory over {of}"),
        x: Axis { name: of.into(), unit: Unit::Count },
        y: Axis { name: "rss".into(), unit: Unit::Bytes },
        points: steps.iter().map(|(count, held)| (*count as f64, held.rss as f64)).collect(),
    }
}
