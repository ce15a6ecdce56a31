//! What must not be seen is not: by a program, in a log, on a command line.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::raw::{request, upgrade};
use crate::support::{Answer, Client, Join, Login, Raw, Server, patiently};

/// What sessions inherit, besides everything that starts with `LC_`.
const INHERITED: [&str; 7] = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TZ"];
/// What the server adds.
const ADDED: [&str; 3] = ["TERM", "COLORTERM", "FANTAIL_SESSION_ID"];

/// What a program prints until it ends.
async fn printed(server: &Server, body: Value) -> (String, String) {
    let opened = server.open_with(body).await;
    let id = opened["id"].as_str().expect("an id").to_owned();
    let mut client = Client::attach(server, &id).await;
    let is_exit =
        |event: &fantail::protocol::Event| matches!(event, fantail::protocol::Event::Exit { .. }).then_some(());
    client.until_event("its end", is_exit).await;
    (id, client.shown())
}

#[tokio::test]
async fn a_program_finds_the_allowed_variables_and_none_of_the_servers_secrets() {
    const CANARY: &str = "canary-environment-5c1e";
    let secrets = [
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("FANTAIL_TOKEN", CANARY),
        ("FANTAIL_URL", CANARY),
        ("GITHUB_TOKEN", CANARY),
        ("SSH_AUTH_SOCK", CANARY),
        ("DATABASE_URL", CANARY),
        ("LD_PRELOAD_CANARY", CANARY),
        ("EDITOR", "vi-is-passed"),
        ("LC_TIME", "C.UTF-8"),
        ("FANTAIL_PASS_ENV", "EDITOR"),
    ];
    let server = Server::launch(tempfile::tempdir().expect("a directory"), &[], &secrets).await;
    let additions = json!({ "MINE": "of the request", "LANG": "changed", "EMPTY": "", "WIDE": "ü = \"x\"" });
    let (id, shown) = printed(&server, json!({ "command": ["env", "-0"], "env": additions })).await;
    assert!(!shown.contains(CANARY), "{shown}");
    let pairs = shown.split('\0').filter_map(|line| line.split_once('='));
    let found: BTreeMap<_, _> = pairs.collect();
    for name in found.keys() {
        let allowed = INHERITED.contains(name) || ADDED.contains(name) || name.starts_with("LC_");
        let asked = ["MINE", "EMPTY", "WIDE", "EDITOR"].contains(name);
        assert!(allowed || asked, "{name} is there");
    }
    let expected = [
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
        ("FANTAIL_SESSION_ID", &*id),
        ("MINE", "of the request"),
        ("LANG", "changed"),
        ("EMPTY", ""),
        ("WIDE", "ü = \"x\""),
        ("LC_TIME", "C.UTF-8"),
        ("EDITOR", "vi-is-passed"),
    ];
    for (name, value) in expected {
        assert_eq!(found.get(name), Some(&value), "{name}");
    }
    for name in ["HOME", "PATH", "SHELL"] {
        assert!(found.contains_key(name), "{name} is always there");
    }
    let body = json!({ "env": { "FANTAIL_DATA_DIR": "/tmp" } });
    let (status, refusal) = server.call("POST", "/api/sessions", Some(body)).await;
    assert_eq!((status, &refusal["code"]), (400, &json!("invalid_field")), "the server's own names cannot be given");
}

