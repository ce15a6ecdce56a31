//! Sessions in SQLite.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use uuid::Uuid;

use super::{time, uuid};
use crate::store::{LastScreen, SESSIONS_AT_ONCE, SessionRow, StoreError};

pub(super) async fn keep(pool: &SqlitePool, row: &SessionRow) -> Result<(), StoreError> {
    row.check()?;
    let mut transaction = pool.begin().await?;
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

pub(super) async fn keep_screen(
    pool: &SqlitePool,
    id: Uuid,
    screen: &LastScreen,
    now: Timestamp,
) -> Result<(), StoreError> {
    screen.check()?;
    let mut transaction = pool.begin().await?;
    let found = sqlx::query("update sessions set updated = $1 where id = $2")
        .bind(now.as_millisecond())
        .bind(id.as_bytes().as_slice())
        .execute(&mut *transaction)
        .await?;
    if found.rows_affected() > 0 {
        insert_screen(id, screen).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

pub(super) async fn after(pool: &SqlitePool, after: Option<Uuid>) -> Result<Vec<SessionRow>, StoreError> {
    let rows = sqlx::query(
        "select id, owner, boot, record, updated, \"offset\", cols, rows, bytes
         from sessions left join session_screens on session = id
         where $1 is null or id > $1 order by id limit $2",
    )
    .bind(after.map(|id| id.into_bytes().to_vec()))
    .bind(i64::from(SESSIONS_AT_ONCE))
    .fetch_all(pool)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn forget(pool: &SqlitePool, ids: &[Uuid]) -> Result<(), StoreError> {
    let ids: Vec<_> = ids.iter().map(|id| id.simple().to_string()).collect();
    sqlx::query("delete from sessions where id in (select unhex(value) from json_each($1))")
        .bind(serde_json::Value::from(ids).to_string())
        .execute(pool)
        .await?;
    Ok(())
}

fn insert_screen(id: Uuid, screen: &LastScreen) -> sqlx::query::Query<'_, sqlx::Sqlite, SqliteArguments> {
    sqlx::query(
        "insert into session_screens (session, \"offset\", cols, rows, bytes) values ($1, $2, $3, $4, $5)
         on conflict (session) do update set \"offset\" = $2, cols = $3, rows = $4, bytes = $5",
    )
    .bind(id.into_bytes().to_vec())
    // SQLite has no unsigned numbers; the bits are what counts.
    .bind(screen.offset.cast_signed())
    .bind(i64::from(screen.cols))
    .bind(i64::from(screen.rows))
    .bind(screen.bytes.as_slice())
}

fn read(row: &SqliteRow) -> Result<SessionRow, StoreError> {
    let offset: Option<i64> = row.try_get("offset")?;
    let screen = offset.map(|offset| {
        Ok::<_, StoreError>(LastScreen {
            offset: offset.cast_unsigned(),
            cols: side(row, "cols")?,
            rows: side(row, "rows")?,
            bytes: row.try_get("bytes")?,
        })
    });
    Ok(SessionRow {
        id: uuid(row, "id")?,
        owner: uuid(row, "owner")?,
        boot: row.try_get("boot")?,
        record: row.try_get("record")?,
        screen: screen.transpose()?,
        updated: time(row.try_get("updated")?)?,
    })
}

fn side(row: &SqliteRow, column: &'static str) -> Result<u16, StoreError> {
    let side: i64 = row.try_get(column)?;
    u16::try_from(side).map_err(|_| StoreError::Damaged(column))
}
