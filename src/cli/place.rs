//! Where the server is: named by the user, or found through the file a running server leaves in its data directory.
//!
//! Only looks; never starts a server, never writes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use clap::builder::StringValueParser;
use serde::Deserialize;

use super::trust::Trust;

/// What a running server writes for the command line of the same account.
const SERVER_FILE: &str = "server.json";

/// Which server to talk to. Flatten into a command's arguments.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ServerArgs {
    /// Where the server keeps its data [default: $XDG_DATA_HOME/fantail or ~/.local/share/fantail]
    #[arg(long, env = "FANTAIL_DATA_DIR", value_name = "DIR", hide_env_values = true)]
    pub data_dir: Option<OsString>,

    /// A server elsewhere, such as https://host:port or unix:/path; its access token is read from FANTAIL_TOKEN
    #[arg(long, env = "FANTAIL_URL", value_name = "URL", hide_env_values = true)]
    pub url: Option<String>,

    /// The certificate of the server at --url, or of who vouches for it, a PEM file [default: the system's authorities]
    #[arg(long, env = "FANTAIL_CA", value_name = "FILE", hide_env_values = true)]
    pub ca: Option<OsString>,

    /// Hidden, because arguments are visible to every account of a machine.
    #[arg(long, env = "FANTAIL_TOKEN", value_name = "TOKEN", hide = true, hide_env_values = true)]
    pub token: Option<Token>,

    /// Hidden: here only so that the environment has one reader.
    #[arg(long, env = "XDG_DATA_HOME", value_name = "DIR", hide = true)]
    pub xdg_data_home: Option<OsString>,
}

/// A credential. Never shown, also not by `{:?}` (law 8).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Token(String);

/// A server's address and what it takes to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The server's root, as given.
    pub url: String,
    /// None for a server that asks for none.
    pub token: Option<Token>,
    /// By what it is known.
    pub trust: Trust,
    /// Set when found through the file of a server on this machine.
    pub local: Option<Local>,
}

/// The local server a [`Place`] was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Local {
    /// Its file.
    pub file: PathBuf,
    /// Its process.
    pub pid: i32,
}

/// Why no server could be found.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// No data directory can be derived: there is no home.
    #[error("no home directory: name the server's data directory with --data-dir")]
    NoHome,
    /// Nothing has been written there.
    #[error("no server found at {}; start one with `fantail serve`", .0.display())]
    NoServer(PathBuf),
    /// It is there but may not be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It is there but holds something else.
    #[error("{} is not what a server writes; start one anew with `fantail serve`", .0.display())]
    NotAServerFile(PathBuf),
}

impl ServerArgs {
    /// The server meant: `--url` where given, else the local one.
    ///
    /// # Errors
    /// When none is named and none can be found.
    pub(super) fn place(&self) -> Result<Place, PlaceError> {
        match self.url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => {
                let token = self.token.clone().filter(|token| !token.0.is_empty());
                let trust = named(self.ca.as_ref()).map_or(Trust::System, Trust::Authorities);
                Ok(Place { url: url.to_owned(), token, trust, local: None })
            }
            None => read(&self.data_dir()?.join(SERVER_FILE)),
        }
    }

    fn data_dir(&self) -> Result<PathBuf, PlaceError> {
        if let Some(dir) = named(self.data_dir.as_ref()) {
            return Ok(dir);
        }
        // A relative one is to be ignored, says the XDG specification.
        if let Some(dir) = named(self.xdg_data_home.as_ref()).filter(|dir| dir.is_absolute()) {
            return Ok(dir.join("fantail"));
        }
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty()).ok_or(PlaceError::NoHome)?;
        Ok(home.join(".local/share/fantail"))
    }
}

/// A variable that is set to nothing counts as not set.
fn named(value: Option<&OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn read(file: &Path) -> Result<Place, PlaceError> {
    #[derive(Deserialize)]
    struct ServerFile {
        url: String,
        pid: i32,
        token: Option<Token>,
        certificate: Option<PathBuf>,
    }

    let json = std::fs::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PlaceError::NoServer(file.to_owned()),
        _ => PlaceError::Unreadable(file.to_owned(), error),
    })?;
    let ServerFile { url, pid, token, certificate } =
        serde_json::from_slice(&json).map_err(|_| PlaceError::NotAServerFile(file.to_owned()))?;
    let trust = certificate.map_or(Trust::System, Trust::Exactly);
    Ok(Place { url, token, trust, local: Some(Local { file: file.to_owned(), pid }) })
}

impl Local {
    /// Whether the process that wrote the file is gone, which leaves the file stale.
    #[must_use]
    pub(super) fn is_gone(&self) -> bool {
        // A file can hold any number, and `from_raw` takes no negative one.
        let Some(pid) = rustix::process::Pid::from_raw(self.pid.max(0)) else { return true };
        // Not being allowed to signal it means that it is there.
        rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
    }
}

impl Token {
    /// The credential itself, for the one header that carries it.
    #[must_use]
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl clap::builder::ValueParserFactory for Token {
    type Parser = clap::builder::MapValueParser<StringValueParser, fn(String) -> Self>;

    fn value_parser() -> Self::Parser {
        clap::builder::TypedValueParser::map(StringValueParser::new(), Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_dir(dir: &Path) -> ServerArgs {
        ServerArgs { data_dir: Some(dir.into()), ..ServerArgs::default() }
    }

    #[test]
    fn a_local_server_is_found_through_its_file_and_its_token_is_never_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(
            dir.path().join(SERVER_FILE),
            r#"{"url": "https://127.0.0.1:7681", "pid": 1, "token": "ftl_local_x", "certificate": "/c", "later": 1}"#,
        )
        .expect("written");
        let place = in_dir(dir.path()).place().expect("a place");
        assert_eq!(
            (place.url.as_str(), place.token.as_ref().map(Token::reveal)),
            ("https://127.0.0.1:7681", Some("ftl_local_x"))
        );
        assert_eq!(place.trust, Trust::Exactly("/c".into()));
        assert!(!place.local.as_ref().expect("local").is_gone(), "process 1 is always there");
        assert!(!format!("{place:?}").contains("ftl_local_x"));
    }

    #[test]
    fn what_is_missing_or_unreadable_is_said_with_its_path() {
        let dir = tempfile::tempdir().expect("a directory");
        let error = in_dir(dir.path()).place().expect_err("nothing there").to_string();
        assert!(
            error.starts_with("no server found at ") && error.ends_with("start one with `fantail serve`"),
            "{error}"
        );
        std::fs::write(dir.path().join(SERVER_FILE), "{}").expect("written");
        assert!(matches!(in_dir(dir.path()).place(), Err(PlaceError::NotAServerFile(_))));
    }

    #[test]
    fn a_process_that_never_was_is_gone() {
        for pid in [0, -1, i32::MAX] {
            assert!(Local { file: PathBuf::new(), pid }.is_gone());
        }
    }

    #[test]
    fn an_address_wins_over_the_file_and_empty_variables_count_for_nothing() {
        let url = ServerArgs { url: Some("https://h".into()), ..ServerArgs::default() };
        assert_eq!(url.place().expect("a place").local, None);
        let args = ServerArgs {
            data_dir: Some("".into()),
            xdg_data_home: Some("/x".into()),
            url: Some(String::new()),
            ..ServerArgs::default()
        };
        assert_eq!(args.data_dir().expect("a directory"), Path::new("/x/fantail"));
        let relative = ServerArgs { xdg_data_home: Some("x".into()), ..ServerArgs::default() };
        assert!(relative.data_dir().expect("a home").ends_with(".local/share/fantail"));
    }
}
