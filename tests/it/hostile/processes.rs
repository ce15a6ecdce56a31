//! What sessions' programs may see, take and leave behind.

use std::collections::HashSet;
use std::sync::Arc;

use fantail::protocol::Event;
use serde_json::{Value, json};

use crate::support::{Client, Server, open_descriptors, until};

/// What stands for a secret wherever one could be.
const CANARY: &str = "canary7f3a";

/// What a program that ends by itself printed.
async fn printed_by(server: &Server, command: &[&str]) -> String {
    printed(server, json!({ "command": command })).await
}

async fn printed(server: &Server, body: Value) -> String {
    let id = server.open_with(body).await["sessionId"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(server, &id).await;
    client.until_event("exit", |event| matches!(event, Event::Exit { .. }).then_some(())).await;
    client.shown()
}

/// A server with these profiles, which runs programs itself.
async fn with_profiles(profiles: &str) -> Arc<Server> {
    profiles_beside(profiles, "admin").await
}

/// The same, where that role may name commands as well.
async fn profiles_beside(profiles: &str, any_command: &str) -> Arc<Server> {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("profiles.toml");
    std::fs::write(&file, profiles).expect("written");
    let config = file.to_str().expect("UTF-8").to_owned();
    Arc::new(Server::launch(data, &["--config", &config, "--any-command", any_command], &[]).await)
}

/// Whether this test can run programs as another account; says loudly that it cannot.
fn is_root(what: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("NOT TESTED, because only root can run programs as another account: {what}");
    }
    is_root
}

/// Live processes that were started in a session, wherever they went.
fn processes_of(session: &str) -> HashSet<u32> {
    let mark = format!("FANTAIL_SESSION_ID={session}").into_bytes();
    let is_of = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    let entries = std::fs::read_dir("/proc").expect("readable").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_of).collect()
}

#[tokio::test]
async fn h62_a_program_inherits_the_allowed_variables_and_no_secret_of_the_server() {
    let environment = [
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("DATABASE_URL", CANARY),
        ("SSH_AUTH_SOCK", CANARY),
        ("LD_LIBRARY_PATH", CANARY),
        ("BASH_ENV", CANARY),
        ("NOTIFY_SOCKET", CANARY),
        ("FANTAIL_LOG_LEVEL", "warn,canary7f3a=off"),
        ("LC_CANARY", "passed"),
        ("PASSED_ON_PURPOSE", "passed"),
    ];
    let folder = tempfile::tempdir().expect("a directory");
    let server = Server::launch(folder, &["--pass-env", "PASSED_ON_PURPOSE"], &environment).await;
    let printed = printed_by(&server, &["env"]).await;
    assert!(!printed.contains(CANARY), "{printed}");
    let names: Vec<_> = printed.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let allowed = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TZ", "TERM", "COLORTERM", "FANTAIL_SESSION_ID"];
    for name in &names {
        let is_allowed = allowed.contains(name) || name.starts_with("LC_") || *name == "PASSED_ON_PURPOSE";
        assert!(is_allowed, "{name} in {printed}");
    }
    for name in ["HOME", "SHELL", "PATH", "TERM", "FANTAIL_SESSION_ID", "LC_CANARY", "PASSED_ON_PURPOSE"] {
        assert!(names.contains(&name), "no {name} in {printed}");
    }
}

#[tokio::test]
async fn h63_a_program_holds_its_terminal_and_nothing_of_the_server_or_of_another_session() {
    let server = Server::start().await;
    let other = server.open(&["cat"]).await;
    let _viewer = Client::attach(&server, &other).await;
    // The fourth is the directory that `ls` reads.
    assert_eq!(printed_by(&server, &["ls", "-1", "/proc/self/fd"]).await, "0\r\n1\r\n2\r\n3\r\n");
    let places = printed_by(&server, &["sh", "-c", "readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2; tty"]).await;
    let places: Vec<_> = places.lines().collect();
    assert!(places.iter().all(|place| *place == places[0] && place.starts_with("/dev/pts/")), "{places:?}");
}

