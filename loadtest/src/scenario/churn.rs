//! Sessions opened and closed over REST with a JWT, on many connections, each of which closes what it has opened.
//!
//! Once with a real process on a terminal for each, and once without: a session that starts when somebody attaches
//! costs what sessions cost beside their programs. Every status is checked, and of some sessions that they are listed
//! when they are open and no longer when they are closed. Those looks are part of the time, and no operations.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::Lab;
use super::figures::{Round, Rounds, distribution, figure, on_terms_of, quantiles};
use super::opened::Opened;
use crate::floor::spawns::{self, Floor, Spawned};
use crate::process::{Process, cpu};
use crate::rest::Place;
use crate::rest::answer::Answer;
use crate::rest::turns::{Turns, Work};
use crate::result::{Curve, Measured, Unit};
use crate::target::Target as _;

/// Waits for input until its terminal hangs up: a real process with nothing to do.
const PROGRAM: &str = "/bin/cat";
const SESSIONS: &str = "/api/sessions";
/// Of so many sessions one is looked for in the list.
const LOOK_EVERY: usize = 64;
/// Sessions of each connection before it counts.
const WARM_UP: usize = 4;
const SMALL_PAIRS: usize = 100;
const SMALL_CONNECTIONS: usize = 4;
/// The best that these cores can do is *the* floor.
const FLOORS: [Floor; 3] = [
    Floor { name: "floor", threads: 2, lets_run: false },
    Floor { name: "floor-1-thread", threads: 1, lets_run: false },
    Floor { name: "floor-lets-run", threads: 2, lets_run: true },
];

#[derive(Args, Debug)]
pub(crate) struct ChurnArgs {
    /// Sessions with a process opened and closed in each round
    #[arg(long, default_value_t = 4000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pairs: u32,
    /// Sessions without one
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    bare_pairs: u32,
    /// Connections that do so
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
}

impl Default for ChurnArgs {
    fn default() -> Self {
        Self { pairs: 4000, bare_pairs: 40_000, connections: 16 }
    }
}

/// Runs it.
pub(crate) fn run(lab: &Lab<'_>, args: &ChurnArgs) -> Result<Vec<Measured>> {
    let small = lab.common.small;
    let connections = if small { SMALL_CONNECTIONS } else { usize::from(args.connections) };
    let pairs = |asked: u32| if small { Ok(SMALL_PAIRS) } else { usize::try_from(asked) };
    let mut server = lab.fantail()?;
    let place = server.login()?;
    let processes = server.processes().to_vec();
    let mut measured = Vec::new();
    for (spawn, pairs) in [("now", pairs(args.pairs)?), ("onAttach", pairs(args.bare_pairs)?)] {
        let plan = Plan { spawn, pairs, connections };
        let mut ours = Rounds::default();
        let mut floors: Vec<Rounds> = FLOORS.iter().map(|_| Rounds::default()).collect();
        for round in 1..=lab.rounds() {
            lab.progress.step(format!("churn: fantail, spawn {spawn}, round {round}"));
            ours.take_drawn(plan.open_and_close(&place, &processes));
            for (floor, rounds) in FLOORS.into_iter().zip(&mut floors).filter(|_| plan.has_floor(lab)) {
                lab.progress.step(format!("churn: {}, round {round}", floor.name));
                rounds.take_drawn(spawns::measure(pairs, floor, PROGRAM).map(|spawned| told(spawned, true)));
            }
        }
        let parameters = [
            ("spawn", spawn.to_owned()),
            ("pairs", pairs.to_string()),
            ("program", PROGRAM.to_owned()),
            ("connections", connections.to_string()),
        ];
        let mut these = vec![ours.named("churn", "fantail", &parameters, lab.rounds())];
        if plan.has_floor(lab) {
            let floors = FLOORS.iter().zip(floors);
            these.extend(floors.map(|(floor, rounds)| rounds.named("churn", floor.name, &parameters, lab.rounds())));
        }
        these.iter_mut().take(1).for_each(|ours| on_terms_of(&server, ours));
        measured.extend(these);
    }
    Ok(measured)
}

