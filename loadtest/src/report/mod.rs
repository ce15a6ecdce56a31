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

/// The names of the parameters that any of the runs has.
fn parameter_names<'a>(runs: &[&'a Measured]) -> Vec<&'a str> {
    in_order(runs, |run| run.parameters.keys().map(String::as_str).collect())
}

/// The names of the figures that any of the runs has.
fn figure_names<'a>(runs: &[&'a Measured]) -> Vec<&'a str> {
    in_order(runs, |run| run.figures.iter().map(|figure| figure.name.as_str()).collect())
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
