//! `fantail user`: who can log in. Works on the store, whether or not a server runs beside it.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use rustix::termios::{self, LocalModes, OptionalActions};

use crate::auth::Username;
use crate::auth::password::{self, PASSWORD_MAX};
use crate::config::{Config, Environment, Flags};
use crate::server::{outside, tell_running_server};
use crate::store::{Account, DataDir, SqliteStore, Store as _};

/// Longest line taken for a password from stdin: anything longer is refused by the rule for passwords anyway.
const LINE_MAX: u64 = 1024;

/// The arguments of `fantail user`.
#[derive(Args)]
pub(super) struct User {
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
    /// Add someone who can log in; the password is asked for, or read from stdin
    Add {
        /// What they are called
        name: String,
    },
    /// Set a password and end every login made with the old one
    Passwd {
        /// What they are called
        name: String,
    },
}

impl User {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        let flags = Flags { data_dir: self.data_dir, config: self.config, ..Flags::default() };
        let dir = DataDir::prepare(&Config::load(&flags, environment)?.data_dir)?;
        let store = SqliteStore::open(&dir).await?;
        match self.action {
            Action::Add { name } => add(&store, &name).await?,
            Action::Passwd { name } => {
                set_password(&store, &name).await?;
                tell_running_server(&dir).context("the running server still takes the old logins")?;
            }
        }
        store.close().await;
        Ok(())
    }
}

async fn add(store: &SqliteStore, name: &str) -> anyhow::Result<()> {
    let name = Username::parse(name)?;
    if store.account_named(name.as_str()).await?.is_some() {
        bail!("there is already a user {name}");
    }
    let outside = outside();
    let hash = hash(&read_password()?)?;
    let id = outside.id().map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    let account = Account { id, name: name.to_string(), password_hash: Some(hash), created: outside.now() };
    store.add_account(&account).await.with_context(|| format!("{name} was not added"))
}

async fn set_password(store: &SqliteStore, name: &str) -> anyhow::Result<()> {
    let account = store.account_named(name).await?.with_context(|| format!("there is no user {name:?}"))?;
    let hash = hash(&read_password()?)?;
    Ok(store.set_password(account.id, &hash, outside().now()).await?)
}

fn hash(password: &str) -> anyhow::Result<String> {
    let salt = outside().bytes().map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(password::hash(password, salt)?)
}

/// Asks twice on a terminal; otherwise takes one line, so that a script can pipe it in and it stands in no argument.
fn read_password() -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return read_line();
    }
    let first = ask("password: ")?;
    if first.len() <= PASSWORD_MAX && ask("once more: ")? != first {
        bail!("the two differ");
    }
    Ok(first)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    let mut terminal = io::stderr();
    write!(terminal, "{prompt}")?;
    terminal.flush()?;
    let stdin = io::stdin();
    let echoing = termios::tcgetattr(&stdin)?;
    let mut silent = echoing.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    termios::tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let line = read_line();
    // Whatever came in, the terminal is given back as it was.
    termios::tcsetattr(&stdin, OptionalActions::Now, &echoing)?;
    writeln!(terminal)?;
    line
}

fn read_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(LINE_MAX).read_line(&mut line).context("the password could not be read")?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}
