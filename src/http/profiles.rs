//! Profiles: what may be started here, by whom, and with what around it. `GET /api/profiles`.
//!
//! The one place that decides whether a caller may start a command.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::caller::Caller;
use crate::auth::Role;
use crate::session::Confinement;

/// The profile of a request that names neither a profile nor a command.
pub const SHELL: &str = "shell";
/// Variables that say how programs talk to people; others change what programs do, and are for those who may start any.
/// So is everything that starts with `LC_`.
const SPOKEN: [&str; 4] = ["TERM", "COLORTERM", "LANG", "TZ"];

/// Something that may be started.
pub struct Profile {
    /// What it is for.
    pub description: Option<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Whether a request may append words.
    pub args: bool,
    /// Who may use it.
    pub roles: BTreeSet<Role>,
    /// What surrounds its programs.
    pub surroundings: Surroundings,
}

/// What surrounds programs.
pub struct Surroundings {
    /// Their environment, before a request's additions.
    pub environment: Vec<(OsString, OsString)>,
    /// Where they start unless told otherwise, and what `~` means.
    pub home: PathBuf,
    /// As whom they run, and within what.
    pub confinement: Confinement,
}

/// All that may be started.
pub struct Profiles {
    /// By name.
    pub all: BTreeMap<String, Profile>,
    /// From which role on a request may name a command itself; none may where this is none.
    pub any_command: Option<Role>,
    /// What surrounds such a command.
    pub surroundings: Surroundings,
}

/// What a request names.
#[derive(Debug, Default)]
pub struct Asked {
    /// A profile.
    pub profile: Option<String>,
    /// Words to append to its command.
    pub args: Vec<String>,
    /// A command of its own.
    pub command: Option<Vec<String>>,
}

/// What a request may start.
pub struct Chosen<'a> {
    /// The profile's name; none where the request named a command.
    pub profile: Option<String>,
    /// The words that were appended.
    pub args: Vec<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What surrounds it.
    pub surroundings: &'a Surroundings,
    /// Whether the request may change the environment in ways that change what programs do.
    pub any_environment: bool,
}

/// Why a request may not start what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such profile, or it and this command are not for this caller.
    NotAllowed,
    /// A field makes no sense.
    Field(&'static str, &'static str),
}

impl Profiles {
    /// What `role` starts who asks for this.
    ///
    /// # Errors
    /// When it may not, or what it asks makes no sense.
    pub fn choose(&self, role: Role, asked: Asked) -> Result<Chosen<'_>, Refused> {
        let any_environment = self.any_command.is_some_and(|least| role >= least);
        let Asked { profile, args, command } = asked;
        if let Some(command) = command {
            if profile.is_some() {
                return Err(Refused::Field("command", "not together with profile"));
            }
            if !args.is_empty() {
                return Err(Refused::Field("args", "only with profile: a command has its own"));
            }
            if !any_environment {
                return Err(Refused::NotAllowed);
            }
            return Ok(Chosen { profile: None, args, command, surroundings: &self.surroundings, any_environment });
        }
        let name = profile.unwrap_or_else(|| SHELL.to_owned());
        let profile = self.of(role, &name).ok_or(Refused::NotAllowed)?;
        if !args.is_empty() && !profile.args {
            return Err(Refused::Field("args", "this profile takes none"));
        }
        if args.iter().any(|word| word.starts_with('-') || word.chars().any(char::is_control)) {
            return Err(Refused::Field("args", "must not begin with - or contain control characters"));
        }
        let command = profile.command.iter().chain(&args).cloned().collect();
        Ok(Chosen { profile: Some(name), args, command, surroundings: &profile.surroundings, any_environment })
    }

    fn of(&self, role: Role, name: &str) -> Option<&Profile> {
        self.all.get(name).filter(|profile| profile.roles.contains(&role))
    }
}

impl Chosen<'_> {
    /// Whether the request may set a variable.
    #[must_use]
    pub fn may_set(&self, variable: &str) -> bool {
        self.any_environment || SPOKEN.contains(&variable) || variable.starts_with("LC_")
    }
}

