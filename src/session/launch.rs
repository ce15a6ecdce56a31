//! What to start: a command, where, and with which environment. Checked before anything is forked.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Confinement;
use super::pty::SpawnError;

/// Most bytes in a command and its environment together: a quarter of the kernel's least limit (`ARG_MAX`, 128 KiB
/// a word on Linux, two megabytes in all).
pub(super) const BYTES_MAX: usize = 512 * 1024;

/// A program to start. Free of NULs and of bounded size by construction.
#[derive(Clone, Debug)]
pub struct Launch {
    command: Vec<CString>,
    dir: PathBuf,
    environment: Vec<CString>,
    path: Vec<u8>,
    confinement: Confinement,
}

/// A command, directory or environment that no program could be started with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct LaunchError {
    /// `command`, `workingDir` or `env`, as the wire spells it.
    pub field: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl Launch {
    /// Most words in a command, and most additions to the environment: far beyond use, far below what execve(2) takes.
    pub const WORDS_MAX: usize = 1024;

    /// A launch of `command` (its first word is looked up in `PATH`) in `dir` with exactly `environment`.
    ///
    /// # Errors
    /// When a word is empty where it may not be, holds a NUL, or there are too many.
    pub fn new(command: &[String], dir: PathBuf, environment: &[(OsString, OsString)]) -> Result<Self, LaunchError> {
        let refuse = |field, rule| Err(LaunchError { field, rule });
        if command.first().is_none_or(String::is_empty) {
            return refuse("command", "must be an array whose first string names a program");
        }
        if command.len() > Self::WORDS_MAX || command.iter().map(String::len).sum::<usize>() > BYTES_MAX {
            return refuse("command", "must be at most 1024 strings and 512 KiB");
        }
        if environment.len() > Self::WORDS_MAX
            || environment.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() > BYTES_MAX
        {
            return refuse("env", "must be at most 1024 entries and 512 KiB");
        }
        let Ok(words) = command.iter().map(|word| CString::new(word.as_str())).collect() else {
            return refuse("command", "must not contain NUL");
        };
        if environment.iter().any(|(name, _)| name.is_empty() || name.as_bytes().contains(&b'=')) {
            return refuse("env", "names must not be empty or contain '='");
        }
        let pairs =
            environment.iter().map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()));
        let Ok(pairs) = pairs.collect() else { return refuse("env", "must not contain NUL") };
        if !dir.is_absolute() || dir.as_os_str().as_bytes().contains(&0) {
            return refuse("workingDir", "must be an absolute path without NUL");
        }
        Ok(Self::of(words, dir, pairs))
    }

    /// Of parts that were found to be right.
    pub(super) fn of(command: Vec<CString>, dir: PathBuf, environment: Vec<CString>) -> Self {
        let path = environment.iter().find_map(|pair| pair.as_bytes().strip_prefix(b"PATH=")).unwrap_or_default();
        let path = path.to_vec();
        Self { command, dir, environment, path, confinement: Confinement::default() }
    }

    /// The same within `confinement`.
    #[must_use]
    pub fn confined(self, confinement: Confinement) -> Self {
        Self { confinement, ..self }
    }

    /// As whom the program runs, and within what.
    #[must_use]
    pub const fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// The command's words.
    #[must_use]
    pub fn command(&self) -> &[CString] {
        &self.command
    }

    /// The environment, each as `NAME=value`.
    #[must_use]
    pub fn environment(&self) -> &[CString] {
        &self.environment
    }

    /// The directory to start in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds a variable of the server's own, whose name and value hold no NUL.
    pub fn add(&mut self, name: &str, value: &str) {
        self.environment.extend(CString::new(format!("{name}={value}")));
    }

    /// Whether it could be started now, as far as this process can tell: what another account may enter and execute only
    /// that account knows.
    ///
    /// # Errors
    /// Names the field at fault.
    pub fn check(&self) -> Result<(), SpawnError> {
        if self.confinement.user.is_some() {
            return Ok(());
        }
        self.resolve()?;
        let is_allowed = self.confinement.roots.is_empty()
            || self.dir.canonicalize().is_ok_and(|resolved| self.confinement.allows(&resolved));
        if is_allowed { Ok(()) } else { Err(SpawnError::DirectoryOutside) }
    }

    /// The program's file, and that it and the directory can be used now. The file system may change before the
    /// program is started; then starting it fails with the same errors.
    ///
    /// # Errors
    /// Names the field at fault.
    pub fn resolve(&self) -> Result<PathBuf, SpawnError> {
        match self.dir.metadata() {
            Ok(found) if !found.is_dir() => return Err(SpawnError::NotADirectory),
            Ok(_) => access(&self.dir, Access::EXEC_OK).map_err(|_| SpawnError::DirectoryForbidden)?,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(SpawnError::DirectoryForbidden);
            }
            Err(_) => return Err(SpawnError::NoSuchDirectory),
        }
        let program = OsStr::from_bytes(self.command[0].as_bytes());
        if program.as_bytes().contains(&b'/') {
            return executable(&self.dir.join(program));
        }
        // As execvp(3): a file that may not be executed is passed over, but remembered.
        let mut refused = SpawnError::NoSuchProgram;
        for dir in self.path.split(|&byte| byte == b':').filter(|dir| !dir.is_empty()) {
            match executable(&self.dir.join(OsStr::from_bytes(dir)).join(program)) {
                Ok(found) => return Ok(found),
                Err(SpawnError::NotExecutable) => refused = SpawnError::NotExecutable,
                Err(_) => {}
            }
        }
        Err(refused)
    }
}

