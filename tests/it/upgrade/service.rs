//! A service manager is told who serves, and the example of a service says what is so.

use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use tokio::net::UnixDatagram;
use tokio::process::Command;

use super::installed::Installed;
use crate::support::patiently;

async fn heard(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 1024];
    let length = patiently("a word to the manager", manager.recv(&mut bytes)).await.expect("heard");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn the_manager_hears_of_a_start_an_upgrade_a_failed_one_and_the_end() {
    let folder = tempfile::tempdir().expect("a directory");
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).expect("bound");
    let server = Installed::start(&[], &[("NOTIFY_SOCKET", socket.to_str().expect("UTF-8"))]).await;
    assert_eq!(heard(&manager).await, "READY=1");
    let old = server.serving();

    server.install_script("exit 1");
    assert!(!server.fantail(&["upgrade"]).await.status.success());
    assert!(heard(&manager).await.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(heard(&manager).await, format!("MAINPID={old}\nREADY=1"));

    server.install();
    assert!(server.fantail(&["upgrade"]).await.status.success());
    assert!(heard(&manager).await.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    let new = server.serving();
    assert_ne!(new, old);
    assert_eq!(heard(&manager).await, format!("MAINPID={new}\nREADY=1"));

    Installed::signal(new, Signal::TERM);
    assert_eq!(heard(&manager).await, "STOPPING=1");
}

#[tokio::test]
async fn the_example_of_a_service_starts_only_what_there_is() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fantail.service");
    let text = std::fs::read_to_string(file).expect("readable");
    let commands: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("Exec")?.split_once('=')).collect();
    assert_eq!(commands.iter().map(|(when, _)| *when).collect::<Vec<_>>(), ["Start", "Reload"]);
    for (_, command) in commands {
        let arguments = command.strip_prefix("/usr/local/bin/fantail ").expect("ours").split(' ');
        let mut fantail = Command::new(env!("CARGO_BIN_EXE_fantail"));
        let known = fantail.args(arguments).arg("--help").stdout(Stdio::null()).status();
        assert!(patiently("help", known).await.expect("run").success(), "{command}");
    }
}
