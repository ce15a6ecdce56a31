//! A plot as SVG: frame, grid, ticks, lines, markers and names.
//!
//! Decides only where things go; what is drawn is `plots`' and how it looks the style sheet's.

use super::labels::{self, Area};
use super::markup::text;
use super::plots::{Line, Plot};
use super::scale::{Scale, Tick};
use super::targets::Looks;

/// The drawing's own pixels. Wide enough for a card of a desktop's page, narrow enough that its letters can be read
/// when it fills a phone.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 272.0;

/// Above the frame: the name of the upright axis. Below: labels and name of the other.
const TOP: f64 = 30.0;
const BELOW: f64 = 46.0;
const MARGIN: f64 = 12.0;

/// A letter of a tick's label, and the gap that keeps two of them apart.
const TICK_LETTER: f64 = 7.4;
const TICK_GAP: f64 = 8.0;

/// Points of a line beyond this cannot be told apart.
const POINTS_MAX: usize = 240;

pub(super) fn draw(plot: &Plot, looks: &Looks<'_>) -> String {
    let frame = frame(plot);
    let lines: Vec<(&str, Vec<(f64, f64)>)> =
        plot.lines.iter().map(|line| (line.target.as_str(), pixels(line, plot, frame))).collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{}",
        text(&format!("{} {}: {} over {}", plot.title, plot.subtitle, plot.y_name, plot.x_name)),
        axes(plot, frame)
    );
    for (line, (target, points)) in plot.lines.iter().zip(&lines) {
        svg += &drawn(target, points, line.marked, looks);
    }
    for ((target, _), place) in lines.iter().zip(labels::places(&lines, frame)) {
        if let Some(place) = place {
            let class = looks.class(target);
            svg += &format!(
                "<text class=\"name {class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                place.x,
                place.y,
                text(target)
            );
        }
    }
    svg + "</svg>"
}

fn frame(plot: &Plot) -> Area {
    let label = |tick: &Tick| letters(&tick.label);
    let widest = plot.y.ticks.iter().map(label).fold(0.0, f64::max);
    let last = plot.x.ticks.last().map_or(0.0, label);
    Area { left: MARGIN + widest, right: WIDTH - MARGIN.max(last / 2.0 + 2.0), top: TOP, bottom: HEIGHT - BELOW }
}

fn letters(label: &str) -> f64 {
    label.chars().map(|_| TICK_LETTER).sum()
}

fn across(frame: Area, scale: &Scale, value: f64) -> Option<f64> {
    scale.place(value).map(|place| frame.left + place * (frame.right - frame.left))
}

fn up(frame: Area, scale: &Scale, value: f64) -> Option<f64> {
    scale.place(value).map(|place| frame.bottom - place * (frame.bottom - frame.top))
}

fn axes(plot: &Plot, frame: Area) -> String {
    let Area { left, right, top, bottom } = frame;
    let mut svg = String::new();
    for tick in &plot.y.ticks {
        let Some(y) = up(frame, &plot.y, tick.value) else { continue };
        svg += &format!("<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/>");
        svg += &format!(
            "<text class=\"tick y\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            left - 7.0,
            y + 4.5,
            text(&tick.label)
        );
    }
    let mut free = f64::NEG_INFINITY;
    for tick in &plot.x.ticks {
        let Some(x) = across(frame, &plot.x, tick.value) else { continue };
        svg += &format!("<path class=\"grid\" d=\"M{x:.1} {top}V{:.1}\"/>", bottom + 4.0);
        let half = letters(&tick.label) / 2.0;
        if x - half >= free {
            free = x + half + TICK_GAP;
            svg +=
                &format!("<text class=\"tick x\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", bottom + 18.0, text(&tick.label));
        }
    }
    svg += &format!("<path class=\"axis\" d=\"M{left:.1} {bottom}H{right:.1}\"/>");
    svg += &format!("<text class=\"axis-name\" x=\"2\" y=\"14\">{}</text>", text(&plot.y_name));
    let (x, y) = (right, bottom + 37.0);
    svg + &format!("<text class=\"axis-name x\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", text(&plot.x_name))
}

/// Where a line's points are drawn; those off the axes are not.
fn pixels(line: &Line, plot: &Plot, frame: Area) -> Vec<(f64, f64)> {
    let pixel = |&(x, y): &(f64, f64)| Some((across(frame, &plot.x, x)?, up(frame, &plot.y, y)?));
    let points: Vec<_> = line.points.iter().filter_map(pixel).collect();
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len().saturating_sub(1);
    points.into_iter().enumerate().filter(|(index, _)| index % every == 0 || *index == last).map(|(_, p)| p).collect()
}

fn drawn(target: &str, points: &[(f64, f64)], marked: bool, looks: &Looks<'_>) -> String {
    let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    if path.is_empty() {
        return String::new();
    }
    let mut svg = format!("<path class=\"line {}\" d=\"M{}\"/>", looks.class(target), path.join("L"));
    for (x, y) in points.iter().filter(|_| marked) {
        svg += &looks.marker(target, *x, *y);
    }
    svg
}
