//! Programs are started by the holder as they are by the server itself, and nothing is left of them.

use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fantail::session::{Exit, Launch, LocalSpawner, Spawner};
use fantail::terminal::Size;
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};

use crate::support::holding::{Holding, children, launch, memory, reaped, session, shown, state, typed};
use crate::support::{alone, executable, open_descriptors, patiently, until};

/// The words of a refusal, and whose fault it is.
async fn refusal(spawner: &dyn Spawner, launch: &Launch) -> (String, Option<&'static str>, i32, Option<String>) {
    let memory = memory();
    let spawned = patiently("a refusal", spawner.spawn(session(1), memory.as_fd(), launch, Size::DEFAULT)).await;
    let error = spawned.err().expect("refused");
    let source = std::error::Error::source(&error).map(ToString::to_string);
    (error.to_string(), error.field(), error.exit_code(), source)
}

fn file(folder: &Path, name: &str, text: &str, mode: u32) -> String {
    let path = folder.join(name);
    executable("printf %s \"$1\" > \"$2\"", text, &path);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("changed");
    path.to_str().expect("UTF-8").to_owned()
}

#[tokio::test]
async fn every_refusal_reads_as_without_a_holder() {
    let holding = Holding::new();
    let side = holding.side().await;
    let local = LocalSpawner { descriptors: Some(getrlimit(Resource::Nofile)) };
    let folder = tempfile::tempdir().expect("a directory");
    let environment = [("PATH".into(), "/usr/bin:/bin".into())];
    let of = |command: &str, dir: &str| Launch::new(&[command.into()], dir.into(), &environment).expect("valid");
    let long = Launch::new(&["true".into(), "x".repeat(200_000)], "/".into(), &environment).expect("valid");
    let script = file(folder.path(), "script", "#!/no/such/interpreter\n", 0o755);
    let broken = file(folder.path(), "broken", "\x7fELF", 0o755);
    let closed = file(folder.path(), "closed", "", 0o644);
    for (wanted, launch) in [
        ("command: no such program", of("no-such-program", "/")),
        ("command: no such program", of(&script, "/")),
        ("command: not an executable program", of("/etc/passwd", "/")),
        ("command: not an executable program", of(&closed, "/")),
        ("command: not an executable program", of(&broken, "/")),
        ("command: too long for this system, with its environment", long),
        ("workingDir: no such directory", of("sh", "/no/such")),
        ("workingDir: not a directory", of("sh", "/etc/passwd")),
    ] {
        let by_holder = refusal(&*side.spawner, &launch).await;
        assert_eq!(by_holder.0, wanted);
        assert_eq!(by_holder, refusal(&local, &launch).await);
    }
    assert!(side.spawner.kept().await.expect("kept").is_empty());
    assert_eq!(children(side.spawner.holder()), [], "nothing is left behind");
}

#[tokio::test]
async fn a_program_starts_as_after_login_with_the_limits_it_is_to_have() {
    let holding = Holding::new();
    let side = holding.side().await;
    let script = "ulimit -Sn; ulimit -Hn; umask; grep -E '^Sig(Blk|Ign):' /proc/self/status; echo $(ls /proc/self/fd); echo done";
    let (spawned, _memory) = holding.start(&side, 1, &["sh", "-c", script]).await;
    let shown = shown(&spawned.pty, "done").await;
    let lines: Vec<_> = shown.lines().map(str::trim).collect();
    let limit = getrlimit(Resource::Nofile);
    let number = |limit: Option<u64>| limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
    assert_eq!(lines[0], number(limit.current), "not the one the holder gave itself");
    assert_eq!(lines[1], number(limit.maximum));
    let ours = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    rustix::process::umask(ours);
    assert_eq!(u32::from_str_radix(lines[2], 8), Ok(ours.as_raw_mode()));
    let of_glibc: u64 = 1 << 31 | 1 << 32;
    for line in &lines[3..5] {
        let mask = u64::from_str_radix(line.split_whitespace().nth(1).expect("a mask"), 16).expect("a number");
        assert_eq!(mask & !of_glibc, 0, "{shown}");
    }
    assert_eq!(lines[5], "0 1 2 3", "{shown}");
}

