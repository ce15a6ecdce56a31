//! Every setting: a flag of `fantail serve`, a `FANTAIL_*` variable and a key of the configuration file, in that order
//! of precedence. Checked once, then plain data.
//!
//! The only place that reads the environment. A setting that is wrong or unknown stops the start, naming the key and
//! where it stands; nothing is corrected silently.

mod check;
mod environment;
mod network;
mod oidc;
mod profile;
mod raw;
mod sources;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub use environment::Environment;
use ipnet::IpNet;
pub use network::Tls;
pub use oidc::{OidcConfig, OidcSecret};
pub use profile::ProfileConfig;
pub use raw::{AnyCommand, Clipboard, Emulation, LimitsConfig, LogFormat, Pace, ProfileRole, SignUp, Sizes};
pub use sources::Flags;

/// The settings, checked. No `Debug`: what sessions inherit can hold secrets of the user's.
#[derive(Clone)]
pub struct Config {
    /// The address to listen on.
    pub bind: IpAddr,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Where accounts, keys and the lock are.
    pub data_dir: PathBuf,
    /// The PostgreSQL that holds accounts and keys in place of the file in `data_dir`. Can hold a password.
    pub database_url: Option<String>,
    /// The file of the keys that seal secrets in the store, where it is not in `data_dir`.
    pub sealing_keys: Option<PathBuf>,
    /// Whether everyone who can reach the (loopback) address is the owner.
    pub no_auth: bool,
    /// Whether sessions are kept by a process of their own and outlive this one.
    pub holder: bool,
    /// Whether root has started that process, and not this one.
    pub root_holder: bool,
    /// Whether other processes of this account may look into ours.
    pub debuggable: bool,
    /// What systemd-run finds the service manager by, where a systemd service runs us.
    pub systemd: Option<Vec<(OsString, OsString)>>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log_level: String,
    /// Origins under which a proxy serves us: `https://host[:port]`, as browsers write them.
    pub public_urls: Vec<String>,
    /// Origins of other sites whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// A Unix socket to listen on as well.
    pub unix_socket: Option<PathBuf>,
    /// What TLS is served with, if it is.
    pub tls: Option<Tls>,
    /// Peers whose word on who calls is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections of one address that have not shown a credential yet.
    pub max_unauthenticated_per_address: usize,
    /// How often everyone may ask.
    pub rates: Rates,
    /// Bytes of output held for each session.
    pub log_bytes: usize,
    /// Lines kept above each session's screen.
    pub scrollback_lines: usize,
    /// How far a viewer that cannot follow may fall behind.
    pub resync_bytes: usize,
    /// For whom programs' output is held back.
    pub pace: Pace,
    /// Whose window gives sessions their size.
    pub sizes: Sizes,
    /// What becomes of text a program puts on the clipboard.
    pub clipboard: Clipboard,
    /// Whose terminal sessions behave as.
    pub emulation: Emulation,
    /// Sessions at once.
    pub max_sessions: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// How long an exited session is kept.
    pub exited_ttl: Duration,
    /// Exited sessions kept at once.
    pub exited_max: usize,
    /// How long an access token lives.
    pub access_token_lifetime: Duration,
    /// What a session's program finds in its environment, before anything a request adds.
    pub session_environment: Vec<(OsString, OsString)>,
    /// From which role on a request may name a command itself.
    pub any_command: AnyCommand,
    /// The account programs run as unless their profile names one; the server's when there is none.
    pub run_as: Option<String>,
    /// What programs may use where no profile says otherwise.
    pub limits: LimitsConfig,
    /// What may be started, by name.
    pub profiles: BTreeMap<String, ProfileConfig>,
    /// Whose word on who somebody is counts, by name.
    pub oidc: BTreeMap<String, OidcConfig>,
    /// The home directory: where sessions start, and what `~/` means.
    pub home: PathBuf,
    /// The login shell.
    pub shell: PathBuf,
    /// The account the server runs as.
    pub login_name: Option<String>,
    /// Where the service manager that started us hears how we are.
    pub notify_socket: Option<OsString>,
}

/// How often one account, or one address where nobody is logged in, may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests in 10 seconds.
    pub requests: NonZeroU32,
    /// Sessions opened in a minute.
    pub openings: NonZeroU32,
    /// Tickets for WebSockets in a minute.
    pub tickets: NonZeroU32,
    /// Expensive requests in a minute.
    pub expensive: NonZeroU32,
    /// Users, tokens, shares and grants made or changed in an hour.
    pub saves: NonZeroU32,
    /// Attempts with a credential that fail in 15 minutes.
    pub attempts: NonZeroU32,
}

/// Why the settings were refused. The message is for the person who wrote them.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that does not exist.
    #[error("{key}: there is no such setting ({place})")]
    Unknown {
        /// The key.
        key: String,
        /// Where it stands.
        place: String,
    },
    /// A value that cannot be.
    #[error("{key}: {rule} ({place})")]
    Wrong {
        /// The key.
        key: String,
        /// What is wrong, or what the value must be.
        rule: String,
        /// Where it stands.
        place: String,
    },
    /// The configuration file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl Config {
    /// Reads flags, environment and file, and checks them.
    ///
    /// # Errors
    /// When any setting is unknown or wrong, or the file cannot be read.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let (raw, places) = sources::merge(flags, environment)?;
        check::check(raw, environment).map_err(|wrong| ConfigError::Wrong {
            place: places.of(&wrong.key),
            key: wrong.key,
            rule: wrong.rule,
        })
    }

    /// Whether only this machine can reach the address.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.bind.to_canonical().is_loopback()
    }

    /// The address to listen on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }
}

#[cfg(test)]
mod tests;
