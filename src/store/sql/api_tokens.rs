//! API tokens in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;

use super::read::{column, digest, maybe_time, number, time, uuid, word};
use super::{SqlStore, accounts, changes};
use crate::auth::AccountId;
use crate::auth::api_token::ApiTokenId;
use crate::auth::revocation::Revocation;
use crate::store::{API_TOKENS_MAX, Account, ApiToken, ApiTokens, StoreError};

#[async_trait]
impl ApiTokens for SqlStore {
    async fn add_api_token(&self, token: &ApiToken, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        if !changes::lock_account(&mut transaction, token.account).await? {
            return Err(StoreError::NoSuchAccount);
        }
        let live = sqlx::query(
            "select count(*) as live from api_tokens where account = $1 and revoked is null and expires > $2",
        )
        .bind(token.account.0.as_bytes().as_slice())
        .bind(now.as_millisecond())
        .fetch_one(&mut *transaction)
        .await?;
        if number::<u32>(&live, "live")? >= API_TOKENS_MAX {
            return Err(StoreError::TooMany { what: "API tokens", max: API_TOKENS_MAX });
        }
        sqlx::query(
            "insert into api_tokens (id, account, name, digest, scopes, created, expires)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(token.id.as_str())
        .bind(token.account.0.as_bytes().as_slice())
        .bind(&token.name)
        .bind(token.digest.0.as_slice())
        .bind(token.scopes.to_string())
        .bind(token.created.as_millisecond())
        .bind(token.expires.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn api_token(&self, id: ApiTokenId) -> Result<Option<(ApiToken, Account)>, StoreError> {
        let row = sqlx::query(accounts::account!(
            ", t.id, t.account, t.name, t.digest, t.scopes, t.created, t.expires, t.used
             from api_tokens t join accounts a on a.id = t.account where t.id = $1 and t.revoked is null"
        ))
        .bind(id.as_str())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((read(&row)?, accounts::read(&row)?))).transpose()
    }

    async fn api_tokens(&self, account: AccountId) -> Result<Vec<ApiToken>, StoreError> {
        let rows = sqlx::query(
            "select id, account, name, digest, scopes, created, expires, used from api_tokens
             where account = $1 and revoked is null order by created desc, id",
        )
        .bind(account.0.as_bytes().as_slice())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    async fn revoke_api_token(&self, id: ApiTokenId, account: AccountId, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let revoked =
            sqlx::query("update api_tokens set revoked = $1 where id = $2 and account = $3 and revoked is null")
                .bind(now.as_millisecond())
                .bind(id.as_str())
                .bind(account.0.as_bytes().as_slice())
                .execute(&mut *transaction)
                .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        self.revoke(&mut transaction, Revocation::ApiToken(id), now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn used_api_token(&self, id: ApiTokenId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("update api_tokens set used = $1 where id = $2 and (used is null or used < $1)")
            .bind(now.as_millisecond())
            .bind(id.as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: word(row, "id")?,
        account: AccountId(uuid(row, "account")?),
        name: column(row, "name")?,
        digest: digest(row, "digest")?,
        scopes: word(row, "scopes")?,
        created: time(row, "created")?,
        expires: time(row, "expires")?,
        used: maybe_time(row, "used")?,
    })
}
