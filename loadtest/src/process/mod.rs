//! What the kernel says of the processes of a server under test: CPU time, memory, descriptors.
//!
//! Looks only; what it says is of the moment of asking.

mod clock;

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Resets the mark of the most memory occupied (proc_pid_clear_refs(5)).
const RESET_PEAK: &str = "5";
/// proc_pid_status(5) and proc_pid_smaps(5) count in these.
const KIB: u64 = 1024;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
}

/// What a server's processes hold at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Bytes resident.
    pub(crate) rss: u64,
    /// Bytes resident, what is shared counted by shares.
    pub(crate) pss: u64,
    pub(crate) descriptors: u64,
    pub(crate) tasks: u64,
}

impl Process {
    /// CPU time taken so far.
    pub(crate) fn cpu(self) -> anyhow::Result<Duration> {
        clock::cpu(self.pid).with_context(|| format!("the CPU clock of process {}", self.pid))
    }

    /// What it holds now.
    pub(crate) fn held(self) -> anyhow::Result<Held> {
        Ok(Held {
            rss: self.kibibytes("status", "VmRSS:")?,
            pss: self.kibibytes("smaps_rollup", "Pss:")?,
            descriptors: self.entries("fd")?,
            tasks: self.entries("task")?,
        })
    }

    /// The most bytes resident since the last [`Self::reset_peak`].
    pub(crate) fn peak(self) -> anyhow::Result<u64> {
        self.kibibytes("status", "VmHWM:")
    }

    pub(crate) fn reset_peak(self) -> anyhow::Result<()> {
        let path = self.path("clear_refs");
        fs::write(&path, RESET_PEAK).with_context(|| format!("writing {path}"))
    }

    /// Its command line, the arguments divided by spaces.
    pub(crate) fn command_line(self) -> anyhow::Result<String> {
        Ok(self.read("cmdline")?.replace('\0', " "))
    }

    /// The processes it has started and not yet reaped.
    pub(crate) fn children(self) -> anyhow::Result<Vec<Self>> {
        let mut children = Vec::new();
        for task in fs::read_dir(self.path("task")).with_context(|| self.path("task"))? {
            // A thread that has just ended has left its children to another.
            let Ok(listed) = fs::read_to_string(task?.path().join("children")) else { continue };
            children.extend(listed.split_whitespace().filter_map(|pid| Some(Self { pid: pid.parse().ok()? })));
        }
        Ok(children)
    }

    fn path(self, file: &str) -> String {
        format!("/proc/{}/{file}", self.pid)
    }

    fn read(self, file: &str) -> anyhow::Result<String> {
        let path = self.path(file);
        fs::read_to_string(&path).with_context(|| format!("reading {path}"))
    }

    /// A field of one of the files that count in KiB, in bytes.
    fn kibibytes(self, file: &str, field: &str) -> anyhow::Result<u64> {
        let text = self.read(file)?;
        let value =
            text.lines().find_map(|line| line.strip_prefix(field)).and_then(|rest| rest.split_whitespace().next());
        let value: u64 =
            value.and_then(|value| value.parse().ok()).with_context(|| format!("{field} in {}", self.path(file)))?;
        Ok(value * KIB)
    }

    fn entries(self, folder: &str) -> anyhow::Result<u64> {
        Ok(fs::read_dir(self.path(folder)).with_context(|| self.path(folder))?.count() as u64)
    }
}

/// CPU time all of them have taken.
pub(crate) fn cpu(processes: &[Process]) -> anyhow::Result<Duration> {
    processes.iter().map(|process| process.cpu()).sum()
}

/// What all of them hold.
pub(crate) fn held(processes: &[Process]) -> anyhow::Result<Held> {
    let mut all = Held::default();
    for process in processes {
        let held = process.held()?;
        all.rss += held.rss;
        all.pss += held.pss;
        all.descriptors += held.descriptors;
        all.tasks += held.tasks;
    }
    Ok(all)
}

/// The sum of their peaks: no more than which they ever occupied at once.
pub(crate) fn peak(processes: &[Process]) -> anyhow::Result<u64> {
    processes.iter().map(|process| process.peak()).sum()
}

pub(crate) fn reset_peaks(processes: &[Process]) -> anyhow::Result<()> {
    processes.iter().try_for_each(|process| process.reset_peak())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn own() -> Process {
        Process { pid: 0 }
    }

    #[test]
    fn the_kernel_tells_of_this_process() {
        let this = Process { pid: std::process::id() };
        let held = this.held().expect("readable");
        assert!(held.rss > 0 && held.pss > 0 && held.descriptors > 2 && held.tasks > 0, "{held:?}");
        this.reset_peak().expect("writable");
        assert!(this.peak().expect("readable") > 0);
        assert!(this.command_line().expect("readable").contains("fantail_loadtest"));
        assert!(this.cpu().expect("a clock") > Duration::ZERO);
        assert!(own().held().is_err(), "there is no process 0");
    }
}
