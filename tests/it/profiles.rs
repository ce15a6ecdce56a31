//! Profiles: what is started under a name, as whom, where, and within what.

use std::sync::Arc;

use fantail::protocol::Event;
use serde_json::{Value, json};

use crate::support::{Client, Server, until};

async fn with_profiles(profiles: &str) -> Arc<Server> {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("profiles.toml");
    std::fs::write(&file, profiles).expect("written");
    let config = file.to_str().expect("UTF-8").to_owned();
    Arc::new(Server::launch(data, &["--config", &config], &[]).await)
}

async fn printed(server: &Server, body: Value) -> String {
    let id = server.open_with(body).await["id"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(server, &id).await;
    client.until_event("exit", |event| matches!(event, Event::Exit { .. }).then_some(())).await;
    client.shown()
}

#[tokio::test]
async fn profiles_are_listed_and_opened_by_name_from_everywhere() {
    let server = with_profiles(
        "[profiles.greet]\ndescription = 'Says hello'\ncommand = ['echo', 'hello']\nargs = true\nenv = { GREETING = 'hi' }\n",
    )
    .await;
    let (status, listed) = server.call("GET", "/api/profiles", None).await;
    let greet = json!({ "name": "greet", "command": ["echo", "hello"], "description": "Says hello", "args": true });
    let shell = json!({ "name": "shell", "command": ["/bin/sh", "-l"], "description": null, "args": false });
    assert_eq!((status, listed), (200, json!([greet, shell])));
    assert_eq!(server.ask(None, "GET", "/api/profiles", None).await.status, 401);
    let opened = server.open_with(json!({ "profile": "greet", "args": ["you"] })).await;
    assert_eq!((&opened["profile"], &opened["command"]), (&json!("greet"), &json!(["echo", "hello", "you"])));
    let opened = server.open_with(json!({})).await;
    assert_eq!((&opened["profile"], &opened["command"]), (&json!("shell"), &json!(["/bin/sh", "-l"])));
    assert_eq!(server.open_with(json!({ "command": ["cat"] })).await["profile"], Value::Null);
    let said = server.fantail(&["open", "--profile", "greet", "--detach", "--", "all"], "").await;
    assert!(said.status.success(), "{said:?}");
    let id = String::from_utf8(said.stdout).expect("text").trim().to_owned();
    assert_eq!(server.session(&id).await["command"], json!(["echo", "hello", "all"]));
}

#[tokio::test]
async fn opening_again_keeps_to_what_the_profile_says_now() {
    let profiles = |shows: &str| format!("[profiles.show]\ncommand = ['echo', '{shows}']\nargs = true\n");
    let server = with_profiles(&profiles("before")).await;
    let old = server.open_with(json!({ "profile": "show", "args": ["x"] })).await;
    let old = old["id"].as_str().expect("an id");
    let ended = async |server: &Server, id: &str| {
        until("its end", async || (server.session(id).await["status"] == "exited").then_some(())).await;
    };
    ended(&server, old).await;
    let (status, again) = server.call("POST", &format!("/api/sessions/{old}/reopen"), None).await;
    assert_eq!((status, &again["command"]), (201, &json!(["echo", "before", "x"])), "{again}");
    assert_eq!(again["profile"], "show");
}

#[tokio::test]
async fn a_confined_program_has_its_terminal_its_limits_and_nothing_it_was_not_given() {
    let script = "ulimit -c; ulimit -Hc; ulimit -v; ulimit -n; grep NoNewPrivs /proc/self/status; cat /proc/self/oom_score_adj; \
                  ls /proc/self/fd | tr '\\n' ' '; tty; grep SigIgn /proc/self/status; env | grep -c FANTAIL; echo $GIVEN; pwd";
    let server = with_profiles(&format!(
        "[profiles.all]\ncommand = ['bash', '-c', '''{script}''']\nno_new_privs = true\nroot = ['/usr']\n\
         env = {{ GIVEN = 'this' }}\nlimits = {{ memory_bytes = 1073741824, descriptors = 64, processes = 100000 }}\n"
    ))
    .await;
    let shown = printed(&server, json!({ "profile": "all" })).await;
    let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
    assert_eq!(lines[..6], ["0", "0", "1048576", "64", "NoNewPrivs:\t1", "500"], "{shown}");
    assert!(lines[6].starts_with("0 1 2 3 /dev/pts/"), "{shown}");
    let ignored = u64::from_str_radix(lines[7].split_whitespace().nth(1).expect("a mask"), 16).expect("a number");
    assert_eq!(ignored & !(1 << 31 | 1 << 32), 0, "{shown}");
    assert_eq!(lines[8..], ["1", "this", "/usr"], "{shown}");
}

#[tokio::test]
async fn every_program_leaves_no_core_and_ends_before_the_server_when_memory_runs_out() {
    let server = Server::start().await;
    let script = "ulimit -c; ulimit -Hc; cat /proc/$PPID/oom_score_adj; cat /proc/self/oom_score_adj";
    // The score is set a moment after the program has begun.
    let shown = printed(&server, json!({ "command": ["sh", "-c", format!("sleep 0.2; {script}")] })).await;
    assert_eq!(shown.lines().collect::<Vec<_>>(), ["0", "0", "0", "500"]);
}

#[tokio::test]
async fn a_program_begins_below_its_roots_wherever_links_lead() {
    let base = tempfile::tempdir().expect("a directory");
    let base = base.path().canonicalize().expect("there");
    std::fs::create_dir_all(base.join("in/deep")).expect("made");
    std::fs::create_dir_all(base.join("out")).expect("made");
    std::os::unix::fs::symlink(base.join("out"), base.join("in/leak")).expect("made");
    let server =
        with_profiles(&format!("[profiles.there]\ncommand = ['pwd']\nroot = ['{}/in']\n", base.display())).await;
    let at = |dir: &str| json!({ "profile": "there", "workingDir": base.join(dir) });
    assert_eq!(printed(&server, at("in/deep/..")).await.trim_end(), base.join("in").to_str().expect("UTF-8"));
    assert_eq!(
        printed(&server, json!({ "profile": "there" })).await.trim_end(),
        base.join("in").to_str().expect("UTF-8")
    );
    for dir in ["out", "in/leak", "in/../out", "."] {
        let (status, answer) = server.call("POST", "/api/sessions", Some(at(dir))).await;
        assert_eq!((status, &answer["details"]["field"]), (422, &json!("workingDir")), "{dir}: {answer}");
    }
}

#[tokio::test]
async fn a_program_runs_as_the_account_its_profile_names_or_not_at_all() {
    let user = if rustix::process::geteuid().is_root() { "games" } else { "root" };
    let script = "id -un; id -gn; id -Gn; echo $HOME $USER $LOGNAME; stat -c '%U %G %a' $(tty); cd / && pwd";
    let server = with_profiles(&format!(
        "[profiles.other]\nuser = '{user}'\nroot = ['/']\ncommand = ['sh', '-c', '''{script}''']\n[profiles.shell]\nuser = '{user}'\n"
    ))
    .await;
    if user == "root" {
        println!("not root: that another account's programs run as that account is NOT TESTED");
        let (status, answer) = server.call("POST", "/api/sessions", Some(json!({ "profile": "other" }))).await;
        assert_eq!((status, &answer["details"]["field"]), (422, &json!("profile")), "{answer}");
        return;
    }
    let shown = printed(&server, json!({ "profile": "other", "workingDir": "/" })).await;
    let expected = ["games", "games", "games", "/usr/games games games", "games tty 620", "/"];
    assert_eq!(shown.lines().map(str::trim_end).collect::<Vec<_>>(), expected, "{shown}");
    let (_, listed) = server.call("GET", "/api/profiles", None).await;
    assert_eq!(listed[1]["command"], json!(["/usr/sbin/nologin", "-l"]), "its own login shell: {listed}");
}

#[tokio::test]
async fn an_account_that_does_not_exist_stops_the_start() {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("profiles.toml");
    std::fs::write(&file, "[profiles.x]\nuser = 'no-such-account'\n").expect("written");
    let mut command = Server::command(data.path());
    let output =
        command.args(["serve", "--port", "0", "--no-holder", "--config"]).arg(&file).output().await.expect("run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("profiles.x.user") && said.contains("no-such-account"), "{said}");
}
