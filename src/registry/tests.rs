//! A registry with real programs and a real store, which is taken away and given back.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqlitePool;
use tokio::time::timeout;

use super::*;
use crate::session::{Exit, Launch, LocalSpawner, Principal, Record, StartOn};
use crate::store::{Account, DataDir, SessionRow, SqliteStore};
use crate::terminal::Size;

const PATIENCE: Duration = Duration::from_secs(30);

struct House {
    registry: Registry,
    store: Arc<SqliteStore>,
    dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(SqliteStore::open(&DataDir::prepare(dir.path()).expect("safe")).await.expect("opened"));
        let ann = Account {
            id: uuid::Uuid::from_u128(1),
            name: "ann".into(),
            password_hash: None,
            created: Timestamp::UNIX_EPOCH,
        };
        store.add_account(&ann).await.expect("added");
        let limits = Limits { sessions_max: 4, exited_max: 4, exited_ttl: Duration::from_secs(600) };
        let settings = Settings::new(tokio::runtime::Handle::current(), || Timestamp::UNIX_EPOCH);
        let spawner = Arc::new(LocalSpawner { descriptors: None });
        let registry = Registry::new(limits, settings, spawner, Arc::clone(&store) as Arc<dyn Store>, "boot".into());
        Self { registry, store, dir }
    }

    async fn open(&self, id: u8, command: &[&str]) -> Arc<Session> {
        let command: Vec<_> = command.iter().map(ToString::to_string).collect();
        let environment = [("PATH".into(), "/usr/bin:/bin".into()), ("SECRET".into(), "s3cret".into())];
        let opening = Opening {
            id: SessionId::from_random([id; 16]),
            owner: Principal(uuid::Uuid::from_u128(1)),
            name: "test".into(),
            launch: Launch::new(&command, "/".into(), &environment).expect("valid"),
            size: Size::new(40, 5).expect("valid"),
            start_on: StartOn::Open,
            pace: None,
            sizes: None,
        };
        self.registry.open(opening).await.expect("opened")
    }

    /// The row of `session`, when it is as wanted.
    async fn row(&self, session: &Session, wanted: impl Fn(&SessionRow, &Record) -> bool) -> SessionRow {
        let look = async {
            loop {
                let rows = self.store.sessions(None).await.expect("read");
                for row in rows.into_iter().filter(|row| row.id == session.id().uuid()) {
                    if wanted(&row, &Record::from_json(&row.record).expect("a record")) {
                        return row;
                    }
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, look).await.expect("the row")
    }

    async fn until_forgotten(&self) {
        let look = async {
            while !self.store.sessions(None).await.expect("read").is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, look).await.expect("forgotten");
    }

    /// The file behind the store's back.
    async fn behind(&self) -> SqlitePool {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.dir.path().join("fantail.db"));
        SqlitePool::connect_with(options).await.expect("opened")
    }
}

async fn ended(session: &Session) {
    timeout(PATIENCE, session.ended()).await.expect("ended");
}

fn shows(row: &SessionRow, text: &str) -> bool {
    row.screen.as_ref().is_some_and(|screen| String::from_utf8_lossy(&screen.bytes).contains(text))
}

#[tokio::test]
async fn a_session_closed_as_its_program_ends_is_not_left_to_the_reaper() {
    let house = House::new().await;
    let session = house.open(7, &["cat"]).await;
    house.registry.close(&session).await;
    house.registry.keep_for_a_while(&session);
    assert!(house.registry.shared.exited.lock().is_empty(), "it could never be reaped, and nothing behind it");
}

#[tokio::test]
async fn a_session_is_written_down_with_its_names_its_screen_and_its_end_until_it_is_forgotten() {
    let house = House::new().await;
    let session = house.open(1, &["sh", "-c", "echo before; read line; echo after $line; exit 3"]).await;
    let row = house.row(&session, |row, _| shows(row, "before")).await;
    let record = Record::from_json(&row.record).expect("a record");
    assert_eq!(record, session.record());
    assert_eq!((row.owner, row.boot.as_str(), record.ended), (session.owner().0, "boot", None));
    assert!(!row.record.contains("s3cret"), "{}", row.record);

    session.rename("other".into(), Timestamp::UNIX_EPOCH);
    house.row(&session, |_, record| record.name == "other").await;

    // Long before its screen would be written for having changed.
    session.input("42\n".into()).expect("taken");
    ended(&session).await;
    let is_code = |record: &Record| record.ended.as_ref().is_some_and(|end| end.exit == Exit::Code(3));
    let row = house.row(&session, |_, record| is_code(record)).await;
    assert!(shows(&row, "after 42"), "in one step: {row:?}");
    let screen = row.screen.expect("kept");
    assert_eq!((screen.offset, screen.cols, screen.rows), (session.log().held().end.0, 40, 5));

    session.rename("ended".into(), Timestamp::UNIX_EPOCH);
    let row = house.row(&session, |_, record| record.name == "ended").await;
    assert!(shows(&row, "after 42"));
    house.registry.close(&session).await;
    house.until_forgotten().await;
}

#[tokio::test]
async fn sessions_live_without_the_store_and_what_they_came_to_is_written_when_it_is_back() {
    let house = House::new().await;
    let behind = house.behind().await;
    let (first, second) = (house.open(1, &["cat"]).await, house.open(2, &["cat"]).await);
    house.row(&first, |_, _| true).await;
    house.row(&second, |_, _| true).await;
    sqlx::query("alter table sessions rename to away").execute(&behind).await.expect("renamed");
    let third = house.open(3, &["sh", "-c", "read line; echo said $line"]).await;
    first.rename("other".into(), Timestamp::UNIX_EPOCH);
    third.input("hello\n".into()).expect("taken");
    ended(&third).await;
    house.registry.close(&second).await;
    sqlx::query("alter table away rename to sessions").execute(&behind).await.expect("renamed");
    house.row(&first, |_, record| record.name == "other").await;
    let row = house.row(&third, |_, record| record.ended.is_some()).await;
    assert!(shows(&row, "said hello"));
    house.registry.close(&first).await;
    house.registry.close(&third).await;
    house.until_forgotten().await;
}

#[tokio::test]
async fn a_server_that_ends_forgets_its_sessions_and_without_its_store_it_still_ends() {
    let house = House::new().await;
    for id in 1..=3 {
        house.open(id, &["cat"]).await;
    }
    house.registry.drain().await;
    assert_eq!(house.store.sessions(None).await.expect("read"), []);

    let house = House::new().await;
    let session = house.open(1, &["cat"]).await;
    house.row(&session, |_, _| true).await;
    house.store.close().await;
    timeout(PATIENCE, house.registry.drain()).await.expect("given up");
}
