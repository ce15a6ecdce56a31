//! Requests that two readers would read differently, headers only a proxy may write, and sockets nobody has logged in on.

use std::net::Ipv4Addr;
use std::process::Stdio;

use tokio::net::{TcpSocket, TcpStream};

use crate::support::raw::{handshake, request};
use crate::support::{Answer, Bystander, Raw, Server, patiently};

/// Connections before a login that the servers here allow each address.
const STRANGERS: usize = 8;

#[tokio::test]
async fn h09_a_request_that_is_no_http_is_refused_and_its_connection_closed() {
    let mut bystander = Bystander::arrive().await;
    let host = bystander.server.authority().to_owned();
    let after = |line: &str| format!("GET /health HTTP/1.1\r\nhost: {host}\r\n{line}\r\n\r\n").into_bytes();
    let broken = [
        ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("no request line", b"\r\n\r\nhello there\r\n\r\n".to_vec()),
        ("two lengths", after("content-length: 1\r\ncontent-length: 2")),
        ("a negative length", after("content-length: -1")),
        ("a length and more", after("content-length: 1, 2")),
        ("two codings", after("transfer-encoding: chunked\r\ntransfer-encoding: identity")),
        ("a bare line feed in a value", after("x-a: b\nx-c: d\r\x0b")),
        ("a coding nobody knows", after("transfer-encoding: xchunked")),
        ("a NUL in a header", after("x-a: b\0c")),
        ("a folded header", after("x-a: b\r\n c")),
        ("a space before the colon", after("content-length : 5")),
        ("another version", b"GET /health HTTP/9.9\r\n\r\n".to_vec()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in broken {
        let mut raw = Raw::connect(&bystander.server).await;
        raw.send([&bytes[..], b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"].concat()).await;
        if let Some(answer) = raw.answer().await {
            assert_eq!(answer.status, 400, "{what}");
            assert!(raw.answer().await.is_none(), "{what}: a second request was answered");
        }
        bystander.is_served(what).await;
    }
}

#[tokio::test]
async fn h09_a_length_beside_a_coding_hides_no_second_request() {
    let server = Server::start().await;
    let host = server.authority();
    let hidden = format!("GET /health HTTP/1.1\r\nhost: {host}\r\n\r\n");
    for both in ["transfer-encoding: chunked\r\ncontent-length: 4", "content-length: 4\r\ntransfer-encoding: chunked"] {
        let mut raw = Raw::connect(&server).await;
        raw.send(format!("POST /api/auth/refresh HTTP/1.1\r\nhost: {host}\r\n{both}\r\n\r\n0\r\n\r\n{hidden}")).await;
        let answer = raw.answer().await.expect("an answer");
        assert!(answer.status >= 400 && answer.header("connection") == Some("close"), "{both}: {answer:?}");
        assert!(raw.answer().await.is_none(), "{both}: a second request was answered");
    }
}

/// The lines of the log of a server with these settings, on which one request with these headers was made.
async fn logged(settings: &[&str], headers: &[(&str, &str)]) -> String {
    let data = tempfile::tempdir().expect("a directory");
    let log = data.path().join("log");
    let file = Stdio::from(std::fs::File::create(&log).expect("made"));
    let server = Server::launch_logging(data, settings, &[("FANTAIL_LOG_LEVEL", "info")], file).await;
    let mut request = server.request("GET", "/api/sessions");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    assert_eq!(Answer::of(patiently("an answer", request.send()).await.expect("answered")).await.status, 200);
    std::fs::read_to_string(&log).expect("readable")
}

#[tokio::test]
async fn h06_only_a_trusted_proxy_says_who_calls() {
    let claims = [
        ("x-forwarded-for", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7;host=evil.test;proto=https"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.test"),
    ];
    let stranger = logged(&[], &claims).await;
    assert!(!stranger.contains("203.0.113.7") && stranger.contains("client=127.0.0.1"), "{stranger}");
    let elsewhere = logged(&["--trusted-proxies", "10.0.0.0/8,::1"], &claims).await;
    assert!(!elsewhere.contains("203.0.113.7"), "{elsewhere}");
    let trusted = logged(&["--trusted-proxies", "127.0.0.0/8"], &claims).await;
    assert!(trusted.contains("client=203.0.113.7"), "{trusted}");
    let spoofed = [("x-forwarded-for", "198.51.100.1, 203.0.113.7, 127.0.0.9")];
    let spoofed = logged(&["--trusted-proxies", "127.0.0.0/8"], &spoofed).await;
    assert!(spoofed.contains("client=203.0.113.7") && !spoofed.contains("198.51.100.1"), "{spoofed}");
}

/// A connection from another address of loopback.
pub(super) async fn from_address(server: &Server, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).expect("bound");
    let to = server.authority().parse().expect("an address");
    patiently("a connection", socket.connect(to)).await.expect("connected")
}

#[tokio::test]
async fn h22_sockets_without_a_login_are_bounded_for_each_address_and_those_with_one_are_not() {
    let max = STRANGERS.to_string();
    let server = Server::start_with(&["--max-unauthenticated-per-address", &max]).await;
    let mut bystander = Bystander::beside(server.clone()).await;
    // Somebody elsewhere opens what sockets there are, and says nothing.
    let (mut told, mut sockets) = (0, Vec::new());
    for _ in 0..500 {
        let stream = from_address(&server, 7).await;
        sockets.push(stream);
    }
    for stream in sockets.drain(STRANGERS..) {
        let mut raw = Raw::over(stream);
        if let Some(answer) = raw.answer().await {
            assert_eq!(answer.code(), (429, "too_many_connections".into()));
            told += 1;
        }
    }
    println!("{told} were told why");
    bystander.is_served("five hundred sockets").await;
    // Another address has its own, and whoever has logged in does not count: more of them than strangers may be.
    let mut known = Vec::new();
    for _ in 0..2 * STRANGERS {
        let mut raw = Raw::over(from_address(&server, 8).await);
        let answer = raw.ask(&handshake(&server, &bystander.session, &[])).await;
        assert_eq!(answer.status, 101, "{answer:?}");
        known.push(raw);
    }
    // A request with a wrong credential, or on a route that is open to all, proves nothing.
    let mut strangers = Vec::new();
    let refused = loop {
        assert!(strangers.len() <= STRANGERS, "no limit");
        let mut raw = Raw::over(from_address(&server, 9).await);
        let headers = [("host", server.authority()), ("authorization", "Bearer nonsense")];
        raw.send(request("GET /api/sessions", &headers)).await;
        match raw.answer().await {
            Some(answer) if answer.status == 401 => strangers.push(raw),
            other => break other,
        }
    };
    assert!(refused.is_none_or(|answer| answer.status == 429));
    assert_eq!(strangers.len(), STRANGERS);
    bystander.is_served("strangers").await;
}

/// What a start with these arguments says when it is refused.
async fn refused(server: &Server, arguments: &[&str]) -> String {
    let mut command = Server::command(server.data());
    command.args(["serve", "--port", "0", "--no-holder"]).args(arguments);
    let output = patiently("a refusal", command.output()).await.expect("run");
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn h39_what_others_can_reach_does_not_start_without_encryption_and_a_password() {
    let mut server = Server::launch(tempfile::tempdir().expect("a directory"), &[], &[]).await;
    server.signal(rustix::process::Signal::TERM);
    assert!(server.ended().await.success());
    let proxied = ["--bind", "0.0.0.0", "--behind-tls-proxy", "--trusted-proxies", "10.0.0.1"];
    let encrypted = ["--bind", "0.0.0.0", "--tls-self-signed"];
    for (arguments, named) in [
        (&["--bind", "0.0.0.0"][..], "tls_self_signed"),
        (&["--bind", "::"], "tls_self_signed"),
        (&["--bind", "0.0.0.0", "--behind-tls-proxy"], "trusted_proxies"),
        (&["--bind", "0.0.0.0", "--trusted-proxies", "10.0.0.1"], "behind_tls_proxy"),
        (&["--bind", "0.0.0.0", "--no-auth", "--tls-self-signed"], "no_auth"),
        (&encrypted, "fantail user"),
        (&proxied, "fantail user"),
    ] {
        let said = refused(&server, arguments).await;
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
    assert!(!server.data().join("server.json").exists());
    assert!(server.fantail(&["user", "add", "ann"], "correct horse battery").await.status.success());
    for arguments in [&encrypted[..], &proxied] {
        let started = Server::launch(server.take_data(), arguments, &[]).await;
        assert_eq!(started.call("GET", "/health", None).await.0, 200, "{arguments:?}");
        started.signal(rustix::process::Signal::TERM);
        server = started;
        assert!(server.ended().await.success());
    }
}

#[tokio::test]
async fn h84_browsers_are_told_to_stay_with_https_where_they_came_by_it_and_the_name_is_ours() {
    let server =
        Server::start_with(&["--trusted-proxies", "127.0.0.0/8", "--public-urls", "https://term.example.org"]).await;
    for (host, proto, pinned) in [
        ("term.example.org", "https", Some("max-age=31536000")),
        ("term.example.org", "http", None),
        (server.authority(), "https", None),
    ] {
        let headers = [("host", host), ("x-forwarded-proto", proto)];
        let answer = Raw::connect(&server).await.ask(&request("GET /", &headers)).await;
        assert_eq!((answer.status, answer.header("strict-transport-security")), (200, pinned), "{host} by {proto}");
    }
}
