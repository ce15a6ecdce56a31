//! Signing keys in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;

use super::SqlStore;
use super::read::{column, maybe_time, time};
use crate::auth::seal::Sealed;
use crate::store::{KeptKey, Keys, StoreError, StoredKey};

#[async_trait]
impl Keys for SqlStore {
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let rows = sqlx::query(
            "select kid, secret, created, retired from signing_keys
             order by case when retired is null then 0 else 1 end, retired desc, created desc, kid",
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &AnyRow| {
            Ok(StoredKey {
                kid: column(row, "kid")?,
                secret: KeptKey::kept(column(row, "secret")?),
                created: time(row, "created")?,
                retired: maybe_time(row, "retired")?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn rotate_signing_key(&self, key: &StoredKey) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        self.writes_alone(&mut transaction, "signing keys").await?;
        sqlx::query("update signing_keys set retired = $1 where retired is null")
            .bind(key.created.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("insert into signing_keys (kid, secret, created) values ($1, $2, $3)")
            .bind(&key.kid)
            .bind(key.secret.bytes())
            .bind(key.created.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        self.tell(&mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn reseal_signing_key(&self, kid: &str, from: &KeptKey, to: &Sealed) -> Result<bool, StoreError> {
        let resealed = sqlx::query("update signing_keys set secret = $1 where kid = $2 and secret = $3")
            .bind(to.bytes())
            .bind(kid)
            .bind(from.bytes())
            .execute(&self.pool)
            .await?;
        Ok(resealed.rows_affected() > 0)
    }

    async fn forget_signing_keys(&self, before: Timestamp) -> Result<(), StoreError> {
        sqlx::query("delete from signing_keys where retired < $1")
            .bind(before.as_millisecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
