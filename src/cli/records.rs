//! Which server's records a command works on, whether or not that server runs: its store, found through its settings.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, Environment, Flags};
use crate::server::{SealFile, open_store};
use crate::store::{DataDir, SqlStore};

/// Where the records are. Flatten into a command's arguments.
#[derive(Args)]
pub(super) struct RecordsArgs {
    /// Where accounts and keys are kept
    #[arg(long, value_name = "PATH", global = true)]
    data_dir: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "PATH", global = true)]
    config: Option<PathBuf>,
}

impl RecordsArgs {
    /// Opens the store; with the directory through which a running server is told of changes.
    ///
    /// # Errors
    /// When the settings are wrong, or the store cannot be opened.
    pub(super) async fn open(self, environment: &Environment) -> anyhow::Result<(SqlStore, DataDir)> {
        self.open_with_seals(environment).await.map(|(store, dir, _)| (store, dir))
    }

    /// The same, with what seals its secrets.
    ///
    /// # Errors
    /// As above.
    pub(super) async fn open_with_seals(
        self,
        environment: &Environment,
    ) -> anyhow::Result<(SqlStore, DataDir, SealFile)> {
        let flags = Flags { data_dir: self.data_dir, config: self.config, ..Flags::default() };
        let config = Config::load(&flags, environment)?;
        let dir = DataDir::prepare(&config.data_dir)?;
        let (store, file) = (open_store(&config, &dir).await?, SealFile::of(&config, &dir));
        Ok((store, dir, file))
    }
}
