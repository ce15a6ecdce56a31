//! Each figure beside the floor of the same report: how many times what the kernel alone costs. The one place where that
//! is worked out.
//!
//! Only where both runs count.

use super::counts;
use crate::result::{Figure, Measured};

/// The target that does only what the kernel must.
const FLOOR: &str = "floor";

/// Gives every figure that has a floor its ratio to it.
pub(super) fn fill(runs: &mut [Measured]) {
    let floors = Floors::among(&*runs);
    let of_run = |run: &Measured| run.figures.iter().map(|figure| floors.ratio(run, figure)).collect();
    let ratios: Vec<Vec<_>> = runs.iter().map(of_run).collect();
    for (run, ratios) in runs.iter_mut().zip(ratios) {
        run.figures.iter_mut().zip(ratios).for_each(|(figure, ratio)| figure.ratio = ratio);
    }
}

/// The floors among the runs of one report.
struct Floors<'a>(Vec<&'a Measured>);

impl<'a> Floors<'a> {
    fn among(runs: impl IntoIterator<Item = &'a Measured>) -> Self {
        Self(runs.into_iter().filter(|run| run.target == FLOOR && counts(run)).collect())
    }

    /// How many times the floor's a figure is. The floor itself has none.
    fn ratio(&self, run: &Measured, figure: &Figure) -> Option<f64> {
        if run.target == FLOOR || !counts(run) {
            return None;
        }
        let floor =
            self.of(run)?.figures.iter().find(|other| other.name == figure.name && other.unit == figure.unit)?;
        (floor.value > 0.0).then(|| figure.value / floor.value)
    }

    /// The floor under the very same parameters; else the one that has those of them that mean something to it.
    fn of(&self, run: &Measured) -> Option<&'a Measured> {
        let of_scenario = || self.0.iter().filter(|floor| floor.scenario == run.scenario);
        of_scenario()
            .find(|floor| floor.parameters == run.parameters)
            .or_else(|| of_scenario().find(|floor| is_part_of(floor, run)))
            .copied()
    }
}

fn is_part_of(floor: &Measured, run: &Measured) -> bool {
    floor.parameters.iter().all(|(name, value)| run.parameters.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::result::Unit;

    #[test]
    fn a_ratio_is_to_the_floor_under_the_same_parameters() {
        let floor =
            |viewers, p50| sample::run("latency", FLOOR, &[("viewers", viewers)], &[("p50", p50, Unit::Seconds)]);
        let runs = [floor("1", 2.0), floor("100", 4.0)];
        let floors = Floors::among(&runs);
        let ours = sample::run("latency", "fantail", &[("viewers", "100")], &[("p50", 6.0, Unit::Seconds)]);
        assert_eq!(floors.ratio(&ours, &ours.figures[0]), Some(1.5));
        assert_eq!(floors.ratio(&runs[0], &runs[0].figures[0]), None);
        let elsewhere = sample::run("latency", "fantail", &[("viewers", "7")], &[("p50", 6.0, Unit::Seconds)]);
        assert_eq!(floors.ratio(&elsewhere, &elsewhere.figures[0]), None);
    }

    #[test]
    fn a_floor_that_knows_fewer_parameters_is_the_floor_of_all_that_agree() {
        let runs = [sample::run("api", FLOOR, &[("route", "health")], &[("rate", 10.0, Unit::PerSecond)])];
        let parameters = [("route", "health"), ("token", "jwt")];
        let ours = sample::run("api", "fantail", &parameters, &[("rate", 8.0, Unit::PerSecond)]);
        assert_eq!(Floors::among(&runs).ratio(&ours, &ours.figures[0]), Some(0.8));
    }

    #[test]
    fn a_run_with_errors_has_no_ratio_and_is_no_floor() {
        let floor = sample::run("latency", FLOOR, &[], &[("p50", 2.0, Unit::Seconds)]);
        let ours = sample::run("latency", "fantail", &[], &[("p50", 3.0, Unit::Seconds)]);
        let failed = |run: &Measured| Measured { errors: vec!["lost a byte".to_owned()], ..run.clone() };
        let ratio = |floor: Measured, ours: &Measured| Floors::among(&[floor]).ratio(ours, &ours.figures[0]);
        assert_eq!(ratio(floor.clone(), &ours), Some(1.5));
        assert_eq!(ratio(floor.clone(), &failed(&ours)), None);
        assert_eq!(ratio(failed(&floor), &ours), None);
    }
}
