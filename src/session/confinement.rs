//! As whom a program runs and within what. A profile of the server decides it, never a client.

use std::path::{Path, PathBuf};

use super::limits::Limits;

/// What surrounds a program that is not started with all that the server may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// The account it runs as; that of whoever starts it when none is named.
    pub user: Option<String>,
    /// What it may use.
    pub limits: Limits,
    /// Whether it can gain nothing by executing set-user-ID programs such as sudo.
    pub no_new_privs: bool,
    /// Its working directory lies in one of these or below, links resolved; anywhere when there are none.
    pub roots: Vec<PathBuf>,
}

impl Confinement {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a program may begin in `dir`, a path without links.
    #[must_use]
    pub fn allows(&self, dir: &Path) -> bool {
        let is_below = |root: &PathBuf| root.canonicalize().is_ok_and(|root| dir.starts_with(root));
        self.roots.is_empty() || self.roots.iter().any(is_below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lies_below_a_root_where_its_links_lead() {
        let base = tempfile::tempdir().expect("a directory");
        let base = base.path().canonicalize().expect("there");
        for dir in ["srv/a", "srv-b"] {
            std::fs::create_dir_all(base.join(dir)).expect("made");
        }
        std::os::unix::fs::symlink(base.join("srv"), base.join("link")).expect("made");
        let confinement =
            Confinement { roots: vec![base.join("nowhere"), base.join("link")], ..Confinement::default() };
        assert!(confinement.allows(&base.join("srv")) && confinement.allows(&base.join("srv/a")));
        for outside in ["srv-b", "nowhere", ""] {
            assert!(!confinement.allows(&base.join(outside)), "{outside}");
        }
        assert!(Confinement::default().allows(Path::new("/")));
    }
}
