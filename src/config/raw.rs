//! The settings as they are written, with their defaults: the list of keys there are.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// For whom programs' output is held back, in sessions that do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// For nobody.
    Free,
    /// For the fastest viewer.
    #[default]
    Fastest,
    /// For every viewer.
    Lossless,
}

/// Whose window gives sessions their size, in those that do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Sizes {
    /// That of the client that typed last.
    #[default]
    Latest,
    /// That of the session's owner.
    Owner,
    /// The least of all who may type.
    Smallest,
    /// Nobody's.
    Fixed,
}

/// What becomes of text a program puts on the clipboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Clipboard {
    /// Viewers are told, and ask their users.
    #[default]
    View,
    /// Nothing.
    Off,
}

/// Whose terminal sessions behave as, where the page and xterm do not agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Emulation {
    /// The page's.
    #[default]
    Client,
    /// xterm's.
    Xterm,
    /// xterm's, and programs may ask what is in the cells.
    XtermChecksums,
}

/// From which role on a request may name a command itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum AnyCommand {
    /// Admins.
    #[default]
    Admin,
    /// Members too.
    Member,
    /// None: sessions are opened by profile only.
    Nobody,
}

/// Who may use a profile. Guests open nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileRole {
    /// Members.
    Member,
    /// Admins.
    Admin,
}

/// What somebody becomes who comes by a provider of logins and has no account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Nothing: only who has an account comes in.
    #[default]
    Nobody,
    /// A guest.
    Guest,
    /// A member.
    Member,
}

/// Text that is not shown, also not by `{:?}`.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Hidden(pub(super) String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl Serialize for Hidden {
    /// Only defaults are written, to be overwritten by what was set.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

/// A provider of logins as it is written: see [`super::OidcConfig`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawOidc {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) client_secret: Hidden,
    pub(super) client_secret_file: String,
    pub(super) label: String,
    #[serde(deserialize_with = "list")]
    pub(super) scopes: Vec<String>,
    pub(super) sign_up: SignUp,
    #[serde(deserialize_with = "list")]
    pub(super) allowed_domains: Vec<String>,
}

impl Default for RawOidc {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret: Hidden::default(),
            client_secret_file: String::new(),
            label: String::new(),
            scopes: ["openid", "profile", "email"].map(Into::into).into(),
            sign_up: SignUp::Nobody,
            allowed_domains: Vec::new(),
        }
    }
}

/// A profile as it is written: see [`super::ProfileConfig`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProfile {
    pub(super) description: Option<String>,
    pub(super) command: Vec<String>,
    pub(super) args: bool,
    #[serde(deserialize_with = "list")]
    pub(super) root: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    pub(super) pass_env: Vec<String>,
    pub(super) user: Option<String>,
    pub(super) roles: Vec<ProfileRole>,
    pub(super) limits: LimitsConfig,
    pub(super) no_new_privs: bool,
}

impl Default for RawProfile {
    fn default() -> Self {
        Self {
            description: None,
            command: Vec::new(),
            args: false,
            root: Vec::new(),
            env: BTreeMap::new(),
            pass_env: Vec::new(),
            user: None,
            roles: vec![ProfileRole::Member, ProfileRole::Admin],
            limits: LimitsConfig::default(),
            no_new_privs: false,
        }
    }
}

/// What a session's programs may use; what is none is as for the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Processes and threads of the account.
    pub processes: Option<u64>,
    /// Bytes of address space of each process.
    pub memory_bytes: Option<u64>,
    /// Seconds of processor time of each process.
    pub cpu_seconds: Option<u64>,
    /// Bytes of each file that is written.
    pub file_bytes: Option<u64>,
    /// Open descriptors of each process.
    pub descriptors: Option<u64>,
}

