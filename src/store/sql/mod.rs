//! The store in an SQL database: one SQLite file, which needs nobody to run it, or PostgreSQL, which many servers can
//! share.
//!
//! One text of each statement serves both. Where they differ (how writers wait for each other, how others are told), it
//! is a [`Dialect`]'s business. Values are what both have: 64-bit numbers, text and bytes.

mod accounts;
mod api_tokens;
mod audit;
mod changes;
mod identities;
mod keys;
mod limits;
mod logins;
mod open;
mod read;
mod sessions;
mod sharing;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Transaction};

use super::StoreError;

/// A statement of ours and its values.
type Statement<'q> = Query<'q, Any, AnyArguments>;

/// The store in an SQL database.
pub struct SqlStore {
    pool: AnyPool,
    dialect: Dialect,
    /// What tells of changes made by other servers.
    listener: changes::Listener,
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl SqlStore {
    /// Closes the database; what is written is written.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    #[cfg(test)]
    pub(super) const fn pool(&self) -> &AnyPool {
        &self.pool
    }

    async fn begin(&self) -> Result<Transaction<'_, Any>, StoreError> {
        Ok(self.pool.begin().await?)
    }
}

/// Most values of a list in a statement: far below what both databases take.
const AT_ONCE: usize = 500;

/// The places of a list of `count` values in a statement, the first of which is that number.
fn places(first: usize, count: usize) -> String {
    let places: Vec<_> = (first..first + count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(refusal) = error.as_database_error() else { return Self::Unavailable(error.to_string()) };
        // Both databases name what was broken, and no values.
        let names =
            |what: &str| refusal.message().contains(what) || refusal.constraint().is_some_and(|its| its.contains(what));
        if refusal.is_unique_violation() {
            return if names("mail") {
                Self::MailTaken
            } else if names("identities") {
                Self::IdentityTaken
            } else {
                Self::NameTaken
            };
        }
        if refusal.is_foreign_key_violation() {
            return Self::NoSuchAccount;
        }
        Self::Unavailable(error.to_string())
    }
}
