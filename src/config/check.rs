//! What each setting must be.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::network::{check_the_open_net, origins, tls, trusted_proxies};
use super::raw::Raw;
use super::{Config, Environment, Rates, oidc, profile};

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
/// Most sessions, connections or requests that can be configured: what file descriptors allow on a large machine.
const COUNT_MAX: u64 = 1_000_000;
/// Longest an exited session can be kept, in seconds: a year.
const EXITED_TTL_MAX: u64 = 366 * 24 * 60 * 60;

/// A setting that cannot be.
pub(super) struct Wrong {
    pub(super) key: String,
    pub(super) rule: String,
}

pub(super) fn check(raw: Raw, environment: &Environment) -> Result<Config, Wrong> {
    check_what_goes_together(&raw)?;
    let (tls, trusted_proxies) = (tls(&raw, environment)?, trusted_proxies(&raw)?);
    check_the_open_net(&raw, tls.as_ref(), &trusted_proxies)?;
    let seconds = |key, value, low, high| between(key, value, low, high).map(|_| Duration::from_secs(value));
    Ok(Config {
        data_dir: data_dir(&raw.data_dir, environment)?,
        database_url: database_url(&raw.database_url)?,
        sealing_keys: named_path("sealing_keys", &raw.sealing_keys, environment)?,
        public_urls: origins("public_urls", &raw.public_urls)?,
        cors_origins: origins("cors_origins", &raw.cors_origins)?,
        unix_socket: named_path("unix_socket", &raw.unix_socket, environment)?,
        tls,
        trusted_proxies,
        max_unauthenticated_per_address: between(
            "max_unauthenticated_per_address",
            raw.max_unauthenticated_per_address,
            1,
            COUNT_MAX,
        )?,
        rates: rates(&raw)?,
        log_bytes: between("log_bytes", raw.log_bytes, LOG_BYTES_MIN, LOG_BYTES_MAX)?,
        scrollback_lines: between("scrollback_lines", raw.scrollback_lines, 0, SCROLLBACK_LINES_MAX)?,
        resync_bytes: between("resync_bytes", raw.resync_bytes, RESYNC_BYTES_MIN, LOG_BYTES_MAX)?,
        pace: raw.pace,
        sizes: raw.sizes,
        clipboard: raw.clipboard,
        emulation: raw.emulation,
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
        oidc: raw
            .oidc
            .into_iter()
            .map(|(name, provider)| oidc::check(&name, provider, environment).map(|checked| (name, checked)))
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

fn rates(raw: &Raw) -> Result<Rates, Wrong> {
    Ok(Rates {
        requests: rate("rate_requests", raw.rate_requests)?,
        openings: rate("rate_openings", raw.rate_openings)?,
        tickets: rate("rate_tickets", raw.rate_tickets)?,
        expensive: rate("rate_expensive", raw.rate_expensive)?,
        saves: rate("rate_saves", raw.rate_saves)?,
        attempts: rate("rate_attempts", raw.rate_attempts)?,
    })
}

/// What is wrong whatever else is said, and what cannot be said together.
fn check_what_goes_together(raw: &Raw) -> Result<(), Wrong> {
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
    Ok(())
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

/// A limit can be high; there is no number that switches it off.
fn rate(key: &str, value: u64) -> Result<NonZeroU32, Wrong> {
    let count = u32::try_from(value).ok().filter(|count| u64::from(*count) <= COUNT_MAX).and_then(NonZeroU32::new);
    count.map_or_else(|| wrong(key, format!("must be between 1 and {COUNT_MAX}, got {value}")), Ok)
}

/// A name a shell would take, and not one of the server's own, whose values sessions must not see.
pub(super) fn is_variable_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && !name.starts_with("FANTAIL_") && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn data_dir(written: &str, environment: &Environment) -> Result<PathBuf, Wrong> {
    let path = named_path("data_dir", written, environment)?;
    Ok(path.unwrap_or_else(|| environment.default_data_dir()))
}

/// The address of a PostgreSQL. It is not repeated in a complaint: it can hold a password.
fn database_url(written: &str) -> Result<Option<String>, Wrong> {
    let is_one = written.starts_with("postgres://") || written.starts_with("postgresql://");
    match written {
        "" => Ok(None),
        _ if is_one => Ok(Some(written.to_owned())),
        _ => wrong("database_url", "must be postgres://user@host/database, or empty"),
    }
}

/// A path from the root, whatever it was written from; none where none is named.
pub(super) fn named_path(
    key: &'static str,
    written: &str,
    environment: &Environment,
) -> Result<Option<PathBuf>, Wrong> {
    let path = match written.strip_prefix("~/") {
        Some(rest) => environment.home().join(rest),
        None if written.is_empty() => return Ok(None),
        None => PathBuf::from(written),
    };
    std::path::absolute(path).map(Some).or_else(|error| wrong(key, error.to_string()))
}
