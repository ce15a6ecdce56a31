//! What may be started on this server, as the tables `[profiles.NAME]` of the configuration file say it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use super::Environment;
use super::check::{Wrong, is_variable_name, wrong};
use super::raw::{LimitsConfig, ProfileRole, RawProfile};

/// Longest name of a profile, in bytes: what a menu shows.
const NAME_MAX: usize = 64;
/// Most directories a profile may name, far beyond use.
const ROOTS_MAX: usize = 64;
/// The least memory a program can be held to, in bytes: below it few could even be loaded.
const MEMORY_BYTES_MIN: u64 = 16 * 1024 * 1024;
/// The fewest descriptors: below it a shell cannot redirect.
const DESCRIPTORS_MIN: u64 = 16;

/// A profile, checked.
#[derive(Clone)]
pub struct ProfileConfig {
    /// What it is for.
    pub description: Option<String>,
    /// The program and its arguments; the login shell of its account when empty.
    pub command: Vec<String>,
    /// Whether a request may append words.
    pub args: bool,
    /// Directories below which its programs begin; anywhere when empty.
    pub roots: Vec<PathBuf>,
    /// What it inherits of the server's environment.
    pub environment: Vec<(OsString, OsString)>,
    /// What it finds there in any case.
    pub env: Vec<(OsString, OsString)>,
    /// The Unix account it runs as; the server's when none is named.
    pub user: Option<String>,
    /// Who may use it.
    pub roles: BTreeSet<ProfileRole>,
    /// What it may use.
    pub limits: LimitsConfig,
    /// Whether it gains nothing by set-user-ID programs.
    pub no_new_privs: bool,
}

/// Checks the profile `name`; `pass_env` is what all sessions inherit besides the usual.
pub(super) fn check(
    name: &str,
    raw: RawProfile,
    pass_env: &[String],
    environment: &Environment,
) -> Result<ProfileConfig, Wrong> {
    let key = |field: &str| format!("profiles.{name}.{field}");
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_plain) {
        return wrong(format!("profiles.{name}"), format!("a name is 1 to {NAME_MAX} of a-z, 0-9, - and _"));
    }
    if raw.command.first().is_some_and(String::is_empty) || raw.command.iter().any(|word| word.contains('\0')) {
        return wrong(key("command"), "must be words without NUL, of which the first names a program");
    }
    if raw.args && raw.command.is_empty() {
        return wrong(key("args"), "is for a profile that names its command");
    }
    if raw.root.len() > ROOTS_MAX || raw.root.iter().any(|root| !root.starts_with('/') || root.contains('\0')) {
        return wrong(key("root"), format!("must be at most {ROOTS_MAX} absolute paths"));
    }
    if let Some(variable) = raw.env.keys().chain(&raw.pass_env).find(|name| !is_variable_name(name)) {
        return wrong(key("env"), format!("{variable:?} is not the name of a variable that can be set"));
    }
    if raw.env.values().any(|value| value.contains('\0')) {
        return wrong(key("env"), "a value must not contain NUL");
    }
    if raw.user.as_ref().is_some_and(|user| user.is_empty() || user.contains('\0')) {
        return wrong(key("user"), "must be the name of an account");
    }
    let passed: Vec<_> = pass_env.iter().chain(&raw.pass_env).cloned().collect();
    Ok(ProfileConfig {
        description: raw.description,
        command: raw.command,
        args: raw.args,
        roots: raw.root.into_iter().map(Into::into).collect(),
        environment: environment.for_sessions(&passed),
        env: raw.env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        user: raw.user,
        roles: raw.roles.into_iter().collect(),
        limits: check_limits(&key("limits"), raw.limits)?,
        no_new_privs: raw.no_new_privs,
    })
}

/// Checks limits, which stand at `key`.
pub(super) fn check_limits(key: &str, limits: LimitsConfig) -> Result<LimitsConfig, Wrong> {
    for (field, limit, least) in [
        ("processes", limits.processes, 1),
        ("memory_bytes", limits.memory_bytes, MEMORY_BYTES_MIN),
        ("cpu_seconds", limits.cpu_seconds, 1),
        ("file_bytes", limits.file_bytes, 0),
        ("descriptors", limits.descriptors, DESCRIPTORS_MIN),
    ] {
        if limit.is_some_and(|limit| limit < least) {
            return wrong(format!("{key}.{field}"), format!("must be at least {least}"));
        }
    }
    Ok(limits)
}
