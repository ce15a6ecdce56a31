//! Sessions in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::read::{column, number, time, uuid};
use super::{AT_ONCE, SqlStore, Statement, places};
use crate::store::{LastScreen, SESSIONS_AT_ONCE, SessionRow, Sessions, StoreError};

#[async_trait]
impl Sessions for SqlStore {
    async fn keep_session(&self, row: &SessionRow) -> Result<(), StoreError> {
        row.check()?;
        let mut transaction = self.begin().await?;
        sqlx::query(
            "insert into sessions (id, owner, boot, record, updated) values ($1, $2, $3, $4, $5)
             on conflict (id) do update set owner = $2, boot = $3, record = $4, updated = $5",
        )
        .bind(row.id.as_bytes().as_slice())
        .bind(row.owner.as_bytes().as_slice())
        .bind(&row.boot)
        .bind(&row.record)
        .bind(row.updated.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        if let Some(screen) = &row.screen {
            insert_screen(row.id, screen).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn keep_screen(&self, session: Uuid, screen: &LastScreen, now: Timestamp) -> Result<(), StoreError> {
        screen.check()?;
        let mut transaction = self.begin().await?;
        let found = sqlx::query("update sessions set updated = $1 where id = $2")
            .bind(now.as_millisecond())
            .bind(session.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        if found.rows_affected() > 0 {
            insert_screen(session, screen).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn sessions(&self, after: Option<Uuid>) -> Result<Vec<SessionRow>, StoreError> {
        let rows = sqlx::query(
            "select id, owner, boot, record, updated, \"offset\", cols, rows, bytes
             from sessions left join session_screens on session = id
             where $1 is null or id > $1 order by id limit $2",
        )
        .bind(after.map(|id| id.as_bytes().to_vec()))
        .bind(i64::from(SESSIONS_AT_ONCE))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    async fn forget_sessions(&self, sessions: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for some in sessions.chunks(AT_ONCE) {
            let ids = places(1, some.len());
            let forget = AssertSqlSafe(format!("delete from sessions where id in ({ids})"));
            let forget = some.iter().fold(sqlx::query(forget), |query, id| query.bind(id.as_bytes().as_slice()));
            forget.execute(&mut *transaction).await?;
            self.forget_sharing(&mut transaction, some, now).await?;
        }
        Ok(transaction.commit().await?)
    }
}

fn insert_screen(session: Uuid, screen: &LastScreen) -> Statement<'_> {
    sqlx::query(
        "insert into session_screens (session, \"offset\", cols, rows, bytes) values ($1, $2, $3, $4, $5)
         on conflict (session) do update set \"offset\" = $2, cols = $3, rows = $4, bytes = $5",
    )
    .bind(session.as_bytes().to_vec())
    // There are no unsigned numbers; the bits are what counts.
    .bind(screen.offset.cast_signed())
    .bind(i64::from(screen.cols))
    .bind(i64::from(screen.rows))
    .bind(screen.bytes.as_slice())
}

fn read(row: &AnyRow) -> Result<SessionRow, StoreError> {
    let offset: Option<i64> = column(row, "offset")?;
    let screen = offset.map(|offset| {
        let bytes: &[u8] = column(row, "bytes")?;
        let (cols, rows) = (number(row, "cols")?, number(row, "rows")?);
        Ok::<_, StoreError>(LastScreen { offset: offset.cast_unsigned(), cols, rows, bytes: bytes.to_vec() })
    });
    Ok(SessionRow {
        id: uuid(row, "id")?,
        owner: uuid(row, "owner")?,
        boot: column(row, "boot")?,
        record: column(row, "record")?,
        screen: screen.transpose()?,
        updated: time(row, "updated")?,
    })
}
