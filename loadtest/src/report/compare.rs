//! Two reports, run by run: what became better, what worse, and what only one of them has.

use comfy_table::{Cell, CellAlignment};

use super::quantity::quantity;
use super::table::plain;
use super::{Report, counts, parameters, state};
use crate::machine::About;
use crate::result::{Figure, Measured, Unit};

/// Changes up to this share are noise on a machine that others use too.
const NOISE: f64 = 0.05;

/// Both reports side by side. `width` is the terminal's, if it is one.
pub(crate) fn render(before: &Report, after: &Report, width: Option<u16>) -> String {
    let mut text = format!("before  {}\nafter   {}\n", origin(&before.about), origin(&after.about));
    if before.about.machine.cpu != after.about.machine.cpu || before.about.machine.cores != after.about.machine.cores {
        text += "The machines differ: what changed may be theirs.\n";
    }
    let (pairs, only_before, only_after) = matched(&before.runs, &after.runs);
    let mut table = plain(width);
    table.set_header(["run", "figure", "before", "after", "change", ""]);
    for (old, new) in &pairs {
        add_rows(&mut table, old, new);
    }
    for column in table.column_iter_mut().skip(2).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    if !pairs.is_empty() {
        text += &format!("{table}\n");
    }
    text += &lonely("before", &only_before);
    text += &lonely("after", &only_after);
    text
}

fn origin(about: &About) -> String {
    let machine = &about.machine;
    let cpu = machine.cpu.as_deref().unwrap_or("unknown CPU");
    let cores = machine.cores.map_or_else(String::new, |cores| format!(", {cores} cores"));
    let source = about.source.as_ref().map_or_else(String::new, |source| format!(" ({source})"));
    format!("{}  fantail-loadtest {}{source}  {cpu}{cores}, {}", about.date, about.version, machine.kernel)
}

/// Runs of the same scenario, target and parameters; where there are several, the first with the first.
fn matched<'a>(
    before: &'a [Measured],
    after: &'a [Measured],
) -> (Vec<(&'a Measured, &'a Measured)>, Vec<&'a Measured>, Vec<&'a Measured>) {
    let mut left: Vec<&Measured> = after.iter().collect();
    let (mut pairs, mut only_before) = (Vec::new(), Vec::new());
    for old in before {
        match left.iter().position(|new| is_same(old, new)) {
            Some(index) => pairs.push((old, left.remove(index))),
            None => only_before.push(old),
        }
    }
    (pairs, only_before, left)
}

fn is_same(one: &Measured, other: &Measured) -> bool {
    one.scenario == other.scenario && one.target == other.target && one.parameters == other.parameters
}

fn name(run: &Measured) -> String {
    let parameters = parameters(run);
    if parameters.is_empty() {
        format!("{} {}", run.scenario, run.target)
    } else {
        format!("{} {} · {parameters}", run.scenario, run.target)
    }
}

fn add_rows(table: &mut comfy_table::Table, old: &Measured, new: &Measured) {
    if !counts(old) || !counts(new) {
        let verdict = "does not count";
        table.add_row([name(old), String::new(), state(old), state(new), String::new(), verdict.to_owned()]);
        return;
    }
    let in_new =
        |figure: &Figure| new.figures.iter().find(|other| other.name == figure.name && other.unit == figure.unit);
    let in_old =
        |figure: &Figure| old.figures.iter().any(|other| other.name == figure.name && other.unit == figure.unit);
    let value = |figure: &Figure| quantity(figure.value, figure.unit);
    let mut rows = Vec::new();
    for figure in &old.figures {
        rows.push(match in_new(figure) {
            Some(now) => {
                let change = Change::of(figure.value, now.value, figure.unit);
                [figure.name.clone(), value(figure), value(now), change.text(), change.verdict().to_owned()]
            }
            None => [figure.name.clone(), value(figure), "–".to_owned(), String::new(), "only before".to_owned()],
        });
    }
    for figure in new.figures.iter().filter(|figure| !in_old(figure)) {
        rows.push([figure.name.clone(), "–".to_owned(), value(figure), String::new(), "only after".to_owned()]);
    }
    for (index, row) in rows.into_iter().enumerate() {
        let run = if index == 0 { name(old) } else { String::new() };
        table.add_row(std::iter::once(run).chain(row).map(Cell::new));
    }
}

