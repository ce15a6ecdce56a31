//! All figures of a scenario as a table, and what went wrong below it.

use super::super::quantity::{quantity, times};
use super::super::{counts, extremes, figure_names, parameter_names, parameters, state, tables};
use super::markup::text;
use super::targets::Looks;
use crate::result::{Measured, Unit};

/// Those that have figures in common in one table.
pub(super) fn of_scenario(runs: &[&Measured], looks: &Looks<'_>) -> String {
    let parameters = parameter_names(runs);
    tables(runs).iter().map(|runs| table(runs, &parameters, looks)).collect()
}

fn table(runs: &[&Measured], parameters: &[&str], looks: &Looks<'_>) -> String {
    let figures = figure_names(runs);
    let mut html = String::from("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">target</th>");
    for name in parameters {
        html += &format!("<th scope=\"col\">{}</th>", text(name));
    }
    for name in &figures {
        html += &format!("<th scope=\"col\" class=\"number\">{}{}</th>", text(name), direction(runs, name));
    }
    html += "</tr></thead><tbody>";
    for run in runs {
        html += &row(run, parameters, &figures, looks);
    }
    html + "</tbody></table></div>"
}

fn row(run: &Measured, parameters: &[&str], figures: &[&str], looks: &Looks<'_>) -> String {
    let (class, badge) = if counts(run) {
        ("", String::new())
    } else {
        (" class=\"failed\"", format!("<span class=\"badge\">✗ {}</span>", text(&state(run))))
    };
    let swatch = swatch(&run.target, looks);
    let mut html = format!("<tr{class}><th scope=\"row\">{swatch}{}{badge}</th>", text(&run.target));
    for name in parameters {
        html += &format!("<td>{}</td>", text(run.parameters.get(*name).map_or("", String::as_str)));
    }
    for name in figures {
        html += &format!("<td class=\"number\">{}</td>", cell(run, name));
    }
    html + "</tr>"
}

/// The value and, below it, its ratio to the floor and its extremes.
fn cell(run: &Measured, name: &str) -> String {
    let Some(figure) = run.figures.iter().find(|figure| figure.name == name) else {
        return "<span class=\"none\">–</span>".to_owned();
    };
    let below = [figure.ratio.map(times), extremes(run, figure)];
    let value = text(&quantity(figure.value, figure.unit));
    below.into_iter().flatten().fold(value, |cell, line| format!("{cell}<small>{}</small>", text(&line)))
}

/// Which way is better, where a unit says so.
fn direction(runs: &[&Measured], name: &str) -> &'static str {
    let figure = runs.iter().flat_map(|run| &run.figures).find(|figure| figure.name == name);
    match figure.map(|figure| figure.unit) {
        None | Some(Unit::Count | Unit::Ratio) => "",
        Some(unit) if unit.less_is_better() => "\u{a0}<span class=\"way\">↓</span>",
        Some(_) => "\u{a0}<span class=\"way\">↑</span>",
    }
}

/// A target's marker in its colour.
pub(super) fn swatch(target: &str, looks: &Looks<'_>) -> String {
    format!("<svg class=\"swatch\" viewBox=\"0 0 12 12\" aria-hidden=\"true\">{}</svg>", looks.marker(target, 6.0, 6.0))
}

/// Every error of every run.
pub(super) fn errors(runs: &[&Measured], looks: &Looks<'_>) -> String {
    let mut html = String::new();
    for run in runs.iter().filter(|run| !counts(run)) {
        let parameters = text(&parameters(run));
        let (name, state) = (text(&run.target), text(&state(run)));
        let swatch = swatch(&run.target, looks);
        html += &format!("<div class=\"errors\"><h3>{swatch}{name} <span>{parameters}</span> {state}</h3><ul>");
        for error in &run.errors {
            html += &format!("<li>{}</li>", text(error));
        }
        if run.errors.is_empty() {
            html += "<li>It ended before all was done.</li>";
        }
        html += "</ul></div>";
    }
    html
}
