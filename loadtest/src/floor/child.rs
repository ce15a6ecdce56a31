//! This program again, as a process of its own that is the floor of something.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::process::Process;

/// The process, which ends with this.
pub(crate) struct Ours {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Ours {
    /// Starts it, and tells it what it is to know.
    pub(crate) fn start(arguments: &[String], told: &[u8]) -> Result<Self> {
        let own = std::env::current_exe().context("where this program is")?;
        let mut child = Command::new(own)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", arguments.join(" ")))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let ours = Self { child, stdout: BufReader::new(stdout.context("piped")?) };
        // Its end is the end of what is told.
        stdin.context("piped")?.write_all(told).context("telling the floor what to do")?;
        Ok(ours)
    }

    /// What it says next.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).context("listening to the floor")?;
        ensure!(line.ends_with('\n'), "the floor ended before it had said all");
        Ok(line.trim_end().to_owned())
    }

    pub(crate) fn process(&self) -> Process {
        Process { pid: self.child.id() }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends this process when the one that started it has gone.
pub(super) fn end_with_parent() -> Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
}
