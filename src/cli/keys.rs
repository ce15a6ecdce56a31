//! `fantail keys`: what signs access tokens, and what seals secrets at rest. Works on the store, whether or not a server
//! runs beside it.

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::print::note;
use super::records::RecordsArgs;
use crate::auth::audit::{Entry, Event};
use crate::config::Environment;
use crate::http::Outside;
use crate::server::{SealFile, outside, reseal, rotate_key, tell_running_server, this_command};
use crate::store::{Audit as _, SqlStore};

/// The arguments of `fantail keys`.
#[derive(Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    action: Action,
    /// Where its records are.
    #[command(flatten)]
    records: RecordsArgs,
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// Sign with a new key; what the old one has signed is taken until it expires
    Rotate,
    /// Seal all secrets in the store anew, with a new key
    Reseal,
}

impl Keys {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        let (store, dir, file) = self.records.open_with_seals(environment).await?;
        let done = self.action.run(&store, &file, &outside()).await;
        store.close().await;
        let done = done?;
        tell_running_server(&dir).context("the running server uses the old key until it is restarted")?;
        note(&done);
        Ok(())
    }
}

impl Action {
    /// Returns what is to be said of it.
    async fn run(self, store: &SqlStore, file: &SealFile, outside: &Outside) -> anyhow::Result<String> {
        let entry = |event| Entry::new(outside.now(), event, this_command());
        let (entry, done) = match self {
            Self::Rotate => {
                let key = rotate_key(file, store, outside).await?;
                (entry(Event::KeyRotated).of(&key.kid), format!("key {} signs from now on", key.kid))
            }
            Self::Reseal => {
                let (key, count) = reseal(file, store, outside).await?;
                (entry(Event::Resealed).of(key), format!("key {key} seals from now on; sealed anew: {count}"))
            }
        };
        store.append_audit(&[entry]).await?;
        Ok(done)
    }
}