fn lonely(side: &str, runs: &[&Measured]) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let names: Vec<_> = runs.iter().map(|run| format!("    {}\n", name(run))).collect();
    format!("Only {side}:\n{}", names.concat())
}

/// How a figure changed, as a share of what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Change {
    share: f64,
    less_is_better: bool,
}

impl Change {
    fn of(before: f64, after: f64, unit: Unit) -> Self {
        // From nothing to something has no share: it is more than any.
        let share = if before == after { 0.0 } else { (after - before) / before.abs() };
        Self { share, less_is_better: unit.less_is_better() }
    }

    fn text(self) -> String {
        if self.share.is_infinite() { "from 0".to_owned() } else { format!("{:+.1} %", self.share * 100.0) }
    }

    fn verdict(self) -> &'static str {
        match (self.share.abs() > NOISE, (self.share < 0.0) == self.less_is_better) {
            (false, _) => "",
            (true, true) => "better",
            (true, false) => "worse",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_change_is_judged_by_the_direction_of_its_unit() {
        let verdict = |before, after, unit| Change::of(before, after, unit).verdict();
        assert_eq!(verdict(100.0, 94.0, Unit::Seconds), "better");
        assert_eq!(verdict(100.0, 106.0, Unit::Seconds), "worse");
        assert_eq!(verdict(100.0, 104.0, Unit::Seconds), "");
        assert_eq!(verdict(100.0, 106.0, Unit::BytesPerSecond), "better");
        assert_eq!(verdict(100.0, 94.0, Unit::PerSecond), "worse");
        assert_eq!(verdict(0.0, 1.0, Unit::Bytes), "worse");
        assert_eq!(verdict(0.0, 0.0, Unit::Bytes), "");
        assert_eq!(verdict(-100.0, -50.0, Unit::Bytes), "worse");
        assert_eq!(Change::of(100.0, 94.0, Unit::Seconds).text(), "-6.0 %");
        assert_eq!(Change::of(0.0, 94.0, Unit::Seconds).text(), "from 0");
    }

    #[test]
    fn runs_are_matched_and_those_without_a_match_are_told() {
        let run =
            |target: &str, p50| sample::run("latency", target, &[("viewers", "1")], &[("p50", p50, Unit::Seconds)]);
        let report = |runs| Report { about: sample::about(), runs };
        let text = render(
            &report(vec![run("fantail", 1e-4), run("ttyd", 1.0)]),
            &report(vec![run("sshx", 1.0), run("fantail", 5e-5)]),
            None,
        );
        let row = text.lines().find(|line| line.contains("p50")).expect("the figure's row");
        for expected in ["latency fantail · viewers 1", "100 µs", "50.0 µs", "-50.0 %", "better"] {
            assert!(row.contains(expected), "{expected} is missing in {row}");
        }
        assert!(text.contains("Only before:\n    latency ttyd · viewers 1"), "{text}");
        assert!(text.contains("Only after:\n    latency sshx · viewers 1"), "{text}");
    }

    #[test]
    fn runs_that_do_not_count_are_not_compared() {
        let before = sample::report();
        let mut after = before.clone();
        after.runs.truncate(1);
        after.runs[0].complete = false;
        let text = render(&before, &after, None);
        assert!(text.contains("does not count") && text.contains("incomplete") && !text.contains(" %"), "{text}");
    }

    #[test]
    fn other_machines_are_told() {
        let before = sample::report();
        let mut after = before.clone();
        after.about.machine.cores = Some(64);
        assert!(render(&before, &after, None).contains("The machines differ"));
        assert!(!render(&before, &before, None).contains("The machines differ"));
    }
}
