//! Where settings come from, and which of them wins: default < file < variable < flag.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Serialize;

use super::raw::{AnyCommand, Clipboard, Emulation, LogFormat, Pace, Raw, Sizes, TEXT_KEYS};
use super::{ConfigError, Environment};

/// What every variable of ours starts with.
const PREFIX: &str = "FANTAIL_";
/// How the place of a setting begins that is one.
const OF_A_VARIABLE: &str = "environment variable ";
/// Variables of ours that are no settings: what the command line and sessions use, and where the file is.
const NOT_SETTINGS: [&str; 5] = ["FANTAIL_TOKEN", "FANTAIL_URL", "FANTAIL_CA", "FANTAIL_SESSION_ID", "FANTAIL_CONFIG"];

/// What stands around the name of a provider of logins in the variable that holds its secret.
const OIDC_SECRET: (&str, &str) = ("FANTAIL_OIDC_", "_CLIENT_SECRET");

/// The settings as flags of `fantail serve`.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub struct Flags {
    /// Configuration file [default: ~/.config/fantail/fantail.toml, where it exists]
    #[arg(long, value_name = "PATH")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind: Option<IpAddr>,
    /// Port to listen on; 0 takes any free one [default: 4020]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Where accounts and keys are kept [default: ~/.local/share/fantail]
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// The file of the keys that seal secrets at rest, for servers that share a database [default: in the data directory]
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealing_keys: Option<PathBuf>,
    /// Take everyone who reaches the address for its owner; on loopback only
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_auth: Option<bool>,
    /// Run programs from this process, with which they end: for containers and tests
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_holder: Option<bool>,
    /// Sessions are kept by a holder that root has started for this account (docs/HOLDER.md)
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_holder: Option<bool>,
    /// Let other processes of this account look into the server and its holder (gdb, perf, strace, /proc)
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debuggable: Option<bool>,
    /// How log lines are written [default: text]
    #[arg(long, value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
    /// Which log lines are written, such as `info` or `warn,fantail=debug` [default: info]
    #[arg(long, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// Origins under which a proxy serves this server, such as `https://term.example.org`
    #[arg(long, value_name = "URL", value_delimiter = ',', alias = "public-url")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_urls: Option<Vec<String>>,
    /// Origins of other sites whose pages may call the API, such as `https://tools.example.org`
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_origins: Option<Vec<String>>,
    /// Listen on this Unix socket as well, for the account the server runs as
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unix_socket: Option<PathBuf>,
    /// Serve https with this certificate and those behind it, a PEM file
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, a PEM file
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// Serve https with a certificate of the server's own, whose fingerprint is printed
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_self_signed: Option<bool>,
    /// A proxy of --trusted-proxies encrypts what leaves this machine
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind_tls_proxy: Option<bool>,
    /// Proxies whose word on who calls is taken: addresses, or blocks such as `10.0.0.0/8`
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Vec<String>>,
    /// Connections of one address that have not shown a credential yet [default: 64]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unauthenticated_per_address: Option<u64>,
    /// Requests of an account, or an address where nobody is logged in, in 10 seconds [default: 100]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_requests: Option<u64>,
    /// Sessions an account may open in a minute [default: 30]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_openings: Option<u64>,
    /// Tickets for WebSockets of an account in a minute [default: 60]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_tickets: Option<u64>,
    /// Expensive requests of an account in a minute [default: 3]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_expensive: Option<u64>,
    /// Users, tokens, shares and grants an account may make or change in an hour [default: 30]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_saves: Option<u64>,
    /// Failed attempts with a credential, of an account and of an address, in 15 minutes [default: 5]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_attempts: Option<u64>,
    /// Bytes of output held for each session [default: 4194304]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
    /// Lines kept above each session's screen [default: 10000]
    #[arg(long, value_name = "LINES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrollback_lines: Option<u64>,
    /// How far a viewer that cannot follow may fall behind before it is shown the screen instead [default: 1048576]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resync_bytes: Option<u64>,
    /// For whom programs' output is held back [default: fastest]
    #[arg(long, value_name = "PACE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// Whose window gives sessions their size [default: latest]
    #[arg(long, value_name = "WHOSE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Sizes>,
    /// Whether viewers are asked about text a program puts on the clipboard [default: view]
    #[arg(long, value_name = "POLICY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipboard: Option<Clipboard>,
    /// Whose terminal sessions behave as: the page draws nothing of what only xterm has [default: client]
    #[arg(long, value_name = "TERMINAL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulation: Option<Emulation>,
    /// Sessions at once [default: 4096]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sessions: Option<u64>,
    /// Connections at once [default: 16384]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u64>,
    /// How long an exited session is kept [default: 600]
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exited_ttl_seconds: Option<u64>,
    /// Exited sessions kept at once [default: 1000]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exited_max: Option<u64>,
    /// Names of further environment variables that sessions inherit
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_env: Option<Vec<String>>,
    /// How long an access token lives [default: 900]
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_seconds: Option<u64>,
    /// From which role on a request may name a command itself [default: admin]
    #[arg(long, value_name = "ROLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any_command: Option<AnyCommand>,
    /// The Unix account programs run as unless their profile names one [default: the server's]
    #[arg(long, value_name = "ACCOUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
}

