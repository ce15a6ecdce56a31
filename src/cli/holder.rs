//! `fantail holder`: the process that keeps sessions. Started by `fantail serve`, before any runtime is made.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use rustix::process::Rlimit;

use crate::holder::{Keeper, LISTENS, TAKEN};
use crate::session::limit_from;

/// The flags of `fantail holder`.
#[derive(Args)]
pub(super) struct Holder {
    /// The data directory
    #[arg(long)]
    data_dir: PathBuf,
    /// The limit of open descriptors that programs get, soft and hard
    #[arg(long, value_parser = limit_from)]
    descriptors: Rlimit,
}

impl Holder {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let keeper = Keeper::begin(&self.data_dir, self.descriptors)?;
        let mut stdout = io::stdout().lock();
        // Whoever started us may have given up meanwhile.
        let _ = writeln!(stdout, "{}", if keeper.is_some() { LISTENS } else { TAKEN }).and_then(|()| stdout.flush());
        let Some(keeper) = keeper else { return Ok(()) };
        let nowhere = OpenOptions::new().read(true).write(true).open("/dev/null").context("/dev/null")?;
        rustix::stdio::dup2_stdin(&nowhere)?;
        rustix::stdio::dup2_stdout(&nowhere)?;
        drop(nowhere);
        Ok(keeper.run()?)
    }
}
