//! A report as JSON lines: the first says what it is and where it was made, every other is one run.
//!
//! A file that is not ours is refused with the line that says so, never read half.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::Report;
use crate::machine::About;
use crate::result::Measured;

/// How the first line says what the file is.
const FORMAT: &str = "fantail-loadtest";

/// Raised when a file of before could be misread.
const FORMAT_VERSION: u32 = 1;

/// Longest piece of a foreign line told in an error.
const TOLD_OF_LINE: usize = 60;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    format: String,
    format_version: u32,
    #[serde(flatten)]
    about: About,
}

/// The whole file.
pub(crate) fn write(report: &Report) -> Result<String> {
    let header = Header { format: FORMAT.to_owned(), format_version: FORMAT_VERSION, about: report.about.clone() };
    let mut lines = serde_json::to_string(&header)?;
    lines.push('\n');
    for run in &report.runs {
        lines += &serde_json::to_string(run)?;
        lines.push('\n');
    }
    Ok(lines)
}

/// The report that [`write()`] wrote.
pub(crate) fn read(text: &str) -> Result<Report> {
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let (first, number) = lines.next().context("the file is empty, not a report of fantail-loadtest")?;
    let about = header(first).with_context(|| format!("line {number}"))?;
    let mut runs = Vec::new();
    for (line, number) in lines {
        let run: Measured = serde_json::from_str(line)
            .map_err(|error| anyhow::anyhow!("{}: {error}", excerpt(line)))
            .with_context(|| format!("line {number} is not a run of fantail-loadtest"))?;
        runs.push(run);
    }
    Ok(Report::new(about, runs))
}

fn header(line: &str) -> Result<About> {
    let value: serde_json::Value =
        serde_json::from_str(line).with_context(|| format!("not a report of fantail-loadtest: {}", excerpt(line)))?;
    let format = value.get("format").and_then(serde_json::Value::as_str);
    ensure!(format == Some(FORMAT), "not a report of fantail-loadtest: {}", excerpt(line));
    match value.get("formatVersion").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(FORMAT_VERSION) => {}
        Some(version) => bail!("format version {version}; this program reads {FORMAT_VERSION}"),
        None => bail!("the format's version is missing"),
    }
    let header: Header = serde_json::from_value(value).context("the description of the machine")?;
    Ok(header.about)
}

fn excerpt(line: &str) -> String {
    let told: String = line.chars().take(TOLD_OF_LINE).collect();
    if told.len() < line.len() { format!("{told:?}…") } else { format!("{told:?}") }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn refusal(text: &str) -> String {
        read(text).map(|_| ()).map_err(|error| format!("{error:#}")).expect_err("refused")
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let mut report = sample::report();
        // Of numbers with seventeen digits the last may be read otherwise.
        for run in &mut report.runs {
            run.figures.iter_mut().for_each(|figure| figure.value = 0.5);
            run.curves.iter_mut().for_each(|curve| curve.points = vec![(0.5, 1e-6)]);
        }
        let report = Report::new(report.about, report.runs);
        let text = write(&report).expect("written");
        assert_eq!(text.lines().count(), 1 + report.runs.len());
        assert_eq!(read(&text).expect("read"), report);
    }

    #[test]
    fn a_file_that_is_not_ours_is_refused_by_its_line() {
        assert!(refusal("").contains("empty"));
        assert!(refusal("hello\n").starts_with("line 1: not a report of fantail-loadtest: \"hello\""));
        assert!(refusal("{\"format\":\"other\"}\n").starts_with("line 1: not a report of fantail-loadtest"));
        let foreign = format!("\n{}", "x".repeat(1000));
        assert!(refusal(&foreign).starts_with("line 2: ") && refusal(&foreign).len() < 300, "{}", refusal(&foreign));
    }

    #[test]
    fn a_line_that_is_no_run_is_named() {
        let mut text = write(&Report { runs: Vec::new(), ..sample::report() }).expect("written");
        text += "\n{\"scenario\":\"latency\"}\n";
        let refusal = refusal(&text);
        assert!(refusal.starts_with("line 3 is not a run of fantail-loadtest"), "{refusal}");
        assert!(refusal.contains("missing field"), "{refusal}");
    }

    #[test]
    fn a_format_of_another_version_is_refused() {
        let text = write(&sample::report()).expect("written").replacen("\"formatVersion\":1", "\"formatVersion\":2", 1);
        assert_eq!(refusal(&text), "line 1: format version 2; this program reads 1");
    }
}
