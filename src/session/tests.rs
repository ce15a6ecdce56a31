//! Sessions with real programs on real terminals.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rustix::process::kill_process;
use tokio::time::{Instant, timeout};

use super::ledger::Ledger;
use super::*;
use crate::terminal::log::{CatchUp, Log, Memory, OUTPUT, SEGMENT_BYTES, frames};
use crate::terminal::{Offset, Size};

const PATIENCE: Duration = Duration::from_secs(30);

fn settings() -> Settings {
    Settings::new(tokio::runtime::Handle::current(), || jiff::Timestamp::UNIX_EPOCH)
}

fn ann() -> Principal {
    Principal(uuid::Uuid::from_u128(1))
}

fn opening(command: &[&str], start_on: StartOn) -> Opening {
    let command: Vec<_> = command.iter().map(ToString::to_string).collect();
    let environment = [("PATH".into(), "/usr/bin:/bin".into()), ("TERM".into(), "xterm".into())];
    Opening {
        id: SessionId::from_random([1; 16]),
        owner: ann(),
        name: "test".into(),
        profile: None,
        launch: Launch::new(&command, "/".into(), &environment).expect("valid"),
        size: Size::DEFAULT,
        start_on,
        pace: None,
        sizes: None,
    }
}

async fn open(command: &[&str], start_on: StartOn) -> (Arc<Session>, tokio::task::JoinHandle<()>) {
    let spawner = Arc::new(LocalSpawner { descriptors: None });
    let Opened { session, started, life, screen } =
        Session::open(opening(command, start_on), &settings(), spawner).expect("memory");
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let life = tokio::spawn(life);
    #[expect(clippy::disallowed_methods, reason = "it ends with the session")]
    tokio::spawn(screen);
    started.await.expect("told").expect("started");
    (session, life)
}

async fn attach(session: &Arc<Session>, size: Option<Size>) -> Viewer {
    attach_from(session, Begin::Start, size).await
}

async fn attach_from(session: &Arc<Session>, from: Begin, size: Option<Size>) -> Viewer {
    let fresh = ClientId::from_random([7; 16]);
    let attach =
        Attach { principal: ann(), client: None, fresh, from, size, standing: Standing::Types, window: 512 * 1024 };
    session.attach(&attach, Instant::now()).await.expect("attached").0
}

/// Follows until the output contains `wanted`, and returns it all.
async fn until_shown(viewer: &mut Viewer, wanted: &str) -> String {
    let mut shown = Vec::new();
    let follow = async {
        while !String::from_utf8_lossy(&shown).contains(wanted) {
            match viewer.pull() {
                Next::Frames(chunk) => {
                    let wire = chunk.unsent().concat();
                    for frame in frames(&wire, 0).filter(|frame| frame.kind == OUTPUT || wanted.contains("event")) {
                        shown.extend_from_slice(&wire[frame.payload]);
                    }
                }
                Next::CaughtUp => viewer.more(true).await,
                Next::Snapshot { .. } | Next::Minting | Next::WindowFull | Next::ScreenGone => {
                    panic!("the log is large and the window open")
                }
            }
        }
    };
    if timeout(PATIENCE, follow).await.is_err() {
        panic!("never showed {wanted:?}, but {:?}", String::from_utf8_lossy(&shown));
    }
    String::from_utf8_lossy(&shown).into_owned()
}

