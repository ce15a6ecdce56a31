//! `fantail serve`: says where it is on stdout, logs on stderr, ends on SIGTERM or SIGINT.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Environment, Flags};
use crate::server::{Ended, Server, Shutdown};
use crate::telemetry;

/// The flags of `fantail serve`: every setting.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let config = Config::load(&self.flags, environment)?;
        telemetry::start(config.log_format, &config.log_level)?;
        let shutdown = on_signals()?;
        let server = Server::bind(config).await?;
        announce(&server)?;
        match server.serve_until(shutdown).await {
            Ended::Drained => Ok(ExitCode::SUCCESS),
            Ended::AtOnce => Ok(ExitCode::FAILURE),
        }
    }
}

/// The first SIGTERM or SIGINT drains, the second ends at once. Taken before anything is bound, so that no signal finds
/// us unprepared.
fn on_signals() -> io::Result<Shutdown> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = Shutdown::default();
    let raised = shutdown.clone();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process; no tracker could wait for it")]
    tokio::spawn(async move {
        for token in [raised.drain, raised.at_once] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(shutdown)
}

/// Where it is, and how to get in: what scripts and people read.
fn announce(server: &Server) -> anyhow::Result<()> {
    let mut lines = server.url();
    if let Some(wider) = server.wider_url() {
        tracing::info!(url = wider, "also reached from elsewhere");
    }
    if let Some(link) = server.login_link()? {
        lines = format!("{lines}\nlogin: {link}");
    }
    let mut stdout = io::stdout().lock();
    // A server started with its output closed serves all the same.
    if let Err(error) = writeln!(stdout, "{lines}").and_then(|()| stdout.flush()) {
        tracing::warn!(%error, "the address could not be printed");
    }
    Ok(())
}
