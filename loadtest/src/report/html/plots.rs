//! What is drawn: the curves that scenarios gave, and their figures over a parameter that is a number.
//!
//! Only runs that count are drawn. Knows of no pixels.

use super::super::quantity::quantity;
use super::super::{counts, figure_names, parameter_names, values};
use super::scale::{Scale, Spread, bare_unit, spans_decades, suits_log};
use crate::result::{Axis, Curve, Measured, Unit};

/// One drawing with a line for every target.
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) x_name: String,
    pub(super) y_name: String,
    pub(super) lines: Vec<Line>,
}

/// One target's line.
pub(super) struct Line {
    pub(super) target: String,
    /// What the legend adds to the target's name.
    pub(super) note: String,
    pub(super) points: Vec<(f64, f64)>,
    /// The points are measurements, not samples of a curve.
    pub(super) marked: bool,
}

/// All plots of a scenario.
pub(super) fn of_scenario(runs: &[&Measured]) -> Vec<Plot> {
    let runs: Vec<&Measured> = runs.iter().copied().filter(|run| counts(run)).collect();
    let mut plots = curves(&runs);
    plots.extend(figures_over_parameters(&runs));
    plots
}

/// Parameters as text, and what has these.
type Grouped<T> = Vec<(String, Vec<T>)>;

fn curves(runs: &[&Measured]) -> Vec<Plot> {
    let names = told_apart(runs);
    let mut kinds: Vec<(&Curve, Grouped<(&Measured, &Curve)>)> = Vec::new();
    for (run, curve) in runs.iter().flat_map(|run| run.curves.iter().map(move |curve| (*run, curve))) {
        let same = |other: &Curve| other.name == curve.name && other.x == curve.x && other.y == curve.y;
        let index = kinds.iter().position(|(other, _)| same(other)).unwrap_or_else(|| {
            kinds.push((curve, Vec::new()));
            kinds.len() - 1
        });
        push(&mut kinds[index].1, told(run, &names, None), (run, curve));
    }
    kinds.iter().flat_map(|(kind, groups)| curves_of_kind(kind, groups)).collect()
}

/// Plots of one kind have the same axes, so that they can be compared.
fn curves_of_kind(kind: &Curve, groups: &Grouped<(&Measured, &Curve)>) -> Vec<Plot> {
    let distribution = Distribution::of(kind);
    let points = |curve: &Curve| match distribution {
        Some(Distribution::ShareFirst) => curve.points.iter().map(|&(share, time)| (time, share)).collect(),
        _ => curve.points.clone(),
    };
    let all: Vec<(f64, f64)> =
        groups.iter().flat_map(|(_, group)| group).flat_map(|(_, curve)| points(curve)).collect();
    let (x_axis, y_axis) =
        if distribution == Some(Distribution::ShareFirst) { (&kind.y, &kind.x) } else { (&kind.x, &kind.y) };
    let (x, y) = match distribution {
        Some(_) => distribution_scales(&all, x_axis.unit),
        None => scales(&all, x_axis, y_axis),
    };
    let plot = |(parameters, group): &(String, Vec<(&Measured, &Curve)>)| Plot {
        title: kind.name.clone(),
        subtitle: parameters.clone(),
        x: x.clone(),
        y: y.clone(),
        x_name: axis_name(&x_axis.name, x_axis.unit),
        y_name: axis_name(&y_axis.name, y_axis.unit),
        lines: group
            .iter()
            .map(|(run, curve)| line(run, &kind.name, points(curve), (x_axis.unit, y_axis.unit), distribution))
            .collect(),
    };
    groups.iter().map(plot).collect()
}

/// How a distribution's points are given: the time is drawn across, the share upwards.
#[derive(Clone, Copy, PartialEq)]
enum Distribution {
    TimeFirst,
    ShareFirst,
}

impl Distribution {
    fn of(curve: &Curve) -> Option<Self> {
        match (curve.x.unit, curve.y.unit) {
            (Unit::Seconds, Unit::Ratio) => Some(Self::TimeFirst),
            (Unit::Ratio, Unit::Seconds) => Some(Self::ShareFirst),
            _ => None,
        }
    }
}

