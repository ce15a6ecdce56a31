//! The server's way to its holder: the one that runs, or a new one. Blocks; not for a runtime's thread.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Rlimit, geteuid, getpid, set_child_subreaper};

use super::message::{PROTOCOL, Reply, Request, process, refusal};
use super::{HolderError, socket};
use crate::session::limit_to;

/// What a holder prints when it listens.
pub const LISTENS: &str = "listens";
/// What one prints when another was there before it.
pub const TAKEN: &str = "taken";
/// How long a holder may take to start, and one that is just ending to be gone.
const START_DEADLINE: Duration = Duration::from_secs(10);
/// How long the answer to a greeting may take: it may be starting programs for another.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// How long the end of every session may take: thousands of programs are looked for and killed.
const END_DEADLINE: Duration = Duration::from_secs(60);
/// Between two tries, while one holder ends and the next is not there yet.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// What the holder writes in: its errors.
const LOG: &str = "holder.log";

/// Where the holder is, and how one is started.
#[derive(Clone, Debug)]
pub struct Place {
    /// The data directory, which is found to be safe.
    pub data_dir: PathBuf,
    /// Our own program, as it was found when this process started.
    pub program: PathBuf,
    /// The descriptor limit programs start with.
    pub descriptors: Rlimit,
    /// Whether root starts it, and we do not.
    pub of_root: bool,
    /// Whether other processes of our account may look into it.
    pub debuggable: bool,
    /// Set where a systemd service runs us: the holder gets a scope of its own, or it would be ended with the service.
    pub systemd: Option<Systemd>,
}

/// What is needed to ask systemd for a scope.
#[derive(Clone, Debug)]
pub struct Systemd {
    /// The variables by which systemd-run finds the service manager; it gets no others.
    pub environment: Vec<(OsString, OsString)>,
}

/// A holder that has answered.
pub(super) struct Found {
    pub(super) socket: OwnedFd,
    pub(super) pid: Pid,
}

/// How an attempt to start one ended.
#[derive(PartialEq, Eq)]
enum Started {
    Listens,
    Taken,
}

/// Connects to the holder, starting one if there is none.
pub(super) fn find_or_start(place: &Place) -> Result<Found, HolderError> {
    // Of a holder that dies, we become the parent of what it kept.
    set_child_subreaper(Some(getpid())).map_err(io::Error::from)?;
    let deadline = Instant::now() + START_DEADLINE;
    loop {
        match find(&place.data_dir) {
            Ok(found) => return Ok(found),
            // It is ending, or there is none.
            Err(HolderError::System(_) | HolderError::Gone) => {}
            Err(error) => return Err(error),
        }
        if place.of_root || start(place, deadline)? == Started::Taken {
            if place.of_root && Instant::now() >= deadline {
                return Err(HolderError::NotThere(place.data_dir.clone()));
            }
            if Instant::now() >= deadline {
                return Err(HolderError::Silent);
            }
            pause(TRY_AGAIN)?;
        }
    }
}

/// Kills every program that is kept in `data_dir` and has every session there forgotten; false when nobody keeps any.
/// For a command beside a server that does not run. Blocks.
///
/// # Errors
/// When there is a holder and it does not do so.
pub fn end_all(data_dir: &Path) -> Result<bool, HolderError> {
    let found = match find(data_dir) {
        Ok(found) => found,
        Err(HolderError::System(_) | HolderError::Gone) => return Ok(false),
        Err(error) => return Err(error),
    };
    match ask(&found.socket, &Request::End, END_DEADLINE)? {
        Reply::Done => Ok(true),
        _ => Err(HolderError::Garbled),
    }
}

