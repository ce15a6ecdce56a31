//! Starting, shutting down, and what is left behind: nothing.

use std::collections::HashSet;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fantail::protocol::Event;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{Client, Closed, Server, alone, http, patiently, until};

/// What the server holds: descriptors, threads, and children that were not reaped.
#[derive(Debug, PartialEq, Eq)]
struct Holdings {
    descriptors: usize,
    children: usize,
}

fn holdings(pid: u32) -> Holdings {
    // The store has as many connections as were ever needed at once, within its bound.
    let is_the_store_s = |link: std::path::PathBuf| link.to_string_lossy().contains("/fantail.db");
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("running").flatten();
    let descriptors = links.filter(|link| !std::fs::read_link(link.path()).is_ok_and(is_the_store_s)).count();
    Holdings { descriptors, children: children(pid).len() }
}

fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).expect("running").count()
}

fn children(pid: u32) -> HashSet<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("running");
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect::<Vec<_>>()).collect()
}

/// Pids of live processes in the POSIX session `sid`.
fn session_members(sid: u64) -> Vec<String> {
    let listed = std::process::Command::new("ps").args(["-o", "stat=,pid=,args=", "-s", &sid.to_string()]).output();
    let listed = String::from_utf8(listed.expect("ps runs").stdout).expect("text");
    listed.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('Z')).map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_sessions_opened_and_closed_leave_no_zombie_descriptor_or_thread() {
    let _turn = alone().await;
    let server = Server::start().await;
    // A few first, so that pools have their threads and connections.
    churn(&server, 40).await;
    let before = patiently("quiet", settled(server.pid())).await;
    let threads_before = threads(server.pid());
    churn(&server, 2000).await;
    let after = patiently("quiet", settled(server.pid())).await;
    assert_eq!(before, after);
    // Blocking threads come and go, but never one a session.
    assert!(threads(server.pid()) <= threads_before + 64, "{} threads, {threads_before} before", threads(server.pid()));
    assert_eq!(server.call("GET", "/api/sessions", None).await, (200, json!([])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_sessions_leave_no_task_behind() {
    use fantail::auth::{AccountId, Role, Username};
    use fantail::registry::{Limits, Registry};
    use fantail::session::{ClientId, Launch, LocalSpawner, Opening, Principal, SessionId, Settings, StartOn};
    use fantail::store::{Account, Accounts as _, DataDir, SqlStore};
    let _turn = alone().await;
    let limits = Limits { sessions_max: 16, exited_max: 16, exited_ttl: Duration::from_secs(600) };
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    let settings = Settings::new(tokio::runtime::Handle::current(), jiff::Timestamp::now);
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqlStore::open(&DataDir::prepare(dir.path()).expect("safe")).await.expect("opened");
    let id = uuid::Uuid::nil();
    let name = Username::parse("ann").expect("a name");
    let ann = Account::new(AccountId(id), &name, Role::Member, jiff::Timestamp::UNIX_EPOCH);
    store.add_account(&ann).await.expect("added");
    let spawner = Arc::new(LocalSpawner { descriptors: None });
    let registry = Registry::new(limits, settings, spawner, Arc::new(store), "boot".into());
    let owner = Principal(id);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for turn in 0..2000_u128 {
        let command: &[&str] = if turn % 2 == 0 { &["/bin/cat"] } else { &["/bin/true"] };
        let command: Vec<_> = command.iter().map(ToString::to_string).collect();
        let opening = Opening {
            id: SessionId::from_random(turn.to_be_bytes()),
            owner,
            name: "churn".into(),
            profile: None,
            launch: Launch::new(&command, "/".into(), &[]).expect("valid"),
            size: fantail::terminal::Size::DEFAULT,
            start_on: StartOn::Open,
            pace: None,
            sizes: None,
        };
        let session = registry.open(opening).await.expect("opened");
        let attach = fantail::session::Attach {
            principal: owner,
            client: None,
            fresh: ClientId::from_random([1; 16]),
            from: fantail::session::Begin::Start,
            size: None,
            standing: fantail::session::Standing::Types,
            window: 1 << 20,
        };
        let viewer = session.attach(&attach, tokio::time::Instant::now()).await.expect("attached");
        registry.close(&session).await.expect("closed");
        drop(viewer);
    }
    // A task's end is seen a moment after what it was waited for.
    until("the last tasks' end", async || (tasks() <= before).then_some(())).await;
    assert_eq!(registry.list().len(), 0);
}

/// Waits until the HTTP connections of the test's client are all that is left, and the count is the same twice.
async fn settled(pid: u32) -> Holdings {
    loop {
        let first = holdings(pid);
        tokio::time::sleep(Duration::from_secs(6)).await; // idle HTTP connections end after one, or five
        let second = holdings(pid);
        if first == second && second.children == 0 {
            return second;
        }
    }
}

/// Opens and closes `count` sessions, eight at a time, of kinds that end in different ways.
async fn churn(server: &Arc<Server>, count: usize) {
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let server = server.clone();
        workers.spawn(async move {
            for turn in 0..count / 8 {
                let command: &[&str] = match (turn + worker) % 4 {
                    0 => &["true"],
                    1 => &["cat"],
                    2 => &["sh", "-c", "sleep 100 & exec cat"],
                    _ => &["sh", "-c", "echo x; exit 1"],
                };
                let id = server.open(command).await;
                if turn % 10 == 0 {
                    let client = Client::attach(&server, &id).await;
                    server.close(&id).await;
                    drop(client);
                } else {
                    server.close(&id).await;
                }
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.expect("a worker");
    }
}

#[tokio::test]
async fn failing_starts_leave_no_descriptor_behind() {
    let server = Server::start().await;
    server.open(&["cat"]).await;
    let before = patiently("quiet", settled_with(server.pid(), 1)).await;
    for turn in 0..100 {
        let body = match turn % 3 {
            0 => json!({ "command": ["/no/such"] }),
            1 => json!({ "command": ["sh"], "workingDir": "/no/such" }),
            _ => json!({ "command": ["/etc/passwd"] }),
        };
        assert_eq!(server.call("POST", "/api/sessions", Some(body)).await.0, 422);
    }
    assert_eq!(patiently("quiet", settled_with(server.pid(), 1)).await, before);
}

async fn settled_with(pid: u32, children: usize) -> Holdings {
    loop {
        let first = holdings(pid);
        tokio::time::sleep(Duration::from_secs(6)).await;
        if holdings(pid) == first && first.children == children {
            return first;
        }
    }
}

#[tokio::test]
async fn closing_a_session_ends_everything_that_runs_in_it() {
    let server = Server::start().await;
    let script = "trap '' HUP TERM; for i in 1 2 3; do (trap '' HUP TERM INT; sleep 300) & done; nohup sleep 300 >/dev/null & echo ready; wait; wait";
    let id = server.open(&["bash", "-ic", script]).await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    let sid = server.session(&id).await["pid"].as_u64().expect("a pid");
    assert!(session_members(sid).len() >= 5, "{:?}", session_members(sid));
    server.close(&id).await;
    assert_eq!(session_members(sid), Vec::<String>::new());
}

#[tokio::test]
async fn closing_ends_what_outlives_its_leader_below_a_daemon_that_has_left() {
    let server = Server::start().await;
    // The daemon ends when it sees that its child has.
    let daemon = "exec setsid sh -c \"while kill -0 $child; do sleep 0.1; done\" >/dev/null 2>&1";
    let script = format!("(trap '' HUP TERM; sleep 300 & child=$!; echo ready; {daemon}) & exec cat");
    let id = server.open(&["sh", "-c", &script]).await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    let sid = server.session(&id).await["pid"].as_u64().expect("a pid");
    assert!(session_members(sid).len() >= 2, "{:?}", session_members(sid));
    server.close(&id).await;
    assert_eq!(session_members(sid), Vec::<String>::new());
}

#[tokio::test]
async fn a_shell_that_exits_takes_its_background_jobs_with_it() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", "(trap '' HUP; echo ready; sleep 300) & head -c 1 >/dev/null"]).await;
    let sid = server.session(&id).await["pid"].as_u64().expect("a pid");
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    client.typed("\n").await;
    client.until_event("exit", |event| matches!(event, Event::Exit { .. }).then_some(())).await;
    until("the background job's end", async || session_members(sid).is_empty().then_some(())).await;
}

#[tokio::test]
async fn sigterm_drains_viewers_ends_sessions_and_leaves_no_process() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::launch(tempfile::tempdir().expect("a directory"), &[], &[]).await;
        let id = server
            .open(&["sh", "-c", "trap 'echo bye; exit' HUP TERM; echo ready; while :; do sleep 0.05; done"])
            .await;
        let stubborn = server.open(&["sh", "-c", "trap '' HUP TERM; echo ready; while :; do sleep 1; done"]).await;
        let pids = [&id, &stubborn].map(|id| async { server.session(id).await["pid"].as_u64().expect("a pid") });
        let pids = futures_util::future::join_all(pids).await;
        let mut client = Client::attach(&server, &id).await;
        let mut other = Client::attach(&server, &stubborn).await;
        client.until_shown("ready").await;
        other.until_shown("ready").await;
        server.signal(signal);
        for client in [&mut client, &mut other] {
            client.until_event("drain", |event| matches!(event, Event::Drain {}).then_some(())).await;
            assert_eq!(client.until_closed().await, Closed::With(1012));
        }
        assert!(server.ended().await.success());
        for sid in pids {
            assert_eq!(session_members(sid), Vec::<String>::new());
        }
        assert!(!server.data().join("server.json").exists(), "the local token is gone");
    }
}

/// How soon after the first signal the second must have been sent: three seconds after the first what stays is killed,
/// and the server's end is a success.
const IN_TIME: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_second_signal_ends_at_once_and_still_leaves_no_process() {
    while !is_ended_at_once_by_a_second_signal().await {}
}

/// False when nothing can be said, because the second signal was sent too late.
async fn is_ended_at_once_by_a_second_signal() -> bool {
    let mut server = Server::launch(tempfile::tempdir().expect("a directory"), &[], &[]).await;
    let stays = "trap '' HUP TERM; echo ready; while :; do sleep 1; done";
    let id = server.open(&["sh", "-c", stays]).await;
    let left_behind = server.open(&["sh", "-c", &format!("({stays}) & exec cat")]).await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    Client::attach(&server, &left_behind).await.until_shown("ready").await;
    let [sid, left_behind] = [&server.session(&id).await, &server.session(&left_behind).await]
        .map(|session| session["pid"].as_u64().expect("a pid"));
    let first = Instant::now();
    server.signal(Signal::TERM);
    client.until_event("drain", |event| matches!(event, Event::Drain {}).then_some(())).await;
    until("the end of what does not stay", async || {
        let leader = std::fs::read_to_string(format!("/proc/{left_behind}/stat")).ok();
        leader.is_none_or(|stat| stat.contains(") Z ")).then_some(())
    })
    .await;
    server.signal(Signal::TERM);
    let is_in_time = first.elapsed() < IN_TIME;
    if server.ended().await.success() {
        assert!(!is_in_time, "an end without leave is no success");
    }
    // Killed, but not waited for.
    for sid in [sid, left_behind] {
        until("the programs' end", async || session_members(sid).is_empty().then_some(())).await;
    }
    is_in_time
}

#[tokio::test]
async fn a_second_server_on_the_same_data_says_where_the_first_one_is() {
    let server = Server::start().await;
    let second = Server::command(server.data()).args(["serve", "--port", "0"]).output();
    let second = patiently("its end", second).await.expect("run");
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&server.url) && said.contains(&server.pid().to_string()), "{said}");
}