#[tokio::test]
async fn a_program_is_given_its_terminal_and_no_other_descriptor() {
    let server = Server::start().await;
    // Sockets, logs, databases and other programs' terminals are open meanwhile.
    let others = join_all((0..8).map(|_| server.open(&["cat"]))).await;
    let viewers = join_all(others.iter().map(|id| Client::attach(&server, id))).await;
    let listings = join_all((0..24).map(|turn| {
        let spawn = if turn % 2 == 0 { "now" } else { "onAttach" };
        printed(&server, json!({ "command": ["ls", "-1", "/proc/self/fd"], "spawn": spawn }))
    }))
    .await;
    for (_, listing) in listings {
        // 3 is the directory ls reads.
        assert_eq!(listing.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    }
    let script = "for fd in 0 1 2; do readlink /proc/self/fd/$fd; done; tty";
    let (_, shown) = printed(&server, json!({ "command": ["sh", "-c", script] })).await;
    let names: Vec<_> = shown.split_whitespace().collect();
    assert!(names.len() == 4 && names[0].starts_with("/dev/pts/"), "{shown}");
    assert!(names.iter().all(|name| *name == names[0]), "{shown}");
    drop(viewers);
}

/// What was said to a server and must not be found where it does not belong, by what it is.
type Secrets = Vec<(&'static str, String)>;

/// Uses everything a secret can be said in, well and badly.
async fn say_secrets(server: &Server) -> Secrets {
    let mut secrets: Secrets = vec![("local token", server.token.clone())];
    let password = "canary-password-41d8";
    let ann = Login::of_new(server, "ann", password).await;
    let by_link = Login::by_link(server).await;
    let link = server.login.clone().expect("a link");
    let renewed = Login::from_answer(&ann.renew(server).await);
    assert_eq!(ann.renew(server).await.status, 409);
    let session =
        renewed.open(server, &["sh", "-c", "printf canary-%s printed-8e0b; exec cat canary-argument-11aa -"]).await;
    let ticket = renewed.ticket(server, &session, None).await;
    let mut client = Client::join(server, &session, Join { ticket: Some(ticket.clone()), ..Join::default() }).await;
    client.until_shown("canary-printed-8e0b").await;
    client.typed("canary-typed-77f2\n").await;
    client.until_shown("canary-typed-77f2\r\ncanary-typed-77f2").await;
    client.command(fantail::protocol::Command::Paste { text: "canary-pasted-90cd".into(), submit: true }).await;
    client.until_shown("canary-pasted-90cd").await;
    let path = format!("/api/sessions/{session}");
    for body in [json!({ "text": "canary-posted-3b3b\n" }), json!({ "base64": "Y2FuYXJ5LWJhc2U2NC02ZDZkCg==" })] {
        assert_eq!(renewed.ask(server, "POST", &format!("{path}/input"), Some(body)).await.status, 200);
    }
    client.until_shown("canary-base64-6d6d").await;
    assert_eq!(renewed.ask(server, "GET", &format!("{path}/output"), None).await.status, 200);
    let opened = json!({ "command": ["true"], "env": { "SECRET": "canary-variable-2f2f" } });
    assert_eq!(renewed.ask(server, "POST", "/api/sessions", Some(opened)).await.status, 201);
    for login in [&ann, &by_link, &renewed] {
        secrets.extend([("access token", login.access.clone()), ("refresh token", login.refresh.clone())]);
    }
    secrets.extend([("password", password.into()), ("login link", link), ("ticket", ticket)]);
    for canary in ["printed-8e0b", "argument-11aa", "typed-77f2", "pasted-90cd", "posted-3b3b", "base64-6d6d"] {
        secrets.push(("terminal", format!("canary-{canary}")));
    }
    secrets.push(("encoded input", "Y2FuYXJ5LWJhc2U2NC02ZDZk".into()));
    secrets.push(("variable", "canary-variable-2f2f".into()));
    say_secrets_wrongly(server, &session, &mut secrets).await;
    let changed = server.fantail(&["user", "passwd", "ann"], "canary-new-password-5e5e").await;
    assert!(changed.status.success(), "{changed:?}");
    secrets.push(("new password", "canary-new-password-5e5e".into()));
    client.until_closed().await;
    secrets
}

/// Says secrets where they do not belong: in the wrong field, path, query, header or message.
async fn say_secrets_wrongly(server: &Server, session: &str, secrets: &mut Secrets) {
    let bodies = [
        json!({ "username": "canary-misplaced-0001", "password": "canary-misplaced-0002" }),
        json!({ "username": "ann", "password": ["canary-misplaced-0003"] }),
        json!({ "username": "ann", "canary-misplaced-0004": "canary-misplaced-0005" }),
        json!("canary-misplaced-0006"),
    ];
    for body in bodies {
        assert!(matches!(server.ask(None, "POST", "/api/auth/login", Some(body)).await.status, 400 | 401));
    }
    let host = ("host", server.authority());
    let sent = [
        request("GET /canary-misplaced-0007?x=canary-misplaced-0008", &[host]),
        request("GET /api/sessions?token=canary-misplaced-0009", &[host]),
        request("GET /api/sessions/canary-misplaced-0010", &[host, ("authorization", "Bearer canary-misplaced-0011")]),
        request("GET /health", &[("host", "canary-misplaced-0012")]),
        request("GET /health", &[host, ("origin", "http://canary-misplaced-0013")]),
        request(
            "POST /api/auth/refresh",
            &[
                host,
                ("origin", &server.url),
                ("cookie", "fantail_refresh=canary-misplaced-0014; other=canary-misplaced-0015"),
            ],
        ),
        upgrade(server, &format!("GET /api/sessions/{session}/ws?from=canary-misplaced-0016"), &[]),
        upgrade(
            server,
            &format!("GET /api/sessions/{session}/ws"),
            &[("sec-websocket-protocol", "fantail.v1, ticket.canary-misplaced-0017")],
        ),
        request("canary-misplaced-0018 /", &[host]),
        "GET / canary-misplaced-0019\r\n\r\n".to_owned(),
        request("GET /", &[host, ("canary-misplaced-0020 ", "x")]),
    ];
    for asked in sent {
        let mut raw = Raw::connect(server).await;
        raw.send(&asked).await;
        let status = raw.answer().await.expect("an answer").status;
        assert!((400..500).contains(&status), "{status} to {asked}");
    }
    let id = server.open(&["cat"]).await;
    for message in [&b"\x04{\"command\":\"canary-misplaced-0021\"}"[..], b"\x04canary-misplaced-0022"] {
        let mut client = Client::attach(server, &id).await;
        client.send_raw(tokio_tungstenite::tungstenite::Message::binary(message.to_vec())).await;
        drop(client);
    }
    secrets.extend((1..=22).map(|number| ("misplaced", format!("canary-misplaced-{number:04}"))));
}

/// All files below `folder`, as bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry").path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("readable")))
        .collect()
}

fn holds(text: &[u8], secret: &str) -> bool {
    text.windows(secret.len()).any(|window| window == secret.as_bytes())
}

async fn nothing_is_told_in(format: &str) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("log");
    let log = std::fs::File::create(&path).expect("created");
    let arguments = ["--log-level", "trace", "--log-format", format];
    let data = tempfile::tempdir().expect("a directory");
    let mut server = Server::launch_logging(data, &arguments, &[], Stdio::from(log)).await;
    let secrets = say_secrets(&server).await;
    let command_line = std::fs::read(format!("/proc/{}/cmdline", server.pid())).expect("running");
    let kept = files(server.data());
    assert!(kept.iter().any(|(name, _)| name.ends_with("fantail.db")), "there is a store");
    server.signal(Signal::TERM);
    server.ended().await;
    let log = std::fs::read(&path).expect("readable");
    for said in ["answered", "logged in", "/api/sessions/{id}/input", "TRACE"] {
        assert!(holds(&log, said), "a log at trace says {said:?}");
    }
    assert!(!holds(&log, "panicked"), "a task panicked");
    for (what, secret) in &secrets {
        let lines = String::from_utf8_lossy(&log).into_owned();
        let line = lines.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "{what} in the log");
        assert!(!holds(&command_line, secret), "{what} on the command line");
        for (name, bytes) in kept.iter().filter(|(name, _)| !name.ends_with("server.json")) {
            assert!(!holds(bytes, secret), "{what} in {name}");
        }
    }
}

