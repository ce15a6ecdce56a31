//! What was measured, made readable: a table, JSON lines, one HTML file, and the difference between two reports.
//!
//! Pure: takes and gives values and text; who calls it reads and writes the files. Never decides what a figure means.

pub(crate) mod compare;
pub(crate) mod html;
pub(crate) mod json;
mod quantity;
mod ratio;
pub(crate) mod table;

#[cfg(test)]
mod sample;

use crate::machine::About;
use crate::result::Measured;

/// All runs of one call of the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) about: About,
    pub(crate) runs: Vec<Measured>,
}

impl Report {
    /// A figure that is no number was not measured: it becomes an error of its run.
    pub(crate) fn new(about: About, mut runs: Vec<Measured>) -> Self {
        for run in &mut runs {
            let errors = &mut run.errors;
            run.figures.retain(|figure| {
                let measured = figure.value.is_finite();
                if !measured {
                    errors.push(format!("{}: {} was not measured", figure.name, figure.value));
                }
                measured
            });
            for curve in &mut run.curves {
                curve.points.retain(|(x, y)| x.is_finite() && y.is_finite());
            }
        }
        Self { about, runs }
    }

    /// Whether every run counts.
    pub(crate) fn is_whole(&self) -> bool {
        self.runs.iter().all(counts)
    }

    /// The scenarios in the order in which they ran, each with its runs.
    fn scenarios(&self) -> Vec<(&str, Vec<&Measured>)> {
        let mut scenarios: Vec<(&str, Vec<&Measured>)> = Vec::new();
        for run in &self.runs {
            match scenarios.iter_mut().find(|(name, _)| *name == run.scenario) {
                Some((_, runs)) => runs.push(run),
                None => scenarios.push((&run.scenario, vec![run])),
            }
        }
        scenarios
    }
}

/// Whether a run's figures may be believed.
fn counts(run: &Measured) -> bool {
    run.complete && run.errors.is_empty()
}

/// In a word: how a run went.
fn state(run: &Measured) -> String {
    match (run.complete, run.errors.len()) {
        (true, 0) => "complete".to_owned(),
        (false, 0) => "incomplete".to_owned(),
        (true, 1) => "1 error".to_owned(),
        (true, errors) => format!("{errors} errors"),
        (false, 1) => "incomplete, 1 error".to_owned(),
        (false, errors) => format!("incomplete, {errors} errors"),
    }
}

/// `viewers 100 · order typist`.
fn parameters(run: &Measured) -> String {
    let each: Vec<_> = run.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    each.join(" · ")
}

/// What `of` gives for each run, each once, in the order of its first appearance.
fn in_order<'a>(runs: &[&'a Measured], of: impl Fn(&'a Measured) -> Vec<&'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in runs.iter().flat_map(|run| of(run)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The names of the parameters in which the runs differ.
fn parameter_names<'a>(runs: &[&'a Measured]) -> Vec<&'a str> {
    let mut names = in_order(runs, |run| run.parameters.keys().map(String::as_str).collect());
    names.retain(|name| !is_shared(runs, name));
    names
}

/// The parameters that all of the runs have in common, as `trips 5,000 · rounds 3`.
fn shared_parameters(runs: &[&Measured]) -> String {
    let Some(first) = runs.first() else { return String::new() };
    let shared = first.parameters.iter().filter(|(name, _)| is_shared(runs, name));
    shared.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(" · ")
}

fn is_shared(runs: &[&Measured], name: &str) -> bool {
    let value = |run: &&Measured| run.parameters.get(name).cloned();
    runs.first().is_some_and(|first| value(first).is_some() && runs.iter().all(|run| value(run) == value(first)))
}

/// Scenarios tell the ratios as figures too, for who reads the JSON. Here each stands with its figure.
const RATIO: &str = ", ratio to floor";

/// The names of the figures that any of the runs has.
fn figure_names<'a>(runs: &[&'a Measured]) -> Vec<&'a str> {
    let names = |run: &'a Measured| run.figures.iter().map(|figure| figure.name.as_str());
    in_order(runs, |run| names(run).filter(|name| !name.ends_with(RATIO)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Figure, Unit};

    #[test]
    fn a_figure_that_is_no_number_is_an_error_of_its_run() {
        let mut run = sample::run("latency", "fantail", &[], &[("p50", 1.0, Unit::Seconds)]);
        run.figures.push(Figure { name: "p99".to_owned(), value: f64::NAN, unit: Unit::Seconds });
        let report = Report::new(sample::about(), vec![run]);
        assert_eq!(report.runs[0].figures.len(), 1);
        assert_eq!(report.runs[0].errors, ["p99: NaN was not measured"]);
        assert!(!counts(&report.runs[0]));
    }
}
