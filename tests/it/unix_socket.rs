//! A Unix socket beside the port: for the account the server runs as, and for nobody's browser.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::process::Signal;
use tokio::net::UnixListener;

use crate::support::{Server, patiently};

async fn at(path: &Path) -> Server {
    let data = tempfile::tempdir().expect("a directory");
    Server::launch(data, &["--unix-socket", path.to_str().expect("UTF-8")], &[]).await
}

/// What a command says of the server at the socket, with this token.
async fn listed(server: &Server, path: &Path, token: &str) -> (bool, String) {
    let mut command = Server::command(server.data());
    command.args(["ls", "--url", &format!("unix:{}", path.display())]).env("FANTAIL_TOKEN", token);
    let output = patiently("the command's end", command.output()).await.expect("run");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[tokio::test]
async fn a_unix_socket_is_for_the_account_asks_for_a_credential_and_goes_with_the_server() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("fantail.sock");
    let mut server = at(&path).await;
    let found = std::fs::metadata(&path).expect("there");
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let id = server.open(&["cat"]).await;
    let (worked, said) = listed(&server, &path, &server.token).await;
    assert!(worked && said.contains(&id[..8]), "{said}");
    let (worked, said) = listed(&server, &path, "nonsense").await;
    assert!(!worked && said.contains("invalid_token"), "{said}");
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
    assert!(!path.exists());
}

#[tokio::test]
async fn a_page_or_another_name_gets_nothing_through_a_unix_socket() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("fantail.sock");
    let server = at(&path).await;
    let client = reqwest::Client::builder().unix_socket(path).build().expect("a client");
    for (host, origin, status) in [
        ("localhost", None, 200),
        ("localhost", Some("http://localhost"), 403),
        ("localhost", Some("null"), 403),
        ("evil.test", None, 421),
        ("127.0.0.1", None, 421),
    ] {
        let mut request = client.get("http://localhost/api/sessions").bearer_auth(&server.token).header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let answer = patiently("an answer", request.send()).await.expect("answered");
        assert_eq!(answer.status().as_u16(), status, "{host} {origin:?}");
    }
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_what_is_somebody_elses_is_not() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("fantail.sock");
    let mut killed = at(&path).await;
    killed.signal(Signal::KILL);
    killed.ended().await;
    assert!(path.exists(), "nobody has removed it");
    let server = at(&path).await;
    assert!(listed(&server, &path, &server.token).await.0);

    let (used, precious) = (place.path().join("used"), place.path().join("precious"));
    let _others = UnixListener::bind(&used).expect("bound");
    std::fs::write(&precious, "kept").expect("written");
    for path in [&used, &precious] {
        let mut command = Server::command(&place.path().join("data"));
        command.args(["serve", "--port", "0", "--no-holder", "--unix-socket"]).arg(path);
        let output = patiently("its end", command.output()).await.expect("run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(path.to_str().expect("UTF-8")), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&precious).expect("there"), "kept");
}
