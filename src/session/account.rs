//! Unix accounts, as the system's databases know them (getpwnam(3)).

use std::io;
use std::path::PathBuf;

use nix::unistd::User;

/// The shell of an account that names none.
const LAST_SHELL: &str = "/bin/sh";

/// An account that programs may run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixAccount {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its home directory.
    pub home: PathBuf,
    /// Its login shell.
    pub shell: PathBuf,
}

impl UnixAccount {
    /// The account of that name. Blocks: it may be asked for over a network.
    ///
    /// # Errors
    /// When the databases cannot be asked.
    pub fn find(name: &str) -> io::Result<Option<Self>> {
        let found = User::from_name(name)?;
        Ok(found.map(|User { name, uid, dir, shell, .. }| {
            let shell = if shell.as_os_str().is_empty() { LAST_SHELL.into() } else { shell };
            Self { name, uid: uid.as_raw(), home: dir, shell }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_name_or_there_is_none() {
        let root = UnixAccount::find("root").expect("asked").expect("there");
        assert_eq!((root.uid, root.name.as_str()), (0, "root"));
        assert_eq!(UnixAccount::find("no such account").expect("asked"), None);
    }
}
