//! TLS of the server's own: everything works as without, and what is no TLS is hung up on.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

use crate::support::raw::request;
use crate::support::{Bystander, Client, Closed, Raw, Server, open_descriptors, patiently, trusting, until};

async fn encrypted() -> Arc<Server> {
    Server::start_with(&["--tls-self-signed"]).await
}

/// A connection that offers these protocols, and believes this certificate.
async fn connected(server: &Server, certificate: CertificateDer<'static>, offers: &[&[u8]]) -> TlsStream<TcpStream> {
    try_connected(server, certificate, offers).await.expect("a handshake")
}

async fn try_connected(
    server: &Server,
    certificate: CertificateDer<'static>,
    offers: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = trusting(certificate).as_ref().clone();
    config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
    let stream = patiently("a connection", TcpStream::connect(server.authority())).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    patiently("a handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

#[tokio::test]
async fn a_page_is_served_by_http_2_and_every_refusal_is_the_same() {
    let server = encrypted().await;
    let stream = connected(&server, server.certificate().expect("made"), &[b"h2", b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = patiently("an agreement", handshake).await.expect("agreed");
    let mut driven = tokio::task::JoinSet::new();
    driven.spawn(connection);
    let port = server.authority().rsplit_once(':').expect("a port").1;
    let bearer = format!("Bearer {}", server.token);
    for (host, path, bearer, status, says) in [
        (format!("localhost:{port}"), "/", None, 200, "<!doctype html>"),
        (format!("127.0.0.1:{port}"), "/api/sessions", Some(&bearer), 200, "[]"),
        (format!("localhost:{port}"), "/api/sessions", None, 401, "unauthenticated"),
        (format!("localhost:{port}"), "/api/sessions/x/ws", Some(&bearer), 426, "upgrade_required"),
        (format!("evil.test:{port}"), "/health", None, 421, "foreign_host"),
    ] {
        let mut asked = Request::get(format!("https://{host}{path}"));
        if let Some(bearer) = bearer {
            asked = asked.header("authorization", bearer);
        }
        let answer = sender.send_request(asked.body(Body::empty()).expect("a request"));
        let answer = patiently("an answer", answer).await.expect("answered");
        assert_eq!(answer.status(), StatusCode::from_u16(status).expect("a status"), "{host}{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(!answer.headers().contains_key("strict-transport-security"), "not for every port of localhost");
        let body = patiently("a body", answer.into_body().collect()).await.expect("a body").to_bytes();
        assert!(String::from_utf8_lossy(&body).to_lowercase().contains(says), "{host}{path}: {body:?}");
    }
}

#[tokio::test]
async fn a_flood_arrives_whole_over_tls_and_an_echo_behind_it() {
    let server = encrypted().await;
    let flood = 3 * 1024 * 1024;
    let program = format!("stty raw -echo; read go; head -c {flood} /dev/zero; printf flooded; exec cat");
    let id = server.open(&["sh", "-c", &program]).await;
    let mut viewer = Client::attach(&server, &id).await;
    viewer.typed("go\n").await;
    viewer.until_shown("flooded").await;
    assert_eq!(viewer.gaps, []);
    assert!(viewer.output.len() >= flood, "{} bytes", viewer.output.len());
    // Small messages that nothing follows: none may be left lying in what encrypts them.
    for turn in 0..20 {
        viewer.output.clear();
        viewer.typed(&format!("echo-{turn}\n")).await;
        viewer.until_shown(&format!("echo-{turn}\n")).await;
    }
}

#[tokio::test]
async fn viewers_are_told_that_the_server_goes_and_the_session_ends_for_them_over_tls() {
    let server = encrypted().await;
    let id = server.open(&["cat"]).await;
    let mut leaving = Client::attach(&server, &id).await;
    server.close(&id).await;
    assert_eq!(leaving.until_closed().await, Closed::With(1000));
    let id = server.open(&["cat"]).await;
    let mut staying = Client::attach(&server, &id).await;
    server.signal(Signal::TERM);
    assert_eq!(staying.until_closed().await, Closed::With(1012));
}

#[tokio::test]
async fn commands_know_the_server_of_this_machine_and_others_by_a_file() {
    let server = encrypted().await;
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let id = server.open(&["cat"]).await;
    let listed = server.fantail(&["ls"], "").await;
    assert!(listed.status.success() && String::from_utf8_lossy(&listed.stdout).contains(&id[..8]), "{listed:?}");
    let from_elsewhere = async |arguments: &[&str]| {
        let elsewhere = tempfile::tempdir().expect("a directory");
        let mut command = Server::command(elsewhere.path());
        let url = server.url.replace("127.0.0.1", "localhost");
        command.args(["ls", "--url", &url]).args(arguments).env("FANTAIL_TOKEN", &server.token);
        patiently("the command's end", command.output()).await.expect("run")
    };
    let stranger = from_elsewhere(&[]).await;
    assert!(!stranger.status.success(), "a certificate nobody vouches for: {stranger:?}");
    let file = server.data().join("tls-cert.pem");
    let told = from_elsewhere(&["--ca", file.to_str().expect("UTF-8")]).await;
    assert!(told.status.success(), "{told:?}");
}

/// Puts a new certificate there; returns it.
fn renewed(place: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().expect("a key");
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).expect("a name").self_signed(&key).expect("made");
    std::fs::write(place.join("cert.pem"), certificate.pem()).expect("written");
    std::fs::write(place.join("key.pem"), key.serialize_pem()).expect("written");
    CertificateDer::from_pem_slice(certificate.pem().as_bytes()).expect("a certificate")
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_on_sighup_and_one_that_makes_no_sense_is_not() {
    let place = tempfile::tempdir().expect("a directory");
    let first = renewed(place.path());
    let file = |name: &str| place.path().join(name).to_str().expect("UTF-8").to_owned();
    let settings = ["--tls-cert", &file("cert.pem"), "--tls-key", &file("key.pem")];
    let server = Server::start_with(&settings).await;
    connected(&server, first.clone(), &[]).await;
    let second = renewed(place.path());
    server.signal(Signal::HUP);
    until("the new certificate", async || try_connected(&server, second.clone(), &[]).await.ok()).await;
    assert!(try_connected(&server, first, &[]).await.is_err(), "the old one is gone");
    std::fs::write(place.path().join("key.pem"), "nonsense").expect("written");
    server.signal(Signal::HUP);
    // The signal has been taken when a later one has.
    connected(&server, second, &[]).await;
    let third = renewed(place.path());
    server.signal(Signal::HUP);
    until("the next certificate", async || try_connected(&server, third.clone(), &[]).await.ok()).await;
}

#[tokio::test]
async fn what_is_no_tls_is_hung_up_on_and_gives_its_descriptor_back() {
    let server = encrypted().await;
    let mut bystander = Bystander::beside(server.clone()).await;
    server.session(&bystander.session).await;
    let before = open_descriptors(server.pid());
    let clear = request("GET /health", &[("host", server.authority())]);
    let garbage: [(&str, Vec<u8>); 5] = [
        ("HTTP in clear", clear.into_bytes()),
        ("zeros", vec![0; 4096]),
        ("a record that is too long", b"\x16\x03\x01\xff\xff\x01".repeat(1000)),
        ("a handshake of SSL 3", b"\x16\x03\x00\x00\x04\x01\x00\x00\x00".to_vec()),
        ("a hello without end", [&b"\x16\x03\x01\x40\x00\x01\x00\xff\xff\x03\x03"[..], &[7; 100]].concat()),
    ];
    for (what, bytes) in garbage {
        let mut held = Vec::new();
        for _ in 0..20 {
            let mut raw = Raw::connect(&server).await;
            raw.send(&bytes).await;
            held.push(raw);
        }
        for mut raw in held {
            raw.ended().await;
        }
        bystander.is_served(what).await;
    }
    until("descriptors given back", async || {
        server.session(&bystander.session).await;
        (open_descriptors(server.pid()) <= before).then_some(())
    })
    .await;
}
