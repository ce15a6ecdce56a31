//! Questions over REST, asked on many kept-alive connections, each as soon as the one before is answered.
//!
//! Every status and every body is checked. The floor is a bare axum handler that gives the very bytes the server gave.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::Value;

use super::Lab;
use super::figures::{Round, Rounds, distribution, figure, on_terms_of, quantiles};
use super::opened::Opened;
use crate::floor::answers::{Answers, Canned};
use crate::process::{Process, cpu};
use crate::rest::Place;
use crate::rest::answer::Answer;
use crate::rest::turns::{Turns, Work};
use crate::result::{Curve, Measured, Unit};
use crate::target::Target as _;

const HEALTH: &str = "/api/health";
const SESSIONS: &str = "/api/sessions";
/// Questions of each connection before it counts: the server's first touch of everything.
const WARM_UP: usize = 10;
const SMALL_REQUESTS: usize = 500;

#[derive(Args, Debug)]
pub(crate) struct ApiArgs {
    /// Questions asked in each round
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    requests: u32,
    /// Connections that ask
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Sessions there are
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=4000))]
    sessions: u16,
}

impl Default for ApiArgs {
    fn default() -> Self {
        Self { requests: 50_000, connections: 50, sessions: 100 }
    }
}

/// Runs it.
pub(crate) fn run(lab: &Lab<'_>, args: &ApiArgs) -> Result<Vec<Measured>> {
    let requests = if lab.common.small { SMALL_REQUESTS } else { usize::try_from(args.requests)? };
    let mut server = lab.fantail()?;
    let place = server.login()?;
    let processes = server.processes().to_vec();
    let sessions = Opened::some(&place, usize::from(args.sessions), &["cat"])?;
    let plan = Plan { requests, connections: usize::from(args.connections) };
    let mut measured = Vec::new();
    for path in [HEALTH, SESSIONS] {
        let check = |body: &[u8]| match path {
            HEALTH => is_well(body),
            _ => lists(body, sessions.ids()),
        };
        let asked = Asked { name: "fantail", place: &place, processes: &processes, path, check: &check };
        let parameters = [
            ("path", path.to_owned()),
            ("connections", plan.connections.to_string()),
            ("requests", requests.to_string()),
            ("sessions", args.sessions.to_string()),
        ];
        let mut these = beside_floor(lab, &asked, plan, &parameters)?;
        these.iter_mut().take(1).for_each(|ours| on_terms_of(&server, ours));
        measured.extend(these);
    }
    sessions.close()?;
    Ok(measured)
}

/// One round's size.
#[derive(Clone, Copy)]
struct Plan {
    requests: usize,
    connections: usize,
}

/// Who is asked what.
struct Asked<'a> {
    name: &'static str,
    place: &'a Place,
    processes: &'a [Process],
    path: &'a str,
    check: &'a dyn Fn(&[u8]) -> Result<()>,
}

fn beside_floor(lab: &Lab<'_>, server: &Asked<'_>, plan: Plan, parameters: &[(&str, String)]) -> Result<Vec<Measured>> {
    let canned = server.canned().with_context(|| format!("asking for {}", server.path))?;
    let floor = if lab.common.no_floor { None } else { Some(Answers::start(&[canned.0])?) };
    let same = |body: &[u8]| {
        ensure!(body == canned.1, "the floor answers something else");
        Ok(())
    };
    let floor = floor.as_ref().map(|floor| Asked {
        name: "floor",
        place: &floor.place,
        processes: std::slice::from_ref(&floor.process),
        path: server.path,
        check: &same,
    });
    let targets: Vec<&Asked<'_>> = std::iter::once(server).chain(floor.as_ref()).collect();
    let mut results: Vec<Rounds> = targets.iter().map(|_| Rounds::default()).collect();
    for round in 1..=lab.rounds() {
        for (target, result) in targets.iter().zip(&mut results) {
            lab.progress.step(format!("api: {}, {}, round {round}", target.name, target.path));
            result.take_drawn(target.questions(plan));
        }
    }
    let results = results.into_iter().zip(&targets);
    Ok(results.map(|(result, target)| result.named("api", target.name, parameters, lab.rounds())).collect())
}

