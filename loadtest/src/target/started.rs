//! A Fantail server started here, in a data directory of its own, and that nothing of it is left behind.
//!
//! Its sessions outlive it by design, and this process may end without a word (Ctrl-C, a kill). So another process stands
//! by, the guardian: it holds the end of a pipe, and when that closes it ends server, holder and sessions.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;

/// Flags without which the load would be refused: connections of ten thousand viewers and of those who come and go, and
/// all that one login asks, which is what people have.
pub(super) const FLAGS: [&str; 10] = [
    "--max-connections",
    "32768",
    "--max-unauthenticated-per-address",
    "32768",
    "--max-sessions",
    "4096",
    "--rate-requests",
    "1000000",
    "--rate-openings",
    "1000000",
];
/// What the holder's process is called by its command line.
const HOLDER: &str = " holder ";
/// Before the token in a login link.
const LOGIN: &str = "#login=";

/// A server's processes, which are ended with this.
pub(super) struct Started {
    child: Child,
    guardian: Child,
    /// Removed last.
    data: TempDir,
    pub(super) url: String,
    pub(super) token: String,
    /// The token of its login link.
    pub(super) login: Option<String>,
    pub(super) processes: Vec<Process>,
}

/// What a guardian is told.
#[derive(Args, Debug)]
pub(crate) struct GuardianArgs {
    #[arg(long)]
    binary: PathBuf,
    #[arg(long)]
    data: PathBuf,
}

impl Started {
    pub(super) fn start(binary: &Path) -> anyhow::Result<Self> {
        let data = tempfile::tempdir().context("a data directory")?;
        let mut child = command(binary, data.path())
            .args(["serve", "--port", "0"])
            .args(FLAGS)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}; --server-bin names another", binary.display()))?;
        let guardian = guard(binary, data.path()).inspect_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
        })?;
        let (url, token, processes) = (String::new(), String::new(), Vec::new());
        // From here on it is ended, whatever goes wrong.
        let mut started = Self { child, guardian, data, url, token, login: None, processes };
        started.listen()?;
        started.find_processes()?;
        Ok(started)
    }

    /// Waits until it listens, and learns where.
    fn listen(&mut self) -> anyhow::Result<()> {
        let stdout = self.child.stdout.take().context("piped")?;
        // The address comes first, and the login link when all is ready.
        let mut lines = BufReader::new(stdout).lines();
        self.url = lines.next().context("the server ended before it listened")??;
        let login = lines.next().context("the server ended before it was ready")??;
        self.login = login.split_once(LOGIN).map(|(_, token)| token.trim().to_owned());
        let path = self.data.path().join("server.json");
        let announced = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let announced: Value = serde_json::from_slice(&announced)?;
        announced["token"].as_str().context("no token in server.json")?.clone_into(&mut self.token);
        Ok(())
    }

    fn find_processes(&mut self) -> anyhow::Result<()> {
        let server = Process { pid: self.child.id() };
        self.processes.push(server);
        for child in server.children()? {
            if child.command_line()?.contains(HOLDER) {
                self.processes.push(child);
            }
        }
        if self.processes.len() != 2 {
            bail!("the server's holder was not found");
        }
        Ok(())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        if !self.guardian.wait().is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The program, with nothing of our environment that would change it. What the terminal tells us is not for it.
fn command(binary: &Path, data: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env("FANTAIL_DATA_DIR", data).env("FANTAIL_LOG_LEVEL", "warn").env_remove("XDG_CONFIG_HOME");
    command.stdin(Stdio::null()).process_group(0);
    command
}

fn guard(binary: &Path, data: &Path) -> anyhow::Result<Child> {
    let own = std::env::current_exe().context("where this program is")?;
    Command::new(own)
        .args(["guardian".as_ref(), "--binary".as_ref(), binary.as_os_str(), "--data".as_ref(), data.as_os_str()])
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("starting the guardian")
}

/// Stands by until who started it has gone or has done, and ends what runs in the data directory.
pub(crate) fn guardian(args: &GuardianArgs) -> anyhow::Result<()> {
    // Nothing is ever said; only the end comes.
    let _ = std::io::stdin().read(&mut [0]);
    // It has its own bound.
    let stopped = command(&args.binary, &args.data).args(["stop", "--sessions"]).stdout(Stdio::null()).status()?;
    let removed = std::fs::remove_dir_all(&args.data);
    if !stopped.success() {
        bail!("the server in {} did not end: {stopped}", args.data.display());
    }
    removed.with_context(|| args.data.display().to_string())
}
