//! A report for a terminal: one table a scenario, the errors below it.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::quantity::{quantity, times};
use super::{Report, counts, extremes, figure_names, parameter_names, parameters, shared_parameters, state, tables};
use crate::result::Measured;

/// Errors told of one run: the first ones tell what is wrong, and the file has them all.
const ERRORS_TOLD: usize = 5;

/// Longest line of an error: one in which a server sent its whole page would hide all others.
const ERROR_CHARS: usize = 300;

/// Rules around the table and below its header.
const STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// All scenarios. `width` is the terminal's, if it is one.
pub(crate) fn render(report: &Report, width: Option<u16>) -> String {
    let mut text = String::new();
    for (scenario, runs) in report.scenarios() {
        let shared = shared_parameters(&runs);
        let space = if shared.is_empty() { "" } else { "  " };
        text += &format!("\n{scenario}{space}{shared}\n");
        for table in tables(&runs) {
            text += &format!("{}\n", scenario_table(&table, &parameter_names(&runs), width));
        }
        for run in &runs {
            text += &errors(run);
        }
    }
    text
}

fn scenario_table(runs: &[&Measured], parameters: &[&str], width: Option<u16>) -> Table {
    let figures = figure_names(runs);
    let all_count = runs.iter().all(|run| counts(run));
    let mut table = plain(width);
    let mut header = vec!["target"];
    header.extend(parameters);
    header.extend(&figures);
    header.extend((!all_count).then_some("state"));
    table.set_header(header);
    for run in runs {
        let mut row = vec![Cell::new(&run.target)];
        row.extend(parameters.iter().map(|name| Cell::new(run.parameters.get(*name).map_or("", String::as_str))));
        row.extend(figures.iter().map(|name| figure(run, name)));
        row.extend((!all_count).then(|| Cell::new(mark(run))));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1 + parameters.len()).take(figures.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The look of every table of this program.
pub(super) fn plain(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// The value and, below it, its ratio to the floor and its extremes. In brackets it does not count.
fn figure(run: &Measured, name: &str) -> Cell {
    let Some(figure) = run.figures.iter().find(|figure| figure.name == name) else {
        return Cell::new("–");
    };
    let value = quantity(figure.value, figure.unit);
    if !counts(run) {
        return Cell::new(format!("({value})"));
    }
    let below = [figure.ratio.map(times), extremes(run, figure)];
    Cell::new(below.into_iter().flatten().fold(value, |cell, line| format!("{cell}\n{line}")))
}

fn mark(run: &Measured) -> String {
    if counts(run) { String::new() } else { format!("✗ {}", state(run)) }
}

fn errors(run: &Measured) -> String {
    if counts(run) {
        return String::new();
    }
    let parameters = parameters(run);
    let space = if parameters.is_empty() { "" } else { " " };
    let mut text = format!("✗ {}{space}{parameters}: {}\n", run.target, state(run));
    for error in run.errors.iter().take(ERRORS_TOLD) {
        text += &format!("    {}\n", one_line(error));
    }
    if run.errors.len() > ERRORS_TOLD {
        text += &format!("    … and {} more\n", run.errors.len() - ERRORS_TOLD);
    }
    text
}

/// What a peer sent may stand in an error: it must not steer the terminal.
fn one_line(error: &str) -> String {
    let mut line: String = error.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ERROR_CHARS).collect();
    if error.chars().nth(ERROR_CHARS).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_figure_stands_beside_its_ratio_to_the_floor() {
        let text = render(&sample::report(), None);
        for expected in
            ["latency", "throughput", "fantail", "floor", "p50", "46.0 µs", "1.24 ×", "41.4 – 69.0 µs", "viewers"]
        {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }

    #[test]
    fn a_run_with_errors_is_marked_and_its_errors_are_told_up_to_a_bound() {
        let mut report = sample::report();
        report.runs[0].errors = (0..100).map(|n| format!("viewer {n}: \x1b[31mlost\na byte")).collect();
        let text = render(&report, None);
        assert!(text.contains("✗ 100 errors"), "{text}");
        assert!(text.contains("viewer 4: ") && !text.contains("viewer 5: "), "{text}");
        assert!(text.contains("… and 95 more") && !text.contains('\x1b'), "{text}");
    }

    #[test]
    fn a_long_error_is_cut() {
        assert_eq!(one_line(&"x".repeat(10_000)).chars().count(), ERROR_CHARS + 1);
    }

    #[test]
    fn a_table_fits_a_narrow_terminal() {
        let text = render(&sample::report(), Some(60));
        let rules = text.lines().filter(|line| line.contains('─'));
        assert!(rules.map(|line| line.chars().count()).max().is_some_and(|width| width <= 60), "{text}");
    }
}
