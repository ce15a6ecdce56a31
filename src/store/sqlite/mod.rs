//! The store in one SQLite file, which needs nobody to run it.

mod sessions;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use uuid::Uuid;

use super::{Account, DataDir, KnownRefreshToken, LastScreen, RefreshToken, SessionRow, Store, StoreError, StoredKey};

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// The database, in the data directory.
const FILE: &str = "fantail.db";
/// Connections to the file: one writes at a time anyway, and readers are few.
const CONNECTIONS: u32 = 4;
/// How long a writer waits for another one, such as `fantail user` beside a running server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection before it is told that the store is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Accounts, logins and sessions in a SQLite file.
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the store, making the file when it is missing and bringing its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened or is of a newer version.
    pub async fn open(dir: &DataDir) -> Result<Self, StoreError> {
        // The mode is set before there is anything to read; SQLite gives its journal files the mode of the database.
        let (_, path) = dir.private_file(FILE)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit must survive the power going: an ended login must not come back to life.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        MIGRATIONS.run(&pool).await.map_err(|error| StoreError::Schema(error.to_string()))?;
        Ok(Self { pool })
    }

    /// Closes the file; what is written is written.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        sqlx::query("insert into accounts (id, name, password_hash, created) values ($1, $2, $3, $4)")
            .bind(account.id.as_bytes().as_slice())
            .bind(&account.name)
            .bind(&account.password_hash)
            .bind(account.created.as_millisecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn account(&self, id: Uuid) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query("select id, name, password_hash, created from accounts where id = $1")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_account).transpose()
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query("select id, name, password_hash, created from accounts where name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_account).transpose()
    }

    async fn owner(&self) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query("select id, name, password_hash, created from accounts order by created, rowid limit 1")
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_account).transpose()
    }

    async fn has_passwords(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("select exists (select 1 from accounts where password_hash is not null)")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }

    async fn set_password(&self, account: Uuid, hash: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let changed = sqlx::query("update accounts set password_hash = $1 where id = $2")
            .bind(hash)
            .bind(account.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::NoSuchAccount);
        }
        sqlx::query("update logins set ended = $1 where account = $2 and ended is null")
            .bind(now.as_millisecond())
            .bind(account.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn start_login(
        &self,
        account: Uuid,
        first: &RefreshToken,
        proven: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let started = sqlx::query(
            "insert into logins (id, account, created) select $1, $2, $3
             where $4 is null or exists (select 1 from accounts where id = $2 and password_hash = $4)",
        )
        .bind(first.login.as_bytes().as_slice())
        .bind(account.as_bytes().as_slice())
        .bind(now.as_millisecond())
        .bind(proven)
        .execute(&mut *transaction)
        .await?;
        if started.rows_affected() == 0 {
            return Ok(false);
        }
        insert_token(first).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn refresh_token(&self, digest: [u8; 32]) -> Result<Option<KnownRefreshToken>, StoreError> {
        let row = sqlx::query(
            "select t.digest, t.login, t.expires, t.spent, l.account, l.ended, a.name
             from refresh_tokens t join logins l on l.id = t.login join accounts a on a.id = l.account
             where t.digest = $1",
        )
        .bind(digest.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read_token).transpose()
    }

    async fn rotate(&self, spent: [u8; 32], successor: &RefreshToken, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // The first statement writes, so the transaction never has to grow from reading to writing, which is where
        // SQLite gives up instead of waiting.
        let won = sqlx::query(
            "update refresh_tokens set spent = $1 where digest = $2 and spent is null
             and login = $3 and exists (select 1 from logins where id = $3 and ended is null)",
        )
        .bind(now.as_millisecond())
        .bind(spent.as_slice())
        .bind(successor.login.as_bytes().as_slice())
        .execute(&mut *transaction)
        .await?;
        if won.rows_affected() == 0 {
            return Ok(false);
        }
        insert_token(successor).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn end_login(&self, login: Uuid, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("update logins set ended = $1 where id = $2 and ended is null")
            .bind(now.as_millisecond())
            .bind(login.as_bytes().as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn logins_ended_since(&self, since: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
        let rows = sqlx::query("select id, ended from logins where ended >= $1 order by ended")
            .bind(since.as_millisecond())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok((uuid(row, "id")?, time(row.try_get("ended")?)?))).collect()
    }

    async fn forget_expired(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("delete from refresh_tokens where expires < $1")
            .bind(before.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from logins where not exists (select 1 from refresh_tokens where login = logins.id)")
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let rows = sqlx::query("select kid, secret, created from signing_keys order by created desc, rowid desc")
            .fetch_all(&self.pool)
            .await?;
        let read = |row: &SqliteRow| {
            Ok(StoredKey {
                kid: row.try_get("kid")?,
                secret: bytes(row, "secret")?,
                created: time(row.try_get("created")?)?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn add_signing_key(&self, key: &StoredKey) -> Result<(), StoreError> {
        sqlx::query("insert into signing_keys (kid, secret, created) values ($1, $2, $3)")
            .bind(&key.kid)
            .bind(key.secret.as_slice())
            .bind(key.created.as_millisecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn keep_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        sessions::keep(&self.pool, session).await
    }

    async fn keep_screen(&self, session: Uuid, screen: &LastScreen, now: Timestamp) -> Result<(), StoreError> {
        sessions::keep_screen(&self.pool, session, screen, now).await
    }

    async fn sessions(&self, after: Option<Uuid>) -> Result<Vec<SessionRow>, StoreError> {
        sessions::after(&self.pool, after).await
    }

    async fn forget_sessions(&self, sessions: &[Uuid]) -> Result<(), StoreError> {
        sessions::forget(&self.pool, sessions).await
    }
}

fn insert_token(token: &RefreshToken) -> sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    sqlx::query("insert into refresh_tokens (digest, login, expires) values ($1, $2, $3)")
        .bind(token.digest.as_slice())
        .bind(token.login.as_bytes().as_slice())
        .bind(token.expires.as_millisecond())
}

fn read_account(row: &SqliteRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: uuid(row, "id")?,
        name: row.try_get("name")?,
        password_hash: row.try_get("password_hash")?,
        created: time(row.try_get("created")?)?,
    })
}

fn read_token(row: &SqliteRow) -> Result<KnownRefreshToken, StoreError> {
    let spent: Option<i64> = row.try_get("spent")?;
    let ended: Option<i64> = row.try_get("ended")?;
    Ok(KnownRefreshToken {
        token: RefreshToken {
            digest: bytes(row, "digest")?,
            login: uuid(row, "login")?,
            expires: time(row.try_get("expires")?)?,
        },
        account: uuid(row, "account")?,
        account_name: row.try_get("name")?,
        spent: spent.map(time).transpose()?,
        login_ended: ended.is_some(),
    })
}

fn uuid(row: &SqliteRow, column: &'static str) -> Result<Uuid, StoreError> {
    bytes::<16>(row, column).map(Uuid::from_bytes)
}

fn bytes<const N: usize>(row: &SqliteRow, column: &'static str) -> Result<[u8; N], StoreError> {
    let value: &[u8] = row.try_get(column)?;
    value.try_into().map_err(|_| StoreError::Damaged(column))
}

fn time(milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| StoreError::Damaged("time"))
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(refusal) if refusal.is_unique_violation() => Self::NameTaken,
            Some(refusal) if refusal.is_foreign_key_violation() => Self::NoSuchAccount,
            // SQLite's messages name tables and columns, never values.
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::suite;
    use super::*;

    #[tokio::test]
    async fn sqlite_keeps_every_promise_of_a_store() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&DataDir::prepare(dir.path()).unwrap()).await.unwrap();
        suite::run(&store).await;
        store.close().await;
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_opening_again_and_is_readable_by_nobody_else() {
        let base = tempfile::tempdir().unwrap();
        let dir = DataDir::prepare(base.path()).unwrap();
        let store = SqliteStore::open(&dir).await.unwrap();
        store.add_account(&suite::account(1, "ann")).await.unwrap();
        for entry in std::fs::read_dir(base.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        }
        store.close().await;
        let store = SqliteStore::open(&dir).await.unwrap();
        assert_eq!(store.owner().await.unwrap().unwrap().name, "ann");
    }
}
