//! From the profiles of the configuration to what callers may start: accounts are looked up, defaults filled in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::ServerError;
use crate::auth::Role;
use crate::config::{AnyCommand, Config, LimitsConfig, ProfileConfig, ProfileRole};
use crate::http::profiles::{Profile, Profiles, SHELL, Surroundings};
use crate::session::{Confinement, Limits, UnixAccount};

/// Where another account's programs are found: the server's own path may lead to places that are not for it.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// What callers may start.
///
/// # Errors
/// When a setting names an account that does not exist.
pub(super) fn of(config: &Config) -> Result<Profiles, ServerError> {
    let everyones = config.run_as.as_deref().map(|user| account("run_as".into(), user)).transpose()?;
    let shell = everyones.as_ref().map_or(&config.shell, |account| &account.shell);
    let usual = || {
        let confinement =
            Confinement { user: config.run_as.clone(), limits: limits(config.limits), ..Confinement::default() };
        surroundings(&config.session_environment, &[], everyones.as_ref(), confinement, config)
    };
    let mut all = BTreeMap::new();
    for (name, profile) in &config.profiles {
        all.insert(name.clone(), of_one(name, profile, everyones.as_ref(), config)?);
    }
    let builtin = || Profile {
        description: None,
        command: login(shell),
        args: false,
        roles: [Role::Member, Role::Admin].into(),
        surroundings: usual(),
    };
    all.entry(SHELL.to_owned()).or_insert_with(builtin);
    let any_command = match config.any_command {
        AnyCommand::Admin => Some(Role::Admin),
        AnyCommand::Member => Some(Role::Member),
        AnyCommand::Nobody => None,
    };
    Ok(Profiles { all, any_command, surroundings: usual() })
}

/// Says once, at the start, what sessions can read that run as the server's own account.
pub(super) fn tell_who_shares_the_account(config: &Config) {
    if config.run_as.is_none() {
        tracing::info!(
            "programs run as the server's own account and can read what it can, its data directory included \
             (run_as and profiles name other accounts)"
        );
    }
}

fn of_one(
    name: &str,
    profile: &ProfileConfig,
    everyones: Option<&UnixAccount>,
    config: &Config,
) -> Result<Profile, ServerError> {
    let own = profile.user.as_deref().map(|user| account(format!("profiles.{name}.user"), user)).transpose()?;
    let account = own.as_ref().or(everyones);
    let confinement = Confinement {
        limits: limits(profile.limits).or(limits(config.limits)),
        user: account.map(|account| account.name.clone()),
        no_new_privs: profile.no_new_privs,
        roots: profile.roots.clone(),
    };
    let shell = account.map_or(&config.shell, |account| &account.shell);
    Ok(Profile {
        description: profile.description.clone(),
        command: if profile.command.is_empty() { login(shell) } else { profile.command.clone() },
        args: profile.args,
        roles: profile.roles.iter().copied().map(role).collect(),
        surroundings: surroundings(&profile.environment, &profile.env, account, confinement, config),
    })
}

fn account(key: String, user: &str) -> Result<UnixAccount, ServerError> {
    let found = match UnixAccount::find(user) {
        Ok(found) => found.ok_or_else(|| format!("there is no account {user:?}")),
        Err(error) => Err(format!("{user:?} cannot be looked up: {error}")),
    };
    found.map_err(|reason| ServerError::Account { key, reason })
}

/// The environment of a program of `account`, or of the server's, with what its profile adds.
fn surroundings(
    inherited: &[(OsString, OsString)],
    added: &[(OsString, OsString)],
    account: Option<&UnixAccount>,
    confinement: Confinement,
    config: &Config,
) -> Surroundings {
    let mut environment: BTreeMap<_, _> = inherited.iter().cloned().collect();
    environment.extend(account.into_iter().flat_map(of_account));
    environment.extend(added.iter().cloned());
    let home = account.map_or(&config.home, |account| &account.home).clone();
    Surroundings { environment: environment.into_iter().collect(), home, confinement }
}

/// What login(1) tells an account's programs.
fn of_account(account: &UnixAccount) -> [(OsString, OsString); 5] {
    let UnixAccount { name, home, shell, .. } = account;
    let pair = |name: &str, value: &Path| (name.into(), value.into());
    let name = Path::new(name);
    [pair("HOME", home), pair("SHELL", shell), pair("USER", name), pair("LOGNAME", name), pair("PATH", Path::new(PATH))]
}

fn login(shell: &Path) -> Vec<String> {
    vec![shell.to_string_lossy().into_owned(), "-l".to_owned()]
}

const fn limits(config: LimitsConfig) -> Limits {
    let LimitsConfig { processes, memory_bytes, cpu_seconds, file_bytes, descriptors } = config;
    Limits { processes, memory_bytes, cpu_seconds, file_bytes, descriptors }
}

const fn role(role: ProfileRole) -> Role {
    match role {
        ProfileRole::Member => Role::Member,
        ProfileRole::Admin => Role::Admin,
    }
}
