//! A registry with real programs and a real store, which is taken away and given back.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqlitePool;
use tokio::time::timeout;

use super::*;
use crate::session::{Exit, Kept, Launch, LocalSpawner, Principal, Record, StartOn};
use crate::store::{Account, Accounts as _, DataDir, SessionRow, Sessions as _, SqlStore};
use crate::terminal::Size;

const PATIENCE: Duration = Duration::from_secs(30);

struct House {
    registry: Registry,
    store: Arc<SqlStore>,
    dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(SqlStore::open(&DataDir::prepare(dir.path()).expect("safe")).await.expect("opened"));
        let ann = Account::of_test(1, "ann");
        store.add_account(&ann).await.expect("added");
        let limits = Limits { sessions_max: 4, exited_max: 4, exited_ttl: Duration::from_secs(600) };
        let settings = Settings::new(tokio::runtime::Handle::current(), || Timestamp::UNIX_EPOCH);
        let spawner = Arc::new(LocalSpawner { descriptors: None });
        let registry = Registry::new(limits, settings, spawner, Arc::clone(&store) as Arc<dyn Store>, "boot".into());
        Self { registry, store, dir }
    }

    async fn open(&self, id: u8, command: &[&str]) -> Arc<Session> {
        self.registry.open(Self::opening(id, command)).await.expect("opened")
    }

    fn opening(id: u8, command: &[&str]) -> Opening {
        let command: Vec<_> = command.iter().map(ToString::to_string).collect();
        let environment = [("PATH".into(), "/usr/bin:/bin".into()), ("SECRET".into(), "s3cret".into())];
        Opening {
            id: SessionId::from_random([id; 16]),
            owner: Principal(uuid::Uuid::from_u128(1)),
            name: "test".into(),
            profile: None,
            launch: Launch::new(&command, "/".into(), &environment).expect("valid"),
            size: Size::new(40, 5).expect("valid"),
            start_on: StartOn::Open,
            pace: None,
            sizes: None,
        }
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
    house.registry.close(&session).await.expect("closed");
    house.registry.keep_for_a_while(&session);
    assert!(house.registry.shared.exited.lock().is_empty(), "it could never be reaped, and nothing behind it");
}

#[tokio::test]
async fn the_list_is_in_order_whatever_is_taken_off_it() {
    let house = House::new().await;
    // All in one moment, by the clock of this house.
    for id in [3, 1, 4, 2] {
        house.open(id, &["cat"]).await;
    }
    let listed = || house.registry.list().iter().map(|session| session.id()).collect::<Vec<_>>();
    let id = |id| SessionId::from_random([id; 16]);
    assert_eq!(listed(), [1, 2, 3, 4].map(id));
    let second = house.registry.find(id(2)).expect("listed");
    house.registry.close(&second).await.expect("closed");
    assert_eq!((listed(), house.registry.count()), ([1, 3, 4].map(id).to_vec(), 3));
    assert!(house.registry.find(id(2)).is_none());
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
    house.registry.close(&session).await.expect("closed");
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
    house.registry.close(&second).await.expect("closed");
    sqlx::query("alter table away rename to sessions").execute(&behind).await.expect("renamed");
    house.row(&first, |_, record| record.name == "other").await;
    let row = house.row(&third, |_, record| record.ended.is_some()).await;
    assert!(shows(&row, "said hello"));
    house.registry.close(&first).await.expect("closed");
    house.registry.close(&third).await.expect("closed");
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
    drop(session);
    house.store.close().await;
    timeout(PATIENCE, house.registry.drain()).await.expect("given up");
}

