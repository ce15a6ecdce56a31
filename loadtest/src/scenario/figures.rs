//! From rounds to figures: medians, the best, shares.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::result::{Axis, Curve, Figure, Measured, Unit};
use crate::target::Target;

/// One of several rounds, each of which is a list of figures in the same order.
pub(super) type Round = Vec<Figure>;

/// Which of several rounds is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Of {
    /// Of each figure the median.
    #[default]
    Median,
    /// The one whose first figure is least. For what has two speeds by chance: then the median is a toss, and the best is
    /// what can be done.
    Best,
}

/// What the rounds of one target gave.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) rounds: Vec<Round>,
    pub(super) curves: Vec<Curve>,
    pub(super) errors: Vec<String>,
    pub(super) of: Of,
}

pub(super) fn figure(name: &str, value: f64, unit: Unit) -> Figure {
    Figure { name: name.to_owned(), value, unit, ratio: None }
}

impl Rounds {
    /// Takes a round, or what went wrong with it.
    pub(super) fn take(&mut self, round: anyhow::Result<Round>) {
        match round {
            Ok(round) => self.rounds.push(round),
            Err(error) => self.errors.push(format!("{error:#}")),
        }
    }

    /// Takes a round with curves, of which the last are drawn.
    pub(super) fn take_drawn(&mut self, round: anyhow::Result<(Round, Vec<Curve>)>) {
        let round = round.map(|(figures, curves)| {
            self.curves = curves;
            figures
        });
        self.take(round);
    }

    /// All of it, when `wanted` rounds were to be run.
    pub(super) fn measured(
        self,
        scenario: &str,
        target: &dyn Target,
        parameters: &[(&str, String)],
        wanted: u32,
    ) -> Measured {
        let mut measured = self.named(scenario, target.name(), parameters, wanted);
        on_terms_of(target, &mut measured);
        measured
    }

    /// The same, of what is no [`Target`] but is called like one.
    pub(super) fn named(self, scenario: &str, target: &str, parameters: &[(&str, String)], wanted: u32) -> Measured {
        let mut parameters: BTreeMap<_, _> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        parameters.insert("rounds".into(), wanted.to_string());
        let complete = self.errors.is_empty() && self.rounds.len() as u64 == u64::from(wanted);
        let told = match self.of {
            Of::Median => medians,
            Of::Best => best,
        };
        let (figures, curves) = if complete { (told(&self.rounds), self.curves) } else { (Vec::new(), Vec::new()) };
        let (scenario, target) = (scenario.to_owned(), target.to_owned());
        Measured { scenario, target, parameters, figures, curves, errors: self.errors, complete }
    }
}

/// Tells how the target was started, where that is not as it comes.
pub(super) fn on_terms_of(target: &dyn Target, measured: &mut Measured) {
    measured.parameters.extend(target.terms().map(|flags| ("flags".into(), flags)));
}

/// Of each figure the median; of the first, which is the scenario's own, also the extremes.
fn medians(rounds: &[Round]) -> Vec<Figure> {
    let Some(first) = rounds.first() else { return Vec::new() };
    let mut figures = Vec::new();
    for (index, Figure { name, unit, .. }) in first.iter().enumerate() {
        let values = values(rounds, index);
        figures.push(figure(name, middle(&values), *unit));
        if index == 0 {
            figures.extend(extremes(name, &values, *unit));
        }
    }
    figures
}

/// The figures of the round whose first is least; of that one also the extremes and the median.
fn best(rounds: &[Round]) -> Vec<Figure> {
    let first = |round: &&Round| round.first().map_or(f64::INFINITY, |first| first.value);
    let best = rounds.iter().min_by(|one, other| first(one).total_cmp(&first(other)));
    let mut figures = best.cloned().unwrap_or_default();
    let values = values(rounds, 0);
    if let (Some(Figure { name, unit, .. }), 2..) = (figures.first().cloned(), values.len()) {
        let median = figure(&format!("{name}, median"), middle(&values), unit);
        let more: Vec<_> = extremes(&name, &values, unit).into_iter().chain([median]).collect();
        figures.splice(1..1, more);
    }
    figures
}

/// What the rounds gave for the figure of that place, sorted.
fn values(rounds: &[Round], index: usize) -> Vec<f64> {
    let mut values: Vec<f64> = rounds.iter().filter_map(|round| Some(round.get(index)?.value)).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// None where there is but one.
fn extremes(name: &str, sorted: &[f64], unit: Unit) -> Vec<Figure> {
    match sorted {
        [least, .., most] => {
            vec![figure(&format!("{name}, least"), *least, unit), figure(&format!("{name}, most"), *most, unit)]
        }
        _ => Vec::new(),
    }
}

/// The figure of that name.
pub(super) fn value(of: &Measured, name: &str) -> Option<f64> {
    of.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
}

/// Times as seconds, sorted.
pub(super) fn sorted(times: impl IntoIterator<Item = Duration>) -> Vec<f64> {
    let mut times: Vec<f64> = times.into_iter().map(|time| time.as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// What these shares of the sorted times do not exceed, by their names.
pub(super) fn quantiles(sorted: &[f64], shares: &[(&str, f64)]) -> Round {
    shares.iter().map(|(name, share)| figure(name, quantile(sorted, *share), Unit::Seconds)).collect()
}

/// The value below which `share` of the sorted values are.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index, after rounding")]
    let index = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(index.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Seconds over the share of samples that took no longer, densest where they are rare.
pub(super) fn distribution(name: &str, sorted: &[f64]) -> Curve {
    let shares = (0..100).map(|percent| f64::from(percent) / 100.0);
    let tail = (1..=20).map(|step| 1.0 - 10f64.powf(-2.0 - f64::from(step) / 10.0)).filter(|share| *share >= 0.99);
    // No further than there are samples: what lies beyond was not measured.
    let tail = tail.filter(|share| (1.0 - share) * sorted.len() as f64 >= 1.0);
    Curve {
        name: name.to_owned(),
        x: Axis { name: "latency".into(), unit: Unit::Seconds },
        y: Axis { name: "share of samples".into(), unit: Unit::Ratio },
        points: shares.chain(tail).chain([1.0]).map(|share| (quantile(sorted, share), share)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([quantile(&sorted, 0.5), quantile(&sorted, 0.99), quantile(&sorted, 1.0)], [50.0, 99.0, 100.0]);
        assert_eq!(quantile(&[7.0], 0.5), 7.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn the_median_is_told_and_of_the_first_figure_the_extremes() {
        let rounds = [3.0, 1.0, 2.0].map(|value| vec![figure("wall", value, Unit::Seconds)]);
        let told: Vec<_> = medians(&rounds).into_iter().map(|figure| (figure.name, figure.value)).collect();
        let expected = [("wall", 2.0), ("wall, least", 1.0), ("wall, most", 3.0)];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn of_the_best_round_all_figures_are_told() {
        let round = |(wall, cpu)| vec![figure("wall", wall, Unit::Seconds), figure("cpu", cpu, Unit::Seconds)];
        let rounds = [(3.0, 0.5), (1.0, 0.75), (2.0, 0.25)].map(round);
        let told: Vec<_> = best(&rounds).into_iter().map(|figure| (figure.name, figure.value)).collect();
        let expected = [("wall", 1.0), ("wall, least", 1.0), ("wall, most", 3.0), ("wall, median", 2.0), ("cpu", 0.75)];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(best(&[]), []);
    }
}