fn find(data_dir: &Path) -> Result<Found, HolderError> {
    let socket = socket::connect_in(data_dir)?;
    // Root may have started it for us, and could do to us what it wants in any case.
    let peer = socket::peer(&socket)?;
    if peer != geteuid() && !peer.is_root() {
        return Err(HolderError::Foreign(peer.as_raw()));
    }
    match ask(&socket, &Request::Hello { protocol: PROTOCOL }, HELLO_DEADLINE)? {
        Reply::Hello { protocol: PROTOCOL, pid, .. } => {
            Ok(Found { socket, pid: process(pid).ok_or(HolderError::Garbled)? })
        }
        Reply::Hello { protocol, version, .. } => Err(HolderError::Protocol(format!(
            "the holder (fantail {version}) speaks protocol {protocol}, and this server protocol {PROTOCOL}"
        ))),
        Reply::Error { error, message, .. } if error == refusal::PROTOCOL => Err(HolderError::Protocol(message)),
        Reply::Error { error, errno, message } => Err(HolderError::Refused { word: error, errno, message }),
        _ => Err(HolderError::Garbled),
    }
}

fn ask(socket: &OwnedFd, request: &Request, patience: Duration) -> Result<Reply, HolderError> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => HolderError::Gone,
        _ => HolderError::System(error),
    };
    socket::send(socket, &serde_json::to_vec(request).map_err(io::Error::from)?, &[]).map_err(gone)?;
    if !readable(socket.as_fd(), patience)? {
        return Err(HolderError::Silent);
    }
    let received = socket::receive(socket, &mut socket::Room::default()).map_err(gone)?.ok_or(HolderError::Gone)?;
    serde_json::from_slice(&received.bytes).map_err(|_| HolderError::Garbled)
}

/// Starts one, in a scope of its own where systemd runs us and gives one.
fn start(place: &Place, deadline: Instant) -> Result<Started, HolderError> {
    if let Some(systemd) = &place.systemd {
        let mut command = Command::new("systemd-run");
        command.arg("--scope").args((!geteuid().is_root()).then_some("--user"));
        command.args(["--collect", "--quiet", "--"]).arg(&place.program);
        command.env_clear().envs(systemd.environment.iter().map(|(name, value)| (name, value)));
        match run(command, place, deadline) {
            Ok(started) => return Ok(started),
            Err(error) => tracing::warn!(%error, "systemd gives no scope: sessions will end with this service"),
        }
    }
    let mut command = Command::new(&place.program);
    command.env_clear();
    run(command, place, deadline)
}

fn run(mut command: Command, place: &Place, deadline: Instant) -> Result<Started, HolderError> {
    let (said, says) = io::pipe()?;
    command.arg("holder").arg("--data-dir").arg(&place.data_dir).arg("--descriptors").arg(limit_to(place.descriptors));
    command.args(place.debuggable.then_some("--debuggable"));
    command.current_dir("/").stdin(Stdio::null()).stdout(says).stderr(log(&place.data_dir)?);
    let mut holder = command.spawn()?;
    // With it goes our end of what it speaks into.
    drop(command);
    match line(said, deadline).as_deref() {
        // It is reaped as a stray when it ends, like what it leaves to us.
        Ok(LISTENS) => Ok(Started::Listens),
        Ok(TAKEN) => {
            holder.wait()?;
            Ok(Started::Taken)
        }
        said => {
            let why = if said.is_err() { "it took too long" } else { "it ended" };
            let _ = holder.kill();
            let status = holder.wait()?;
            let log = place.data_dir.join(LOG);
            Err(HolderError::NotStarted(format!("{why} ({status}); {} says more", log.display())))
        }
    }
}

/// The first line of what is said; what there was of it at the end.
fn line(mut said: PipeReader, deadline: Instant) -> Result<String, HolderError> {
    let mut line = Vec::new();
    while readable(said.as_fd(), deadline.saturating_duration_since(Instant::now()))? {
        let mut byte = [0];
        if said.read(&mut byte)? == 0 || byte == *b"\n" {
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
        line.extend(byte);
    }
    Err(HolderError::Silent)
}

fn log(data_dir: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(data_dir.join(LOG))
}

/// Waits until there is something to read; false when there is nothing in time.
fn readable(descriptor: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn pause(time: Duration) -> io::Result<()> {
    let timeout = Timespec::try_from(time).map_err(io::Error::other)?;
    match poll(&mut [], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
