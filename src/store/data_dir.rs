//! The directory that holds what the server keeps: nobody else may write to it, and nobody else may read the files.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::StoreError;

/// Mode of the directory when we make it.
const DIR_MODE: u32 = 0o700;
/// Mode of every file in it.
const FILE_MODE: u32 = 0o600;
/// The bits that would let another account plant a database or a lock of its own.
const OTHERS_WRITE: u32 = 0o022;

/// A data directory found to be safe.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory when it is missing, and refuses one that others could write to.
    ///
    /// # Errors
    /// When it cannot be made, is not a directory, belongs to someone else or is writable by others.
    pub fn prepare(path: &Path) -> Result<Self, StoreError> {
        let wrong = |reason: String| StoreError::Place { path: path.to_owned(), reason };
        DirBuilder::new()
            .recursive(true)
            .mode(DIR_MODE)
            .create(path)
            .map_err(|error| wrong(format!("the data directory cannot be made: {error}")))?;
        let found = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(wrong("the data directory belongs to another user".into()));
        }
        if found.mode() & OTHERS_WRITE != 0 {
            return Err(wrong("others can write to the data directory (chmod go-w it, or choose another)".into()));
        }
        Ok(Self(path.to_owned()))
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Opens a file of the directory for reading and writing, making it when it is missing, readable by nobody else
    /// from its first moment.
    ///
    /// # Errors
    /// When it cannot be opened, or its mode cannot be set.
    pub fn private_file(&self, name: &str) -> Result<(fs::File, PathBuf), StoreError> {
        let path = self.0.join(name);
        let wrong = |error: std::io::Error| StoreError::Place { path: path.clone(), reason: error.to_string() };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
        let file = options.custom_flags(libc::O_NOFOLLOW).open(&path).map_err(wrong)?;
        file.set_permissions(Permissions::from_mode(FILE_MODE)).map_err(wrong)?;
        Ok((file, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_directory_and_its_files_are_closed_to_others() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/b");
        let dir = DataDir::prepare(&path).unwrap();
        let (_, file) = dir.private_file("x").unwrap();
        assert_eq!((mode(&path), mode(&file)), (0o700, 0o600));
    }

    #[test]
    fn a_directory_others_can_write_to_is_refused() {
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), Permissions::from_mode(0o777)).unwrap();
        let refusal = DataDir::prepare(base.path()).unwrap_err().to_string();
        assert!(refusal.contains("others can write"), "{refusal}");
    }

    #[test]
    fn a_file_left_open_to_others_is_closed_and_a_link_is_not_followed() {
        let base = tempfile::tempdir().unwrap();
        let dir = DataDir::prepare(base.path()).unwrap();
        fs::write(base.path().join("open"), "").unwrap();
        fs::set_permissions(base.path().join("open"), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(mode(&dir.private_file("open").unwrap().1), 0o600);
        std::os::unix::fs::symlink("/etc/hostname", base.path().join("link")).unwrap();
        assert!(dir.private_file("link").is_err());
    }
}
