//! `server.json`: how the command line of the same account finds the running server and is let in.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::auth::Secret;
use crate::http::caller::LOCAL_TOKEN_PREFIX;
use crate::store::{DataDir, StoreError};

const FILE: &str = "server.json";
/// Written first and then renamed, so that a reader finds all of it or nothing.
const UNFINISHED: &str = "server.json.new";
/// Bytes of the largest file of ours: an address, a token and a path, with room.
const BYTES_MAX: u64 = 16 * 1024;

#[derive(Serialize, Deserialize)]
struct Announced {
    url: String,
    pid: u32,
    token: String,
    /// The file with the certificate by which clients on this machine know the server, where it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<PathBuf>,
}

/// What the file of this server says.
pub(super) struct Announcement {
    dir: DataDir,
    announced: Announced,
}

impl Announcement {
    pub(super) fn new(dir: DataDir, url: String, token: String, certificate: Option<PathBuf>) -> Self {
        Self { dir, announced: Announced { url, pid: std::process::id(), token, certificate } }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(FILE)
    }

    /// Writes the file, readable by nobody else.
    pub(super) fn write(&self) -> Result<(), StoreError> {
        let (mut file, unfinished) = self.dir.private_file(UNFINISHED)?;
        let mut write = || -> io::Result<()> {
            file.set_len(0)?;
            file.write_all(&serde_json::to_vec(&self.announced)?)?;
            file.sync_all()?;
            fs::rename(&unfinished, self.path())
        };
        write().map_err(|error| StoreError::Place { path: self.path(), reason: error.to_string() })
    }

    /// Removes the file: nothing is left that its token could lead to.
    pub(super) fn remove(self) {
        if let Err(error) = fs::remove_file(self.path()) {
            tracing::warn!(%error, "server.json could not be removed");
        }
    }
}

/// The token of the server before this one, so that who knows it goes on with this one. None when there is none that a
/// server could have made.
pub(super) fn token(dir: &DataDir) -> Option<String> {
    // Opened only where it is, because opening it so makes it.
    if !dir.path().join(FILE).is_file() {
        return None;
    }
    let (file, _) = dir.private_file(FILE).ok()?;
    let mut text = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut text).ok()?;
    let token = serde_json::from_slice::<Announced>(&text).ok()?.token;
    token.strip_prefix(LOCAL_TOKEN_PREFIX).is_some_and(Secret::is_well_formed).then_some(token)
}

/// Where the server of this directory says it is.
pub(super) fn url(dir: &DataDir) -> Option<String> {
    let text = fs::read(dir.path().join(FILE)).ok()?;
    serde_json::from_slice::<Announced>(&text).ok().map(|announced| announced.url)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_file_is_there_while_the_server_is_and_closed_to_others() {
        let base = tempfile::tempdir().unwrap();
        let dir = DataDir::prepare(base.path()).unwrap();
        let announcement = Announcement::new(dir.clone(), "http://127.0.0.1:1".into(), "ftl_local_x".into(), None);
        announcement.write().unwrap();
        assert_eq!(fs::metadata(base.path().join(FILE)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(url(&dir).as_deref(), Some("http://127.0.0.1:1"));
        announcement.remove();
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_token_is_kept_that_a_server_made_and_no_other() {
        let base = tempfile::tempdir().unwrap();
        let dir = DataDir::prepare(base.path()).unwrap();
        assert_eq!(token(&dir), None);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0, "looking makes nothing");
        let made = format!("{LOCAL_TOKEN_PREFIX}{}", Secret::new([7; 32]).reveal());
        for (written, kept) in [(made.as_str(), true), ("ftl_local_x", false), ("", false), (&made[1..], false)] {
            Announcement::new(dir.clone(), String::new(), written.into(), None).write().unwrap();
            assert_eq!(token(&dir).is_some(), kept, "{written}");
        }
        fs::write(base.path().join(FILE), "{").unwrap();
        assert_eq!(token(&dir), None);
    }
}
