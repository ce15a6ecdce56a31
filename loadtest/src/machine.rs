//! What a report says of where it was made: the machine, our version, the time and the command line.
//!
//! Only reads. What cannot be read is left out, never guessed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where and how a report was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About {
    /// Of this program.
    pub(crate) version: String,
    /// What git says of the source tree at the time of the run, if it is still there.
    pub(crate) source: Option<String>,
    pub(crate) date: Timestamp,
    /// As it was typed, without what is secret in it.
    pub(crate) command_line: Vec<String>,
    pub(crate) machine: Machine,
}

/// The machine, as far as it tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    pub(crate) cpu: Option<String>,
    /// Those this process may use.
    pub(crate) cores: Option<usize>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) kernel: String,
    /// Load averages of 1, 5 and 15 minutes before the first run: what else the machine was doing.
    pub(crate) load_before: Option<[f64; 3]>,
    /// The frequency governor of the first core.
    pub(crate) governor: Option<String>,
    /// Whether it runs on mains, where it has a battery at all.
    pub(crate) on_mains: Option<bool>,
}

impl About {
    /// Of this process, now.
    pub(crate) fn this_run(arguments: impl IntoIterator<Item = String>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place of this program that names the wall clock")]
        let now = Timestamp::now();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: source_tree(),
            date: Timestamp::from_second(now.as_second()).unwrap_or(now),
            command_line: without_secrets(arguments),
            machine: Machine::this(),
        }
    }
}

impl Machine {
    /// This one, now.
    pub(crate) fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        let uname = rustix::system::uname();
        Self {
            cpu: read("/proc/cpuinfo").and_then(|text| cpu_model(&text)),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            memory_bytes: read("/proc/meminfo").and_then(|text| memory_total(&text)),
            kernel: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
            load_before: read("/proc/loadavg").and_then(|text| load_averages(&text)),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").map(|text| text.trim().to_owned()),
            on_mains: on_mains(Path::new("/sys/class/power_supply")),
        }
    }
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    // arm64 has no "model name"; some boards have "Model" at the end.
    ["model name", "Model"].iter().find_map(|key| {
        let value = cpuinfo.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'))?;
        Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

fn memory_total(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 =
        meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn load_averages(loadavg: &str) -> Option<[f64; 3]> {
    let mut fields = loadavg.split_whitespace().map(|field| field.parse().ok());
    Some([fields.next()??, fields.next()??, fields.next()??])
}

fn on_mains(supplies: &Path) -> Option<bool> {
    let read = |path: &Path, name: &str| fs::read_to_string(path.join(name)).map(|text| text.trim().to_owned()).ok();
    let mains: Vec<_> = fs::read_dir(supplies)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| read(path, "type").as_deref() == Some("Mains"))
        .filter_map(|path| read(&path, "online"))
        .collect();
    if mains.is_empty() { None } else { Some(mains.iter().any(|online| online == "1")) }
}

/// `git describe` of the tree this was built from. It may have moved on since: that is for its owner to know.
fn source_tree() -> Option<String> {
    let output = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty", "--abbrev=12"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if text.is_empty() { None } else { Some(text) }
}

/// Reports are shown around, so the value of a flag that sounds like a secret, and what a URL carries before its host or
/// in its query, are left out.
fn without_secrets(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    const HIDDEN: &str = "[redacted]";
    let mut hide_next = false;
    let mut shown = Vec::new();
    for argument in arguments {
        if std::mem::take(&mut hide_next) {
            shown.push(HIDDEN.to_owned());
        } else if let Some(flag) = argument.strip_prefix("--").filter(|flag| is_secret(flag)) {
            match flag.split_once('=') {
                Some((name, _)) => shown.push(format!("--{name}={HIDDEN}")),
                None => {
                    hide_next = true;
                    shown.push(argument);
                }
            }
        } else {
            shown.push(url_without_secrets(&argument).unwrap_or(argument));
        }
    }
    shown
}

fn is_secret(flag: &str) -> bool {
    let name = flag.split('=').next().unwrap_or(flag);
    ["token", "password", "secret", "credential"].iter().any(|word| name.contains(word))
}

fn url_without_secrets(argument: &str) -> Option<String> {
    let (scheme, rest) = argument.split_once("://")?;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (place, query) = rest.split_at(end);
    let host_starts = place.find('/').map_or(place, |slash| &place[..slash]).rfind('@').map_or(0, |at| at + 1);
    if host_starts == 0 && query.is_empty() {
        return None;
    }
    Some(format!("{scheme}://{}{}", &place[host_starts..], query.get(..1).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_says_is_read() {
        assert_eq!(cpu_model("processor : 0\nmodel name\t: AMD  EPYC 7B13\n").as_deref(), Some("AMD EPYC 7B13"));
        assert_eq!(cpu_model("processor : 0\n"), None);
        assert_eq!(memory_total("MemTotal:       1024 kB\nMemFree: 1 kB\n"), Some(1024 * 1024));
        assert_eq!(load_averages("0.02 0.50 1.21 1/300 4711\n"), Some([0.02, 0.50, 1.21]));
        assert_eq!(load_averages("0.02"), None);
    }

    #[test]
    fn this_machine_has_a_kernel_and_cores() {
        let machine = Machine::this();
        assert!(!machine.kernel.is_empty());
        assert!(machine.cores.is_some_and(|cores| cores > 0));
    }

    #[test]
    fn a_machine_without_supplies_tells_nothing_of_power() {
        assert_eq!(on_mains(Path::new("/nonexistent")), None);
    }

    #[test]
    fn secrets_of_the_command_line_are_not_told() {
        let typed = [
            "fantail-loadtest",
            "--token",
            "s3cret",
            "--password=s3cret",
            "--url",
            "http://ann:s3cret@host:1/path?token=s3cret",
            "--url=https://host/",
            "all",
        ];
        let shown = without_secrets(typed.map(str::to_owned));
        assert!(!shown.join(" ").contains("s3cret"), "{shown:?}");
        assert_eq!(shown[5], "http://host:1/path?");
        assert_eq!(&shown[6..], ["--url=https://host/", "all"]);
    }
}