#[tokio::test]
async fn h64_a_session_of_another_account_reads_nothing_of_the_server() {
    if !is_root("what a session of another account can read of the server") {
        return;
    }
    let server =
        with_profiles("[profiles.shell]\nuser = 'nobody'\ncommand = ['sh', '-c', 'cd /; exec sh']\nroot = ['/tmp']")
            .await;
    let id = server.open_with(json!({})).await["sessionId"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(&server, &id).await;
    let (pid, data) = (server.pid(), server.data().display());
    let others = format!("/proc/{pid}/environ /proc/{pid}/mem /proc/{pid}/maps {data}/fantail.db {data}/server.json");
    client.typed(&format!("for f in {others}; do cat $f >/dev/null 2>&1 && echo READ $f; done\n")).await;
    client.typed(&format!("ls /proc/{pid}/fd 2>/dev/null | grep . && echo SE''EN\n")).await;
    client.typed(&format!("kill -0 {pid} || echo refused to $(id -un)\n")).await;
    client.until_shown("refused to nobody").await;
    // What was typed is shown, too, but not as the shell read it.
    let shown = client.shown();
    assert!(!others.split(' ').any(|file| shown.contains(&format!("READ {file}"))), "{shown}");
    assert!(!shown.contains("SEEN"), "{shown}");
}

#[tokio::test]
async fn h65_a_program_starts_with_signals_as_after_login() {
    let server = Server::start().await;
    let printed = printed_by(&server, &["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"]).await;
    // glibc leaves two signals ignored that it keeps for itself and that no program can use.
    let of_glibc: u64 = 1 << 31 | 1 << 32;
    let masks = printed.lines().filter_map(|line| u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok());
    let masks: Vec<_> = masks.map(|mask| mask & !of_glibc).collect();
    assert_eq!(masks, [0, 0], "{printed}");
}

/// A program that ignores all it may, and leaves a thousand others behind that do as well, outside of its POSIX session.
const LEAVES: &str = "trap '' HUP TERM INT
(setsid sh -c 'trap \"\" HUP TERM INT; i=0; while [ $i -lt 1000 ]; do sleep 600 & i=$((i+1)); done; echo re\"\"ady; wait' &)
while :; do sleep 1; done";

#[tokio::test]
async fn h66_what_ignores_signals_and_leaves_its_session_a_thousand_times_is_gone_when_it_is_closed() {
    let server = Server::start().await;
    let id = server.open(&["sh", "-c", LEAVES]).await;
    Client::attach(&server, &id).await.until_shown("ready").await;
    assert!(processes_of(&id).len() > 1000);
    server.close(&id).await;
    until("their end", async || processes_of(&id).is_empty().then_some(())).await;
}

#[tokio::test]
async fn h66_what_left_a_session_by_two_forks_ends_with_it_and_what_cleared_its_mark_does_not() {
    let server = Server::start().await;
    let script = "(setsid sh -c 'sleep 601; :' &) ; env -u FANTAIL_SESSION_ID setsid --fork sleep 602; echo re\"\"ady; read line";
    let id = server.open(&["sh", "-c", script]).await;
    let mut client = Client::attach(&server, &id).await;
    client.until_shown("ready").await;
    until("the daemon", async || (processes_of(&id).len() >= 3).then_some(())).await;
    client.typed("\n").await;
    until("the end of what it left", async || processes_of(&id).is_empty().then_some(())).await;
    let survivor = std::process::Command::new("pgrep").args(["-fx", "sleep 602"]).output().expect("pgrep runs");
    let survivor = String::from_utf8(survivor.stdout).expect("text");
    let survivor: i32 = survivor.lines().next().expect("one that said that it wants to stay").parse().expect("a pid");
    let survivor = rustix::process::Pid::from_raw(survivor).expect("a pid");
    rustix::process::kill_process(survivor, rustix::process::Signal::KILL).expect("killed");
}

#[tokio::test]
async fn h67_confined_programs_that_fail_say_why_and_leave_nothing_behind() {
    let profiles = "limits.processes = 100000\n[profiles.gone]\ncommand = ['/no/such']\n[profiles.file]\ncommand = \
         ['/etc/passwd']\n[profiles.true]\ncommand = ['true']\n[profiles.inside]\nroot = ['/usr']\ncommand = ['true']\n";
    let server = with_profiles(profiles).await;
    server.open(&["cat"]).await;
    let before = open_descriptors(server.pid());
    for round in 0..200 {
        let (body, field) = match round % 5 {
            0 => (json!({ "profile": "gone" }), "command"),
            1 => (json!({ "profile": "file" }), "command"),
            2 => (json!({ "profile": "true", "workingDir": "/no/such" }), "workingDir"),
            3 => (json!({ "profile": "inside", "workingDir": "/tmp" }), "workingDir"),
            _ => (json!({ "profile": "true" }), ""),
        };
        let (status, answer) = server.call("POST", "/api/sessions", Some(body)).await;
        if field.is_empty() {
            assert_eq!(status, 201, "{answer}");
            server.close(answer["id"].as_str().expect("an id")).await;
        } else {
            assert_eq!((status, &answer["details"]["field"]), (422, &json!(field)), "{answer}");
        }
    }
    // The store has as many connections as were ever needed at once.
    until("its descriptors as before", async || (open_descriptors(server.pid()) <= before + 8).then_some(())).await;
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.pid())).expect("running");
    assert!(children.split_whitespace().count() <= 1, "{children}");
}

