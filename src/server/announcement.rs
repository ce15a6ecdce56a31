//! `server.json`: how the command line of the same account finds the running server and is let in.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::store::{DataDir, StoreError};

const FILE: &str = "server.json";
/// Written first and then renamed, so that a reader finds all of it or nothing.
const UNFINISHED: &str = "server.json.new";

#[derive(Serialize, Deserialize)]
struct Announced {
    url: String,
    pid: u32,
    token: String,
}

/// The file while the server runs.
pub(super) struct Announcement(PathBuf);

impl Announcement {
    /// Writes the file, readable by nobody else.
    pub(super) fn write(dir: &DataDir, url: &str, token: &str) -> Result<Self, StoreError> {
        let announced = Announced { url: url.into(), pid: std::process::id(), token: token.into() };
        let (mut file, unfinished) = dir.private_file(UNFINISHED)?;
        let path = dir.path().join(FILE);
        let mut write = || -> io::Result<()> {
            file.set_len(0)?;
            file.write_all(&serde_json::to_vec(&announced)?)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        write().map_err(|error| StoreError::Place { path: path.clone(), reason: error.to_string() })?;
        Ok(Self(path))
    }

    /// Removes the file. The token in it is worthless by then, so a failure is only untidy.
    pub(super) fn remove(self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, "server.json could not be removed");
        }
    }
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
        let announcement = Announcement::write(&dir, "http://127.0.0.1:1", "ftl_local_x").unwrap();
        assert_eq!(fs::metadata(base.path().join(FILE)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(url(&dir).as_deref(), Some("http://127.0.0.1:1"));
        announcement.remove();
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }
}