#[tokio::test]
async fn wrong_configuration_stops_the_start_naming_the_key() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("fantail.toml");
    std::fs::write(&file, "log_bites = 1\n").expect("written");
    let config = file.to_str().expect("UTF-8");
    let cases: [(&[&str], &[(&str, &str)], &str); 6] = [
        (&["--no-auth", "--bind", "0.0.0.0"], &[], "no_auth"),
        (&["--log-bytes", "1"], &[], "log_bytes"),
        (&["--config", config], &[], "log_bites"),
        (&[], &[("FANTAIL_LOG_BYTES", "many")], "log_bytes"),
        (&[], &[("FANTAIL_COLOUR", "red")], "FANTAIL_COLOUR"),
        (&["--port", "70000"], &[], "port"),
    ];
    for (arguments, environment, key) in cases {
        let mut command = Server::command(&folder.path().join("data"));
        command.arg("serve").args(arguments).envs(environment.iter().copied());
        let output = patiently("its end", command.output()).await.expect("run");
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(!output.status.success(), "{key}");
        assert!(said.contains(&key.to_lowercase()), "{key}: {said}");
    }
}

#[tokio::test]
async fn the_first_start_makes_a_private_data_directory_and_an_account_can_be_added_to_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().expect("a directory");
    let data = parent.path().join("new");
    let mut user = Server::command(&data);
    let mut add = user.args(["user", "add", "ann"]).stdin(Stdio::piped()).spawn().expect("runs");
    add.stdin.take().expect("piped").write_all(b"correct horse battery\n").await.expect("written");
    assert!(patiently("its end", add.wait()).await.expect("waited").success());
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).expect("readable") {
        let path = entry.expect("entry").path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
    let mut server = Server::command(&data);
    let mut process = server.args(["serve", "--port", "0"]).stdout(Stdio::piped()).spawn().expect("starts");
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(process.stdout.take().expect("piped")));
    let url = patiently("a line", lines.next_line()).await.expect("readable").expect("a line");
    let login = http().post(format!("{url}/api/auth/login"));
    let answer =
        login.json(&json!({ "username": "ann", "password": "correct horse battery" })).send().await.expect("answered");
    assert_eq!(answer.status().as_u16(), 200);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["user"]["username"], "ann");
    assert_eq!(mode(&data.join("server.json")), 0o600);
}

#[tokio::test]
async fn a_password_set_while_the_server_starts_does_not_end_it() {
    for _ in 0..10 {
        let data = tempfile::tempdir().expect("a directory");
        let mut server = Server::command(data.path());
        let mut process = server.args(["serve", "--port", "0"]).stdout(Stdio::piped()).spawn().expect("starts");
        let pid = process.id().expect("running");
        // What `fantail user passwd` does: whoever holds the lock is told to look again. Looked for without a pause,
        // because the moment that is meant has soon passed.
        let locked = async {
            while std::fs::read_to_string(data.path().join("server.lock")).ok() != Some(pid.to_string()) {
                tokio::task::yield_now().await;
            }
        };
        patiently("the lock", locked).await;
        let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, Signal::USR1).expect("signalled");
        let output = tokio::io::BufReader::new(process.stdout.take().expect("piped"));
        let mut lines = tokio::io::AsyncBufReadExt::lines(output);
        let line = patiently("its address", lines.next_line()).await.expect("readable");
        assert!(line.is_some_and(|line| line.starts_with("http://")), "the server ended");
    }
}
