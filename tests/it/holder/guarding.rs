//! Who may ask, and that nothing anybody sends does harm.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use fantail::holder::{HolderError, HolderSpawner, Options};
use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recvmsg, sendmsg, socket_with,
};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::support::holding::{Holding, launch, memory, shown, typed};
use crate::support::{executable, open_descriptors, until};

/// A peer that says what it likes. Blocks, which the holder never does for long.
struct Peer(OwnedFd);

impl Peer {
    fn connect(dir: &Path) -> std::io::Result<Self> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let dir = rustix::fs::open(dir, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        connect(&socket, &SocketAddrUnix::new(format!("/proc/self/fd/{}/holder.sock", dir.as_raw_fd()))?)?;
        Ok(Self(socket))
    }

    fn greeted(dir: &Path) -> Self {
        let peer = Self::connect(dir).expect("connected");
        let (hello, _) = peer.ask(&json!({ "op": "hello", "protocol": 1 }), &[]).expect("answered");
        assert_eq!((&hello["op"], &hello["protocol"]), (&json!("hello"), &json!(1)));
        assert_eq!(hello["version"], env!("CARGO_PKG_VERSION"));
        peer
    }

    fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(descriptors.is_empty() || control.push(SendAncillaryMessage::ScmRights(descriptors)));
        let _ = sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL);
    }

    /// The answer; none when it hung up.
    fn answer(&self) -> Option<(Value, Vec<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = vec![0; 1 << 17];
        let got = recvmsg(&self.0, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC).ok()?;
        let mut descriptors = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(came) = part {
                descriptors.extend(came);
            }
        }
        (got.bytes > 0).then(|| (serde_json::from_slice(&bytes[..got.bytes]).expect("JSON"), descriptors))
    }

    fn ask(&self, request: &Value, descriptors: &[BorrowedFd<'_>]) -> Option<(Value, Vec<OwnedFd>)> {
        self.send(request.to_string().as_bytes(), descriptors);
        self.answer()
    }

    fn refusal(&self, request: &Value, descriptors: &[BorrowedFd<'_>]) -> String {
        let (answer, came) = self.ask(request, descriptors).expect("answered");
        assert_eq!((answer["op"].as_str(), came.len()), (Some("error"), 0), "{answer}");
        answer["error"].as_str().expect("a word").to_owned()
    }
}

const ID: &str = "07070707-0707-4707-8707-070707070707";

fn encoded(command: &[&str]) -> OwnedFd {
    let file = std::fs::File::from(memory());
    std::os::unix::fs::FileExt::write_all_at(&file, &launch(command).encode(), 0).expect("written");
    file.into()
}

#[tokio::test]
async fn garbage_ends_its_connection_and_harms_nobody() {
    let holding = Holding::new();
    let side = holding.side().await;
    let number = u32::try_from(side.spawner.holder().as_raw_nonzero().get()).expect("a pid");
    let (spawned, memory) = holding.start(&side, 1, &["cat"]).await;
    let before = open_descriptors(number);
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\0\0", b"{}", &[0xff; 70_000], b"[[[[[[", b"{\"op\":7}"] {
        let peer = Peer::connect(holding.dir()).expect("connected");
        peer.send(garbage, &[memory.as_fd(), memory.as_fd()]);
        assert!(peer.answer().is_none(), "{garbage:?}");
    }
    let peer = Peer::greeted(holding.dir());
    peer.send(b"{\"op\":\"list\"}", &[memory.as_fd(); 20]);
    assert!(peer.answer().is_none(), "more descriptors than any message has");
    until("their descriptors closed", async || (open_descriptors(number) <= before).then_some(())).await;
    typed(&spawned.pty, "there\n").await;
    shown(&spawned.pty, "there").await;
    assert_eq!(side.spawner.list().await.expect("listed").len(), 1);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_word_and_the_connection_goes_on() {
    let holding = Holding::new();
    let side = holding.side().await;
    let number = u32::try_from(side.spawner.holder().as_raw_nonzero().get()).expect("a pid");
    let (memory, launch) = (memory(), encoded(&["cat"]));
    let before_silent = open_descriptors(number);
    let silent = Peer::connect(holding.dir()).expect("connected");
    assert_eq!(silent.refusal(&json!({ "op": "list" }), &[]), "hello_first");
    drop(silent);
    let peer = Peer::greeted(holding.dir());
    // That of the peer.
    let before = before_silent + 1;
    until("the silent one's connection closed", async || (open_descriptors(number) == before).then_some(())).await;
    let spawn = json!({ "op": "spawn", "session": ID, "cols": 80, "rows": 24 });
    let (pipe, _end) = std::io::pipe().expect("a pipe");
    let (one, empty) = (memory.as_fd(), crate::support::holding::memory());
    for (request, descriptors, word) in [
        (json!({ "op": "dance" }), vec![], "unknown_op"),
        (json!({ "op": "take", "session": "x" }), vec![], "malformed"),
        (json!({ "op": "take", "session": ID }), vec![], "no_such_session"),
        (json!({ "op": "exit", "session": ID }), vec![one], "no_such_session"),
        (json!({ "op": "reap", "session": ID }), vec![], "no_such_session"),
        (json!({ "op": "keep", "session": ID }), vec![], "wrong_descriptors"),
        (json!({ "op": "keep", "session": ID }), vec![one, one], "wrong_descriptors"),
        (spawn.clone(), vec![one], "wrong_descriptors"),
        (spawn.clone(), vec![one, launch.as_fd(), one], "wrong_descriptors"),
        (spawn.clone(), vec![one, empty.as_fd()], "malformed"),
        (spawn.clone(), vec![one, pipe.as_fd()], "malformed"),
        (json!({ "op": "spawn", "session": ID, "cols": 0, "rows": 24 }), vec![one, launch.as_fd()], "malformed"),
        (json!({ "op": "adopt", "session": ID, "pid": 1 }), vec![one], "wrong_descriptors"),
        (json!({ "op": "adopt", "session": ID, "pid": -1 }), vec![one; 4], "wrong_descriptors"),
        (json!({ "op": "adopt", "session": ID }), vec![one; 4], "wrong_descriptors"),
        (json!({ "op": "adopt", "session": ID, "pid": 1 }), vec![one; 4], "other"),
    ] {
        assert_eq!(peer.refusal(&request, &descriptors), word, "{request}");
    }
    assert_eq!(open_descriptors(number), before, "what came with them was closed");
    assert!(side.spawner.list().await.expect("listed").is_empty());
    let (answer, came) = peer.ask(&spawn, &[one, launch.as_fd()]).expect("answered");
    assert_eq!((answer["op"].as_str(), came.len()), (Some("spawned"), 3), "{answer}");
    let (answer, came) = peer.ask(&json!({ "op": "take", "session": ID, "later": 1 }), &[]).expect("answered");
    assert_eq!((answer["op"].as_str(), came.len()), (Some("taken"), 4), "{answer}");
    assert_eq!(peer.ask(&json!({ "op": "end" }), &[]).expect("answered").0, json!({ "op": "done" }));
}

#[tokio::test]
async fn another_protocol_is_refused_in_words_that_name_both() {
    let holding = Holding::new();
    let _side = holding.side().await;
    let peer = Peer::connect(holding.dir()).expect("connected");
    let (answer, _) = peer.ask(&json!({ "op": "hello", "protocol": 2 }), &[]).expect("answered");
    assert_eq!(answer["error"], "protocol");
    let message = answer["message"].as_str().expect("words");
    assert!(message.contains("protocol 1") && message.contains("protocol 2"), "{message}");
    assert_eq!(peer.refusal(&json!({ "op": "list" }), &[]), "hello_first");
    let (answer, _) = peer.ask(&json!({ "op": "hello", "protocol": 1 }), &[]).expect("answered");
    assert_eq!(answer["op"], "hello", "an older protocol may be tried next");
}

#[tokio::test]
async fn connections_are_bounded_and_those_that_never_spoke_make_room() {
    let holding = Holding::new();
    let side = holding.side().await;
    let silent: Vec<_> = (0..10).map(|_| Peer::connect(holding.dir()).expect("connected")).collect();
    let greeted: Vec<_> = (0..3).map(|_| Peer::greeted(holding.dir())).collect();
    let peer = Peer::connect(holding.dir()).expect("connected");
    let (answer, _) = peer.answer().expect("refused");
    assert_eq!(answer["error"], "too_many_connections");
    assert!(side.spawner.list().await.is_ok());
    drop((silent, greeted));
}

/// A directory and a program that another account can use, and a holder of that account. None where we are not root.
fn holder_of_nobody(holding: &Holding) -> Option<std::process::Child> {
    if !rustix::process::geteuid().is_root() {
        println!("not root: what other accounts may do is not tested");
        return None;
    }
    let program = holding.dir().join("fantail");
    executable("cp \"$1\" \"$2\" && chmod 755 \"$2\"", env!("CARGO_BIN_EXE_fantail"), &program);
    std::os::unix::fs::chown(holding.dir(), Some(65534), Some(65534)).expect("changed");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program).args(["holder", "--data-dir"]);
    command.arg(holding.dir()).args(["--descriptors", "1024:4096"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut line = [0; 8];
    std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut line).expect("it says something");
    assert_eq!(&line, b"listens\n");
    Some(child)
}

#[tokio::test]
async fn another_account_is_neither_served_nor_trusted() {
    let holding = Holding::new();
    let Some(mut holder) = holder_of_nobody(&holding) else { return };
    // Root gets into the directory; the holder knows its own account only.
    let peer = Peer::connect(holding.dir()).expect("connected");
    peer.send(json!({ "op": "hello", "protocol": 1 }).to_string().as_bytes(), &[]);
    assert!(peer.answer().is_none());
    let options = Options { place: holding.place(), tracker: TaskTracker::new() };
    let refused = HolderSpawner::connect(options).await.err().expect("refused");
    assert!(matches!(refused, HolderError::Foreign(65534)), "{refused}");
    holder.kill().expect("killed");
    holder.wait().expect("waited");
}
