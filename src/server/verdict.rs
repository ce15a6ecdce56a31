//! What became of an upgrade: told by the server, heard by the command that asked for it.
//!
//! The command listens at a socket in the data directory while it waits; a server that finds none there tells its log
//! alone. Nothing is left behind but, by a command that was killed, the socket, which the next one removes.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram as BlockingDatagram;
use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};
use tokio::net::UnixDatagram;

use crate::store::DataDir;

const FILE: &str = "upgrade.sock";
/// Bytes of the longest verdict.
const BYTES_MAX: usize = 4096;
/// Bytes of a reason beyond which it is cut.
const REASON_CHARS_MAX: usize = 1000;

/// What became of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum Verdict {
    /// The new server serves.
    Serving {
        /// Its process.
        pid: u32,
        /// Its version.
        version: String,
    },
    /// The new server does not; the old one serves on.
    Failed {
        /// Why.
        reason: String,
    },
    /// Nothing was tried.
    Refused {
        /// Why not.
        reason: String,
    },
}

/// Tells whoever waits for it.
pub(super) fn tell(dir: &DataDir, verdict: &Verdict) {
    let told = || -> io::Result<()> {
        let (_dir, path) = place(dir)?;
        let socket = BlockingDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to(&serde_json::to_vec(&verdict.shortened())?, path)?;
        Ok(())
    };
    match told() {
        Ok(()) => {}
        // Nobody asked but a signal.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {}
        Err(error) => tracing::warn!(%error, "whoever asked for the upgrade could not be told what became of it"),
    }
}

/// Where a verdict is heard. Gone when dropped.
pub struct Waiting {
    socket: UnixDatagram,
    file: PathBuf,
}

impl Waiting {
    /// Listens in this directory; nothing when another command does already.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn begin(dir: &DataDir) -> io::Result<Option<Self>> {
        let (_dir, path) = place(dir)?;
        let bind = || UnixDatagram::bind(&path);
        let socket = match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if BlockingDatagram::unbound()?.connect(&path).is_ok() {
                    return Ok(None);
                }
                // Left behind: nobody listens at it.
                fs::remove_file(&path)?;
                bind()?
            }
            bound => bound?,
        };
        Ok(Some(Self { socket, file: dir.path().join(FILE) }))
    }

    /// The verdict.
    ///
    /// # Errors
    /// When it cannot be heard, or makes no sense.
    pub async fn verdict(&self) -> io::Result<Verdict> {
        let mut bytes = vec![0; BYTES_MAX];
        let length = self.socket.recv(&mut bytes).await?;
        Ok(serde_json::from_slice(&bytes[..length])?)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

impl Verdict {
    /// Short enough for one datagram.
    fn shortened(&self) -> Self {
        let short = |reason: &str| reason.chars().take(REASON_CHARS_MAX).collect();
        match self {
            Self::Failed { reason } => Self::Failed { reason: short(reason) },
            Self::Refused { reason } => Self::Refused { reason: short(reason) },
            Self::Serving { .. } => self.clone(),
        }
    }
}

/// The socket's path by way of the open directory, which must stay open while it is used: a path of a socket has room
/// for a hundred bytes, and data directories can lie deep.
fn place(dir: &DataDir) -> io::Result<(File, PathBuf)> {
    let open = File::open(dir.path())?;
    let path = format!("/proc/self/fd/{}/{FILE}", open.as_raw_fd()).into();
    Ok((open, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_waits_and_hears_and_a_socket_left_behind_is_in_nobodys_way() {
        let base = tempfile::tempdir().unwrap();
        let deep = base.path().join("deep/".repeat(40));
        let dir = DataDir::prepare(&deep).unwrap();
        let verdict = Verdict::Serving { pid: 7, version: "1".into() };
        tell(&dir, &verdict);
        let first = Waiting::begin(&dir).unwrap().unwrap();
        assert!(Waiting::begin(&dir).unwrap().is_none(), "one at a time");
        tell(&dir, &verdict);
        assert_eq!(first.verdict().await.unwrap(), verdict);
        drop(first);
        assert!(!deep.join(FILE).exists());
        // As one that was killed leaves it.
        let (_open, path) = place(&dir).unwrap();
        drop(UnixDatagram::bind(path).unwrap());
        assert!(deep.join(FILE).exists());
        let next = Waiting::begin(&dir).unwrap().expect("nobody listens there");
        tell(&dir, &Verdict::Failed { reason: "ü".repeat(10_000) });
        assert!(matches!(next.verdict().await.unwrap(), Verdict::Failed { reason } if reason.starts_with('ü')));
    }
}
