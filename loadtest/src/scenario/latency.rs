//! The echo of single keys, one after the other: each is typed when the one before has come back.
//!
//! The terminal echoes, so that nothing but the server and the kernel is measured. Keys vary, so that an echo that comes
//! late is not taken for the next one's. The session's program runs alone, before a crowd that must get every key as
//! well, beside a session that floods ten viewers, and beside ten sessions that nobody watches and that never stop: once
//! printing, and once without a word, which is what so many busy programs alone do to who waits for a processor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;

use super::Lab;
use super::figures::{Of, Round, distribution, figure, quantiles, sorted};
use super::turns::Turns;
use crate::client::crowd::Crowd;
use crate::client::expected::Expected;
use crate::client::typist::Typist;
use crate::process::cpu;
use crate::program::{Program, READY, printable};
use crate::result::{Curve, Measured, Unit};
use crate::target::{Begin, Pace, Session, Target};

/// Viewers of the session that floods.
const FLOODED: usize = 10;
/// Sessions that never stop.
const BUSY: usize = 10;
const SEED: u64 = 2;
/// Keys typed before it counts: the server's first touch of everything.
const WARM_UP: usize = 100;

/// How long is typed at least beside others that have the processors too: many turns of the scheduler, or the figure would
/// be that of a moment in which they happened to wait.
const OTHERS_MET: Duration = Duration::from_secs(4);
/// Bytes a flood has brought each of its viewers before it counts: more than a log and a socket's buffers hold.
const FLOOD_GOES: u64 = 16 << 20;

#[derive(Args, Debug)]
pub(crate) struct LatencyArgs {
    /// Keys typed
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    trips: u32,
    /// Viewers of the same session, in the variant that has them
    #[arg(long, default_value_t = 200)]
    watchers: usize,
    /// Only these variants
    #[arg(long, value_delimiter = ',', value_enum)]
    beside: Vec<Beside>,
}

impl Default for LatencyArgs {
    fn default() -> Self {
        Self { trips: 5000, watchers: 200, beside: Vec::new() }
    }
}

/// What else is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Beside {
    Nothing,
    Watchers,
    Flood,
    Busy,
    Calculating,
}

impl Beside {
    const ALL: [Self; 5] = [Self::Nothing, Self::Watchers, Self::Flood, Self::Busy, Self::Calculating];
}

/// One measurement's sizes.
#[derive(Clone, Copy)]
struct Plan {
    beside: Beside,
    /// Keys typed before it counts.
    warm_up: usize,
    trips: usize,
    /// Keys are typed for so long, however many that are.
    at_least: Duration,
    watchers: usize,
    /// Sessions that never stop.
    busy: usize,
}

impl Plan {
    fn words(self) -> String {
        match self.beside {
            Beside::Nothing => "nothing".into(),
            Beside::Watchers => format!("{} watchers", self.watchers),
            Beside::Flood => format!("a flood to {FLOODED} viewers"),
            Beside::Busy => format!("{} sessions of yes", self.busy),
            Beside::Calculating => format!("{} silent busy sessions", self.busy),
        }
    }
}

/// Runs it.
pub(crate) fn run(lab: &Lab<'_>, args: &LatencyArgs) -> anyhow::Result<Vec<Measured>> {
    let usual = Plan {
        beside: Beside::Nothing,
        warm_up: WARM_UP,
        trips: usize::try_from(args.trips)?,
        at_least: Duration::ZERO,
        watchers: args.watchers,
        busy: BUSY,
    };
    let plan = if lab.common.small { Plan { warm_up: 5, trips: 20, watchers: 20, busy: 2, ..usual } } else { usual };
    let mut targets = lab.targets()?;
    let variants = match &args.beside[..] {
        // What stands beside is a session of its own, or more viewers of the same.
        [] if targets.iter().any(|target| !target.shares()) => &[Beside::Nothing][..],
        [] => &Beside::ALL,
        these => these,
    };
    let mut measured = Vec::new();
    for &beside in variants {
        let at_least = match beside {
            Beside::Flood | Beside::Busy | Beside::Calculating if !lab.common.small => OTHERS_MET,
            _ => Duration::ZERO,
        };
        let plan = Plan { beside, at_least, ..plan };
        let turns = Turns {
            scenario: "latency",
            what: format!("beside {}", plan.words()),
            parameters: &[("beside", plan.words()), ("trips", plan.trips.to_string())],
            rounds: lab.rounds(),
            of: Of::Median,
        };
        measured.extend(turns.take(lab, &mut targets, |target| typing(target, plan)));
    }
    Ok(measured)
}

