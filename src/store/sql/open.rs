//! Opening a database and bringing its schema up to date.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, ConnectOptions as _, Executor as _};

use super::changes::Listener;
use super::{Dialect, SqlStore};
use crate::store::{DataDir, StoreError};

static SQLITE: Migrator = sqlx::migrate!("src/store/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/store/migrations/postgres");

/// The database, in the data directory.
const FILE: &str = "fantail.db";
/// Connections to the file: one writes at a time anyway, and readers are few. All are made at the start, so that what a
/// server takes of the system does not depend on what it was asked last.
const SQLITE_CONNECTIONS: u32 = 4;
/// Connections to PostgreSQL: a tenth of what it allows by default, so that ten servers can share it.
const POSTGRES_CONNECTIONS: u32 = 10;
/// How long a request waits for a connection before it is told that the store is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// What is said on each connection to SQLite. A writer waits for another one, such as `fantail user` beside a running
/// server. A commit must survive the power going: an ended login must not come back to life.
const SQLITE_MANNERS: &str =
    "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000;";
/// What is said on each connection to PostgreSQL: nobody's statement holds a request for longer than that.
const POSTGRES_MANNERS: &str = "set statement_timeout = '10s'; set lock_timeout = '5s';";

impl SqlStore {
    /// Opens the store in the data directory, making the file when it is missing and bringing its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened or is of a newer version.
    pub async fn open(dir: &DataDir) -> Result<Self, StoreError> {
        // The mode is set before there is anything to read; SQLite gives its journal files the mode of the database.
        let (_, path) = dir.private_file(FILE)?;
        let (at_least, at_most) = (SQLITE_CONNECTIONS, SQLITE_CONNECTIONS);
        let pool = connect(&sqlite_url(&path)?, at_least, at_most, SQLITE_MANNERS).await?;
        migrate(&SQLITE, &pool).await?;
        Ok(Self { pool, dialect: Dialect::Sqlite, listener: Listener::none() })
    }

    /// Opens the store in a PostgreSQL database, bringing its schema up to date.
    ///
    /// # Errors
    /// When the address makes no sense, nobody answers there, or the database is of a newer version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let pool = connect(url, 0, POSTGRES_CONNECTIONS, POSTGRES_MANNERS).await?;
        migrate(&POSTGRES, &pool).await?;
        Ok(Self { pool, dialect: Dialect::Postgres, listener: Listener::of(url) })
    }
}

async fn connect(url: &str, at_least: u32, at_most: u32, manners: &'static str) -> Result<AnyPool, StoreError> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = url.parse()?;
    // Values are not logged, but statements with names of tables are, for nobody.
    let options = options.disable_statement_logging();
    let pool = AnyPoolOptions::new()
        .min_connections(at_least)
        .max_connections(at_most)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| Box::pin(async move { connection.execute(manners).await.map(|_| ()) }));
    Ok(pool.connect_with(options).await?)
}

async fn migrate(migrations: &Migrator, pool: &AnyPool) -> Result<(), StoreError> {
    migrations.run(pool).await.map_err(|error| StoreError::Schema(error.to_string()))
}

/// The file's path as a URL: every byte that could mean something there is escaped.
fn sqlite_url(path: &Path) -> Result<String, StoreError> {
    let text = path.to_str().ok_or_else(|| StoreError::Place {
        path: path.to_owned(),
        reason: "the database's path must be UTF-8".into(),
    })?;
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02x}");
        }
    }
    Ok(url + "?mode=rwc")
}
