//! From a value to a place on an axis, and the values that are written on it.
//!
//! Pure arithmetic: knows of no pixels.

use super::super::quantity::{round_quantity, scale as unit_scale, short_digits};
use crate::result::Unit;

/// Most labels an axis has room for on a phone.
const TICKS_MAX: usize = 7;

/// Shares that a distribution's axis may show. The first and one of the last are its ends.
const SHARES: [f64; 9] = [0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];

/// The ratio of largest to smallest value from which equal steps would hide the small ones.
const LOG_FROM: f64 = 20.0;

/// How values are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spread {
    Linear,
    /// Equal ratios, equal distances.
    Log,
    /// Shares of a distribution: both tails drawn out.
    Shares,
}

/// An axis: from where to where, how spread, and what is written on it.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    spread: Spread,
    low: f64,
    high: f64,
    pub(super) ticks: Vec<Tick>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

impl Scale {
    /// An axis on which all of `values` find room.
    pub(super) fn over(values: &[f64], spread: Spread, unit: Unit) -> Self {
        let (least, most) = ends(values);
        match spread {
            Spread::Linear => Self::linear(least, most, unit),
            Spread::Log if least > 0.0 => Self::log(least, most, unit),
            Spread::Log => Self::linear(least, most, unit),
            Spread::Shares => Self::shares(values),
        }
    }

    /// An axis with just these values written on it: those that were measured.
    pub(super) fn at(values: &[f64], unit: Unit) -> Self {
        let (low, high) = ends(values);
        let spread = if suits_log(values) { Spread::Log } else { Spread::Linear };
        let ticks = values.iter().map(|&value| Tick { value, label: label(value, unit) }).collect();
        Self { spread, low, high, ticks }
    }

    /// 0 at the low end, 1 at the high end; none where the axis does not reach.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if value < self.low || value > self.high {
            return None;
        }
        let along = |value: f64| match self.spread {
            Spread::Linear => value,
            Spread::Log => value.ln(),
            Spread::Shares => (value / (1.0 - value)).ln(),
        };
        let (low, high) = (along(self.low), along(self.high));
        Some(if high > low { (along(value) - low) / (high - low) } else { 0.5 })
    }

    fn linear(least: f64, most: f64, unit: Unit) -> Self {
        let (least, most) = (least.min(0.0), if most > 0.0 { most } else { 1.0 });
        let (divisor, _) = unit_scale(most, unit);
        let step = step(least / divisor, most / divisor) * divisor;
        let (low, high) = ((least / step).floor() * step, (most / step).ceil() * step);
        let mut ticks = Vec::new();
        let mut value = low;
        while value <= high + step / 2.0 && ticks.len() <= 2 * TICKS_MAX {
            // Sums of steps miss zero by a hair.
            let value_here = if value.abs() < step / 1e6 { 0.0 } else { value };
            ticks.push(Tick { value: value_here, label: in_unit_of(value_here, most, unit) });
            value += step;
        }
        let high = ticks.last().map_or(high, |tick| tick.value);
        Self { spread: Spread::Linear, low, high, ticks }
    }

    fn log(least: f64, most: f64, unit: Unit) -> Self {
        // Sizes in memory double, all else goes by tens.
        let (base, fine): (f64, &[f64]) = if unit == Unit::Bytes { (2.0, &[1.0]) } else { (10.0, &[1.0, 2.0, 5.0]) };
        let steps: Vec<f64> =
            exponents(least, most, base).flat_map(|power| fine.iter().map(move |step| step * power)).collect();
        let low = steps.iter().copied().rfind(|step| *step <= least * 1.0001).unwrap_or(least);
        let high = steps.iter().copied().find(|step| *step >= most * 0.9999).unwrap_or(most);
        let within: Vec<f64> = steps.into_iter().filter(|step| *step >= low && *step <= high).collect();
        let powers: Vec<f64> = within.iter().copied().filter(|step| is_power(*step, base)).collect();
        let chosen = if within.len() <= TICKS_MAX { within } else { thinned(powers) };
        let ticks = chosen.into_iter().map(|value| Tick { value, label: label(value, unit) }).collect();
        Self { spread: Spread::Log, low, high, ticks }
    }

    fn shares(values: &[f64]) -> Self {
        let last = values.iter().copied().filter(|share| *share < 1.0).fold(0.99, f64::max);
        let most = SHARES.iter().position(|share| *share >= last).unwrap_or(SHARES.len() - 1);
        let label = |share: f64| {
            // As many nines as it has, and none that floating point adds.
            let text = format!("{:.4}", share * 100.0);
            format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
        };
        let ticks: Vec<_> = SHARES[..=most].iter().map(|&value| Tick { value, label: label(value) }).collect();
        Self { spread: Spread::Shares, low: SHARES[0], high: SHARES[most], ticks }
    }
}

