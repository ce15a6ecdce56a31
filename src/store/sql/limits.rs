//! Limits in SQL: a row each, read and written by one at a time.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Transaction};

use super::SqlStore;
use super::read::{number, time};
use crate::auth::limit::{Budget, Left, Penalty, Quota, Wait};
use crate::store::{Limits, StoreError};

#[async_trait]
impl Limits for SqlStore {
    async fn take(&self, budget: &str, quota: Quota, now: Timestamp) -> Result<Result<Left, Wait>, StoreError> {
        let mut transaction = self.begin().await?;
        let Penalty { until, .. } = locked(&mut transaction, budget).await?;
        let (after, left) = match (Budget { full: until }).take(quota, now) {
            Ok(taken) => taken,
            Err(wait) => return Ok(Err(wait)),
        };
        write(&mut transaction, budget, Penalty { failures: 0, until: after.full }, after.full).await?;
        transaction.commit().await?;
        Ok(Ok(left))
    }

    async fn attempt(&self, names: &[String], quota: Quota, now: Timestamp) -> Result<Result<(), Wait>, StoreError> {
        let mut transaction = self.begin().await?;
        for name in in_order(names) {
            match locked(&mut transaction, name).await?.attempt(quota, now) {
                Ok(after) => write(&mut transaction, name, after, after.over()).await?,
                // What was written so far is taken back.
                Err(wait) => return Ok(Err(wait)),
            }
        }
        transaction.commit().await?;
        Ok(Ok(()))
    }

    async fn forgive(&self, names: &[String], now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for name in in_order(names) {
            let after = locked(&mut transaction, name).await?.forgiven(now);
            write(&mut transaction, name, after, after.over()).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn forget_limits(&self, most: u32, now: Timestamp) -> Result<(), StoreError> {
        let forget = "delete from limits where ends <= $1";
        sqlx::query(forget).bind(now.as_millisecond()).execute(&self.pool).await?;
        let forget = "delete from limits where ends <= (select ends from limits order by ends desc limit 1 offset $1)";
        sqlx::query(forget).bind(i64::from(most)).execute(&self.pool).await?;
        Ok(())
    }
}

/// Always the same order: two who wait for each other's row would wait for ever.
fn in_order(names: &[String]) -> Vec<&str> {
    let mut names: Vec<_> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// What is kept under a name, which nobody else reads or writes before the transaction ends. It begins by writing,
/// because SQLite gives up instead of waiting where one grows from reading to writing.
async fn locked(transaction: &mut Transaction<'_, Any>, name: &str) -> Result<Penalty, StoreError> {
    let touch = "insert into limits (name, failures, until, ends) values ($1, 0, 0, 0)
                 on conflict (name) do update set failures = limits.failures returning failures, until";
    let row = sqlx::query(touch).bind(name).fetch_one(&mut **transaction).await?;
    Ok(Penalty { failures: number(&row, "failures")?, until: time(&row, "until")? })
}

async fn write(
    transaction: &mut Transaction<'_, Any>,
    name: &str,
    Penalty { failures, until }: Penalty,
    over: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("update limits set failures = $1, until = $2, ends = $3 where name = $4")
        .bind(i64::from(failures))
        .bind(until.as_millisecond())
        .bind(over.as_millisecond())
        .bind(name)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