#[tokio::test]
async fn five_hundred_programs_leave_no_descriptor_and_no_zombie() {
    let _alone = alone().await;
    let holding = Holding::new();
    let side = holding.side().await;
    let holder = side.spawner.holder();
    let number = u32::try_from(holder.as_raw_nonzero().get()).expect("a pid");
    let before = open_descriptors(number);
    let here = open_descriptors(std::process::id());
    for round in 0..500 {
        let (mut spawned, _memory) = holding.start(&side, round % 7, &["true"]).await;
        if round % 2 == 0 {
            assert_eq!(patiently("its end", spawned.child.exited()).await, Exit::Code(0));
            spawned.child.reap().await;
        }
        drop(spawned);
        side.spawner.forget(session(round % 7)).await;
    }
    until("every child reaped", async || children(holder).is_empty().then_some(())).await;
    // It has a few more open for as long as it looks for strays.
    until("its descriptors as before", async || (open_descriptors(number) <= before).then_some(())).await;
    // Other tests of this process open some as well.
    assert!(open_descriptors(std::process::id()) < here + 250, "of 500 none is left here either");
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_reaped_beside_a_leader_that_is_not() {
    let holding = Holding::new();
    let side = holding.side().await;
    let script = "(setsid sh -c 'echo stray $$ end; exec sleep 600' & ); sleep 1000";
    let (mut ended_one, _) = holding.start(&side, 1, &["true"]).await;
    assert_eq!(patiently("its end", ended_one.child.exited()).await, Exit::Code(0));
    let (spawned, _memory) = holding.start(&side, 2, &["sh", "-c", script]).await;
    let shown = shown(&spawned.pty, " end").await;
    let stray = shown.split_whitespace().nth(1).expect("its id");
    let stray = Pid::from_raw(stray.parse().expect("a number")).expect("a pid");
    until("an orphan of ours", async || children(side.spawner.holder()).contains(&stray).then_some(())).await;
    kill_process(stray, Signal::KILL).expect("killed");
    reaped(stray).await;
    assert_eq!(state(ended_one.child.pid()), Some('Z'), "a kept leader is not reaped before it is told");
}

#[tokio::test]
async fn a_program_is_told_to_be_the_last_of_its_session_only_when_nothing_can_be_left_there() {
    let holding = Holding::new();
    let side = holding.side().await;
    let (mut alone, _) = holding.start(&side, 1, &["true"]).await;
    let (mut busy, _) = holding.start(&side, 2, &["cat"]).await;
    assert_eq!(patiently("its end", alone.child.exited()).await, Exit::Code(0));
    assert!(alone.child.was_last(), "other leaders are nothing that it has left");
    // It leaves the session, and somebody in it.
    let script = "(trap '' HUP; sleep 600 & echo ready end; exec setsid sleep 600) & read line";
    let (mut leader, _memory) = holding.start(&side, 3, &["sh", "-c", script]).await;
    shown(&leader.pty, " end").await;
    typed(&leader.pty, "\n").await;
    patiently("its end", leader.child.exited()).await;
    assert!(!leader.child.was_last());
    kill_process(busy.child.pid(), Signal::KILL).expect("killed");
    patiently("its end", busy.child.exited()).await;
    assert!(!busy.child.was_last(), "nobody looks whose it is");
    let leaders = [&alone, &busy, &leader].map(|spawned| spawned.child.pid());
    until("no stray", async || {
        let strays: Vec<_> = children(side.spawner.holder()).into_iter().filter(|pid| !leaders.contains(pid)).collect();
        for stray in &strays {
            let _ = kill_process(*stray, Signal::KILL);
        }
        strays.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_program_nobody_waits_for_any_more_is_not_left_running() {
    let holding = Holding::new();
    let side = holding.side().await;
    let memory = memory();
    let cat = launch(&["sh", "-c", "exec sleep 1234"]);
    // Asked, and given up before the answer can come.
    let mut asking = Box::pin(side.spawner.spawn(session(1), memory.as_fd(), &cat, Size::DEFAULT));
    for _ in 0..1000 {
        if futures_util::poll!(asking.as_mut()).is_ready() || !children(side.spawner.holder()).is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(asking);
    until("nothing kept", async || side.spawner.list().await.expect("listed").is_empty().then_some(())).await;
    until("no child", async || children(side.spawner.holder()).is_empty().then_some(())).await;
}

#[tokio::test]
async fn where_systemd_gives_no_scope_the_holder_is_started_all_the_same() {
    let holding = Holding::new();
    let mut place = holding.place();
    place.systemd = Some(fantail::holder::Systemd { environment: Vec::new() });
    let side = holding.side_at(place).await;
    let (spawned, _memory) = holding.start(&side, 1, &["cat"]).await;
    typed(&spawned.pty, "there\n").await;
    shown(&spawned.pty, "there").await;
}
