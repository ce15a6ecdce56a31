//! `fantail stop`: ends the running server and waits until it is gone.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::print::out;
use super::upgrade::LocalServer;
use crate::config::Environment;

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
    let (_dir, running) = args.server.find(environment)?;
    running.ask_to_end().with_context(|| format!("process {} cannot be signalled", running.pid()))?;
    match tokio::time::timeout(END_MAX, running.ended()).await {
        Ok(ended) => ended?,
        Err(_) => bail!("the server (process {}) has not ended for {} s", running.pid(), END_MAX.as_secs()),
    }
    // Sessions end with a server that keeps them itself, which is all there are without a holder. With one, what it
    // still keeps is ended here when `args.sessions` asks for that, now that no server is in its way.
    let what = if args.sessions { "the server and its sessions have" } else { "the server has" };
    out(&format!("{what} ended (process {})\n", running.pid()))?;
    Ok(ExitCode::SUCCESS)
}
