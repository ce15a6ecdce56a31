//! `fantail close ID…`: ends sessions and all their processes.

use std::process::ExitCode;

use super::client::Client;
use super::place::ServerArgs;
use super::print::{note, out, printable};
use super::session::{Session, resolve};

/// End sessions: their programs are told to stop, then killed
#[derive(Debug, clap::Args)]
pub(super) struct CloseArgs {
    /// An id, the start of one, or a name
    #[arg(required = true, value_name = "ID")]
    pub sessions: Vec<String>,

    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Closes what can be closed, and fails if that was not all.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn run(args: CloseArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let sessions = client.list().await?;
    let mut code = ExitCode::SUCCESS;
    for wanted in &args.sessions {
        if let Err(error) = close(&client, &sessions, wanted).await {
            note(&format!("error: {}: {error:#}", printable(wanted)));
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

async fn close(client: &Client, sessions: &[Session], wanted: &str) -> anyhow::Result<()> {
    let session = resolve(sessions, wanted)?;
    client.close(&session.id).await?;
    let name = session.name.as_deref().map(|name| format!(" {}", printable(name))).unwrap_or_default();
    out(&format!("closed {}{name}\n", session.short_id()))?;
    Ok(())
}