/// A profile as a caller sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct ProfileObject {
    name: String,
    command: Vec<String>,
    description: Option<String>,
    /// Whether a request may append words.
    args: bool,
}

pub(super) async fn list(State(app): State<App>, caller: Caller) -> Json<Vec<ProfileObject>> {
    let all = app.settings().profiles.all.iter().filter(|(_, profile)| profile.roles.contains(&caller.role()));
    let objects = all.map(|(name, profile)| ProfileObject {
        name: name.clone(),
        command: profile.command.clone(),
        description: profile.description.clone(),
        args: profile.args,
    });
    Json(objects.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings { environment: Vec::new(), home: "/".into(), confinement: Confinement::default() }
    }

    fn profiles(any_command: Option<Role>) -> Profiles {
        let profile = |command: &str, args, roles: &[Role]| Profile {
            description: None,
            command: vec![command.into()],
            args,
            roles: roles.iter().copied().collect(),
            surroundings: surroundings(),
        };
        let all = [
            (SHELL, profile("zsh", false, &[Role::Member, Role::Admin])),
            ("build", profile("make", true, &[Role::Member])),
            ("root", profile("rootsh", false, &[Role::Admin])),
        ];
        let all = all.into_iter().map(|(name, profile)| (name.to_owned(), profile)).collect();
        Profiles { all, any_command, surroundings: surroundings() }
    }

    fn by_name(profile: &str, args: &[&str]) -> Asked {
        let args = args.iter().map(ToString::to_string).collect();
        Asked { profile: Some(profile.into()), args, command: None }
    }

    fn command(word: &str) -> Asked {
        Asked { command: Some(vec![word.into()]), ..Asked::default() }
    }

    #[test]
    fn a_caller_starts_what_its_role_may_and_nothing_else() {
        let profiles = profiles(Some(Role::Admin));
        let started = |role, asked| profiles.choose(role, asked).map(|chosen| chosen.command.join(" "));
        assert_eq!(started(Role::Member, Asked::default()), Ok("zsh".into()));
        assert_eq!(started(Role::Member, by_name("build", &["all"])), Ok("make all".into()));
        assert_eq!(started(Role::Admin, by_name("root", &[])), Ok("rootsh".into()));
        assert_eq!(started(Role::Admin, command("ls")), Ok("ls".into()));
        let refused = [(Role::Member, "root"), (Role::Admin, "build"), (Role::Guest, SHELL), (Role::Admin, "none")];
        for (role, name) in refused {
            assert_eq!(started(role, by_name(name, &[])), Err(Refused::NotAllowed), "{role} {name}");
        }
        assert_eq!(started(Role::Member, command("ls")), Err(Refused::NotAllowed));
    }

    #[test]
    fn words_that_could_be_options_or_commands_of_their_own_are_refused() {
        let profiles = profiles(None);
        for word in ["-f", "--", "-", "a\nb", "a\0b", "\u{1b}[A"] {
            let refused = profiles.choose(Role::Member, by_name("build", &["all", word])).err();
            assert!(matches!(refused, Some(Refused::Field("args", _))), "{word:?}");
        }
        let refused = profiles.choose(Role::Member, by_name(SHELL, &["x"])).err();
        assert_eq!(refused, Some(Refused::Field("args", "this profile takes none")));
        assert_eq!(profiles.choose(Role::Admin, command("ls")).err(), Some(Refused::NotAllowed), "nobody may");
        let both = Asked { profile: Some("build".into()), ..command("ls") };
        assert!(matches!(profiles.choose(Role::Admin, both).err(), Some(Refused::Field("command", _))));
    }

    #[test]
    fn who_may_not_start_any_command_may_not_change_what_its_programs_do() {
        let profiles = profiles(Some(Role::Admin));
        let may_set = |role, variable: &str| profiles.choose(role, Asked::default()).expect("chosen").may_set(variable);
        assert!(may_set(Role::Admin, "LD_PRELOAD") && may_set(Role::Member, "LC_ALL") && may_set(Role::Member, "TERM"));
        for variable in ["LD_PRELOAD", "PATH", "BASH_ENV", "HOME"] {
            assert!(!may_set(Role::Member, variable), "{variable}");
        }
    }
}
