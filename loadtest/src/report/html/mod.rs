//! A report as one HTML file: nothing to load, nothing to run, light and dark, on a desk and on a phone.
//!
//! All text goes through `markup`.

mod figures;
mod labels;
mod markup;
mod plots;
mod scale;
mod svg;
mod targets;

use super::quantity::quantity;
use super::{Report, counts, shared_parameters};
use crate::machine::About;
use crate::result::{Measured, Unit};
use markup::text;
use plots::Plot;
use targets::Looks;

const STYLE: &str = include_str!("style.css");

/// What a scenario asks, below its name.
const QUESTIONS: [(&str, &str); 9] = [
    ("connections", "How many viewers are taken, and how long each handshake lasts."),
    ("latency", "How long a keystroke takes to the program and back as echo."),
    ("memory", "What a viewer, a session and an idle server hold in memory."),
    ("throughput", "How fast one stream of output reaches every viewer, and what that costs."),
    ("churn", "How fast sessions are opened and closed."),
    ("api", "How fast questions are answered over REST."),
    ("slow-viewer", "What a viewer that never reads costs all others."),
    ("late-join", "How soon someone who comes late sees the screen as it is."),
    ("soak", "Whether anything grows with time."),
];

/// The whole page.
pub(crate) fn render(report: &Report) -> String {
    let looks = Looks::of(report.runs.iter().map(|run| run.target.as_str()));
    let scenarios = report.scenarios();
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <meta name=\"color-scheme\" content=\"light dark\"/>\
         <title>Fantail load test, {}</title><style>{STYLE}</style></head><body>",
        report.about.date
    );
    html += &header(report);
    if scenarios.len() > 1 {
        html += "<nav aria-label=\"Scenarios\">";
        for (name, runs) in &scenarios {
            let failed = if runs.iter().all(|run| counts(run)) { "" } else { " <b>✗</b>" };
            html += &format!("<a href=\"#{0}\">{0}{failed}</a>", text(name));
        }
        html += "</nav>";
    }
    html += "<main>";
    for (name, runs) in &scenarios {
        html += &section(name, runs, &looks);
    }
    html += "</main><footer>Made by <code>fantail-loadtest</code>. The figures are also in the JSON lines of the same \
             run; <code>fantail-loadtest compare</code> sets two of them side by side.</footer></body></html>\n";
    html
}

fn header(report: &Report) -> String {
    let failed = report.runs.iter().filter(|run| !counts(run)).count();
    let runs = report.runs.len();
    let verdict = if failed == 0 {
        format!("<p class=\"verdict\">All {runs} runs are complete and without errors.</p>")
    } else {
        format!(
            "<p class=\"verdict bad\">✗ {failed} of {runs} runs had errors or were not completed. Their figures do not count.</p>"
        )
    };
    let small = if report.about.command_line.iter().any(|argument| argument == "--small") {
        "<p class=\"verdict bad\">A small run: it shows that all of it works. Its figures mean nothing.</p>"
    } else {
        ""
    };
    format!(
        "<header><h1>Fantail load test</h1>{verdict}{small}<dl>{}</dl><p class=\"reading\"><b>×</b> below a figure is its \
         ratio to the floor: a program that does in the same run, on the same machine, only what the kernel must do. \
         <b>↓</b> less is better, <b>↑</b> more is better.</p></header>",
        machine(&report.about)
    )
}

fn machine(about: &About) -> String {
    let machine = &about.machine;
    let load = machine.load_before.map(|load| load.map(|average| format!("{average:.2}")).join(" · "));
    let power = machine.on_mains.map(|on| if on { "mains" } else { "battery" }.to_owned());
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let (cores, memory) =
        (machine.cores.map(|n| n.to_string()), machine.memory_bytes.map(|n| quantity(n as f64, Unit::Bytes)));
    let facts = [
        ("Date", Some(about.date.to_string().replace('T', " ").replace('Z', " UTC"))),
        ("Version", Some(about.version.clone())),
        ("Source", about.source.clone()),
        ("CPU", machine.cpu.clone()),
        ("Cores", cores),
        ("Memory", memory),
        ("Kernel", Some(machine.kernel.clone())),
        ("Load before", load),
        ("Governor", machine.governor.clone()),
        ("Power", power),
    ];
    let mut html = String::new();
    for (name, value) in facts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        html += &format!("<div><dt>{name}</dt><dd>{}</dd></div>", text(&value));
    }
    html + &format!(
        "<div class=\"wide\"><dt>Command</dt><dd><code>{}</code></dd></div>",
        text(&about.command_line.join(" "))
    )
}

