//! The holder dies: programs keep their terminals, a new holder gets the sessions, exits are still learned.

use std::os::fd::{AsFd as _, OwnedFd};

use fantail::session::{Exit, Spawned, Spawner as _};
use rustix::process::{Signal, kill_process};

use crate::support::holding::{Holding, Side, ended, memory, only, session, shown, state, typed};
use crate::support::patiently;

/// Kills the holder, and waits for the next one.
async fn kill_holder(side: &Side) {
    let mut restarts = side.spawner.restarts();
    restarts.borrow_and_update();
    kill_process(side.spawner.holder(), Signal::KILL).expect("killed");
    patiently("a new holder", restarts.changed()).await.expect("a spawner");
}

async fn hand_over(side: &Side, id: u16, memory: &OwnedFd, spawned: &Spawned) {
    let (master, input) = spawned.pty.descriptors();
    let running = (spawned.child.pid(), master, input, spawned.child.handle().as_fd());
    side.spawner.hand_over(session(id), memory.as_fd(), Some(running)).await.expect("handed over");
}

#[tokio::test]
async fn a_program_outlives_its_holder_and_its_exit_is_learned() {
    let holding = Holding::new();
    let side = holding.side().await;
    let (mut spawned, memory) = holding.start(&side, 1, &["sh"]).await;
    let (mut early, _early_memory) = holding.start(&side, 2, &["sh", "-c", "read x; exit 4"]).await;
    typed(&spawned.pty, "echo on''e\n").await;
    shown(&spawned.pty, "one\r").await;
    let first = side.spawner.holder();
    kill_holder(&side).await;
    assert_ne!(side.spawner.holder(), first);
    typed(&early.pty, "\n").await;
    assert_eq!(patiently("its end", early.child.exited()).await, Exit::Code(4), "before it is handed over");
    early.child.reap().await;
    assert_eq!(state(early.child.pid()), None);

    hand_over(&side, 1, &memory, &spawned).await;
    typed(&spawned.pty, "trap 'echo hung''-up' HUP; echo tw''o\n").await;
    let shown_since = shown(&spawned.pty, "two\r").await;
    assert!(!shown_since.contains("hung-up"));
    let kept = only(side.spawner.kept().await.expect("kept"));
    assert_eq!(kept.spawned.as_ref().map(|kept| kept.child.pid()), Some(spawned.child.pid()));
    drop(kept);
    typed(&spawned.pty, "exit 5\n").await;
    assert_eq!(patiently("its end", spawned.child.exited()).await, Exit::Code(5));
    spawned.child.reap().await;
    assert_eq!(state(spawned.child.pid()), None, "this process became its parent and reaped it");
}

#[tokio::test]
async fn holders_die_again_and_again() {
    let holding = Holding::new();
    let side = holding.side().await;
    let (spawned, memory) = holding.start(&side, 1, &["sh"]).await;
    for round in 1..=5_u64 {
        kill_holder(&side).await;
        assert_eq!(*side.spawner.restarts().borrow(), round);
        hand_over(&side, 1, &memory, &spawned).await;
        typed(&spawned.pty, &format!("echo round''{round}\n")).await;
        shown(&spawned.pty, &format!("round{round}\r")).await;
        let (other, _) = holding.start(&side, 2, &["true"]).await;
        drop(other);
        side.spawner.forget(session(2)).await;
    }
    assert_eq!(holding.holders(), [side.spawner.holder()]);
}

#[tokio::test]
async fn what_is_asked_while_the_holder_dies_is_answered_by_the_next() {
    let holding = Holding::new();
    let side = holding.side().await;
    kill_process(side.spawner.holder(), Signal::KILL).expect("killed");
    side.spawner.keep(session(1), memory().as_fd()).await.expect("kept by the next");
    assert_eq!(only(side.spawner.kept().await.expect("kept")).session, session(1));
}

#[tokio::test]
async fn an_exit_is_learned_of_a_program_whose_parent_was_always_somebody_else() {
    // A holder below another one: that is who inherits what it kept, and reaps it.
    let (above, holding) = (Holding::new(), Holding::new());
    let above_side = above.side().await;
    let program = env!("CARGO_BIN_EXE_fantail");
    let dir = holding.dir().to_str().expect("UTF-8");
    let script = format!("{program} holder --data-dir {dir} --descriptors 1024:4096; sleep 1000");
    let (below, _below_memory) = above.start(&above_side, 1, &["sh", "-c", &script]).await;
    shown(&below.pty, "listens").await;

    let side = holding.side().await;
    let (mut spawned, memory) = holding.start(&side, 1, &["sh", "-c", "read x; exit 7"]).await;
    kill_holder(&side).await;
    hand_over(&side, 1, &memory, &spawned).await;
    drop(spawned.pty);
    // Only the new holder has the terminal now.
    let taken = only(side.spawner.kept().await.expect("kept")).spawned.expect("a program");
    typed(&taken.pty, "\n").await;
    assert_eq!(patiently("its end", spawned.child.exited()).await, Exit::Code(7));
    ended(spawned.child.pid()).await;
    spawned.child.reap().await;
}
