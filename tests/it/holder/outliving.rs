//! Servers come and go; programs, their terminals, memories and exits stay.

use std::os::fd::AsFd as _;

use fantail::session::{Exit, Spawner as _};
use rustix::fs::fstat;
use rustix::process::{Signal, kill_process};

use crate::support::holding::{Holding, ended, memory, only, reaped, session, shown, state, typed};
use crate::support::patiently;

#[tokio::test]
async fn a_shell_is_taken_up_by_the_next_server_with_its_terminal_its_memory_and_its_exit() {
    let holding = Holding::new();
    let side = holding.side().await;
    let (spawned, memory) = holding.start(&side, 1, &["sh"]).await;
    typed(&spawned.pty, "echo on''e\n").await;
    shown(&spawned.pty, "one\r").await;
    let (pid, file) = (spawned.child.pid(), fstat(&memory).expect("a file").st_ino);
    drop((spawned, memory));
    side.leave().await;

    let side = holding.side().await;
    let kept = only(patiently("what is kept", side.spawner.kept()).await.expect("kept"));
    assert_eq!(kept.session, session(1));
    assert_eq!(fstat(&kept.memory).expect("a file").st_ino, file, "the memory itself");
    let mut spawned = kept.spawned.expect("a program");
    assert_eq!(spawned.child.pid(), pid);
    typed(&spawned.pty, "echo tw''o; exit 6\n").await;
    shown(&spawned.pty, "two\r").await;
    assert_eq!(patiently("its end", spawned.child.exited()).await, Exit::Code(6));
    assert_eq!(patiently("its end", spawned.child.exited()).await, Exit::Code(6), "asked again");
    assert_eq!(state(pid), Some('Z'), "its id is nobody else's yet");
    spawned.child.reap().await;
    assert_eq!(state(pid), None);
    side.spawner.forget(session(1)).await;
    assert!(side.spawner.kept().await.expect("kept").is_empty());
}

#[tokio::test]
async fn how_programs_ended_is_remembered_while_no_server_is_there() {
    let holding = Holding::new();
    let side = holding.side().await;
    let (killed, _) = holding.start(&side, 1, &["cat"]).await;
    let (exited, _) = holding.start(&side, 2, &["sh", "-c", "read x; echo bye; exit 3"]).await;
    let (reaped_pid, _) = holding.start(&side, 3, &["true"]).await;
    let (cat, sh) = (killed.child.pid(), exited.child.pid());
    let mut gone = reaped_pid.child;
    assert_eq!(patiently("its end", gone.exited()).await, Exit::Code(0));
    gone.reap().await;
    typed(&exited.pty, "\n").await;
    drop((killed, exited, gone, reaped_pid.pty));
    side.leave().await;
    kill_process(cat, Signal::KILL).expect("killed");
    ended(cat).await;
    ended(sh).await;

    let side = holding.side().await;
    let mut kept = side.spawner.kept().await.expect("kept").into_iter();
    let mut killed = kept.next().expect("the first").spawned.expect("a program");
    assert_eq!(patiently("its end", killed.child.exited()).await, Exit::Signal(9));
    let mut exited = kept.next().expect("the second").spawned.expect("a program");
    shown(&exited.pty, "bye").await;
    assert_eq!(patiently("its end", exited.child.exited()).await, Exit::Code(3));
    let only_memory = kept.next().expect("the third");
    assert!(only_memory.spawned.is_none(), "it was reaped: all of it had been read");
    assert!(kept.next().is_none());
    for id in 1..=3 {
        side.spawner.forget(session(id)).await;
    }
    reaped(cat).await;
    reaped(sh).await;
}

#[tokio::test]
async fn a_session_is_kept_without_a_program_and_may_get_one_later() {
    let holding = Holding::new();
    let side = holding.side().await;
    side.spawner.keep(session(1), memory().as_fd()).await.expect("kept");
    side.spawner.keep(session(1), memory().as_fd()).await.expect("kept anew");
    assert!(only(side.spawner.kept().await.expect("kept")).spawned.is_none());
    let (spawned, _memory) = holding.start(&side, 1, &["cat"]).await;
    let refused = holding.try_start(&side, 1, &["cat"]).await.err().expect("refused");
    assert_eq!(refused.to_string(), "the program could not be started");
    assert!(side.spawner.keep(session(1), memory().as_fd()).await.is_err(), "it would lose its program");
    assert_eq!(only(side.spawner.kept().await.expect("kept")).spawned.expect("one").child.pid(), spawned.child.pid());
}

#[tokio::test]
async fn more_sessions_than_fit_a_message_are_all_taken_up() {
    let holding = Holding::new();
    let side = holding.side().await;
    let memory = memory();
    for id in 0..2500 {
        side.spawner.keep(session(id), memory.as_fd()).await.expect("kept");
    }
    drop(memory);
    let kept = side.spawner.list().await.expect("listed");
    assert_eq!(kept, (0..2500).map(session).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_holder_that_keeps_nothing_ends_and_one_that_keeps_something_does_not() {
    let holding = Holding::new();
    let side = holding.side().await;
    let pid = side.spawner.holder();
    let (spawned, _memory) = holding.start(&side, 1, &["cat"]).await;
    let cat = spawned.child.pid();
    drop(spawned);
    side.leave().await;
    // It has been told to forget by a command beside it, as when there is no server.
    let dir = holding.dir().to_owned();
    let told = tokio::task::spawn_blocking(move || fantail::holder::end_all(&dir)).await.expect("no panic");
    assert!(told.expect("done"), "there was one");
    reaped(cat).await;
    ended(pid).await;
    let left: Vec<_> = std::fs::read_dir(holding.dir()).expect("readable").flatten().map(|it| it.file_name()).collect();
    assert!(!left.iter().any(|name| name == "holder.sock"), "{left:?}");
    let log = std::fs::read_to_string(holding.dir().join("holder.log")).expect("a log");
    assert_eq!(log, "", "nothing went wrong");
}
