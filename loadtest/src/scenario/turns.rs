//! Targets taking turns, round after round, so that what else the machine does meets all of them.

use super::Lab;
use super::figures::{Of, Round, Rounds};
use crate::result::{Curve, Measured};
use crate::target::Target;

/// What is done in turns.
pub(super) struct Turns<'a> {
    pub(super) scenario: &'static str,
    /// For who waits: what of the scenario it is.
    pub(super) what: String,
    pub(super) parameters: &'a [(&'a str, String)],
    pub(super) rounds: u32,
    pub(super) of: Of,
}

impl Turns<'_> {
    /// Lets all of them take their rounds.
    pub(super) fn take(
        &self,
        lab: &Lab<'_>,
        targets: &mut [Box<dyn Target>],
        measure: impl Fn(&mut dyn Target) -> anyhow::Result<(Round, Vec<Curve>)>,
    ) -> Vec<Measured> {
        let Self { scenario, what, parameters, rounds, of } = self;
        let mut results: Vec<Rounds> = targets.iter().map(|_| Rounds { of: *of, ..Rounds::default() }).collect();
        for round in 1..=*rounds {
            for (target, result) in targets.iter_mut().zip(&mut results) {
                lab.progress.step(format!("{scenario}: {}, {what}, round {round}", target.name()));
                result.take_drawn(attempt(target.as_mut(), &measure));
            }
        }
        let results = results.into_iter().zip(targets);
        results.map(|(result, target)| result.measured(scenario, target.as_ref(), parameters, *rounds)).collect()
    }
}

/// One measurement, which leaves no session open when it fails.
pub(super) fn attempt<T>(
    target: &mut dyn Target,
    measure: impl FnOnce(&mut dyn Target) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let measured = measure(target);
    if measured.is_err() {
        target.close_left();
    }
    measured
}