/// One round.
#[derive(Clone, Copy)]
struct Plan {
    spawn: &'static str,
    pairs: usize,
    connections: usize,
}

impl Plan {
    /// Without a process there is nothing that only the kernel does.
    fn has_floor(&self, lab: &Lab<'_>) -> bool {
        self.spawn == "now" && !lab.common.no_floor
    }

    fn open_and_close(&self, place: &Place, processes: &[Process]) -> Result<(Round, Vec<Curve>)> {
        let body = json!({ "command": [PROGRAM], "spawn": self.spawn }).to_string();
        let mut work = Churn {
            place,
            open: place.request("POST", SESSIONS, Some(&body)),
            status: if self.spawn == "now" { "running" } else { "starting" },
            left: self.connections * WARM_UP,
            begun: 0,
            steps: HashMap::new(),
            opens: Vec::new(),
            closes: Vec::new(),
        };
        let ran = self.run(&mut work, processes);
        // Where something went wrong, what it left open is closed.
        let _left_open = Opened::already(place, work.steps.into_values().filter_map(Step::left_open).collect());
        let (wall, spent) = ran?;
        let (opens, closes) = (work.opens, work.closes);
        ensure!(opens.len() == self.pairs && closes.len() == self.pairs, "not all were opened and closed");
        Ok(told(Spawned { wall, cpu: spent, opens, closes }, !processes.is_empty()))
    }

    /// Seconds that went by, and of the server's CPU time.
    fn run(&self, work: &mut Churn<'_>, processes: &[Process]) -> Result<(f64, f64)> {
        let mut turns = Turns::connect(work.place, self.connections)?;
        turns.run(work)?;
        (work.left, work.opens, work.closes) = (self.pairs, Vec::new(), Vec::new());
        let before = cpu(processes)?;
        let wall = turns.run(work)?;
        Ok((wall.as_secs_f64(), (cpu(processes)? - before).as_secs_f64()))
    }
}

/// The same figures of the server and of the floor.
fn told(spawned: Spawned, with_cpu: bool) -> (Round, Vec<Curve>) {
    let Spawned { wall, cpu, mut opens, mut closes } = spawned;
    let operations = (opens.len() + closes.len()) as f64;
    let mut round = vec![figure("operations per second", operations / wall, Unit::PerSecond)];
    let mut curves = Vec::new();
    for (name, times) in [("open", &mut opens), ("close", &mut closes)] {
        times.sort_by(f64::total_cmp);
        round.extend(quantiles(times, &[(&format!("{name} p50"), 0.5), (&format!("{name} p99"), 0.99)]));
        curves.push(distribution(name, times));
    }
    if with_cpu {
        round.push(figure("cpu per operation", cpu / operations, Unit::Seconds));
    }
    (round, curves)
}

/// What a connection does next.
#[derive(Clone, Debug)]
enum Step {
    Open { look: bool },
    IsListed { id: String },
    Close { id: String, look: bool },
    IsGone { id: String },
}

impl Step {
    /// The session that is open before this step is done.
    fn left_open(self) -> Option<String> {
        match self {
            Self::IsListed { id } | Self::Close { id, .. } => Some(id),
            Self::Open { .. } | Self::IsGone { .. } => None,
        }
    }
}

struct Churn<'a> {
    place: &'a Place,
    open: Vec<u8>,
    /// What a session is when it has been opened.
    status: &'static str,
    /// Sessions still to be opened, and those that were.
    left: usize,
    begun: usize,
    /// By connection, where it is not to open the next.
    steps: HashMap<usize, Step>,
    opens: Vec<f64>,
    closes: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
    status: String,
}