#[tokio::test]
async fn a_shell_runs_echoes_what_is_typed_and_its_exit_is_announced_in_order() {
    let (session, life) = open(&["sh"], StartOn::Open).await;
    let mut viewer = attach(&session, None).await;
    viewer.typist().expect("may type").input(1, "tty; echo $((6*7))\n".into()).expect("taken");
    let shown = until_shown(&mut viewer, "42").await;
    assert!(shown.contains("/dev/pts/"), "{shown}");
    viewer.typist().expect("may type").input(2, "exit 3\n".into()).expect("taken");
    until_shown(&mut viewer, r#"{"event":"exit","code":3,"signal":null,"reason":null}"#).await;
    timeout(PATIENCE, life).await.expect("ends").expect("without panic");
    assert!(matches!(session.status().state, State::Exited { exit: Exit::Code(3), .. }));
    assert_eq!(viewer.typist().expect("may type").input(3, "x".into()), Err(InputRefused::NotRunning));
    let record = session.record();
    assert_eq!((record.command, record.ended.map(|end| end.exit)), (vec!["sh".to_owned()], Some(Exit::Code(3))));
    assert_eq!(session.resize(Size::DEFAULT).await, Err(NotRunning));
}

#[tokio::test]
async fn a_program_has_its_own_session_default_signals_and_only_its_terminal_open() {
    let script =
        "ls -1 /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status; ps -o sid=,pgid=,pid= -p $$; echo done";
    let (session, life) = open(&["sh", "-c", script], StartOn::Open).await;
    let mut viewer = attach(&session, None).await;
    let shown = until_shown(&mut viewer, "done").await;
    // 3 is the directory that ls itself reads. Signals 32 and 33 are glibc's own, which no program can use.
    assert!(shown.starts_with("0\r\n1\r\n2\r\n3\r\nSigBlk:\t0000000000000000\r\nSigIgn:\t0000000180000000"), "{shown}");
    let ids = shown.lines().rev().nth(1).expect("ids");
    assert!(ids.split_whitespace().collect::<std::collections::HashSet<_>>().len() == 1, "{ids}");
    life.await.expect("ends");
}

#[tokio::test]
async fn closing_ends_programs_that_ignore_polite_signals_and_their_background_children() {
    let script = "trap '' HUP TERM; (trap '' HUP TERM; while :; do sleep 1; done) & setsid true; echo ready; while :; do sleep 1; done";
    let (session, life) = open(&["sh", "-c", script], StartOn::Open).await;
    let mut viewer = attach(&session, None).await;
    until_shown(&mut viewer, "ready").await;
    let State::Running { pid } = session.status().state else { panic!("runs") };
    session.begin_closing();
    timeout(PATIENCE, life).await.expect("ends").expect("without panic");
    assert!(matches!(session.status().state, State::Exited { exit: Exit::Signal(9), .. }));
    let left = std::process::Command::new("ps").args(["-o", "stat=", "-s", &pid.as_raw_nonzero().to_string()]).output();
    // Orphans belong to the system's init, which may be slow to reap what has ended.
    let left = String::from_utf8(left.expect("ps runs").stdout).expect("text");
    assert!(left.split_whitespace().all(|state| state.starts_with('Z')), "{left}");
}

#[tokio::test]
async fn a_program_that_starts_on_attach_waits_for_a_viewer_and_takes_its_size() {
    let (session, life) = open(&["sh", "-c", "stty size"], StartOn::Attach).await;
    assert_eq!(session.status().state, State::Starting);
    let mut viewer = attach(&session, Some(Size::new(99, 33).expect("valid"))).await;
    until_shown(&mut viewer, "33 99").await;
    life.await.expect("ends");
}

#[tokio::test]
async fn a_resize_reaches_the_program_in_order_with_its_output() {
    let (session, life) = open(&["sh"], StartOn::Open).await;
    let mut viewer = attach(&session, None).await;
    let wide = Size::new(132, 43).expect("valid");
    session.resize(wide).await.expect("runs");
    viewer.typist().expect("may type").input(1, "stty size; exit\n".into()).expect("taken");
    let shown = until_shown(&mut viewer, r#"{"event":"exit","code":0,"signal":null,"reason":null}"#).await;
    let resized = shown.find(r#"{"event":"resize","cols":132,"rows":43}"#).expect("announced");
    assert!(resized < shown.find("43 132").expect("told"), "{shown}");
    assert_eq!(session.log().size_at(Offset(u64::MAX)), wide);
    life.await.expect("ends");
}

#[tokio::test]
async fn a_viewer_that_must_skip_to_a_screen_that_is_gone_is_told_so() {
    let mut opening = opening(&["sh", "-c", "head -c 1 >/dev/null; seq 1 1000000; exec cat"], StartOn::Open);
    opening.pace = Some(Pace::Free);
    let spawner = Arc::new(LocalSpawner { descriptors: None });
    let Opened { session, started, life, screen } = Session::open(opening, &settings(), spawner).expect("memory");
    drop(screen);
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let life = tokio::spawn(life);
    started.await.expect("told").expect("started");
    let (mut late, mut writes) = (attach(&session, None).await, attach(&session, None).await);
    writes.typist().expect("may type").input(0, "\n".into()).expect("taken");
    let follow = async {
        while session.log().held().start == Offset::ZERO {
            tokio::task::yield_now().await;
        }
        assert!(matches!(late.pull(), Next::Minting), "what it lacks is not held any more");
        while matches!(late.pull(), Next::Minting) {
            late.more(true).await;
        }
        assert!(matches!(late.pull(), Next::ScreenGone));
    };
    timeout(PATIENCE, follow).await.expect("the flood");
    session.begin_closing();
    life.await.expect("ends");
}

#[tokio::test]
async fn a_viewer_that_has_caught_up_after_skipping_wakes_a_program_that_is_held() {
    let (session, life) = open(&["cat"], StartOn::Open).await;
    let mut viewer = attach_from(&session, Begin::Screen { scrollback: 0 }, None).await;
    assert!(matches!(viewer.pull(), Next::Snapshot { .. }));
    let woken = || session.follower_moved.notified().now_or_never().is_some();
    woken();
    assert!(!woken());
    assert!(matches!(viewer.pull(), Next::CaughtUp));
    assert!(woken(), "it is the fastest now, and was not when it took the last");
    session.begin_closing();
    life.await.expect("ends");
}

#[tokio::test]
async fn the_last_size_decided_on_counts_though_it_arrives_first() {
    let (session, life) = open(&["cat"], StartOn::Open).await;
    let (mut ann, mut bob) = (attach(&session, None).await, attach(&session, None).await);
    ann.typist().expect("may type").window(Size::new(70, 10).expect("valid")).await.expect("runs");
    ann.typist().expect("may type").input(0, "a".into()).expect("taken");
    bob.typist().expect("may type").window(Size::new(100, 30).expect("valid")).await.expect("runs");
    // The key leads to 100x30 and the window to 90x20, before the session's task gets to run.
    bob.typist().expect("may type").input(0, "b".into()).expect("taken");
    let last = Size::new(90, 20).expect("valid");
    bob.typist().expect("may type").window(last).await.expect("runs");
    until_shown(&mut bob, "ab").await;
    session.signal("CONT".parse().expect("known")).await.expect("runs");
    assert_eq!(session.status().size, last);
    session.begin_closing();
    life.await.expect("ends");
}

#[tokio::test]
async fn a_session_is_left_though_its_program_has_ended_and_its_screen_stands_still() {
    let mut settings = settings();
    (settings.log_bytes, settings.catch_up) = (2 * SEGMENT_BYTES, Arc::new(CatchUp::new(0, 0)));
    let spawner = Arc::new(LocalSpawner { descriptors: None });
    let flood = opening(&["head", "-c", "9999999", "/dev/zero"], StartOn::Open);
    // The screen is there and follows nothing.
    let Opened { session, mut life, screen: _screen, .. } = Session::open(flood, &settings, spawner).expect("memory");
    // A segment has headers, and at its end no room for one more read. Behind it there is room for one.
    let full = Offset((SEGMENT_BYTES - 8 * 1024) as u64);
    let is_full = async {
        // It has written more than fits by now: its terminal takes no more, so it sleeps.
        while session.log().held().end < full || !sleeps(&session) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = &mut life => panic!("it is held"),
        full = timeout(PATIENCE, is_full) => full.expect("a flood"),
    }
    let State::Running { pid } = session.status().state else { panic!("runs") };
    kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    let leave = async {
        // Its end is seen, and what it left in its terminal does not fit.
        while !matches!(ProcStat::of(pid), Some(ProcStat { has_ended: true, .. })) {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        settings.leaving.cancel();
    };
    timeout(PATIENCE, async { tokio::join!(life, leave) }).await.expect("it is left");
}

/// Whether its program waits for something.
fn sleeps(session: &Session) -> bool {
    let State::Running { pid } = session.status().state else { return false };
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| stat.contains(") S "))
}

/// A session that another server left when it had published `output`, and its program, which runs.
async fn left_behind(command: &[&str], output: &[u8]) -> Kept {
    let settings = settings();
    let (launch, record) = opening(command, StartOn::Open).into_record(&settings);
    let memory = Memory::create().expect("memory");
    let ledger = Ledger::new(Arc::clone(&memory));
    ledger.keep_record(|| record.clone()).expect("memory");
    let catch_up = Arc::clone(&settings.catch_up);
    let (_, mut log) = Log::create(Arc::clone(&memory), settings.log_bytes, Offset::ZERO, record.size, catch_up);
    log.space().expect("memory")[..output.len()].copy_from_slice(output);
    log.commit(output.len());
    log.publish();
    let spawner = LocalSpawner { descriptors: None };
    let spawned = spawner.spawn(record.id, memory.descriptor(), &launch, record.size).await.expect("started");
    let memory = memory.descriptor().try_clone_to_owned().expect("a descriptor");
    Kept { session: record.id, memory, spawned: Some(spawned) }
}

#[tokio::test]
async fn what_was_asked_is_answered_though_the_screen_sees_it_before_the_program_is_taken_up() {
    let asked = b"\x1b[5n";
    let kept = left_behind(&["sh", "-c", "stty raw; head -c 4 | od -An -tx1; exec cat"], asked).await;
    let spawner = Arc::new(LocalSpawner { descriptors: None });
    let Opened { session, life, mut screen, .. } = Session::adopt(kept, &settings(), spawner).expect("taken up");
    let mut changes = session.screen_changes();
    let shows_it = changes.wait_for(|at| at.offset == Offset(asked.len() as u64));
    tokio::select! {
        () = &mut screen => panic!("the session is held"),
        shown = timeout(PATIENCE, shows_it) => drop(shown.expect("shown").expect("followed")),
    }
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let life = tokio::spawn(life);
    let mut viewer = attach(&session, None).await;
    until_shown(&mut viewer, " 1b 5b 30 6e").await;
    session.begin_closing();
    life.await.expect("ends");
}

#[tokio::test]
async fn what_one_server_told_of_is_not_told_again_when_the_next_reads_it_again() {
    let told = b"\x07\x1b]52;c;aGk=\x07\x07";
    let kept = left_behind(&["cat"], told).await;
    let memory = Memory::open(kept.memory.try_clone().expect("a descriptor")).expect("memory");
    Ledger::new(memory).keep_told(Offset(told.len() as u64), 2);
    let spawner = Arc::new(LocalSpawner { descriptors: None });
    let Opened { session, life, screen, .. } = Session::adopt(kept, &settings(), spawner).expect("taken up");
    let is_as_it_was = |status: &Status| status.bells == 2 && status.clipboard.is_none();
    assert!(is_as_it_was(&session.status()));
    #[expect(clippy::disallowed_methods, reason = "both end with the session")]
    let (life, _screen) = (tokio::spawn(life), tokio::spawn(screen));
    let (mut status, mut changes) = (session.status_changes(), session.screen_changes());
    let shows_it = changes.wait_for(|at| at.offset == Offset(told.len() as u64));
    timeout(PATIENCE, shows_it).await.expect("shown").expect("followed");
    assert!(is_as_it_was(&session.status()), "{:?}", session.status());
    let mut viewer = attach(&session, None).await;
    // The echo is "^G".
    viewer.typist().expect("may type").input(1, "\x07\n".into()).expect("taken");
    timeout(PATIENCE, status.wait_for(|status| status.bells == 3)).await.expect("rung").expect("runs");
    session.begin_closing();
    life.await.expect("ends");
}

#[tokio::test]
async fn a_signal_reaches_the_foreground_group() {
    let (session, life) =
        open(&["sh", "-c", "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done"], StartOn::Open)
            .await;
    let mut viewer = attach(&session, None).await;
    until_shown(&mut viewer, "ready").await;
    session.signal("INT".parse().expect("known")).await.expect("runs");
    until_shown(&mut viewer, "caught").await;
    life.await.expect("ends");
    assert!(matches!(session.status().state, State::Exited { exit: Exit::Code(5), .. }));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_leaves_nothing_behind() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").expect("proc").count();
    for (command, field) in [("/no/such/program", "command"), ("/etc/passwd", "command"), ("/", "command")] {
        let before = descriptors();
        let spawner = Arc::new(LocalSpawner { descriptors: None });
        let Opened { session, started, life, screen } =
            Session::open(opening(&[command], StartOn::Open), &settings(), spawner).expect("memory");
        let ((), told) = tokio::join!(life, started);
        assert_eq!(told.expect("told").expect_err("refused").field(), Some(field));
        assert_eq!(session.status().state, State::Starting);
        drop(session);
        timeout(PATIENCE, screen).await.expect("nobody can ask any more");
        // Other tests of this process open descriptors too; only a growth that stays would be a leak.
        assert!(descriptors() <= before + 64);
    }
}
