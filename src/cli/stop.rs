//! `fantail stop`: ends the running server and waits until it is gone.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::print::out;
use super::upgrade::LocalServer;
use crate::config::Environment;
use crate::holder::end_all;
use crate::server::Running;

/// How long a server may take to end: its sessions' graces and the answers it has begun, with room.
const END_MAX: Duration = Duration::from_secs(60);

/// End the running server
#[derive(Args)]
pub(super) struct StopArgs {
    /// End its sessions as well, where they would outlive it
    #[arg(long)]
    pub sessions: bool,
    #[command(flatten)]
    pub server: LocalServer,
}

/// Asks the server to end and waits for that.
///
/// # Errors
/// When there is none, or it does not end.
pub(super) async fn run(args: StopArgs, environment: &Environment) -> anyhow::Result<ExitCode> {
    let data_dir = args.server.data_dir(environment)?;
    let stopped = match LocalServer::look(&data_dir)? {
        Some((_, running)) => {
            stop(&running).await?;
            Some(running.pid())
        }
        None if args.sessions => None,
        None => bail!("no server is running on {}", data_dir.display()),
    };
    // Now that no server is in the way. Those of a server that keeps them itself have ended with it.
    let ended = args.sessions && tokio::task::spawn_blocking(move || end_all(&data_dir)).await??;
    let what = match (stopped, ended) {
        (Some(pid), true) => format!("the server (process {pid}) and its sessions have ended\n"),
        (Some(pid), false) => format!("the server (process {pid}) has ended\n"),
        (None, true) => "the sessions have ended\n".into(),
        (None, false) => bail!("there is nothing to stop"),
    };
    out(&what)?;
    Ok(ExitCode::SUCCESS)
}

async fn stop(running: &Running) -> anyhow::Result<()> {
    running.ask_to_end().with_context(|| format!("process {} cannot be signalled", running.pid()))?;
    match tokio::time::timeout(END_MAX, running.ended()).await {
        Ok(ended) => Ok(ended?),
        Err(_) => bail!("the server (process {}) has not ended for {} s", running.pid(), END_MAX.as_secs()),
    }
}
