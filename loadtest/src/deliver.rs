//! Where a report goes: the table to stdout, the rest to the files that were asked for.
//!
//! The files are opened before anything is measured, so that hours of it are not lost to a wrong path.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::report::{Report, compare, html, json, table};

/// What is written beside the table.
#[derive(Args, Debug, Default)]
pub(crate) struct Outputs {
    /// Write what was measured to FILE as JSON lines, for `compare` and `show`
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write it to FILE as one page with plots
    #[arg(long, global = true, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// The files, open.
pub(crate) struct Files {
    json: Option<Output>,
    html: Option<Output>,
}

struct Output {
    path: PathBuf,
    file: File,
}

impl Outputs {
    /// Opens the files. What is in them stays until there is something to replace it.
    pub(crate) fn open(&self) -> Result<Files> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(Output::open).transpose();
        Ok(Files { json: open(&self.json)?, html: open(&self.html)? })
    }
}

impl Files {
    /// Writes the report to all of them, and the table to stdout.
    pub(crate) fn deliver(self, report: &Report) -> Result<()> {
        if let Some(output) = self.json {
            output.write(&json::write(report)?)?;
        }
        if let Some(output) = self.html {
            output.write(&html::render(report))?;
        }
        print(&table::render(report, width()))
    }
}

impl Output {
    fn open(path: &Path) -> Result<Self> {
        let file = File::options().create(true).write(true).truncate(false).open(path);
        Ok(Self { path: path.to_owned(), file: file.with_context(|| format!("opening {}", path.display()))? })
    }

    fn write(mut self, text: &str) -> Result<()> {
        // A pipe and /dev/stdout cannot be shortened, and need not be.
        let _ = self.file.set_len(0);
        self.file.write_all(text.as_bytes()).with_context(|| format!("writing {}", self.path.display()))
    }
}

/// A report that was written before.
pub(crate) fn read(path: &Path) -> Result<Report> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    json::read(&text).with_context(|| path.display().to_string())
}

/// Prints what changed from one report to another.
pub(crate) fn compare(before: &Path, after: &Path) -> Result<()> {
    print(&compare::render(&read(before)?, &read(after)?, width()))
}

fn print(text: &str) -> Result<()> {
    io::stdout().write_all(text.as_bytes()).context("writing to stdout")
}

/// Of the terminal, if it is one.
fn width() -> Option<u16> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_file_of_before_leaves_nothing_behind() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("report.json");
        std::fs::write(&path, "something longer").expect("written");
        let output = Output::open(&path).expect("opened");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "something longer");
        output.write("short").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "short");
        let missing = Output::open(&directory.path().join("no/such")).map(|_| ()).expect_err("refused");
        assert!(missing.to_string().starts_with("opening "), "{missing}");
    }

    #[test]
    fn a_file_that_is_not_a_report_is_refused_with_its_name_and_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("other.json");
        std::fs::write(&path, "{}\n").expect("written");
        let refusal = format!("{:#}", read(&path).expect_err("refused"));
        assert!(refusal.contains("other.json: line 1: not a report"), "{refusal}");
    }
}
