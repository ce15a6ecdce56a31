//! A holder of root that serves another account: its server runs programs as those listed, and as nobody else.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Stdio;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::support::{Client, Server, executable, patiently, until};

/// The account of the server, which may do nothing.
const FRONT: u32 = 65534;

/// A data directory of another account, with a program that it may execute. None where we are not root.
fn data_of_front() -> Option<(TempDir, std::path::PathBuf)> {
    if !rustix::process::geteuid().is_root() {
        println!("NOT TESTED, because only root can serve another account: a holder of root");
        return None;
    }
    let data = tempfile::tempdir().expect("a directory");
    let program = data.path().join("program");
    executable("cp \"$1\" \"$2\" && chmod 755 \"$2\"", env!("CARGO_BIN_EXE_fantail"), &program);
    chown(data.path(), Some(FRONT), Some(FRONT)).expect("changed");
    Some((data, program))
}

/// A holder of root that serves the account of the server.
async fn holder(data: &TempDir) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fantail"));
    command.args(["holder", "--descriptors", "1024:4096", "--serves", "65534", "--users", "games,man", "--data-dir"]);
    command.arg(data.path()).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut holder = command.spawn().expect("started");
    let mut lines = BufReader::new(holder.stdout.take().expect("piped")).lines();
    assert_eq!(patiently("a holder", lines.next_line()).await.expect("readable").as_deref(), Some("listens"));
    holder
}

fn front(data: &TempDir, program: &std::path::Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command.args(["serve", "--port", "0", "--root-holder", "--config"]).arg(data.path().join("fantail.toml"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FANTAIL_DATA_DIR", data.path())
        .env("FANTAIL_LOG_LEVEL", "warn");
    command.env("HOME", data.path()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The account a process runs as.
fn owner(pid: u64) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(format!("/proc/{pid}")).expect("running").uid()
}

fn is_alive(pid: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_server_without_rights_runs_programs_as_those_listed_and_ends_them() {
    let Some((data, program)) = data_of_front() else { return };
    let settings = "run_as = 'games'\n[profiles.shell]\ncommand = ['sh']\n[profiles.man]\nuser = 'man'\ncommand = ['sh']\n\
                    [profiles.root]\nuser = 'root'\ncommand = ['sh']\n[profiles.daemon]\nuser = 'daemon'\ncommand = ['sh']\n";
    std::fs::write(data.path().join("fantail.toml"), settings).expect("written");
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(data.path().join("fantail.toml"), mode).expect("changed");
    let _holder = holder(&data).await;
    let command = front(&data, &program);
    let server = Arc::new(Server::launched_by(data, command).await);
    assert_eq!(owner(server.pid().into()), FRONT);

    // Refused by the holder, whatever the server's settings say.
    for profile in ["root", "daemon"] {
        let body = json!({ "profile": profile, "workingDir": "/" });
        let (status, answer) = server.call("POST", "/api/sessions", Some(body)).await;
        assert_eq!((status, &answer["details"]["field"]), (422, &json!("profile")), "{profile}: {answer}");
    }
    let opened = server.open_with(json!({ "profile": "man", "workingDir": "/" })).await;
    let id = opened["id"].as_str().expect("an id").to_owned();
    let leader = opened["pid"].as_u64().expect("a pid");
    let mut client = Client::attach(&server, &id).await;
    client.typed("echo I am $(id -un)\n").await;
    client.until_shown("I am man").await;
    assert_eq!(owner(leader), 6);

    // Signals go by the holder: to the foreground, and to all at the end, also what has left and hears of nothing.
    client.typed("trap 'echo interru''pted' INT; while :; do sleep 0.1; done\n").await;
    client.until_shown("done\r\n").await;
    until("a foreground that hears", async || {
        let signal = json!({ "signal": "INT" });
        assert_eq!(server.call("POST", &format!("/api/sessions/{id}/signal"), Some(signal)).await.0, 204);
        let output = server.output(&id, 0).await;
        String::from_utf8_lossy(&output).contains("interrupted").then_some(())
    })
    .await;
    let script = "trap '' HUP TERM; (setsid sh -c 'trap \"\" HUP TERM; echo le''ft $$ behind; sleep 600; :' &) ; cat";
    let body = json!({ "command": ["sh", "-c", script], "workingDir": "/" });
    let other = server.open_with(body).await["id"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(&server, &other).await;
    client.until_shown(" behind").await;
    let stray = client.shown().split_whitespace().nth(1).expect("its id").parse().expect("a number");
    assert_eq!(owner(stray), 5, "games, as all that names no account");
    for id in [id, other] {
        server.close(&id).await;
    }
    assert!(!is_alive(leader) && !is_alive(stray));
}

#[tokio::test]
async fn a_server_that_is_to_find_a_holder_of_root_starts_none_itself() {
    let Some((data, program)) = data_of_front() else { return };
    std::fs::write(data.path().join("fantail.toml"), "").expect("written");
    let mut command = front(&data, &program);
    let output = patiently("its end", command.stderr(Stdio::piped()).output()).await.expect("run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("--serves"), "{said}");
    assert!(!data.path().join("holder.lock").exists());
}
