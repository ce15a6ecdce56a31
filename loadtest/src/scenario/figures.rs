//! From rounds to figures: medians, shares, ratios to the floor.

use std::collections::BTreeMap;

use crate::result::{Axis, Curve, Figure, Measured, Unit};
use crate::target::Target;

/// One of several rounds, each of which is a list of figures in the same order.
pub(super) type Round = Vec<Figure>;

/// What the rounds of one target gave.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) rounds: Vec<Round>,
    pub(super) curves: Vec<Curve>,
    pub(super) errors: Vec<String>,
}

pub(super) fn figure(name: &str, value: f64, unit: Unit) -> Figure {
    Figure { name: name.to_owned(), value, unit }
}

impl Rounds {
    /// Takes a round, or what went wrong with it.
    pub(super) fn take(&mut self, round: anyhow::Result<Round>) {
        match round {
            Ok(round) => self.rounds.push(round),
            Err(error) => self.errors.push(format!("{error:#}")),
        }
    }

    /// Takes a round with a curve, of which the last is drawn.
    pub(super) fn take_with_curve(&mut self, round: anyhow::Result<(Round, Curve)>) {
        self.take_drawn(round.map(|(round, curve)| (round, vec![curve])));
    }

    /// The same for a round with curves, of which the last is drawn.
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
        let (figures, curves) = if complete { (medians(&self.rounds), self.curves) } else { (Vec::new(), Vec::new()) };
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
        let mut values: Vec<f64> = rounds.iter().filter_map(|round| Some(round.get(index)?.value)).collect();
        values.sort_by(f64::total_cmp);
        figures.push(figure(name, values[values.len() / 2], *unit));
        if index == 0 && values.len() > 1 {
            figures.push(figure(&format!("{name}, least"), values[0], *unit));
            figures.push(figure(&format!("{name}, most"), values[values.len() - 1], *unit));
        }
    }
    figures
}

/// The figure of that name.
pub(super) fn value(of: &Measured, name: &str) -> Option<f64> {
    of.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
}

/// Gives the first of `measured`, the server under test, its ratio to the floor in each figure of `names`.
pub(super) fn ratios_to_floor(measured: &mut [Measured], names: &[&str]) {
    let [server, others @ ..] = measured else { return };
    let Some(floor) = others.iter().find(|other| other.target == "floor") else { return };
    for name in names {
        if let (Some(ours), Some(floors)) = (value(server, name), value(floor, name)) {
            server.figures.push(figure(&format!("{name}, ratio to floor"), ours / floors, Unit::Ratio));
        }
    }
}

/// The value below which `share` of the sorted values are.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
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
}