fn distribution_scales(points: &[(f64, f64)], unit: Unit) -> (Scale, Scale) {
    let y = Scale::over(&points.iter().map(|point| point.1).collect::<Vec<_>>(), Spread::Shares, Unit::Ratio);
    // What lies beyond the shares shown would only widen the axis.
    let shown = points.iter().filter(|(time, share)| *time > 0.0 && y.place(*share).is_some());
    (Scale::over(&shown.map(|point| point.0).collect::<Vec<_>>(), Spread::Log, unit), y)
}

fn scales(points: &[(f64, f64)], x: &Axis, y: &Axis) -> (Scale, Scale) {
    let xs: Vec<f64> = points.iter().map(|point| point.0).collect();
    let ys: Vec<f64> = points.iter().map(|point| point.1).collect();
    let spread = |log: bool| if log { Spread::Log } else { Spread::Linear };
    (Scale::over(&xs, spread(suits_log(&xs)), x.unit), Scale::over(&ys, spread(spans_decades(&ys)), y.unit))
}

fn line(
    run: &Measured,
    curve: &str,
    mut points: Vec<(f64, f64)>,
    units: (Unit, Unit),
    distribution: Option<Distribution>,
) -> Line {
    points.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let note = match distribution {
        Some(_) => quantiles(run, curve, &points),
        None => last(&points, units.1, units.0),
    };
    Line { target: run.target.clone(), note, points, marked: false }
}

