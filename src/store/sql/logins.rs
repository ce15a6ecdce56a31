//! Logins and refresh tokens in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::changes::{self, Ending};
use super::read::{column, digest, maybe_time, time, uuid};
use super::{SqlStore, Statement, accounts, identities, sharing};
use crate::auth::{AccountId, Digest, LoginId, ShareId};
use crate::store::{
    CLIENT_CHARS_MAX, KnownRefreshToken, LoginBy, LoginHolder, LoginInfo, Logins, NewLogin, RefreshToken, StoreError,
};

#[async_trait]
impl Logins for SqlStore {
    async fn start_login(&self, login: &NewLogin, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let (account, share) = match &login.by {
            LoginBy::Password(id, proven) => {
                if !may_log_in(&mut transaction, *id, Some(proven)).await? {
                    return Ok(false);
                }
                (Some(*id), None)
            }
            LoginBy::Link(id) => {
                if !may_log_in(&mut transaction, *id, None).await? {
                    return Ok(false);
                }
                (Some(*id), None)
            }
            LoginBy::Identity(id, identity) => {
                let may = may_log_in(&mut transaction, *id, None).await?;
                if !may || !identities::use_identity(&mut transaction, *identity, *id, now).await? {
                    return Ok(false);
                }
                (Some(*id), None)
            }
            LoginBy::Share(id) => {
                if !sharing::use_once(&mut transaction, *id, now).await? {
                    return Ok(false);
                }
                (None, Some(*id))
            }
        };
        insert_login(login, account, share, now).execute(&mut *transaction).await?;
        insert_token(&login.first).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn refresh_token(&self, digest: Digest) -> Result<Option<KnownRefreshToken>, StoreError> {
        let found = sqlx::query(
            "select t.digest, t.login, t.expires, t.spent, l.account, l.share, l.ended
             from refresh_tokens t join logins l on l.id = t.login where t.digest = $1",
        )
        .bind(digest.0.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = found else { return Ok(None) };
        let holder = match column::<Option<&[u8]>>(&row, "account")? {
            Some(_) => {
                let row = sqlx::query(accounts::account!("from accounts a where a.id = $1"))
                    .bind(uuid(&row, "account")?.as_bytes().as_slice())
                    .fetch_one(&self.pool)
                    .await?;
                LoginHolder::Account(accounts::read(&row)?)
            }
            None => {
                let row = sqlx::query(sharing::share!("where id = $1"))
                    .bind(uuid(&row, "share")?.as_bytes().as_slice())
                    .fetch_one(&self.pool)
                    .await?;
                LoginHolder::Share(sharing::read_share(&row)?)
            }
        };
        read_token(&row, holder).map(Some)
    }

    async fn rotate(&self, spent: Digest, successor: &RefreshToken, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let won = sqlx::query(
            "update refresh_tokens set spent = $1 where digest = $2 and spent is null
             and login = $3 and exists (select 1 from logins where id = $3 and ended is null)",
        )
        .bind(now.as_millisecond())
        .bind(spent.0.as_slice())
        .bind(successor.login.0.as_bytes().as_slice())
        .execute(&mut *transaction)
        .await?;
        if won.rows_affected() == 0 {
            return Ok(false);
        }
        insert_token(successor).execute(&mut *transaction).await?;
        sqlx::query("update logins set renewed = $1 where id = $2")
            .bind(now.as_millisecond())
            .bind(successor.login.0.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn logins(&self, account: AccountId, now: Timestamp) -> Result<Vec<LoginInfo>, StoreError> {
        let rows = sqlx::query(
            "select id, created, renewed, client from logins l where account = $1 and ended is null
             and exists (select 1 from refresh_tokens where login = l.id and spent is null and expires > $2)
             order by created desc, id",
        )
        .bind(account.0.as_bytes().as_slice())
        .bind(now.as_millisecond())
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &AnyRow| {
            let (created, renewed) = (time(row, "created")?, time(row, "renewed")?);
            Ok(LoginInfo { id: LoginId(uuid(row, "id")?), created, renewed, client: column(row, "client")? })
        };
        rows.iter().map(read).collect()
    }

    async fn end_login(&self, login: LoginId, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let ended = self.end_all(&mut transaction, Ending::Login(login), now).await?;
        transaction.commit().await?;
        Ok(ended > 0)
    }

    async fn end_logins(&self, account: AccountId, kept: Option<LoginId>, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        self.end_all(&mut transaction, Ending::OfAccount { id: account, kept }, now).await?;
        Ok(transaction.commit().await?)
    }

    async fn forget_expired(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for forget in [
            "delete from refresh_tokens where expires < $1",
            "delete from logins where created < $1 and not exists (select 1 from refresh_tokens where login = logins.id)",
            "delete from shares where (expires < $1 or revoked < $1)
             and not exists (select 1 from logins where share = shares.id)",
            "delete from api_tokens where expires < $1 or revoked < $1",
            "delete from revocations where at < $1",
            "delete from oidc_states where expires < $1",
        ] {
            sqlx::query(forget).bind(before.as_millisecond()).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Whether anyone can log in to that account, and by this hash where a password was checked against one. Holds until
/// the transaction ends: a password set meanwhile waits, and ends what is started here.
async fn may_log_in(
    transaction: &mut Transaction<'_, Any>,
    id: AccountId,
    proven: Option<&str>,
) -> Result<bool, StoreError> {
    if !changes::lock_account(transaction, id).await? {
        return Err(StoreError::NoSuchAccount);
    }
    let row = sqlx::query("select disabled, password_hash from accounts where id = $1")
        .bind(id.0.as_bytes().as_slice())
        .fetch_one(&mut **transaction)
        .await?;
    let kept: Option<&str> = column(&row, "password_hash")?;
    Ok(maybe_time(&row, "disabled")?.is_none() && proven.is_none_or(|proven| kept == Some(proven)))
}

fn insert_login(login: &NewLogin, account: Option<AccountId>, share: Option<ShareId>, now: Timestamp) -> Statement<'_> {
    let client: String = login.client.chars().take(CLIENT_CHARS_MAX).collect();
    sqlx::query("insert into logins (id, account, share, created, renewed, client) values ($1, $2, $3, $4, $4, $5)")
        .bind(login.first.login.0.as_bytes().as_slice())
        .bind(account.map(|id| id.0.as_bytes().to_vec()))
        .bind(share.map(|id| id.0.as_bytes().to_vec()))
        .bind(now.as_millisecond())
        .bind(client)
}

fn insert_token(token: &RefreshToken) -> Statement<'_> {
    sqlx::query("insert into refresh_tokens (digest, login, expires) values ($1, $2, $3)")
        .bind(token.digest.0.as_slice())
        .bind(token.login.0.as_bytes().as_slice())
        .bind(token.expires.as_millisecond())
}

fn read_token(row: &AnyRow, holder: LoginHolder) -> Result<KnownRefreshToken, StoreError> {
    Ok(KnownRefreshToken {
        token: RefreshToken {
            digest: digest(row, "digest")?,
            login: LoginId(uuid(row, "login")?),
            expires: time(row, "expires")?,
        },
        spent: maybe_time(row, "spent")?,
        login_ended: maybe_time(row, "ended")?.is_some(),
        holder,
    })
}