impl Work for Churn<'_> {
    fn ask(&mut self, connection: usize) -> Option<Vec<u8>> {
        let step = match self.steps.remove(&connection) {
            Some(step) => step,
            None => {
                self.left = self.left.checked_sub(1)?;
                self.begun += 1;
                Step::Open { look: self.begun.is_multiple_of(LOOK_EVERY) }
            }
        };
        let request = match &step {
            Step::Open { .. } => self.open.clone(),
            Step::IsListed { .. } | Step::IsGone { .. } => self.place.request("GET", SESSIONS, None),
            Step::Close { id, .. } => self.place.request("DELETE", &format!("{SESSIONS}/{id}"), None),
        };
        self.steps.insert(connection, step);
        Some(request)
    }

    fn answered(&mut self, connection: usize, answer: &Answer<'_>, took: Duration) -> Result<()> {
        let step = self.steps.get(&connection).cloned().context("an answer to nothing")?;
        let next = match step {
            Step::Open { look } => {
                answer.expect(201)?;
                self.opens.push(took.as_secs_f64());
                let session: Session = serde_json::from_slice(&answer.body).with_context(|| answer.excerpt())?;
                ensure!(session.status == self.status, "opened, and {}", session.status);
                let id = session.session_id;
                Some(if look { Step::IsListed { id } } else { Step::Close { id, look } })
            }
            Step::IsListed { id } => {
                ensure!(is_listed(answer, &id)?, "session {id} was opened and is not listed");
                Some(Step::Close { id, look: true })
            }
            Step::Close { id, look } => {
                answer.expect(204)?;
                self.closes.push(took.as_secs_f64());
                look.then_some(Step::IsGone { id })
            }
            Step::IsGone { id } => {
                ensure!(!is_listed(answer, &id)?, "session {id} was closed and is still listed");
                None
            }
        };
        match next {
            Some(next) => self.steps.insert(connection, next),
            None => self.steps.remove(&connection),
        };
        Ok(())
    }
}

fn is_listed(answer: &Answer<'_>, id: &str) -> Result<bool> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        id: &'a str,
    }
    answer.expect(200)?;
    let list: Vec<Listed<'_>> = serde_json::from_slice(&answer.body).with_context(|| answer.excerpt())?;
    Ok(list.iter().any(|session| session.id == id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(head: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    /// Answers the steps of one connection until it has nothing more to ask or something is wrong.
    fn play(answers: &[Vec<u8>]) -> Result<(usize, Vec<String>)> {
        let place = Place { address: ([127, 0, 0, 1], 1).into(), authority: "host".to_owned(), token: None };
        let open = place.request("POST", SESSIONS, Some("{}"));
        // The next one opened is one that is looked for.
        let (left, begun) = (1, LOOK_EVERY - 1);
        let (steps, opens, closes) = (HashMap::new(), Vec::new(), Vec::new());
        let mut work = Churn { place: &place, open, status: "running", left, begun, steps, opens, closes };
        let mut asked = Vec::new();
        for bytes in answers {
            let request = String::from_utf8(work.ask(0).context("nothing more to ask")?)?;
            asked.push(request.lines().next().unwrap_or_default().to_owned());
            let (answer, _) = Answer::take(bytes)?.context("half an answer")?;
            work.answered(0, &answer, Duration::from_millis(1))?;
        }
        ensure!(work.ask(0).is_none(), "there is more to ask");
        Ok((work.opens.len() + work.closes.len(), asked))
    }

    #[test]
    fn a_session_is_opened_looked_for_closed_and_looked_for_again() {
        let opened = answer("201 Created", r#"{"sessionId":"a","id":"a","status":"running"}"#);
        let (listed, empty) = (answer("200 OK", r#"[{"id":"b"},{"id":"a"}]"#), answer("200 OK", "[]"));
        let closed = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
        let all = [opened.clone(), listed.clone(), closed.clone(), empty.clone()];
        let (operations, asked) = play(&all).expect("as it should be");
        assert_eq!(operations, 2);
        let lines = ["POST /api/sessions", "GET /api/sessions", "DELETE /api/sessions/a", "GET /api/sessions"];
        assert_eq!(asked, lines.map(|line| format!("{line} HTTP/1.1")));

        assert!(play(&[opened.clone(), empty]).expect_err("not listed").to_string().contains("is not listed"));
        let still = play(&[opened, listed.clone(), closed, listed]).expect_err("still there");
        assert!(still.to_string().contains("still listed"), "{still}");
        let starting = answer("201 Created", r#"{"sessionId":"a","status":"starting"}"#);
        assert!(play(&[starting]).expect_err("not running").to_string().contains("starting"));
        assert!(play(&[answer("429 Too Many Requests", "{}")]).is_err());
    }
}
