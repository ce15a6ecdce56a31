//! The environment and the password file, read once: what sessions inherit, and where things are by default.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Variables every session inherits; also everything that starts with `LC_`. Nothing of the server's own is here.
const INHERITED: [&str; 7] = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TZ"];
/// Where programs are found when the server itself was started without a `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The locale of sessions when the server was started without any: the terminal speaks UTF-8, and in the C locale
/// programs would print question marks. It is built into glibc, so nothing has to be installed.
const DEFAULT_LANG: &str = "C.UTF-8";
/// What names the character set, the first that is set before the others (locale(7)).
const CHARACTER_SETS: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];
/// The shell that is always there.
const LAST_SHELL: &str = "/bin/sh";

/// The server's environment, as found at the start. No `Debug`: it can hold secrets.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    login: Option<Login>,
}

/// What the password file says about the account the server runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Login {
    name: String,
    home: PathBuf,
    shell: PathBuf,
}

impl Environment {
    /// Reads the process's environment and the password file. Called once, by the command line.
    #[must_use]
    pub fn read() -> Self {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let login = Login::find(&passwd, rustix::process::getuid().as_raw());
        Self { variables: std::env::vars_os().collect(), login }
    }

    /// An environment of these variables and nothing else.
    #[must_use]
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self { variables: variables.map(|(name, value)| (name.into(), value.into())).into(), login: None }
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The configuration file to read: the one asked for, or the usual one where it exists.
    pub(super) fn config_file(&self, asked: Option<&Path>) -> Option<PathBuf> {
        if let Some(path) = asked {
            return Some(path.to_owned());
        }
        if let Some(path) = self.get("FANTAIL_CONFIG") {
            return Some(path.into());
        }
        let base = self.absolute("XDG_CONFIG_HOME").unwrap_or_else(|| self.home().join(".config"));
        Some(base.join("fantail/fantail.toml")).filter(|path| path.is_file())
    }

    pub(super) fn default_data_dir(&self) -> PathBuf {
        self.absolute("XDG_DATA_HOME").unwrap_or_else(|| self.home().join(".local/share")).join("fantail")
    }

    pub(super) fn home(&self) -> PathBuf {
        let known = || self.login.as_ref().map(|login| login.home.clone());
        self.absolute("HOME").or_else(known).unwrap_or_else(|| "/".into())
    }

    pub(super) fn shell(&self) -> PathBuf {
        let known = || self.login.as_ref().map(|login| login.shell.clone());
        self.absolute("SHELL").or_else(known).unwrap_or_else(|| LAST_SHELL.into())
    }

    pub(super) fn login_name(&self) -> Option<String> {
        let named = self.get("USER").and_then(OsStr::to_str).map(Into::into);
        named.or_else(|| self.login.as_ref().map(|login| login.name.clone()))
    }

    /// What systemd-run needs to find the service manager, where a systemd service runs us.
    pub(super) fn systemd(&self) -> Option<Vec<(OsString, OsString)>> {
        self.get("INVOCATION_ID")?;
        let named = ["PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];
        Some(named.iter().filter_map(|name| Some((name.into(), self.get(name)?.into()))).collect())
    }

    /// What a session's program finds, `extra` names included. What the server was started without is filled in, so
    /// that a session under a bare service manager still has a home, a path and a character set.
    pub(super) fn for_sessions(&self, extra: &[String]) -> Vec<(OsString, OsString)> {
        let mut variables: BTreeMap<OsString, OsString> = BTreeMap::from([
            ("HOME".into(), self.home().into()),
            ("SHELL".into(), self.shell().into()),
            ("PATH".into(), DEFAULT_PATH.into()),
        ]);
        if let Some(name) = self.login_name() {
            variables.insert("USER".into(), name.clone().into());
            variables.insert("LOGNAME".into(), name.into());
        }
        let passed = |name: &OsStr| {
            let Some(name) = name.to_str() else { return false };
            INHERITED.contains(&name) || name.starts_with("LC_") || extra.iter().any(|extra| extra == name)
        };
        variables.extend(self.variables.iter().filter(|(name, _)| passed(name)).map(|(n, v)| (n.clone(), v.clone())));
        if CHARACTER_SETS.iter().all(|name| self.get(name).is_none()) {
            variables.insert("LANG".into(), DEFAULT_LANG.into());
        }
        variables.into_iter().collect()
    }

    fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

impl Login {
    /// Finds an account by number in the text of a password file.
    fn find(passwd: &str, uid: u32) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let fields: Vec<_> = line.split(':').collect();
            let [name, _, number, _, _, home, shell] = fields[..] else { return None };
            let shell = if shell.is_empty() { LAST_SHELL } else { shell };
            (number.parse() == Ok(uid)).then(|| Self { name: name.into(), home: home.into(), shell: shell.into() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_inherits_the_allowed_variables_and_nothing_else() {
        let environment = Environment::of([
            ("HOME", "/home/ann"),
            ("LC_TIME", "de"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("FANTAIL_TOKEN", "canary"),
            ("EDITOR", "vi"),
        ]);
        let inherited = environment.for_sessions(&["EDITOR".into()]);
        let names: Vec<_> = inherited.iter().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["EDITOR", "HOME", "LANG", "LC_TIME", "PATH", "SHELL"]);
    }

    #[test]
    fn a_session_speaks_utf_8_unless_the_server_was_told_a_locale() {
        let lang = |environment: &Environment| {
            environment.for_sessions(&[]).into_iter().find(|(name, _)| name == "LANG").map(|(_, value)| value)
        };
        assert_eq!(lang(&Environment::of([("LC_TIME", "de")])), Some("C.UTF-8".into()));
        assert_eq!(lang(&Environment::of([("LANG", ""), ("LC_ALL", "")])), Some("C.UTF-8".into()), "empty is not set");
        assert_eq!(lang(&Environment::of([("LANG", "de_DE")])), Some("de_DE".into()));
        for name in ["LC_ALL", "LC_CTYPE"] {
            assert_eq!(lang(&Environment::of([(name, "POSIX")])), None);
        }
    }

    #[test]
    fn the_password_file_fills_in_what_the_environment_lacks() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann,,,:/home/ann:\nbroken\n";
        let login = Login::find(passwd, 1000);
        let environment = Environment { login, ..Environment::default() };
        assert_eq!(environment.home(), Path::new("/home/ann"));
        assert_eq!(environment.shell(), Path::new(LAST_SHELL), "an empty shell field means the usual one");
        assert_eq!(environment.login_name().as_deref(), Some("ann"));
        assert_eq!(Login::find(passwd, 7), None);
    }
}
