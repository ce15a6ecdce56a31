//! How this server was started, so that another one can be started in the same way.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The hidden flag of a server that takes over from the one that started it.
pub const TAKE_OVER: &str = "--take-over";

/// A path that names the program, and the arguments. Environment and working directory are those the process still has.
#[derive(Clone, Debug)]
pub struct Origin {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl Origin {
    /// Of this process. To be asked at its start, while names still mean what they did when it was started: what lies
    /// under that path later is the new version.
    ///
    /// # Errors
    /// When the system does not say what program this is.
    pub fn of_this_process(search_path: Option<&OsStr>) -> io::Result<Self> {
        let mut arguments = env::args_os();
        let image = env::current_exe()?;
        let named = arguments.next().and_then(|name| located(&name, search_path));
        // The name, because a link from it to a version's own place leads to the next version later. Unless it names
        // something else: whoever starts a program may call it what they like.
        let program = named.filter(|path| fs::canonicalize(path).is_ok_and(|path| path == image)).unwrap_or(image);
        let arguments = arguments.filter(|argument| argument != TAKE_OVER).collect();
        Ok(Self { program, arguments })
    }
}

/// The path that a shell would have started for `name`.
fn located(name: &OsStr, search_path: Option<&OsStr>) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return std::path::absolute(name).ok();
    }
    let places = env::split_paths(search_path?).map(|place| place.join(name));
    places.filter_map(|path| std::path::absolute(path).ok()).find(|path| is_file(path))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_located_as_a_shell_does() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("fantail"), "").unwrap();
        let path = env::join_paths([Path::new("/nowhere"), place.path()]).unwrap();
        assert_eq!(located(OsStr::new("fantail"), Some(&path)), Some(place.path().join("fantail")));
        assert_eq!(located(OsStr::new("other"), Some(&path)), None);
        let here = located(OsStr::new("./x/fantail"), None).unwrap();
        assert!(here.is_absolute() && here.ends_with("x/fantail"), "{}", here.display());
    }

    #[test]
    fn this_process_can_be_started_again() {
        let origin = Origin::of_this_process(None).unwrap();
        assert!(origin.program.is_absolute() && is_file(&origin.program), "{}", origin.program.display());
    }
}