fn section(name: &str, runs: &[&Measured], looks: &Looks<'_>) -> String {
    let question = QUESTIONS.iter().find(|(scenario, _)| *scenario == name).map_or("", |(_, question)| question);
    let mut html = format!("<section id=\"{0}\"><h2>{0}</h2><p>{question}{1}</p>", text(name), shared(runs));
    let plots = plots::of_scenario(runs);
    if !plots.is_empty() {
        html += "<div class=\"plots\">";
        for plot in &plots {
            html += &figure(plot, looks);
        }
        html += "</div>";
    }
    html += &figures::of_scenario(runs, looks);
    html += &figures::errors(runs, looks);
    html + "</section>"
}

fn shared(runs: &[&Measured]) -> String {
    let shared = shared_parameters(runs);
    if shared.is_empty() { shared } else { format!(" <span class=\"shared\">{}</span>", text(&shared)) }
}

fn figure(plot: &Plot, looks: &Looks<'_>) -> String {
    let subtitle =
        if plot.subtitle.is_empty() { String::new() } else { format!(" <span>{}</span>", text(&plot.subtitle)) };
    let mut html = format!("<figure><figcaption><h3>{}{subtitle}</h3><ul class=\"legend\">", text(&plot.title));
    for line in &plot.lines {
        let (swatch, name, note) = (figures::swatch(&line.target, looks), text(&line.target), text(&line.note));
        html += &format!("<li>{swatch}{name} <span>{note}</span></li>");
    }
    html += "</ul></figcaption>";
    html += &svg::draw(plot, looks);
    html + "</figure>"
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// Whether every tag that is opened is closed, in order. The page's own markup closes even void elements.
    fn balance(html: &str) -> Result<(), String> {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = html.split_once('>').map_or("", |(_doctype, rest)| rest);
        while let Some((text, after)) = rest.split_once('<') {
            let (tag, after) = after.split_once('>').ok_or_else(|| format!("a tag without end after {text:?}"))?;
            rest = after;
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) if open.pop() != Some(name) => return Err(format!("</{name}> closes nothing")),
                (false, false) => open.push(name),
                _ => {}
            }
            if tag.matches('"').count() % 2 != 0 {
                return Err(format!("<{tag}> has an open quote"));
            }
        }
        if open.is_empty() { Ok(()) } else { Err(format!("never closed: {open:?}")) }
    }

    #[test]
    fn every_figure_and_every_error_is_on_the_page() {
        let report = sample::report();
        let html = render(&report);
        for run in &report.runs {
            for figure in run.figures.iter().filter(|figure| !figure.name.contains(", ")) {
                assert!(
                    html.contains(&text(&quantity(figure.value, figure.unit))),
                    "{} of {}",
                    figure.name,
                    run.target
                );
            }
            for error in &run.errors {
                assert!(html.contains(&text(error)), "{error}");
            }
        }
        assert!(html.contains("AMD EPYC 7B13") && html.contains("24.0 GiB") && html.contains("&lt;report&gt;.html"));
        assert!(html.contains("1.24 ×") && html.contains("41.4 – 69.0 µs"));
    }

    #[test]
    fn the_page_is_well_formed_and_no_text_is_markup() {
        let mut report = sample::report();
        for run in &mut report.runs {
            run.target = format!("<{}> & \"'", run.target);
            run.figures.iter_mut().for_each(|figure| figure.name.push_str("<b>\""));
            run.curves.iter_mut().for_each(|curve| curve.name.push_str("<i>'"));
        }
        assert_eq!(balance(&render(&report)), Ok(()));
        assert_eq!(balance(&render(&sample::report())), Ok(()));
        assert_eq!(balance(&render(&Report { runs: Vec::new(), ..report })), Ok(()));
        assert!(!render(&sample::report()).contains("<script"));
        assert!(balance("<!DOCTYPE html><p><b></p></b>").is_err());
    }

    #[test]
    fn the_page_loads_nothing() {
        let html = render(&sample::report());
        for foreign in ["src=", "@import", "url(", "http:", "https:", "<link"] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }
}
