//! `fantail serve`: says where it is on stdout, logs on stderr, ends on SIGTERM or SIGINT.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Environment, Flags};
use crate::server::{Ended, Inherited, Origin, Predecessor, Server, Shutdown};
use crate::telemetry;

/// The flags of `fantail serve`: every setting.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
    /// Takes over from the server at the other end of stdin; `fantail upgrade` has it started so.
    #[arg(long, hide = true)]
    take_over: bool,
}

impl Serve {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<ExitCode> {
        // First of all, while the path that was started names what runs.
        let origin = Origin::of_this_process(environment.search_path());
        let (server, shutdown) = match self.take_over {
            false => self.prepare(environment, None).await?,
            true => self.take_over(environment).await?,
        };
        announce(&server)?;
        let server = match origin {
            Ok(origin) => server.replaceable(origin),
            Err(error) => {
                tracing::warn!(%error, "this server cannot be upgraded: what it was started from is not known");
                server
            }
        };
        match server.serve_until(shutdown).await {
            Ended::Drained | Ended::Replaced => Ok(ExitCode::SUCCESS),
            Ended::AtOnce => Ok(ExitCode::FAILURE),
        }
    }

    async fn prepare(
        &self,
        environment: &Environment,
        inherited: Option<Inherited>,
    ) -> anyhow::Result<(Server, Shutdown)> {
        let config = Config::load(&self.flags, environment)?;
        telemetry::start(config.log_format, &config.log_level)?;
        let shutdown = on_signals()?;
        let server = match inherited {
            None => Server::bind(config).await?,
            Some(inherited) => Server::bind_inherited(config, inherited).await?,
        };
        Ok((server, shutdown))
    }

    /// Prepares beside the server that runs and takes over from it. That one is told why when this fails.
    async fn take_over(&self, environment: &Environment) -> anyhow::Result<(Server, Shutdown)> {
        let (predecessor, inherited) = Predecessor::on_stdin().await?;
        match self.prepare(environment, Some(inherited)).await {
            Ok((server, shutdown)) => Ok((server.take_over(predecessor, &shutdown).await?, shutdown)),
            Err(error) => {
                predecessor.failed(&format!("{error:#}")).await;
                Err(error)
            }
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
    if let Some(link) = server.login_link()? {
        lines = format!("{lines}\nlogin: {link}");
    }
    for url in server.other_urls() {
        lines = format!("{lines}\nalso: {url}");
    }
    if let Some(fingerprint) = server.fingerprint() {
        lines = format!("{lines}\ncertificate: SHA-256 {fingerprint}");
    }
    let mut stdout = io::stdout().lock();
    // A server started with its output closed serves all the same.
    if let Err(error) = writeln!(stdout, "{lines}").and_then(|()| stdout.flush()) {
        tracing::warn!(%error, "the address could not be printed");
    }
    Ok(())
}