impl Asked<'_> {
    /// What it answers now, for the floor to answer too.
    fn canned(&self) -> Result<(Canned, Vec<u8>)> {
        let mut work = Once { request: Some(self.request()), path: self.path, kept: None };
        Turns::connect(self.place, 1)?.run(&mut work)?;
        work.kept.context("not answered")
    }

    fn request(&self) -> Vec<u8> {
        self.place.request("GET", self.path, None)
    }

    fn questions(&self, plan: Plan) -> Result<(Round, Vec<Curve>)> {
        let mut turns = Turns::connect(self.place, plan.connections)?;
        let mut work = Questions {
            request: self.request(),
            left: plan.connections * WARM_UP,
            took: Vec::new(),
            good: Vec::new(),
            check: self.check,
        };
        turns.run(&mut work)?;
        (work.left, work.took) = (plan.requests, Vec::with_capacity(plan.requests));
        let before = cpu(self.processes)?;
        let wall = turns.run(&mut work)?.as_secs_f64();
        let spent = (cpu(self.processes)? - before).as_secs_f64();
        let mut took = work.took;
        ensure!(took.len() == plan.requests, "{} of {} questions were answered", took.len(), plan.requests);
        took.sort_by(f64::total_cmp);
        let requests = plan.requests as f64;
        let mut round = vec![figure("requests per second", requests / wall, Unit::PerSecond)];
        round.extend(quantiles(&took, &[("p50", 0.5), ("p99", 0.99)]));
        if !self.processes.is_empty() {
            round.push(figure("cpu per request", spent / requests, Unit::Seconds));
        }
        Ok((round, vec![distribution("answer", &took)]))
    }
}

/// One question, whose answer is kept.
struct Once<'a> {
    request: Option<Vec<u8>>,
    path: &'a str,
    kept: Option<(Canned, Vec<u8>)>,
}

impl Work for Once<'_> {
    fn ask(&mut self, _connection: usize) -> Option<Vec<u8>> {
        self.request.take()
    }

    fn answered(&mut self, _connection: usize, answer: &Answer<'_>, _took: Duration) -> Result<()> {
        answer.expect(200)?;
        self.kept = Some((Canned::of(self.path, answer)?, answer.body.to_vec()));
        Ok(())
    }
}

/// The same question over and over.
struct Questions<'a> {
    request: Vec<u8>,
    left: usize,
    took: Vec<f64>,
    /// A body that was checked: another of the same bytes is as good.
    good: Vec<u8>,
    check: &'a dyn Fn(&[u8]) -> Result<()>,
}

impl Work for Questions<'_> {
    fn ask(&mut self, _connection: usize) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.request.clone())
    }

    fn answered(&mut self, _connection: usize, answer: &Answer<'_>, took: Duration) -> Result<()> {
        self.took.push(took.as_secs_f64());
        answer.expect(200)?;
        if answer.body != self.good {
            (self.check)(&answer.body).with_context(|| answer.excerpt())?;
            self.good = answer.body.to_vec();
        }
        Ok(())
    }
}

fn is_well(body: &[u8]) -> Result<()> {
    let health: Value = serde_json::from_slice(body)?;
    ensure!(health["status"] == "ok" && health["uptime"].is_u64(), "the server is not well");
    Ok(())
}

/// All of ours are in the list. A server that runs already may have others.
fn lists(body: &[u8], ids: &[String]) -> Result<()> {
    let list: Vec<Value> = serde_json::from_slice(body)?;
    let listed: BTreeSet<&str> = list.iter().filter_map(|session| session["id"].as_str()).collect();
    let missing = ids.iter().filter(|id| !listed.contains(id.as_str())).count();
    ensure!(missing == 0, "{missing} of {} sessions are not listed", ids.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_one_of_ours_and_a_server_that_is_not_well_are_errors() {
        let ids = ["a".to_owned(), "b".to_owned()];
        assert!(lists(br#"[{"id":"b"},{"id":"other"},{"id":"a"}]"#, &ids).is_ok());
        assert!(lists(br#"[{"id":"b"}]"#, &ids).is_err());
        assert!(lists(b"[", &ids).is_err());
        assert!(is_well(br#"{"status":"ok","version":"1","uptime":3}"#).is_ok());
        assert!(is_well(br#"{"status":"draining","version":"1","uptime":3}"#).is_err());
    }
}
