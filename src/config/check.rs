//! What each setting must be.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use tracing_subscriber::EnvFilter;

use super::raw::Raw;
use super::{Config, Environment, profile};

/// The fewest bytes of output a session may hold: two segments, so that one can be read while the other is written.
const LOG_BYTES_MIN: u64 = 128 * 1024;
/// The most: beyond it one session could take a small server's memory.
const LOG_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// The most lines above a screen: beyond it one session could take a small server's memory.
const SCROLLBACK_LINES_MAX: u64 = 1_000_000;
/// The least lag that makes a viewer skip: below it one that is merely busy for a moment would.
const RESYNC_BYTES_MIN: u64 = 64 * 1024;
/// The shortest life of an access token, in seconds: below it clients would do little but renew.
const ACCESS_TOKEN_SECONDS_MIN: u64 = 10;
/// The longest, in seconds: every ended login is remembered for as long.
const ACCESS_TOKEN_SECONDS_MAX: u64 = 24 * 60 * 60;
/// Most sessions or connections that can be configured: what file descriptors allow on a large machine.
const COUNT_MAX: u64 = 1_000_000;
/// Longest an exited session can be kept, in seconds: a year.
const EXITED_TTL_MAX: u64 = 366 * 24 * 60 * 60;

/// A setting that cannot be.
pub(super) struct Wrong {
    pub(super) key: String,
    pub(super) rule: String,
}

pub(super) fn check(raw: Raw, environment: &Environment) -> Result<Config, Wrong> {
    if raw.no_auth && !raw.bind.to_canonical().is_loopback() {
        return wrong("no_auth", "allowed only while `bind` is a loopback address");
    }
    if raw.root_holder && raw.no_holder {
        return wrong("root_holder", "makes no sense together with `no_holder`");
    }
    if raw.run_as.contains('\0') {
        return wrong("run_as", "must be the name of an account");
    }
    if let Err(error) = EnvFilter::try_new(&raw.log_level) {
        return wrong("log_level", error.to_string());
    }
    if let Some(name) = raw.pass_env.iter().find(|name| !is_variable_name(name)) {
        return wrong("pass_env", format!("{name:?} is not the name of a variable that can be passed"));
    }
    let seconds = |key, value, low, high| between(key, value, low, high).map(|_| Duration::from_secs(value));
    Ok(Config {
        data_dir: data_dir(&raw.data_dir, environment)?,
        public_urls: raw.public_urls.iter().map(|url| origin(url)).collect::<Result<_, _>>()?,
        log_bytes: between("log_bytes", raw.log_bytes, LOG_BYTES_MIN, LOG_BYTES_MAX)?,
        scrollback_lines: between("scrollback_lines", raw.scrollback_lines, 0, SCROLLBACK_LINES_MAX)?,
        resync_bytes: between("resync_bytes", raw.resync_bytes, RESYNC_BYTES_MIN, LOG_BYTES_MAX)?,
        pace: raw.pace,
        sizes: raw.sizes,
        clipboard: raw.clipboard,
        max_sessions: between("max_sessions", raw.max_sessions, 1, COUNT_MAX)?,
        max_connections: between("max_connections", raw.max_connections, 1, COUNT_MAX)?,
        exited_ttl: seconds("exited_ttl_seconds", raw.exited_ttl_seconds, 0, EXITED_TTL_MAX)?,
        exited_max: between("exited_max", raw.exited_max, 0, COUNT_MAX)?,
        access_token_lifetime: seconds(
            "access_token_seconds",
            raw.access_token_seconds,
            ACCESS_TOKEN_SECONDS_MIN,
            ACCESS_TOKEN_SECONDS_MAX,
        )?,
        profiles: raw
            .profiles
            .into_iter()
            .map(|(name, profile)| {
                profile::check(&name, profile, &raw.pass_env, environment).map(|checked| (name, checked))
            })
            .collect::<Result<_, _>>()?,
        limits: profile::check_limits("limits", raw.limits)?,
        any_command: raw.any_command,
        session_environment: environment.for_sessions(&raw.pass_env),
        home: environment.home(),
        shell: environment.shell(),
        login_name: environment.login_name(),
        notify_socket: environment.notify_socket(),
        bind: raw.bind,
        port: raw.port,
        no_auth: raw.no_auth,
        holder: !raw.no_holder,
        root_holder: raw.root_holder,
        debuggable: raw.debuggable,
        run_as: (!raw.run_as.is_empty()).then_some(raw.run_as),
        systemd: environment.systemd(),
        log_format: raw.log_format,
        log_level: raw.log_level,
    })
}

pub(super) fn wrong<T>(key: impl Into<String>, rule: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { key: key.into(), rule: rule.into() })
}

fn between(key: &str, value: u64, low: u64, high: u64) -> Result<usize, Wrong> {
    match usize::try_from(value) {
        Ok(fits) if (low..=high).contains(&value) => Ok(fits),
        _ => wrong(key, format!("must be between {low} and {high}, got {value}")),
    }
}

/// A name a shell would take, and not one of the server's own, whose values sessions must not see.
pub(super) fn is_variable_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && !name.starts_with("FANTAIL_") && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn data_dir(written: &str, environment: &Environment) -> Result<PathBuf, Wrong> {
    let path = match written.strip_prefix("~/") {
        Some(rest) => environment.home().join(rest),
        None if written.is_empty() => environment.default_data_dir(),
        None => PathBuf::from(written),
    };
    std::path::absolute(path).or_else(|error| wrong("data_dir", error.to_string()))
}

/// An origin as a browser writes it: `https://host[:port]`, lower case, without the scheme's own port.
fn origin(written: &str) -> Result<String, Wrong> {
    let refused = || wrong("public_urls", format!("{written:?} is not an origin such as https://term.example.org"));
    let Ok(uri) = written.parse::<Uri>() else { return refused() };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return refused() };
    let usual_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return refused(),
    };
    let bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    if !bare || authority.host().is_empty() || written.contains(['#', '*']) {
        return refused();
    }
    let host = authority.host().to_ascii_lowercase();
    Ok(match authority.port_u16() {
        Some(port) if port != usual_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}