#[tokio::test]
async fn no_secret_is_told_in_a_log_for_people_at_its_most_talkative() {
    nothing_is_told_in("text").await;
}

#[tokio::test]
async fn no_secret_is_told_in_a_log_for_machines_at_its_most_talkative() {
    nothing_is_told_in("json").await;
}

/// What every answer must say.
fn is_safe(answer: &Answer, what: &str) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}: {answer:?}");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{what}: {rule} in {policy}");
    }
    let scripts = policy.split(';').find(|rule| rule.trim().starts_with("script-src")).unwrap_or_default();
    assert!(!scripts.contains("unsafe"), "{what}: {policy}");
    let allows = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
    assert!(!allows, "{what}: {answer:?}");
    assert_eq!(answer.header("server"), None, "{what}: names no version");
}

#[tokio::test]
async fn every_answer_is_safe_to_show_and_those_of_the_api_are_kept_nowhere() {
    let server = Server::start().await;
    let session = server.open(&["cat"]).await;
    let id = format!("/api/sessions/{session}");
    let asked = [
        ("GET", "/health".to_owned(), None, 200),
        ("GET", "/api/health".to_owned(), None, 200),
        ("HEAD", "/api/health".to_owned(), None, 200),
        ("GET", "/api/auth/me".to_owned(), None, 200),
        ("POST", "/api/auth/ticket".to_owned(), Some(json!({ "sessionId": session })), 200),
        ("POST", "/api/auth/link".to_owned(), Some(json!({ "token": server.login })), 200),
        ("POST", "/api/auth/login".to_owned(), Some(json!({ "username": "x", "password": "y" })), 401),
        ("POST", "/api/auth/refresh".to_owned(), None, 401),
        ("POST", "/api/auth/logout".to_owned(), None, 204),
        ("GET", "/api/sessions".to_owned(), None, 200),
        ("POST", "/api/sessions".to_owned(), Some(json!({ "command": ["true"] })), 201),
        ("POST", "/api/sessions".to_owned(), Some(json!({ "cols": 0 })), 400),
        ("POST", "/api/sessions".to_owned(), Some(json!({ "command": ["/no/such"] })), 422),
        ("PUT", "/api/sessions".to_owned(), None, 405),
        ("GET", id.clone(), None, 200),
        ("GET", format!("{id}/output"), None, 200),
        ("GET", format!("{id}/output?from=9999"), None, 416),
        ("GET", format!("{id}/ws"), None, 426),
        ("POST", format!("{id}/resize"), Some(json!({ "cols": 90, "rows": 30 })), 200),
        ("POST", format!("{id}/signal"), Some(json!({ "signal": "CONT" })), 204),
        ("GET", "/api/nowhere".to_owned(), None, 404),
        ("POST", "/nowhere".to_owned(), None, 404),
        ("GET", "/api/sessions?token=x".to_owned(), None, 400),
        ("DELETE", id.clone(), None, 204),
    ];
    for (method, path, body, status) in asked {
        let answer = server.ask(Some(&server.token), method, &path, body).await;
        let what = format!("{method} {path}");
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        is_safe(&answer, &what);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        if !answer.body.is_empty() {
            let kind = answer.header("content-type").unwrap_or_default();
            assert!(matches!(kind, "application/json" | "application/octet-stream"), "{what}: {kind}");
        }
    }
}

