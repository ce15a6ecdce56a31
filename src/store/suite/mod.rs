//! The promises of a store. Each is run against an empty one on SQLite and on PostgreSQL, opened as the server does.

mod accounts;
mod api_tokens;
mod audit;
mod changes;
mod identities;
mod keys;
mod limits;
mod logins;
mod sessions;
mod sharing;

#[path = "../../../tests/it/support/postgres.rs"]
mod postgres_server;

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use self::postgres_server::Postgres;
use super::*;
use crate::auth::{AccountId, Digest, LoginId, Role, Username};

static SHARED: LazyLock<Postgres> = LazyLock::new(Postgres::start);

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Runs each promise on both databases.
macro_rules! promises {
    ($($promise:ident,)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    $crate::store::suite::on_sqlite(super::$promise).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    $crate::store::suite::on_postgres(super::$promise).await;
                }
            )*
        }
    };
}
pub(super) use promises;

async fn on_sqlite(promise: impl AsyncFn(&SqlStore)) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqlStore::open(&DataDir::prepare(dir.path()).unwrap()).await.unwrap();
    promise(&store).await;
    store.close().await;
}

async fn on_postgres(promise: impl AsyncFn(&SqlStore)) {
    let store = SqlStore::connect(&SHARED.schema().await).await.unwrap();
    promise(&store).await;
    store.close().await;
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn id(n: u128) -> AccountId {
    AccountId(Uuid::from_u128(n))
}

fn account(n: u128, name: &str, role: Role) -> Account {
    Account::new(id(n), &Username::parse(name).unwrap(), role, now())
}

/// Ann, who runs the server, and Bob, who is a member.
async fn people(store: &SqlStore) {
    store.add_account(&account(1, "ann", Role::Admin)).await.unwrap();
    store.add_account(&account(2, "bob", Role::Member)).await.unwrap();
}

fn token(digest: u8, login: u128) -> RefreshToken {
    RefreshToken { digest: Digest([digest; 32]), login: LoginId(Uuid::from_u128(login)), expires: now() + DAY }
}

fn login(by: LoginBy, digest: u8, login: u128) -> NewLogin {
    NewLogin { by, first: token(digest, login), client: "127.0.0.1 · tests".into() }
}

/// Has an account log in by a link.
async fn logged_in(store: &SqlStore, account: u128, digest: u8, id: u128) {
    let by = LoginBy::Link(super::suite::id(account));
    assert!(store.start_login(&login(by, digest, id), now()).await.unwrap());
}