#[tokio::test]
async fn h68_a_fork_bomb_is_held_to_its_limit_and_ends_with_its_session() {
    if !is_root("a fork bomb, which is bounded by account") {
        return;
    }
    // An account of its own, because the kernel counts by account.
    let profiles = "[profiles.bomb]\nuser = 'games'\nroot = ['/']\nlimits = { processes = 60 }\n\
         command = ['bash', '-c', 'f() { f | f & }; echo armed; f; sleep 600']\n";
    let server = with_profiles(profiles).await;
    let id = server.open_with(json!({ "profile": "bomb" })).await["id"].as_str().expect("an id").to_owned();
    Client::attach(&server, &id).await.until_shown("ork: ").await;
    assert!(processes_of(&id).len() <= 60);
    let other = server.open(&["cat"]).await;
    let mut client = Client::attach(&server, &other).await;
    client.typed("still here\n").await;
    client.until_shown("still here\r\nstill here").await;
    server.close(&id).await;
    until("the bomb's end", async || processes_of(&id).is_empty().then_some(())).await;
}

#[tokio::test]
async fn h69_a_program_that_takes_all_memory_meets_its_own_limit_only() {
    let profiles = "[profiles.eater]\nlimits = { memory_bytes = 268435456 }\n\
         command = ['sh', '-c', 'x=$(head -c 600000000 /dev/zero | tr \"\\0\" x); echo ate it all']\n";
    let server = with_profiles(profiles).await;
    let other = server.open(&["cat"]).await;
    let id = server.open_with(json!({ "profile": "eater" })).await["id"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(&server, &id).await;
    client.until_event("exit", |event| matches!(event, Event::Exit { .. }).then_some(())).await;
    assert!(!client.shown().contains("ate it all"), "{}", client.shown());
    let session = server.session(&id).await;
    assert!(session["exitCode"] != 0, "{session}");
    assert_eq!(server.session(&other).await["status"], "running");
}

/// A memory cgroup of these tests (version 1, as on machines of old), of 64 MiB. None where it cannot be made.
fn small_cgroup() -> Option<std::path::PathBuf> {
    let cgroup = std::path::Path::new("/sys/fs/cgroup/memory").join(format!("fantail-test-{}", std::process::id()));
    let made = std::fs::create_dir(&cgroup)
        .and_then(|()| std::fs::write(cgroup.join("memory.limit_in_bytes"), "67108864"))
        .and_then(|()| std::fs::File::open("/dev/kmsg"));
    if let Err(error) = made {
        println!(
            "NOT TESTED, because there is no memory cgroup or no kernel log to be had ({error}): why a program died"
        );
        return None;
    }
    Some(cgroup)
}

#[tokio::test]
async fn h69_a_program_that_the_kernel_kills_for_memory_says_so() {
    let Some(cgroup) = small_cgroup() else { return };
    let server = Server::start().await;
    let eats = "read line; exec tail -c 600000000 < <(cat /dev/zero)";
    let id = server.open(&["bash", "-c", eats]).await;
    let pid = server.session(&id).await["pid"].as_u64().expect("a pid");
    std::fs::write(cgroup.join("cgroup.procs"), pid.to_string()).expect("moved");
    let mut client = Client::attach(&server, &id).await;
    client.typed("\n").await;
    client.until_event("exit", |event| matches!(event, Event::Exit { .. }).then_some(())).await;
    let session = server.session(&id).await;
    assert_eq!(session["exitSignal"], "SIGKILL", "{session}");
    assert!(session["exitReason"].as_str().is_some_and(|said| said.starts_with("out of memory")), "{session}");
    server.close(&id).await;
    until("an empty cgroup", async || std::fs::remove_dir(&cgroup).ok()).await;
}

#[tokio::test]
async fn h69_a_program_that_takes_more_time_or_disk_than_it_may_is_ended_and_that_is_said() {
    let folder = tempfile::tempdir().expect("a directory");
    let profiles = format!(
        "[profiles.spinner]\nlimits = {{ cpu_seconds = 1 }}\ncommand = ['sh', '-c', 'while :; do :; done']\n\
         [profiles.writer]\nlimits = {{ file_bytes = 65536 }}\n\
         command = ['sh', '-c', 'exec head -c 1000000 /dev/zero > {}/big']\n",
        folder.path().display()
    );
    let server = with_profiles(&profiles).await;
    for (profile, signal, reason) in [("spinner", "SIGXCPU", "processor time"), ("writer", "SIGXFSZ", "file")] {
        let id = server.open_with(json!({ "profile": profile })).await["id"].as_str().expect("an id").to_owned();
        let mut client = Client::attach(&server, &id).await;
        client.until_event("exit", |event| matches!(event, Event::Exit { .. }).then_some(())).await;
        let session = server.session(&id).await;
        assert_eq!(session["exitSignal"], signal, "{session}");
        assert!(session["exitReason"].as_str().is_some_and(|said| said.contains(reason)), "{session}");
    }
}

#[tokio::test]
async fn h70_what_no_profile_allows_is_refused_by_name() {
    let profiles = "[profiles.show]\ncommand = ['printf', '<%s>']\nargs = true\n";
    let server = profiles_beside(profiles, "nobody").await;
    let refused = async |body: Value| {
        let (status, answer) = server.call("POST", "/api/sessions", Some(body)).await;
        (status, answer["code"].as_str().unwrap_or_default().to_owned(), answer["details"]["field"].clone())
    };
    for body in [json!({ "command": ["sh"] }), json!({ "profile": "none" }), json!({ "profile": "" })] {
        assert_eq!(refused(body.clone()).await, (403, "command_not_allowed".into(), Value::Null), "{body}");
    }
    for word in ["-v", "--", "-", "a\0b", "a\nb", "\u{1b}c"] {
        let body = json!({ "profile": "show", "args": ["x", word] });
        assert_eq!(refused(body).await, (400, "invalid_field".into(), json!("args")), "{word:?}");
    }
    let field = |field: &str| (400, "invalid_field".to_owned(), json!(field));
    assert_eq!(refused(json!({ "profile": "shell", "args": ["x"] })).await, field("args"));
    assert_eq!(refused(json!({ "profile": "show", "command": ["sh"] })).await, field("command"));
    assert_eq!(
        refused(json!({ "profile": "show", "env": { "LD_PRELOAD": "/tmp/x.so" } })).await,
        field("env.LD_PRELOAD")
    );
    assert_eq!(refused(json!({ "profile": "show", "args": ["x".repeat(1_900_000)] })).await, field("args"));
    assert_eq!(refused(json!({ "profile": "show", "args": vec!["x"; 5000] })).await, field("args"));
    assert_eq!(refused(json!({ "profile": "show", "args": ["x".repeat(2 << 20)] })).await.0, 413);
    assert_eq!(printed(&server, json!({ "profile": "show", "args": ["a b", "$(id)", ";"] })).await, "<a b><$(id)><;>");
}
