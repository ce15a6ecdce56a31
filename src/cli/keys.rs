//! `fantail keys`: what signs access tokens. Works on the store, whether or not a server runs beside it.

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::print::note;
use super::records::RecordsArgs;
use crate::auth::audit::{Entry, Event};
use crate::config::Environment;
use crate::server::{outside, rotate_key, tell_running_server, this_command};
use crate::store::Audit as _;

/// The arguments of `fantail keys`.
#[derive(Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    action: Action,
    /// Where its records are.
    #[command(flatten)]
    records: RecordsArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Sign with a new key; what the old one has signed is taken until it expires
    Rotate,
}

impl Keys {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        let Action::Rotate = self.action;
        let (store, dir) = self.records.open(environment).await?;
        let outside = outside();
        let key = rotate_key(&store, &outside).await?;
        store.append_audit(&[Entry::new(outside.now(), Event::KeyRotated, this_command()).of(&key.kid)]).await?;
        store.close().await;
        tell_running_server(&dir).context("the running server signs with the old key until it is restarted")?;
        note(&format!("key {} signs from now on", key.kid));
        Ok(())
    }
}
