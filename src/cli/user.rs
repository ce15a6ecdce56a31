//! `fantail user`: who can log in. Works on the store, whether or not a server runs beside it.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use rustix::termios::{self, LocalModes, OptionalActions};

use super::print::{aligned, out, printable};
use super::records::RecordsArgs;
use crate::auth::audit::{Entry, Event};
use crate::auth::password::{self, PASSWORD_MAX};
use crate::auth::{AccountId, Mail, Role, Username};
use crate::config::Environment;
use crate::server::{outside, tell_running_server, this_command};
use crate::store::{Account, AccountChange, Accounts as _, Audit as _, SqlStore};

/// Longest line taken for a password from stdin: anything longer is refused by the rule for passwords anyway.
const LINE_MAX: u64 = 1024;

/// The arguments of `fantail user`.
#[derive(Args)]
pub(super) struct User {
    #[command(subcommand)]
    action: Action,
    /// Where its records are.
    #[command(flatten)]
    records: RecordsArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Add someone who can log in; the password is asked for, or read from stdin
    Add {
        /// What they are called
        name: String,
        /// What they may do: admin, member or guest [default: member; the first of all runs the server: admin]
        #[arg(long)]
        role: Option<Role>,
        /// Their mail address
        #[arg(long)]
        mail: Option<String>,
    },
    /// List who can log in
    List,
    /// Set a password and end every login made with the old one
    Passwd {
        /// What they are called
        name: String,
    },
    /// Change what someone may do; what they have open is closed
    Role {
        /// What they are called
        name: String,
        /// admin, member or guest
        role: Role,
    },
    /// Keep someone out, at once, with their tokens and shares
    Disable {
        /// What they are called
        name: String,
    },
    /// Let someone in again who was kept out
    Enable {
        /// What they are called
        name: String,
    },
}

impl User {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        let (store, dir) = self.records.open(environment).await?;
        let done = self.action.run(&store).await;
        let done = match done {
            Ok(Done { entry, tell }) => {
                let noted = match entry {
                    Some(entry) => store.append_audit(&[entry]).await.map(|_| ()),
                    None => Ok(()),
                };
                noted.context("what was done is not in the audit log").map(|()| tell)
            }
            Err(error) => Err(error),
        };
        store.close().await;
        if done? {
            tell_running_server(&dir)
                .context("the running server does not know yet: it learns when it is restarted")?;
        }
        Ok(())
    }
}

/// What came of a command.
struct Done {
    /// For the audit log.
    entry: Option<Entry>,
    /// Whether a running server must be told.
    tell: bool,
}

impl Done {
    fn noted(event: Event, account: AccountId, detail: &str) -> Self {
        let entry = Entry::new(outside().now(), event, this_command()).of(account).with(detail);
        Self { entry: Some(entry), tell: true }
    }
}

impl Action {
    async fn run(self, store: &SqlStore) -> anyhow::Result<Done> {
        match self {
            Self::Add { name, role, mail } => {
                let role = match role {
                    Some(role) => role,
                    None if store.owner().await?.is_none() => Role::Admin,
                    None => Role::Member,
                };
                let id = add(store, &name, role, mail.as_deref()).await?;
                Ok(Done { tell: false, ..Done::noted(Event::UserAdded, id, role.as_str()) })
            }
            Self::List => {
                list(store).await?;
                Ok(Done { entry: None, tell: false })
            }
            Self::Passwd { name } => {
                let id = find(store, &name).await?.id;
                let hash = hash(&read_password()?)?;
                store.set_password(id, &hash, None, outside().now()).await?;
                Ok(Done::noted(Event::PasswordSet, id, ""))
            }
            Self::Role { name, role } => {
                change(store, &name, AccountChange { role: Some(role), ..AccountChange::default() }).await
            }
            Self::Disable { name } => {
                change(store, &name, AccountChange { disabled: Some(true), ..AccountChange::default() }).await
            }
            Self::Enable { name } => {
                change(store, &name, AccountChange { disabled: Some(false), ..AccountChange::default() }).await
            }
        }
    }
}

async fn add(store: &SqlStore, name: &str, role: Role, mail: Option<&str>) -> anyhow::Result<AccountId> {
    let name = Username::parse(name)?;
    let mail = mail.map(Mail::parse).transpose().context("--mail")?;
    if store.account_named(name.as_str()).await?.is_some() {
        bail!("there is already a user {name}");
    }
    let outside = outside();
    let hash = hash(&read_password()?)?;
    let id = AccountId(outside.id().map_err(|_| anyhow::anyhow!("the system gives no randomness"))?);
    let account = Account {
        mail: mail.map(|mail| mail.to_string()),
        password_hash: Some(hash),
        ..Account::new(id, &name, role, outside.now())
    };
    store.add_account(&account).await.with_context(|| format!("{name} was not added"))?;
    Ok(id)
}

async fn list(store: &SqlStore) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.accounts(after.as_deref()).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        for account in &page {
            let state = match (account.disabled, &account.password_hash) {
                (Some(_), _) => "disabled",
                (None, None) => "no password",
                (None, Some(_)) => "active",
            };
            let mail = account.mail.as_deref().unwrap_or("-");
            rows.push([account.name.clone(), account.role.to_string(), printable(mail), state.to_owned()]);
        }
    }
    Ok(out(&aligned(["NAME", "ROLE", "MAIL", "STATE"], rows))?)
}

async fn change(store: &SqlStore, name: &str, change: AccountChange) -> anyhow::Result<Done> {
    let account = find(store, name).await?;
    let lessens = change.role.is_some_and(|role| role < Role::Admin) || change.disabled == Some(true);
    if lessens && store.owner().await?.is_some_and(|owner| owner.id == account.id) {
        bail!("{name} is who the server runs as, and stays an administrator");
    }
    let changed = store.change_account(account.id, &change, outside().now()).await;
    let changed = changed.with_context(|| format!("{name} was not changed"))?;
    let state = if changed.disabled.is_some() { "disabled" } else { "enabled" };
    Ok(Done::noted(Event::UserChanged, changed.id, &format!("{} {state}", changed.role)))
}

async fn find(store: &SqlStore, name: &str) -> anyhow::Result<Account> {
    store.account_named(name).await?.with_context(|| format!("there is no user {name:?}"))
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
