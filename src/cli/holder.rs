//! `fantail holder`: the process that keeps sessions. Started by `fantail serve`, before any runtime is made.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use rustix::process::Rlimit;

use crate::holder::{Keeper, LISTENS, Serving, TAKEN};
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
    /// The number of the account whose servers are served, besides root's; its own when none is given
    #[arg(long, value_name = "UID", requires = "users")]
    serves: Option<u32>,
    /// The accounts as whom programs may be started
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "serves")]
    users: Vec<String>,
    /// Let other processes of its account look into it (gdb, strace, /proc)
    #[arg(long)]
    debuggable: bool,
}

impl Holder {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let serving = match self.serves {
            Some(uid) => Serving::Another { uid, users: self.users.into_iter().collect() },
            None => Serving::Itself,
        };
        let keeper = Keeper::begin(&self.data_dir, self.descriptors, serving, self.debuggable)?;
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
