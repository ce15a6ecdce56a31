//! A server as a whole: what it leaves on the disk, says on the wire, and does at its end.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::auth::seal::SEALING_KEY_BYTES;
use crate::auth::token::{Holder, KEY_BYTES, KeyRing, SigningKey};
use crate::auth::{AccountId, LoginId, Role, Who};
use crate::config::{Environment, Flags};
use crate::store::{KeptKey, Keys as _, StoredKey};

fn config(dir: &std::path::Path, no_auth: bool) -> Config {
    let flags = Flags {
        data_dir: Some(dir.to_owned()),
        port: Some(0),
        no_auth: Some(no_auth),
        no_holder: Some(true),
        max_connections: Some(2),
        ..Flags::default()
    };
    Config::load(&flags, &Environment::of([("USER", "ann")])).unwrap()
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(address: SocketAddr, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_server_starts_answers_and_ends_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::bind(config(dir.path(), false)).await.unwrap();
    let (address, shutdown) = (server.listeners.address, Shutdown::default());
    assert!(server.login_link().unwrap().unwrap().starts_with(&format!("http://{address}/#login=")));
    assert_eq!(server.app().store().owner().await.unwrap().unwrap().name, "ann");
    let second = Server::bind(config(dir.path(), false)).await.err().unwrap().to_string();
    assert!(second.contains(&format!("http://{address} (process ")), "{second}");

    let serving = server.serve_until(shutdown.clone());
    let asking = async {
        assert!(ask(address, &get(address, "/health")).await.starts_with("HTTP/1.1 200"));
        assert!(ask(address, &get(address, "/api/auth/me")).await.contains("\"unauthenticated\""));
        let wrong_host = get(address, "/health").replace(&address.to_string(), "evil.example");
        assert!(ask(address, &wrong_host).await.contains("\"foreign_host\""));
        shutdown.drain.cancel();
    };
    tokio::join!(serving, asking);
    assert!(!dir.path().join("server.json").exists());
    assert!(TcpStream::connect(address).await.is_err());
    assert!(Server::bind(config(dir.path(), true)).await.unwrap().login_link().unwrap().is_none());
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_the_others_live() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::bind(config(dir.path(), true)).await.unwrap();
    let (address, shutdown) = (server.listeners.address, Shutdown::default());
    let asking = async {
        let first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let mut third = TcpStream::connect(address).await.unwrap();
        let mut refusal = String::new();
        third.read_to_string(&mut refusal).await.unwrap();
        assert!(refusal.contains("too_many_connections"), "{refusal}");
        second.write_all(get(address, "/health").as_bytes()).await.unwrap();
        let mut answer = String::new();
        second.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(first);
        shutdown.drain.cancel();
    };
    tokio::join!(server.serve_until(shutdown.clone()), asking);
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::bind(config(dir.path(), true)).await.unwrap();
    let (address, shutdown) = (server.listeners.address, Shutdown::default());
    let asking = async {
        let (slow, huge) = tokio::join!(ask(address, "GET / HTTP/1.1\r\nHost: x\r\nA"), async {
            let many = "X-Header: 0123456789\r\n".repeat(2_000);
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(format!("GET / HTTP/1.1\r\n{many}").as_bytes()).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        });
        assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 408"), "{slow}");
        assert!(!String::from_utf8_lossy(&huge).contains("200 OK"));
        shutdown.drain.cancel();
    };
    tokio::join!(server.serve_until(shutdown.clone()), asking);
}

#[tokio::test]
async fn a_signing_key_that_was_kept_in_clear_is_sealed_and_signs_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let place = DataDir::prepare(dir.path()).unwrap();
    let (store, outside) = (SqlStore::open(&place).await.unwrap(), outside());
    let plain =
        StoredKey { kid: "old".into(), secret: KeptKey::Plain([7; KEY_BYTES]), created: outside.now(), retired: None };
    store.rotate_signing_key(&plain).await.unwrap();
    let file = SealFile::of(&config(dir.path(), false), &place);
    let ring = file.ready(&store, &outside).await.unwrap();
    let kept = Kept { store: &store, outside: &outside, file: &file, ring: &ring };
    let lifetime = Duration::from_secs(900);
    let keys = keys::ready(kept, lifetime).await.unwrap();
    let stored = store.signing_keys().await.unwrap();
    let known: Vec<_> = stored.iter().map(|key| (key.kid == "old", key.secret.bytes().len() > KEY_BYTES)).collect();
    assert_eq!(known, [(false, true), (true, true)]);
    let old = SigningKey::new("old", &[7; KEY_BYTES]).unwrap();
    let who = Who::Account { id: AccountId(uuid::Uuid::nil()), role: Role::Member };
    let holder = Holder { who, epoch: 1, login: LoginId(uuid::Uuid::nil()) };
    let minted = KeyRing::new(old, Vec::new(), keys.lifetime()).mint(&holder, uuid::Uuid::nil(), outside.now());
    assert!(keys.verify(&minted.unwrap(), outside.now()).is_ok(), "what it has signed is taken");
    let planted = StoredKey { kid: "planted".into(), ..plain };
    store.rotate_signing_key(&planted).await.unwrap();
    assert!(keys::read(kept, lifetime).await.is_err(), "put there behind our back");
}

#[tokio::test]
async fn sealing_keys_are_made_once_and_never_in_place_of_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let started = Server::bind(config(dir.path(), false)).await.unwrap();
    drop(started);
    let file = dir.path().join("sealing.keys");
    let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(mode(), 0o600);
    let refusal = async || Server::bind(config(dir.path(), false)).await.err().map(|error| error.to_string());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refusal().await.unwrap().contains("others can read"));
    std::fs::remove_file(&file).unwrap();
    let missing = refusal().await.unwrap();
    assert!(missing.contains("sealing.keys does not hold key ") && !file.exists(), "{missing}");
    let other = crate::auth::seal::SealingKey::new([1; SEALING_KEY_BYTES]).unwrap();
    let other = crate::auth::seal::Ring::of(other).written();
    for (kept, reason) in [(other.as_str(), "does not hold key"), ("", "must hold 1 to"), ("x", "must hold 1 to")] {
        std::fs::write(&file, kept).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let refusal = refusal().await.unwrap();
        assert!(refusal.contains(reason) && !refusal.contains(text.lines().last().unwrap()), "{refusal}");
    }
    std::fs::write(&file, &text).unwrap();
    assert_eq!(refusal().await, None);
}