/// `p50 37.0 µs, p99 66.0 µs`: as the table has them, which may be of several rounds; else of what is drawn.
fn quantiles(run: &Measured, curve: &str, points: &[(f64, f64)]) -> String {
    let figure = |name: &str| {
        let names = [format!("{curve} {name}"), name.to_owned()];
        let found = names.iter().find_map(|name| run.figures.iter().find(|figure| figure.name == *name));
        found.map(|figure| quantity(figure.value, figure.unit))
    };
    let drawn = |share: f64| points.iter().find(|point| point.1 >= share).map(|point| quantity(point.0, Unit::Seconds));
    let told = [("p50", 0.5), ("p99", 0.99)].map(|(name, share)| {
        let time = figure(name).or_else(|| drawn(share))?;
        Some(format!("{name} {time}"))
    });
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `3.11 GB/s at 100`.
fn last(points: &[(f64, f64)], unit: Unit, across: Unit) -> String {
    points.last().map_or_else(String::new, |&(x, y)| format!("{} at {}", quantity(y, unit), quantity(x, across)))
}

fn figures_over_parameters(runs: &[&Measured]) -> Vec<Plot> {
    let numeric = parameter_names(runs).into_iter().filter(|name| numbers(runs, name).len() > 1);
    numeric
        .flat_map(|parameter| figure_names(runs).into_iter().flat_map(move |figure| over(runs, parameter, figure)))
        .collect()
}

/// One figure over one parameter: a plot for all that agree in the other parameters.
fn over(runs: &[&Measured], parameter: &str, name: &str) -> Vec<Plot> {
    let mut groups: Grouped<(&Measured, f64, f64)> = Vec::new();
    let (mut unit, names) = (None, told_apart(runs));
    for run in runs {
        let at = run.parameters.get(parameter).and_then(|value| number(value));
        let figure = run.figures.iter().find(|figure| figure.name == name && is_drawn(figure.unit));
        if let (Some(at), Some(figure)) = (at, figure) {
            unit = Some(figure.unit);
            push(&mut groups, told(run, &names, Some(parameter)), (*run, at, figure.value));
        }
    }
    let Some(unit) = unit else { return Vec::new() };
    groups.iter().filter_map(|(others, group)| figure_plot(name, parameter, others, group, unit)).collect()
}

fn figure_plot(name: &str, over: &str, others: &str, group: &[(&Measured, f64, f64)], unit: Unit) -> Option<Plot> {
    let mut targets: Grouped<(f64, f64)> = Vec::new();
    for (run, at, value) in group {
        push(&mut targets, run.target.clone(), (*at, *value));
    }
    let mut xs: Vec<f64> = group.iter().map(|(_, at, _)| *at).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    let ys: Vec<f64> = group.iter().map(|(_, _, value)| *value).collect();
    // A single point is no line: the table tells it better. Nor is nothing at all one.
    if xs.len() < 2 || ys.iter().all(|value| *value == 0.0) {
        return None;
    }
    let spread = if spans_decades(&ys) { Spread::Log } else { Spread::Linear };
    let lines = targets.into_iter().map(|(target, mut points)| {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        Line { target, note: last(&points, unit, Unit::Count), points, marked: true }
    });
    Some(Plot {
        title: format!("{name} over {over}"),
        subtitle: others.to_owned(),
        x: Scale::at(&xs, Unit::Count),
        y: Scale::over(&ys, spread, unit),
        x_name: over.to_owned(),
        y_name: axis_name(name, unit),
        lines: lines.collect(),
    })
}

/// Times are in the tables and the distributions; these are what grows or does not.
const fn is_drawn(unit: Unit) -> bool {
    matches!(unit, Unit::Bytes | Unit::BytesPerSecond | Unit::PerSecond | Unit::CpuSecondsPerGigabyte)
}

fn numbers(runs: &[&Measured], name: &str) -> Vec<f64> {
    let mut numbers: Vec<f64> =
        runs.iter().filter_map(|run| run.parameters.get(name)).filter_map(|value| number(value)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers
}

fn number(text: &str) -> Option<f64> {
    text.replace(',', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// An axis' name, with the unit that its labels leave out.
fn axis_name(name: &str, unit: Unit) -> String {
    match bare_unit(unit) {
        Some(symbol) => format!("{name}, {symbol}"),
        None => name.to_owned(),
    }
}

/// The parameters that tell a target's runs apart. In which only targets differ is no reason for another plot.
fn told_apart<'a>(runs: &[&'a Measured]) -> Vec<&'a str> {
    let of = |target: &str| runs.iter().copied().filter(|run| run.target == target).collect::<Vec<_>>();
    let mut names = parameter_names(runs);
    names.retain(|name| runs.iter().any(|run| values(&of(&run.target), name).len() > 1));
    names
}

/// Those parameters as text that tell the plots apart, but for the one that is an axis.
fn told(run: &Measured, told: &[&str], but: Option<&str>) -> String {
    let is_told = |name: &str| told.contains(&name) && Some(name) != but;
    let each = run.parameters.iter().filter(|(name, _)| is_told(name));
    each.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(" · ")
}

fn push<T>(groups: &mut Grouped<T>, key: String, value: T) {
    match groups.iter_mut().find(|(other, _)| *other == key) {
        Some((_, group)) => group.push(value),
        None => groups.push((key, vec![value])),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;

    fn plots(scenario: &str) -> Vec<(String, String, Vec<String>)> {
        let report = sample::report();
        let runs = report.scenarios().into_iter().find(|(name, _)| *name == scenario).expect("a scenario").1;
        let plots = of_scenario(&runs);
        let targets = |plot: &Plot| plot.lines.iter().map(|line| line.target.clone()).collect();
        plots.iter().map(|plot| (plot.title.clone(), plot.subtitle.clone(), targets(plot))).collect()
    }

    #[test]
    fn a_distribution_is_drawn_for_each_set_of_parameters_with_a_line_for_each_target() {
        let drawn = plots("latency");
        assert_eq!(drawn.len(), 2);
        assert_eq!(drawn[0].1, "watchers 0");
        assert_eq!(drawn[0].2, ["floor", "fantail", "ttyd", "sshx", "vibetunnel"]);
        assert_eq!(drawn[1].2, ["floor", "fantail", "vibetunnel"]);
    }

    #[test]
    fn figures_that_grow_are_drawn_over_the_parameter_that_is_a_number() {
        let titles: Vec<_> = plots("throughput").into_iter().map(|plot| plot.0).collect();
        assert_eq!(titles, ["delivered over viewers", "server CPU over viewers", "peak memory over viewers"]);
    }

    #[test]
    fn a_run_that_does_not_count_is_not_drawn() {
        let mut failed = sample::report().runs.remove(0);
        failed.errors.push("lost a byte".to_owned());
        assert!(of_scenario(&[&failed]).is_empty());
    }

    #[test]
    fn a_distribution_may_be_given_either_way_round() {
        let run = sample::report().runs.remove(0);
        let mut turned = run.clone();
        for curve in &mut turned.curves {
            std::mem::swap(&mut curve.x, &mut curve.y);
            curve.points = curve.points.iter().map(|&(x, y)| (y, x)).collect();
        }
        let (one, other) = (of_scenario(&[&run]), of_scenario(&[&turned]));
        assert_eq!(one[0].lines[0].points, other[0].lines[0].points);
        assert_eq!((&one[0].x_name, &one[0].lines[0].note), (&other[0].x_name, &other[0].lines[0].note));
    }
}