/// Whether most of the values would be crowded at the low end in equal steps.
pub(super) fn suits_log(values: &[f64]) -> bool {
    let (least, most) = ends(values);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(middle) = sorted.get(sorted.len() / 2) else { return false };
    least > 0.0
        && most / least >= LOG_FROM
        && (middle - (least * most).sqrt()).abs() < (middle - f64::midpoint(least, most)).abs()
}

/// Whether the smallest would be lost in equal steps.
pub(super) fn spans_decades(values: &[f64]) -> bool {
    let (least, most) = ends(values);
    least > 0.0 && most / least >= LOG_FROM
}

fn ends(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if least <= most { (least, most) } else { (0.0, 1.0) }
}

/// The step of 1, 2 or 5 that makes about five of the way.
fn step(low: f64, high: f64) -> f64 {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].iter().map(|factor| factor * power).find(|step| *step >= rough * 0.999).unwrap_or(rough)
}

fn exponents(least: f64, most: f64, base: f64) -> impl Iterator<Item = f64> {
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of an f64 is a few hundred")]
    let whole = |value: f64| value as i32;
    let (from, to) = (whole(least.log(base).floor()) - 1, whole(most.log(base).ceil()) + 1);
    (from..=to).map(move |exponent| base.powi(exponent))
}

fn is_power(value: f64, base: f64) -> bool {
    let exponent = value.log(base);
    (exponent - exponent.round()).abs() < 1e-9
}

/// Every second, third, … of them, so that they find room.
fn thinned(values: Vec<f64>) -> Vec<f64> {
    let every = values.len().div_ceil(TICKS_MAX).max(1);
    values.into_iter().step_by(every).collect()
}

/// A unit that is one for all sizes: its axis names it once.
pub(super) const fn bare_unit(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::CpuSecondsPerGigabyte => Some("CPU-s per GB"),
        Unit::PerSecond => Some("per second"),
        _ => None,
    }
}

fn label(value: f64, unit: Unit) -> String {
    if bare_unit(unit).is_some() { short_digits(value) } else { round_quantity(value, unit) }
}

/// A label in the unit of the axis' largest value, so that all are of one unit.
fn in_unit_of(value: f64, largest: f64, unit: Unit) -> String {
    let (divisor, symbol) = unit_scale(largest, unit);
    let number = short_digits(value / divisor);
    if value == 0.0 || symbol.is_empty() || bare_unit(unit).is_some() { number } else { format!("{number} {symbol}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn equal_steps_are_round_in_the_axis_own_unit() {
        let scale = Scale::over(&[0.0, 27.5 * 1024.0 * 1024.0], Spread::Linear, Unit::Bytes);
        assert_eq!(labels(&scale), ["0", "10 MiB", "20 MiB", "30 MiB"]);
        assert_eq!(scale.place(15.0 * 1024.0 * 1024.0), Some(0.5));
        assert_eq!(scale.place(31.0 * 1024.0 * 1024.0), None);
    }

    #[test]
    fn times_over_decades_have_a_label_each() {
        let scale = Scale::over(&[37e-6, 20e-3], Spread::Log, Unit::Seconds);
        assert_eq!(labels(&scale), ["100 µs", "1 ms", "10 ms"]);
        let short = Scale::over(&[37e-6, 81e-6], Spread::Log, Unit::Seconds);
        assert_eq!(labels(&short), ["20 µs", "50 µs", "100 µs"]);
    }

    #[test]
    fn a_distribution_shows_as_many_nines_as_were_measured() {
        let scale = Scale::over(&[0.0, 0.5, 0.9993, 1.0], Spread::Shares, Unit::Ratio);
        assert_eq!(labels(&scale), ["1 %", "10 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert_eq!(scale.place(1.0), None);
        assert!(scale.place(0.5).is_some_and(|place| place > 0.3 && place < 0.4));
    }

    #[test]
    fn an_axis_without_values_or_with_one_is_an_axis() {
        for spread in [Spread::Linear, Spread::Log, Spread::Shares] {
            for values in [&[][..], &[3.0], &[0.5, 0.5]] {
                let scale = Scale::over(values, spread, Unit::Count);
                assert!(scale.ticks.len() <= 2 * TICKS_MAX + 1, "{scale:?}");
                assert!(
                    scale.ticks.iter().all(|tick| scale.place(tick.value).is_some_and(f64::is_finite)),
                    "{scale:?}"
                );
            }
        }
    }

    #[test]
    fn crowds_of_viewers_are_spread_by_ratio_and_even_steps_evenly() {
        assert!(suits_log(&[1.0, 10.0, 100.0, 500.0]));
        assert!(!suits_log(&[1.0, 2000.0, 4000.0, 6000.0, 8000.0]));
        assert!(!suits_log(&[0.0, 10.0, 100.0, 500.0]));
        assert!(!suits_log(&[]));
    }
}