/// Where each setting that is not a default stands.
#[derive(Default)]
pub(super) struct Places(BTreeMap<String, String>);

impl Places {
    pub(super) fn of(&self, key: &str) -> String {
        // A part of a table stands where the table does.
        let whole = key.split('.').next().unwrap_or_default();
        self.0.get(whole).cloned().unwrap_or_else(|| "by default".into())
    }
}

/// One setting in one place. Each is a source of its own, so that a complaint names exactly where it stands.
struct Setting {
    key: String,
    value: Value,
    place: String,
}

impl Provider for Setting {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.place.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(Dict::from([(self.key.clone(), self.value.clone())])))
    }
}

/// Reads and merges every source.
pub(super) fn merge(flags: &Flags, environment: &Environment) -> Result<(Raw, Places), ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(Raw::default()));
    let defaults = Value::serialize(Raw::default()).ok().and_then(Value::into_dict).unwrap_or_default();
    let mut places = Places::default();
    let file = environment.config_file(flags.config.as_deref()).map(|path| of_file(&path)).transpose()?;
    let settings = file.into_iter().flatten().chain(of_variables(environment)?).chain(of_flags(flags));
    for setting in settings {
        if !defaults.contains_key(&setting.key) {
            return Err(ConfigError::Unknown { key: setting.key, place: setting.place });
        }
        match &setting.value {
            // A secret alone, for a table that stands elsewhere.
            Value::Dict(..) if setting.place.starts_with(OF_A_VARIABLE) => {
                places.0.entry(setting.key.clone()).or_insert_with(|| setting.place.clone());
            }
            _ => {
                places.0.insert(setting.key.clone(), setting.place.clone());
            }
        }
        figment = figment.merge(setting);
    }
    let raw = figment.extract().map_err(|error| {
        let key = error.path.join(".");
        ConfigError::Wrong { rule: error.kind.to_string(), place: places.of(&key), key }
    })?;
    Ok((raw, places))
}

fn of_file(path: &Path) -> Result<Vec<Setting>, ConfigError> {
    let wrong = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let dict: Dict = Toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let place = path.display().to_string();
    Ok(dict.into_iter().map(|(key, value)| Setting { key, value, place: place.clone() }).collect())
}

fn of_variables(environment: &Environment) -> Result<Vec<Setting>, ConfigError> {
    let mut settings = Vec::new();
    for (name, value) in environment.variables() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        // A variable set to nothing is how a shell script leaves one out.
        if NOT_SETTINGS.contains(&name) || value.is_empty() {
            continue;
        }
        let key = name[PREFIX.len()..].to_lowercase();
        let place = format!("{OF_A_VARIABLE}{name}");
        let Some(text) = value.to_str() else {
            return Err(ConfigError::Wrong { key, rule: "not UTF-8".into(), place });
        };
        if let Some(provider) = name.strip_prefix(OIDC_SECRET.0).and_then(|rest| rest.strip_suffix(OIDC_SECRET.1)) {
            let provider = provider.to_lowercase();
            let value =
                Value::from(Dict::from([(provider, Dict::from([("client_secret".into(), text.into())]).into())]));
            settings.push(Setting { key: "oidc".into(), value, place });
            continue;
        }
        let value = if TEXT_KEYS.contains(&key.as_str()) { Value::from(text) } else { number_or_text(text) };
        settings.push(Setting { key, value, place });
    }
    Ok(settings)
}

fn number_or_text(text: &str) -> Value {
    if let Ok(number) = text.parse::<u64>() {
        return Value::from(number);
    }
    text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from)
}

fn of_flags(flags: &Flags) -> Vec<Setting> {
    let given = Value::serialize(flags).ok().and_then(Value::into_dict).unwrap_or_default();
    let setting = |(key, value): (String, Value)| {
        let place = format!("flag --{}", key.replace('_', "-"));
        Setting { key, value, place }
    };
    given.into_iter().map(setting).collect()
}