fn executable(file: &Path) -> Result<PathBuf, SpawnError> {
    match file.metadata() {
        Ok(found) if found.is_file() && access(file, Access::EXEC_OK).is_ok() => Ok(file.to_path_buf()),
        Ok(_) => Err(SpawnError::NotExecutable),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(SpawnError::NotExecutable),
        Err(_) => Err(SpawnError::NoSuchProgram),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(command: &[&str], dir: &str) -> Result<Launch, LaunchError> {
        let command: Vec<_> = command.iter().map(ToString::to_string).collect();
        Launch::new(&command, dir.into(), &[("PATH".into(), "/usr/bin:/bin".into())])
    }

    #[test]
    fn a_command_no_program_could_have_names_the_field() {
        assert_eq!(launch(&[], "/").unwrap_err().field, "command");
        assert_eq!(launch(&[""], "/").unwrap_err().field, "command");
        assert_eq!(launch(&["a\0b"], "/").unwrap_err().rule, "must not contain NUL");
        assert_eq!(launch(&["x"; 1025], "/").unwrap_err().field, "command");
        assert_eq!(launch(&["x"], "relative").unwrap_err().field, "workingDir");
        let env = [("A=B".into(), OsString::new())];
        assert_eq!(Launch::new(&["x".into()], "/".into(), &env).unwrap_err().field, "env");
    }

    #[test]
    fn a_program_is_found_in_the_path_given_or_the_reason_is_told() {
        let resolve = |command: &str, dir: &str| launch(&[command], dir).expect("valid").resolve();
        assert!(resolve("sh", "/").expect("found").ends_with("sh"));
        assert!(matches!(resolve("no-such-program", "/"), Err(SpawnError::NoSuchProgram)));
        assert!(matches!(resolve("/etc/passwd", "/"), Err(SpawnError::NotExecutable)));
        assert!(matches!(resolve("/usr", "/"), Err(SpawnError::NotExecutable)));
        assert!(matches!(resolve("sh", "/no/such"), Err(SpawnError::NoSuchDirectory)));
        assert!(matches!(resolve("sh", "/etc/passwd"), Err(SpawnError::NotADirectory)));
    }
}