fn typing(target: &mut dyn Target, plan: Plan) -> anyhow::Result<(Round, Vec<Curve>)> {
    let keys: Vec<u8> = (0..plan.warm_up + plan.trips).map(printable).collect();
    let session = target.open_program(&Program::Echo, Pace::Usual)?;
    let others = open_others(target, plan)?;
    let mut crowd = gather(target, plan, &session, &others, &keys)?;
    let mut typist = Typist::attach(&target.attachment(&session, Begin::Start)?)?;
    typist.until_printed(READY)?;

    let everything = (READY.len() + keys.len()) as u64;
    let stop = AtomicBool::new(false);
    let (began, before) = (Instant::now(), received(crowd.as_ref()));
    let processes = target.processes().to_vec();
    let (times, spent) = thread::scope(|scope| {
        let watching = scope.spawn(|| match (&mut crowd, plan.beside) {
            (None, _) => Ok(()),
            (Some(crowd), Beside::Watchers) => crowd.until(|seen| seen.at >= everything),
            (Some(crowd), _) => crowd.until_told(&stop),
        });
        let typed = type_all(&mut typist, plan, || cpu(&processes));
        stop.store(true, Ordering::Relaxed);
        let watched = watching.join().map_err(|_| anyhow::anyhow!("the watchers panicked"))?;
        typed.and_then(|typed| watched.context("beside the typist").map(|()| typed))
    })?;
    let flood = (received(crowd.as_ref()) - before) as f64 / began.elapsed().as_secs_f64();
    drop((crowd, typist));
    for session in others.iter().chain([&session]) {
        target.close(session)?;
    }

    let times = sorted(times);
    let mut round = quantiles(&times, &[("p50", 0.5), ("p99", 0.99), ("max", 1.0)]);
    if !processes.is_empty() && matches!(plan.beside, Beside::Nothing | Beside::Watchers) {
        round.push(figure("cpu per trip", spent.as_secs_f64() / times.len() as f64, Unit::Seconds));
    }
    if plan.beside == Beside::Flood {
        round.push(figure("delivered beside", flood, Unit::BytesPerSecond));
    }
    Ok((round, vec![distribution("echo", &times)]))
}

/// Types all keys; the times of those after the warm-up, and the CPU time the server took for them.
fn type_all(
    typist: &mut Typist,
    plan: Plan,
    cpu: impl Fn() -> anyhow::Result<Duration>,
) -> anyhow::Result<(Vec<Duration>, Duration)> {
    (0..plan.warm_up).try_for_each(|trip| typist.trip(printable(trip)).map(drop))?;
    let (before, began) = (cpu()?, Instant::now());
    let mut times = Vec::with_capacity(plan.trips);
    while times.len() < plan.trips || began.elapsed() < plan.at_least {
        times.push(typist.trip(printable(plan.warm_up + times.len()))?);
    }
    Ok((times, cpu()? - before))
}

/// Bytes all of them have.
fn received(crowd: Option<&Crowd>) -> u64 {
    crowd.into_iter().flat_map(Crowd::seen).map(|seen| seen.output).sum()
}

/// The sessions beside.
fn open_others(target: &mut dyn Target, plan: Plan) -> anyhow::Result<Vec<Session>> {
    let mut many = |command: &[&str]| {
        let command: Vec<_> = command.iter().map(ToString::to_string).collect();
        (0..plan.busy).map(|_| target.open(&command, Pace::Usual)).collect()
    };
    match plan.beside {
        Beside::Nothing | Beside::Watchers => Ok(Vec::new()),
        Beside::Flood => Ok(vec![target.open_program(&Program::Forever { seed: SEED }, Pace::Lossless)?]),
        Beside::Busy => many(&["yes"]),
        Beside::Calculating => many(&["sh", "-c", "while :; do :; done"]),
    }
}

/// The viewers beside; a flood has begun.
fn gather(
    target: &mut dyn Target,
    plan: Plan,
    session: &Session,
    others: &[Session],
    keys: &[u8],
) -> anyhow::Result<Option<Crowd>> {
    match (plan.beside, others) {
        (Beside::Watchers, _) => {
            let expected = Arc::new(Expected::once([READY, keys].concat()));
            let attachment = target.attachment(session, Begin::Start)?;
            Crowd::attach(&attachment, plan.watchers, &expected).map(Some)
        }
        (Beside::Flood, [flood]) => {
            let expected = Arc::new(Program::Forever { seed: SEED }.prints());
            let attachment = target.attachment(flood, Begin::Start)?;
            let mut crowd = Crowd::attach(&attachment, FLOODED, &expected)?;
            crowd.until(|seen| seen.at >= READY.len() as u64)?;
            target.begin_flood(flood, &mut crowd)?;
            crowd.until(|seen| seen.output >= FLOOD_GOES)?;
            Ok(Some(crowd))
        }
        _ => Ok(None),
    }
}
