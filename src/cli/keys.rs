//! `fantail keys`: what signs access tokens. Works on the store, whether or not a server runs beside it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::print::note;
use crate::auth::audit::{Entry, Event};
use crate::config::{Config, Environment, Flags};
use crate::server::{open_store, outside, rotate_key, tell_running_server, this_command};
use crate::store::{Audit as _, DataDir};

/// The arguments of `fantail keys`.
#[derive(Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    action: Action,
    /// Where accounts and keys are kept
    #[arg(long, value_name = "PATH", global = true)]
    data_dir: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "PATH", global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// Sign with a new key; what the old one has signed is taken until it expires
    Rotate,
}

impl Keys {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        let Action::Rotate = self.action;
        let flags = Flags { data_dir: self.data_dir, config: self.config, ..Flags::default() };
        let config = Config::load(&flags, environment)?;
        let dir = DataDir::prepare(&config.data_dir)?;
        let store = open_store(&config, &dir).await?;
        let outside = outside();
        let key = rotate_key(&store, &outside).await?;
        store.append_audit(&[Entry::new(outside.now(), Event::KeyRotated, this_command()).of(&key.kid)]).await?;
        store.close().await;
        tell_running_server(&dir).context("the running server signs with the old key until it is restarted")?;
        note(&format!("key {} signs from now on", key.kid));
        Ok(())
    }
}
