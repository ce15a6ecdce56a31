//! `fantail token`: by what programs show who they are. Works on the store, whether or not a server runs beside it.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::print::{aligned, note, out, printable};
use super::records::RecordsArgs;
use crate::auth::api_token::{self, ApiTokenId, NAME_CHARS_MAX};
use crate::auth::audit::{Entry, Event};
use crate::auth::{Right, Rights};
use crate::config::Environment;
use crate::server::{outside, tell_running_server, this_command};
use crate::store::{Account, Accounts as _, ApiToken, ApiTokens as _, Audit as _, SqlStore};

/// The arguments of `fantail token`.
#[derive(Args)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Action,
    /// Whose [default: the account that runs the server]
    #[arg(long, value_name = "NAME", global = true)]
    user: Option<String>,
    /// Where its records are.
    #[command(flatten)]
    records: RecordsArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Make a token, and print it: the only time it is shown
    Add {
        /// What it is for
        name: String,
        /// What it may do, such as sessions:view; given several times or with commas
        #[arg(long = "scope", required = true, value_delimiter = ',', value_name = "SCOPE")]
        scopes: Vec<Right>,
        /// How long it lives
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        days: u16,
    },
    /// List tokens
    List,
    /// End a token, with all that was opened with it
    Revoke {
        /// Its id
        id: ApiTokenId,
    },
}

impl Token {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        let (store, dir) = self.records.open(environment).await?;
        let done = async {
            let account = whose(&store, self.user.as_deref()).await?;
            match self.action {
                Action::Add { name, scopes, days } => add(&store, &account, name, scopes, days).await.map(|()| false),
                Action::List => list(&store, &account).await.map(|()| false),
                Action::Revoke { id } => revoke(&store, &account, id).await.map(|()| true),
            }
        };
        let done = done.await;
        store.close().await;
        if done? {
            tell_running_server(&dir)
                .context("the running server does not know yet: it learns when it is restarted")?;
        }
        Ok(())
    }
}

async fn whose(store: &SqlStore, name: Option<&str>) -> anyhow::Result<Account> {
    match name {
        Some(name) => store.account_named(name).await?.with_context(|| format!("there is no user {name:?}")),
        None => store.owner().await?.context("there is no account yet: start the server once, or name one with --user"),
    }
}

async fn add(store: &SqlStore, account: &Account, name: String, scopes: Vec<Right>, days: u16) -> anyhow::Result<()> {
    let (outside, scopes) = (outside(), Rights::from_iter(scopes));
    let no_randomness = |_| anyhow::anyhow!("the system gives no randomness");
    if let Some(beyond) = scopes.scopes().find(|scope| !Rights::of(account.role).allow(*scope)) {
        bail!("{} is a {}, who may not have {}", account.name, account.role, beyond.as_str());
    }
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        bail!("a name has 1 to {NAME_CHARS_MAX} characters, no control characters, and is not all blank");
    }
    let now = outside.now();
    let expires = api_token::expiry(now, Some(SignedDuration::from_hours(i64::from(days) * 24))).context("--days")?;
    let id = ApiTokenId::from_random(outside.bytes().map_err(no_randomness)?);
    let minted = api_token::mint(id, outside.bytes().map_err(no_randomness)?);
    let (account, digest) = (account.id, minted.digest);
    let token = ApiToken { id, account, name, digest, scopes, created: now, expires, used: None };
    store.add_api_token(&token, now).await?;
    let entry = Entry::new(now, Event::TokenMade, this_command()).of(id).with(format!("user {account}: {scopes}"));
    store.append_audit(&[entry]).await.context("the token was made, and is not in the audit log")?;
    out(&format!("{}\n", minted.text))?;
    note(&format!("token {id} of {scopes} lives until {expires}"));
    Ok(())
}

async fn list(store: &SqlStore, account: &Account) -> anyhow::Result<()> {
    let rows = store.api_tokens(account.id).await?.into_iter().map(|token| {
        let used = token.used.map_or_else(|| "-".to_owned(), |used| used.to_string());
        [token.id.to_string(), printable(&token.name), token.scopes.to_string(), token.expires.to_string(), used]
    });
    Ok(out(&aligned(["ID", "NAME", "SCOPES", "EXPIRES", "LAST USED"], rows))?)
}

async fn revoke(store: &SqlStore, account: &Account, id: ApiTokenId) -> anyhow::Result<()> {
    let now = outside().now();
    if !store.revoke_api_token(id, account.id, now).await? {
        bail!("{} has no token {id}", account.name);
    }
    store.append_audit(&[Entry::new(now, Event::TokenRevoked, this_command()).of(id)]).await?;
    Ok(())
}
