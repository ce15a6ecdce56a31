//! `fantail screen ID`: what a session's terminal shows, without attaching to it.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::client::Client;
use super::place::ServerArgs;
use super::print::out;
use super::session::resolve;
use crate::terminal::render::Format;

/// Print what a session's terminal shows
#[derive(Debug, clap::Args)]
pub(super) struct ScreenArgs {
    /// An id, the start of one, or a name
    #[arg(value_name = "ID")]
    pub session: String,

    /// text, ansi (with colours), html or json [default: ansi on a terminal, else text]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Lines above the screen to print too
    #[arg(long, value_name = "LINES", default_value_t = 0)]
    pub scrollback: u32,

    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// # Errors
/// When there is no such session, the server does not tell, or stdout fails.
pub(super) async fn run(args: ScreenArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let sessions = client.list().await?;
    let session = resolve(&sessions, &args.session)?;
    let to_terminal = std::io::stdout().is_terminal();
    let format = args.format.unwrap_or(if to_terminal { Format::Ansi } else { Format::Text });
    let mut screen = client.screen(&session.id, format, args.scrollback).await?;
    if format == Format::Ansi {
        // Its last row has no end, so that a terminal of its size shows all of it. Here a prompt may follow.
        screen.push('\n');
    }
    out(&screen)?;
    Ok(ExitCode::SUCCESS)
}
