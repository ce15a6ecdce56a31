//! Revocations in SQL: written in the step that causes them, told to other servers, read by all.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::postgres::PgListener;
use sqlx::{Any, Transaction};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::read::{column, number, time, uuid};
use super::{Dialect, SqlStore};
use crate::auth::revocation::Revocation;
use crate::auth::{AccountId, LoginId, ShareId};
use crate::store::{Changes, REVOCATIONS_AT_ONCE, Revoked, StoreError};

/// On what servers that share a PostgreSQL tell each other that something has changed.
const CHANNEL: &str = "fantail_changes";

/// What tells of changes made by other servers.
pub(super) struct Listener {
    /// None where no other server can be.
    url: Option<String>,
    connection: Mutex<Option<PgListener>>,
}

impl Listener {
    /// For a database of one server.
    pub(super) fn none() -> Self {
        Self { url: None, connection: Mutex::new(None) }
    }

    /// For the database at `url`. Connects when it is first waited for.
    pub(super) fn of(url: &str) -> Self {
        Self { url: Some(url.to_owned()), connection: Mutex::new(None) }
    }

    /// Waits for word of a change; also when the connection was lost, because what was told meanwhile is not known.
    async fn next(&self) -> Result<(), StoreError> {
        let Some(url) = &self.url else { return std::future::pending().await };
        let mut connection = self.connection.lock().await;
        if let Some(listening) = connection.as_mut() {
            return match listening.recv().await {
                Ok(_) => Ok(()),
                Err(error) => {
                    *connection = None;
                    Err(error.into())
                }
            };
        }
        let mut listening = PgListener::connect(url).await?;
        listening.listen(CHANNEL).await?;
        *connection = Some(listening);
        Ok(())
    }
}

/// Logins that end together.
pub(super) enum Ending {
    /// All of an account but one.
    OfAccount { id: AccountId, kept: Option<LoginId> },
    /// All that came by any share that an account has made.
    OfSharesBy(AccountId),
    /// All that came by a share.
    OfShare(ShareId),
    /// One.
    Login(LoginId),
}

impl SqlStore {
    /// Has the transaction wait for every other one that says this of the same thing. SQLite has one writer anyway.
    pub(super) async fn writes_alone(
        &self,
        transaction: &mut Transaction<'_, Any>,
        what: &'static str,
    ) -> Result<(), StoreError> {
        if self.dialect == Dialect::Postgres {
            let wait = "select pg_advisory_xact_lock(hashtext($1))";
            sqlx::query(wait).bind(format!("fantail {what}")).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    /// Writes a revocation down and has other servers look. One at a time, so that none becomes visible behind one that
    /// has a later place in the order.
    pub(super) async fn revoke(
        &self,
        transaction: &mut Transaction<'_, Any>,
        what: Revocation,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writes_alone(transaction, "revocations").await?;
        let (kind, subject, epoch) = match what {
            Revocation::Login(id) => ("login", id.to_string(), 0),
            Revocation::ApiToken(id) => ("token", id.to_string(), 0),
            Revocation::Account { id, epoch } => ("account", id.to_string(), epoch.cast_signed()),
        };
        sqlx::query("insert into revocations (kind, subject, epoch, at) values ($1, $2, $3, $4)")
            .bind(kind)
            .bind(subject)
            .bind(epoch)
            .bind(now.as_millisecond())
            .execute(&mut **transaction)
            .await?;
        self.tell(transaction).await
    }

    /// Has other servers look when the transaction is done.
    pub(super) async fn tell(&self, transaction: &mut Transaction<'_, Any>) -> Result<(), StoreError> {
        if self.dialect == Dialect::Postgres {
            sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    /// Ends logins. Returns how many that had not ended.
    pub(super) async fn end_all(
        &self,
        transaction: &mut Transaction<'_, Any>,
        which: Ending,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let (statement, id, kept) = match which {
            Ending::OfAccount { id, kept } => (
                "update logins set ended = $1 where account = $2 and id <> $3 and ended is null returning id",
                id.0,
                kept,
            ),
            Ending::OfSharesBy(id) => (
                "update logins set ended = $1 where share in (select id from shares where account = $2) and id <> $3
                 and ended is null returning id",
                id.0,
                None,
            ),
            Ending::OfShare(id) => (
                "update logins set ended = $1 where share = $2 and id <> $3 and ended is null returning id",
                id.0,
                None,
            ),
            Ending::Login(id) => {
                ("update logins set ended = $1 where id = $2 and id <> $3 and ended is null returning id", id.0, None)
            }
        };
        let kept = kept.map_or(Uuid::nil(), |kept| kept.0);
        let ended = sqlx::query(statement)
            .bind(now.as_millisecond())
            .bind(id.as_bytes().as_slice())
            .bind(kept.as_bytes().as_slice())
            .fetch_all(&mut **transaction)
            .await?;
        for row in &ended {
            self.revoke(transaction, Revocation::Login(LoginId(uuid(row, "id")?)), now).await?;
        }
        Ok(ended.len())
    }
}

/// Has the transaction wait for every other one that changes this account. It begins by writing, because SQLite gives
/// up instead of waiting where one grows from reading to writing.
pub(super) async fn lock_account(transaction: &mut Transaction<'_, Any>, id: AccountId) -> Result<bool, StoreError> {
    let touch = sqlx::query("update accounts set epoch = epoch where id = $1").bind(id.0.as_bytes().as_slice());
    Ok(touch.execute(&mut **transaction).await?.rows_affected() > 0)
}

#[async_trait]
impl Changes for SqlStore {
    async fn revocations(&self, after: i64) -> Result<Vec<Revoked>, StoreError> {
        let rows =
            sqlx::query("select seq, kind, subject, epoch, at from revocations where seq > $1 order by seq limit $2")
                .bind(after)
                .bind(i64::from(REVOCATIONS_AT_ONCE))
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(read).collect()
    }

    async fn changed_elsewhere(&self) -> Result<(), StoreError> {
        self.listener.next().await
    }
}

fn read(row: &AnyRow) -> Result<Revoked, StoreError> {
    let subject: &str = column(row, "subject")?;
    let damaged = || StoreError::Damaged("subject");
    let id = || Uuid::try_parse(subject).map_err(|_| damaged());
    let what = match column::<&str>(row, "kind")? {
        "login" => Revocation::Login(LoginId(id()?)),
        "token" => Revocation::ApiToken(subject.parse().map_err(|_| damaged())?),
        "account" => Revocation::Account { id: AccountId(id()?), epoch: number(row, "epoch")? },
        _ => return Err(StoreError::Damaged("kind")),
    };
    Ok(Revoked { seq: column(row, "seq")?, what, at: time(row, "at")? })
}