/// Every key, unchecked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) bind: IpAddr,
    pub(super) port: u16,
    /// Empty for the default, which depends on the environment.
    pub(super) data_dir: String,
    /// Empty for the file in the data directory. No flag: it can hold a password, and arguments are seen by everyone.
    pub(super) database_url: String,
    /// Empty for the file in the data directory.
    pub(super) sealing_keys: String,
    pub(super) no_auth: bool,
    pub(super) no_holder: bool,
    pub(super) root_holder: bool,
    pub(super) debuggable: bool,
    pub(super) log_format: LogFormat,
    pub(super) log_level: String,
    #[serde(deserialize_with = "list")]
    pub(super) public_urls: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(super) cors_origins: Vec<String>,
    /// Empty for none.
    pub(super) unix_socket: String,
    /// Empty for none.
    pub(super) tls_cert: String,
    /// Empty for none.
    pub(super) tls_key: String,
    pub(super) tls_self_signed: bool,
    pub(super) behind_tls_proxy: bool,
    #[serde(deserialize_with = "list")]
    pub(super) trusted_proxies: Vec<String>,
    pub(super) max_unauthenticated_per_address: u64,
    pub(super) rate_requests: u64,
    pub(super) rate_openings: u64,
    pub(super) rate_tickets: u64,
    pub(super) rate_expensive: u64,
    pub(super) rate_saves: u64,
    pub(super) rate_attempts: u64,
    pub(super) log_bytes: u64,
    pub(super) scrollback_lines: u64,
    pub(super) resync_bytes: u64,
    pub(super) pace: Pace,
    pub(super) sizes: Sizes,
    pub(super) clipboard: Clipboard,
    pub(super) emulation: Emulation,
    pub(super) max_sessions: u64,
    pub(super) max_connections: u64,
    pub(super) exited_ttl_seconds: u64,
    pub(super) exited_max: u64,
    #[serde(deserialize_with = "list")]
    pub(super) pass_env: Vec<String>,
    pub(super) access_token_seconds: u64,
    pub(super) any_command: AnyCommand,
    /// Empty for the account the server runs as.
    pub(super) run_as: String,
    pub(super) limits: LimitsConfig,
    pub(super) profiles: BTreeMap<String, RawProfile>,
    pub(super) oidc: BTreeMap<String, RawOidc>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 4020,
            data_dir: String::new(),
            database_url: String::new(),
            sealing_keys: String::new(),
            no_auth: false,
            no_holder: false,
            root_holder: false,
            debuggable: false,
            log_format: LogFormat::Text,
            log_level: "info".into(),
            public_urls: Vec::new(),
            cors_origins: Vec::new(),
            unix_socket: String::new(),
            tls_cert: String::new(),
            tls_key: String::new(),
            tls_self_signed: false,
            behind_tls_proxy: false,
            trusted_proxies: Vec::new(),
            max_unauthenticated_per_address: 64,
            rate_requests: 100,
            rate_openings: 30,
            rate_tickets: 60,
            rate_expensive: 3,
            rate_saves: 30,
            rate_attempts: 5,
            log_bytes: 4 * 1024 * 1024,
            scrollback_lines: 10_000,
            resync_bytes: 1024 * 1024,
            pace: Pace::Fastest,
            sizes: Sizes::Latest,
            clipboard: Clipboard::View,
            emulation: Emulation::Client,
            max_sessions: 4096,
            max_connections: 16_384,
            exited_ttl_seconds: 600,
            exited_max: 1000,
            pass_env: Vec::new(),
            access_token_seconds: 900,
            any_command: AnyCommand::Admin,
            run_as: String::new(),
            limits: LimitsConfig::default(),
            profiles: BTreeMap::new(),
            oidc: BTreeMap::new(),
        }
    }
}

/// Keys whose value is text even where it looks like a number.
pub(super) const TEXT_KEYS: [&str; 19] = [
    "bind",
    "data_dir",
    "database_url",
    "sealing_keys",
    "log_format",
    "log_level",
    "public_urls",
    "cors_origins",
    "unix_socket",
    "tls_cert",
    "tls_key",
    "trusted_proxies",
    "pace",
    "sizes",
    "clipboard",
    "emulation",
    "pass_env",
    "any_command",
    "run_as",
];

/// A list, or its items with commas between them, which is all a variable can hold.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of strings")]
    enum Written {
        Text(String),
        Items(Vec<String>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Items(items) => items,
        Written::Text(text) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Into::into).collect(),
    })
}
