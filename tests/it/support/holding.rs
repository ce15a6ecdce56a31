//! A data directory whose holder is used directly, and everything it keeps is ended with it.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fantail::holder::{HolderSpawner, Options, Place, end_all};
use fantail::session::{Kept, Launch, Pty, SessionId, SpawnError, Spawned, Spawner as _, Whose, kill_all_now};
use fantail::terminal::Size;
use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use super::{patiently, until};

/// A data directory and its holder. Dropping it kills what is kept there.
pub struct Holding {
    data: TempDir,
    /// Every program that was started here.
    leaders: Mutex<Vec<Pid>>,
}

/// A server's side of it.
pub struct Side {
    pub spawner: Arc<HolderSpawner>,
    tracker: TaskTracker,
}

impl Side {
    /// As a server that ends, however it does.
    pub async fn leave(self) {
        drop(self.spawner);
        self.tracker.close();
        patiently("the end of the connection", self.tracker.wait()).await;
    }
}

impl Holding {
    pub fn new() -> Self {
        Self { data: tempfile::tempdir().expect("a directory"), leaders: Mutex::default() }
    }

    pub fn dir(&self) -> &Path {
        self.data.path()
    }

    pub fn place(&self) -> Place {
        Place {
            data_dir: self.dir().to_owned(),
            program: PathBuf::from(env!("CARGO_BIN_EXE_fantail")),
            descriptors: getrlimit(Resource::Nofile),
            of_root: false,
            debuggable: !rustix::process::geteuid().is_root(),
            systemd: None,
        }
    }

    pub async fn side(&self) -> Side {
        self.side_at(self.place()).await
    }

    pub async fn side_at(&self, place: Place) -> Side {
        let tracker = TaskTracker::new();
        let options = Options { place, tracker: tracker.clone() };
        Side { spawner: patiently("a holder", HolderSpawner::connect(options)).await.expect("connected"), tracker }
    }

    /// A program that is kept, and its session's memory.
    pub async fn start(&self, side: &Side, id: u16, command: &[&str]) -> (Spawned, OwnedFd) {
        self.try_start(side, id, command).await.expect("started")
    }

    pub async fn try_start(&self, side: &Side, id: u16, command: &[&str]) -> Result<(Spawned, OwnedFd), SpawnError> {
        let memory = memory();
        let launch = launch(command);
        let starting = side.spawner.spawn(session(id), memory.as_fd(), &launch, Size::DEFAULT);
        let spawned = patiently("a program", starting).await?;
        self.leaders.lock().push(spawned.child.pid());
        Ok((spawned, memory))
    }

    /// The process that listens here.
    pub fn holders(&self) -> Vec<Pid> {
        let wanted = format!("holder\0--data-dir\0{}\0", self.dir().display());
        processes().filter(|pid| read(*pid, "cmdline").contains(&wanted) && state(*pid) != Some('Z')).collect()
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let _ = end_all(self.dir());
        for holder in self.holders() {
            let _ = kill_process(holder, Signal::KILL);
        }
        let whose = |leader: &Pid| Whose { leader: *leader, session: session(0) };
        kill_all_now(&self.leaders.lock().iter().map(whose).collect::<Vec<_>>());
    }
}

pub fn session(id: u16) -> SessionId {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    SessionId::from_random(bytes)
}

pub fn memory() -> OwnedFd {
    memfd_create("test", MemfdFlags::CLOEXEC).expect("a memfd")
}

pub fn launch(command: &[&str]) -> Launch {
    let command: Vec<_> = command.iter().map(ToString::to_string).collect();
    Launch::new(&command, "/".into(), &[("PATH".into(), "/usr/bin:/bin".into())]).expect("valid")
}

/// The one session that is kept.
pub fn only(mut kept: Vec<Kept>) -> Kept {
    assert_eq!(kept.len(), 1);
    kept.pop().expect("one")
}

/// Types into a terminal.
pub async fn typed(pty: &Pty, text: &str) {
    pty.put(text.as_bytes()).expect("room in the pipe");
    while pty.on_its_way().expect("known") > 0 {
        patiently("a terminal that takes input", pty.writable()).await.expect("a runtime");
        let _ = pty.push();
    }
}

/// Reads a terminal until it has shown `text`.
pub async fn shown(pty: &Pty, text: &str) -> String {
    let mut all = String::new();
    while !all.contains(text) {
        let readable = patiently(text, pty.readable()).await;
        let mut bytes = [0; 4096];
        match pty.read(&mut bytes) {
            Ok(read) => all.push_str(&String::from_utf8_lossy(&bytes[..read])),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => readable.drained(),
            Err(error) => panic!("{error} after {all:?}"),
        }
    }
    all
}

/// Waits until a process is gone, or has ended and waits for its parent.
pub async fn ended(pid: Pid) {
    until("the end of a process", async || matches!(state(pid), None | Some('Z')).then_some(())).await;
}

/// Waits until a process is reaped.
pub async fn reaped(pid: Pid) {
    until("a process that is reaped", async || state(pid).is_none().then_some(())).await;
}

/// The state of a process, as a letter.
pub fn state(pid: Pid) -> Option<char> {
    read(pid, "stat").rsplit_once(')')?.1.trim_start().chars().next()
}

/// The children of a process with one thread.
pub fn children(pid: Pid) -> Vec<Pid> {
    let list = read(pid, &format!("task/{}/children", pid.as_raw_nonzero()));
    list.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect()
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = std::fs::read_dir("/proc").expect("readable").flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

fn read(pid: Pid, file: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{}/{file}", pid.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
