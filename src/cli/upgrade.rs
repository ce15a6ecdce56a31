//! `fantail upgrade`: has the program that now lies where the running server was started from take over from it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::print::{out, printable};
use crate::config::{Config, Environment, Flags};
use crate::server::{Running, Verdict, Waiting};
use crate::store::DataDir;

/// How long an upgrade may take in all: to get ready, to linger, to have requests answered, to take sessions up.
const VERDICT_MAX: Duration = Duration::from_secs(90);

/// Have the next version of the program take over from the running server, which goes on if that fails
#[derive(Args)]
pub(super) struct UpgradeArgs {
    #[command(flatten)]
    pub server: LocalServer,
}

/// Which server of this machine.
#[derive(Args)]
pub(super) struct LocalServer {
    /// Where the server keeps its data
    #[arg(long, value_name = "PATH")]
    data_dir: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
}

impl LocalServer {
    /// Its data directory, and the server that runs there.
    ///
    /// # Errors
    /// When there is none, or it cannot be reached.
    pub(super) fn find(self, environment: &Environment) -> anyhow::Result<(DataDir, Running)> {
        let path = self.data_dir(environment)?;
        match Self::look(&path)? {
            Some(found) => Ok(found),
            None => bail!("no server is running on {}", path.display()),
        }
    }

    /// Where it keeps, or would keep, its data.
    pub(super) fn data_dir(self, environment: &Environment) -> anyhow::Result<PathBuf> {
        let flags = Flags { data_dir: self.data_dir, config: self.config, ..Flags::default() };
        Ok(Config::load(&flags, environment)?.data_dir)
    }

    /// The server that runs there, if one does.
    pub(super) fn look(path: &Path) -> anyhow::Result<Option<(DataDir, Running)>> {
        if !path.is_dir() {
            return Ok(None);
        }
        let dir = DataDir::prepare(path)?;
        Ok(Running::on(&dir)?.map(|running| (dir, running)))
    }
}

/// Asks for the upgrade and says what became of it.
///
/// # Errors
/// When the old server still serves, or nothing is known.
pub(super) async fn run(args: UpgradeArgs, environment: &Environment) -> anyhow::Result<ExitCode> {
    let (dir, running) = args.server.find(environment)?;
    let Some(waiting) = Waiting::begin(&dir)? else { bail!("another `fantail upgrade` is waiting for its outcome") };
    running.ask_for_upgrade().with_context(|| format!("process {} cannot be signalled", running.pid()))?;
    let verdict = tokio::select! {
        // A server that was replaced may end before it is looked at whether it told.
        biased;
        verdict = waiting.verdict() => verdict?,
        ended = running.ended() => {
            ended?;
            bail!("the server (process {}) has ended", running.pid());
        }
        () = tokio::time::sleep(VERDICT_MAX) => {
            bail!("the server (process {}) has not answered for {} s", running.pid(), VERDICT_MAX.as_secs());
        }
    };
    match verdict {
        Verdict::Serving { pid, version } => {
            out(&format!("process {pid} serves, version {}\n", printable(&version)))?;
            Ok(ExitCode::SUCCESS)
        }
        Verdict::Failed { reason } => {
            bail!("{}; process {} goes on serving", printable(&reason), running.pid());
        }
        Verdict::Refused { reason } => bail!("refused: {}", printable(&reason)),
    }
}
