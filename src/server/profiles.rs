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
/// When a profile names an account that does not exist.
pub(super) fn of(config: &Config) -> Result<Profiles, ServerError> {
    let mut all = BTreeMap::new();
    for (name, profile) in &config.profiles {
        all.insert(name.clone(), of_one(name, profile, config)?);
    }
    let shell = || Profile {
        description: None,
        command: login(&config.shell),
        args: false,
        roles: [Role::Member, Role::Admin].into(),
        surroundings: usual(config),
    };
    all.entry(SHELL.to_owned()).or_insert_with(shell);
    let any_command = match config.any_command {
        AnyCommand::Admin => Some(Role::Admin),
        AnyCommand::Member => Some(Role::Member),
        AnyCommand::Nobody => None,
    };
    Ok(Profiles { all, any_command, surroundings: usual(config) })
}

fn of_one(name: &str, profile: &ProfileConfig, config: &Config) -> Result<Profile, ServerError> {
    let account = profile.user.as_deref().map(|user| account(name, user)).transpose()?;
    let (home, shell) = account
        .as_ref()
        .map_or((&config.home, &config.shell), |UnixAccount { home, shell, .. }| (home, shell));
    let mut environment: BTreeMap<_, _> = profile.environment.iter().cloned().collect();
    environment.extend(account.iter().flat_map(of_account));
    environment.extend(profile.env.iter().cloned());
    let confinement = Confinement {
        limits: limits(profile.limits).or(limits(config.limits)),
        user: profile.user.clone(),
        no_new_privs: profile.no_new_privs,
        roots: profile.roots.clone(),
    };
    Ok(Profile {
        description: profile.description.clone(),
        command: if profile.command.is_empty() { login(shell) } else { profile.command.clone() },
        args: profile.args,
        roles: profile.roles.iter().copied().map(role).collect(),
        surroundings: Surroundings { environment: environment.into_iter().collect(), home: home.clone(), confinement },
    })
}

fn account(profile: &str, user: &str) -> Result<UnixAccount, ServerError> {
    let wrong = |reason: String| ServerError::Profile { profile: profile.to_owned(), reason };
    let found = UnixAccount::find(user).map_err(|error| wrong(format!("cannot be looked up: {error}")))?;
    found.ok_or_else(|| wrong(format!("there is no account {user:?}")))
}

/// What login(1) tells an account's programs.
fn of_account(account: &UnixAccount) -> [(OsString, OsString); 5] {
    let UnixAccount { name, home, shell, .. } = account;
    let pair = |name: &str, value: &Path| (name.into(), value.into());
    let name = Path::new(name);
    [pair("HOME", home), pair("SHELL", shell), pair("USER", name), pair("LOGNAME", name), pair("PATH", Path::new(PATH))]
}

/// What surrounds a program that no profile says more about.
fn usual(config: &Config) -> Surroundings {
    Surroundings {
        environment: config.session_environment.clone(),
        home: config.home.clone(),
        confinement: Confinement { limits: limits(config.limits), ..Confinement::default() },
    }
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
