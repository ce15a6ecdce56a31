//! The audit log in SQL.

use async_trait::async_trait;
use sqlx::any::AnyRow;
use sqlx::{Any, Executor};

use super::SqlStore;
use super::read::{bytes, column, time};
use crate::auth::audit::{Entry, Hash, Head, Placed};
use crate::store::{AUDIT_AT_ONCE, Audit, StoreError};

#[async_trait]
impl Audit for SqlStore {
    async fn append_audit(&self, entries: &[Entry]) -> Result<Head, StoreError> {
        let mut transaction = self.begin().await?;
        // Writes first, so that of two who append at once one waits for the other's end of the log.
        sqlx::query("update audit_head set seq = seq").execute(&mut *transaction).await?;
        let mut head = head(&mut *transaction).await?;
        for entry in entries {
            head = head.after(entry);
            sqlx::query(
                "insert into audit (seq, at, event, actor, address, subject, detail, hash)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(head.seq)
            .bind(entry.at.as_millisecond())
            .bind(&entry.event)
            .bind(&entry.actor)
            .bind(&entry.address)
            .bind(&entry.subject)
            .bind(&entry.detail)
            .bind(head.hash.0.as_slice())
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query("update audit_head set seq = $1, hash = $2")
            .bind(head.seq)
            .bind(head.hash.0.as_slice())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(head)
    }

    async fn audit(&self, after: i64) -> Result<Vec<Placed>, StoreError> {
        let rows = sqlx::query(
            "select seq, at, event, actor, address, subject, detail, hash from audit
             where seq > $1 order by seq limit $2",
        )
        .bind(after)
        .bind(i64::from(AUDIT_AT_ONCE))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    async fn audit_head(&self) -> Result<Head, StoreError> {
        head(&self.pool).await
    }
}

async fn head<'e>(executor: impl Executor<'e, Database = Any>) -> Result<Head, StoreError> {
    let row = sqlx::query("select seq, hash from audit_head").fetch_one(executor).await?;
    Ok(Head { seq: column(&row, "seq")?, hash: Hash(bytes(&row, "hash")?) })
}

fn read(row: &AnyRow) -> Result<Placed, StoreError> {
    let entry = Entry {
        at: time(row, "at")?,
        event: column(row, "event")?,
        actor: column(row, "actor")?,
        address: column(row, "address")?,
        subject: column(row, "subject")?,
        detail: column(row, "detail")?,
    };
    Ok(Placed { entry, head: Head { seq: column(row, "seq")?, hash: Hash(bytes(row, "hash")?) } })
}