#[tokio::test]
async fn of_two_who_open_a_session_again_one_does_and_a_full_registry_has_room_for_it() {
    let house = House::new().await;
    let ended_one = house.open(1, &["true"]).await;
    ended(&ended_one).await;
    for id in 2..=4 {
        house.open(id, &["cat"]).await;
    }
    assert!(matches!(house.registry.open(House::opening(9, &["cat"])).await, Err(OpenError::TooMany { max: 4 })));
    let missing = house.registry.reopen(&ended_one, House::opening(5, &["/no/such/program"])).await;
    assert!(matches!(missing, Err(ReopenError::Open(OpenError::Spawn(SpawnError::NoSuchProgram)))));
    assert!(house.registry.find(ended_one.id()).is_some(), "it stays");

    let (first, second) = tokio::join!(
        house.registry.reopen(&ended_one, House::opening(6, &["cat"])),
        house.registry.reopen(&ended_one, House::opening(7, &["cat"])),
    );
    assert!(matches!((&first, &second), (Ok(_), Err(ReopenError::Gone)) | (Err(ReopenError::Gone), Ok(_))));
    let again = first.or(second).expect("one");
    assert!(house.registry.find(ended_one.id()).is_none());
    assert_eq!(house.registry.list().len(), 4);
    assert!(matches!(house.registry.reopen(&again, House::opening(8, &["cat"])).await, Err(ReopenError::StillRunning)));
    assert!(matches!(house.registry.open(House::opening(9, &["cat"])).await, Err(OpenError::TooMany { max: 4 })));
    drop((ended_one, again));
    house.registry.drain().await;
}

#[tokio::test]
async fn leaving_does_not_wait_for_a_screen_whose_session_was_closed_before() {
    let house = House::new().await;
    let session = house.open(1, &["cat"]).await;
    house.registry.close(&session).await.expect("closed");
    // Whoever still looks at it has some seconds, which whoever waits for the next server does not.
    timeout(Duration::from_secs(4), house.registry.leave()).await.expect("left");
    drop(session);
}

#[tokio::test]
async fn a_session_that_is_left_while_it_is_closed_is_not_forgotten() {
    let house = House::new().await;
    let session = house.open(1, &["cat"]).await;
    house.row(&session, |_, _| true).await;
    let (closed, ()) = tokio::join!(house.registry.close(&session), house.registry.leave());
    assert_eq!(closed, Err(Left));
    assert!(!session.closed().is_cancelled(), "its viewers would not look for it again");
    assert_eq!(house.store.sessions(None).await.expect("read").len(), 1);
}

#[tokio::test]
async fn what_is_still_done_to_a_session_that_was_left_is_not_done_to_the_same_one_taken_up_again() {
    let house = House::new().await;
    let opening = Opening { start_on: StartOn::Attach, ..House::opening(1, &["cat"]) };
    let old = house.registry.open(opening).await.expect("opened");
    let memory = old.handles().await.expect("told").0.try_clone_to_owned().expect("a descriptor");
    house.registry.leave().await;
    let left = house.registry.adopt(vec![Kept { session: old.id(), memory, spawned: None }]).await;
    assert!(left.is_empty() && house.registry.list().len() == 1);
    house.registry.keep_for_a_while(&old);
    assert!(house.registry.shared.exited.lock().is_empty(), "it has not ended and must not be reaped");
    assert_eq!(house.registry.close(&old).await, Err(Left));
    assert!(house.registry.find(old.id()).is_some_and(|listed| !Arc::ptr_eq(&listed, &old)));
}

#[tokio::test]
async fn leaving_waits_for_whoever_is_opening_a_session_and_no_place_is_given_back_twice() {
    let house = House::new().await;
    house.open(1, &["cat"]).await;
    let place = house.registry.take_place(4).expect("room");
    let mut leaving = Box::pin(house.registry.leave());
    assert!(timeout(Duration::from_millis(300), &mut leaving).await.is_err(), "it did not wait");
    drop(place);
    timeout(PATIENCE, leaving).await.expect("left");
    assert_eq!(house.registry.shared.places.load(Ordering::Acquire), 0);
}

#[tokio::test]
async fn a_leaving_that_is_given_up_has_left_nothing_behind() {
    let house = House::new().await;
    house.open(1, &["cat"]).await;
    let place = house.registry.take_place(4).expect("room");
    assert!(timeout(Duration::from_millis(300), house.registry.leave()).await.is_err(), "it did not wait");
    assert!(house.registry.list().is_empty());
    assert!(house.registry.adopt(Vec::new()).await.is_empty());
    drop(place);
    assert_eq!(house.registry.shared.places.load(Ordering::Acquire), 0);
    house.open(2, &["cat"]).await;
    timeout(PATIENCE, house.registry.leave()).await.expect("and the next one is not held by it");
}