#[tokio::test]
async fn the_page_and_its_files_are_safe_to_show_too() {
    let server = Server::start().await;
    let index = server.ask(None, "GET", "/", None).await;
    assert_eq!(index.status, 200);
    let text = String::from_utf8(index.body.clone()).expect("UTF-8");
    let named = text.split('"').filter(|part| part.starts_with("/assets/") || part.starts_with("/favicon"));
    let paths: Vec<_> = named.chain(["/", "/s/x", "/s/%00"]).collect();
    for path in &paths {
        let answer = server.ask(None, "GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}");
        is_safe(&answer, path);
        let tag = answer.header("etag").expect("a tag").to_owned();
        let again = request(&format!("GET {path}"), &[("host", server.authority()), ("if-none-match", &tag)]);
        let again = Raw::connect(&server).await.ask(&again).await;
        assert_eq!(again.status, 304, "{path}");
        is_safe(&again, path);
    }
    assert!(paths.len() > 3, "the page names its files");
    for path in ["/../Cargo.toml", "/..%2fCargo.toml", "/assets/../../Cargo.toml", "//etc/passwd", "/assets/", "/.env"]
    {
        let asked = request(&format!("GET {path}"), &[("host", server.authority())]);
        let answer = Raw::connect(&server).await.ask(&asked).await;
        assert_eq!(answer.code(), (404, "no_such_route".into()), "{path}");
        is_safe(&answer, path);
    }
}

#[tokio::test]
async fn what_is_refused_at_the_door_is_safe_to_show_and_allows_no_page_anything() {
    let server = Server::start().await;
    let session = server.open(&["cat"]).await;
    let own = ("host", server.authority());
    let evil = ("origin", "http://evil.test");
    let wishes = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
        ("access-control-request-private-network", "true"),
    ];
    for path in ["/", "/health", "/api/sessions", "/api/auth/refresh", "/api/auth/link", "/api/nowhere", "*"] {
        let headers: Vec<_> = [own, evil].into_iter().chain(wishes).collect();
        let answer = Raw::connect(&server).await.ask(&request(&format!("OPTIONS {path}"), &headers)).await;
        assert_eq!(answer.status, 403, "{path}");
        is_safe(&answer, path);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    let at_the_door = [
        ("GET /health", vec![("host", "evil.test")], 421),
        ("GET /api/sessions", vec![own, evil], 403),
        ("GET /api/sessions", vec![own], 401),
    ];
    for (line, headers, status) in at_the_door {
        let answer = Raw::connect(&server).await.ask(&request(line, &headers)).await;
        assert_eq!(answer.status, status);
        is_safe(&answer, line);
    }
    let switched = Raw::connect(&server).await.ask(&crate::support::raw::handshake(&server, &session, &[])).await;
    assert_eq!(switched.status, 101);
    is_safe(&switched, "an upgrade");
}

#[tokio::test]
async fn the_files_of_a_server_are_for_its_account_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start().await;
    let _ann = Login::of_new(&server, "ann", "correct horse battery").await;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(server.data()), 0o700);
    for (name, _) in files(server.data()) {
        assert_eq!(mode(Path::new(&name)), 0o600, "{name}");
    }
    let helped = patiently(
        "help",
        Server::command(server.data()).args(["attach", "--help"]).env("FANTAIL_TOKEN", "canary-help-9a9a").output(),
    );
    let helped = helped.await.expect("run");
    assert!(!holds(&[helped.stdout, helped.stderr].concat(), "canary-help-9a9a"));
}
