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
use crate::result::{Figure, Measured};

/// All runs of one call of the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) about: About,
    pub(crate) runs: Vec<Measured>,
}

impl Report {
    /// A figure that is no number was not measured: it becomes an error of its run. The others are set beside the floor's.
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
        ratio::fill(&mut runs);
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

/// A scenario's runs in tables: those that have figures in common stand in one, who has none with those that had the
/// same parameters.
fn tables<'a>(runs: &[&'a Measured]) -> Vec<Vec<&'a Measured>> {
    let mut tables: Vec<Vec<&Measured>> = Vec::new();
    let (with, without): (Vec<&Measured>, Vec<&Measured>) = runs.iter().partition(|run| !run.figures.is_empty());
    for run in with {
        let has = |name: &str| run.figures.iter().any(|figure| figure.name == name);
        match tables.iter_mut().find(|table| figure_names(table).into_iter().any(has)) {
            Some(table) => table.push(run),
            None => tables.push(vec![run]),
        }
    }
    for run in without {
        let agrees = |other: &&Measured| {
            other.parameters.iter().all(|(name, value)| run.parameters.get(name).is_none_or(|own| own == value))
        };
        let place = tables.iter().position(|table| table.iter().any(agrees)).unwrap_or(0);
        match tables.get_mut(place) {
            Some(table) => table.push(run),
            None => tables.push(vec![run]),
        }
    }
    tables
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
    names.retain(|name| values(runs, name).len() > 1);
    names
}

/// The parameters in which they do not, as `trips 5,000 · rounds 3`.
fn shared_parameters(runs: &[&Measured]) -> String {
    let names = in_order(runs, |run| run.parameters.keys().map(String::as_str).collect());
    let shared = names.iter().filter_map(|name| match values(runs, name)[..] {
        [value] => Some(format!("{name} {value}")),
        _ => None,
    });
    shared.collect::<Vec<_>>().join(" · ")
}

/// The values of a parameter. Who has none does not differ in it: it means nothing to him.
fn values<'a>(runs: &[&'a Measured], name: &str) -> Vec<&'a str> {
    in_order(runs, |run| run.parameters.get(name).map(String::as_str).into_iter().collect())
}

/// Scenarios tell extremes as figures too, for who reads the JSON. Here each stands with its figure.
const LEAST: &str = ", least";
const MOST: &str = ", most";

/// The names of the figures that any of the runs has.
fn figure_names<'a>(runs: &[&'a Measured]) -> Vec<&'a str> {
    let stands_with_another = |run: &Measured, name: &str| {
        let other = [LEAST, MOST].iter().find_map(|ending| name.strip_suffix(ending));
        other.is_some_and(|other| run.figures.iter().any(|figure| figure.name == other))
    };
    let names = |run: &'a Measured| run.figures.iter().map(|figure| figure.name.as_str());
    in_order(runs, |run| names(run).filter(|name| !stands_with_another(run, name)).collect())
}

/// The least and the most that rounds gave for a figure, as `482 – 516 /s`.
fn extremes(run: &Measured, figure: &Figure) -> Option<String> {
    let value = |ending: &str| {
        let name = format!("{}{ending}", figure.name);
        run.figures.iter().find(|other| other.name == name && other.unit == figure.unit).map(|other| other.value)
    };
    Some(quantity::range(value(LEAST)?, value(MOST)?, figure.unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Unit;

    #[test]
    fn runs_stand_in_one_table_when_they_have_figures_in_common() {
        let run = |target: &str, of: &str, figures: &[&str]| {
            let figures: Vec<_> = figures.iter().map(|name| (*name, 1.0, Unit::Bytes)).collect();
            sample::run("memory", target, &[("of", of)], &figures)
        };
        let runs = [
            run("a", "sessions", &[]),
            run("b", "viewers", &["rss", "pss"]),
            run("c", "sessions", &["cpu"]),
            run("d", "viewers", &["pss"]),
        ];
        let tables = tables(&runs.iter().collect::<Vec<_>>());
        let names = tables.iter().map(|table| table.iter().map(|run| run.target.as_str()).collect());
        assert_eq!(names.collect::<Vec<Vec<_>>>(), [vec!["b", "d"], vec!["c", "a"]]);
    }

    #[test]
    fn a_figure_that_is_no_number_is_an_error_of_its_run() {
        let mut run = sample::run("latency", "fantail", &[], &[("p50", 1.0, Unit::Seconds)]);
        run.figures.push(Figure { name: "p99".to_owned(), value: f64::NAN, unit: Unit::Seconds, ratio: None });
        let report = Report::new(sample::about(), vec![run]);
        assert_eq!(report.runs[0].figures.len(), 1);
        assert_eq!(report.runs[0].errors, ["p99: NaN was not measured"]);
        assert!(!counts(&report.runs[0]));
    }
}
