//! `POST /api/sessions`: from what a client asks for, or a session that was, to what can be started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Role;
use crate::http::error::ApiError;
use crate::http::openapi::words;
use crate::http::profiles::{Asked, Chosen, Profiles, Refused, Surroundings};
use crate::session::{Launch, LaunchError, Pace, Profile, Session, Sizes, StartOn};
use crate::terminal::{Size, SizeError};

/// Longest name in characters: what a list can show, with room.
pub(in crate::http) const NAME_CHARS_MAX: usize = 256;
/// Variables of the server's own, which a client cannot set.
const RESERVED: &str = "FANTAIL_";

/// The request's body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OpenRequest {
    profile: Option<String>,
    #[serde(default)]
    #[schema(schema_with = words::appended_words, required = false)]
    args: Vec<String>,
    #[schema(schema_with = words::command_or_null, required = false)]
    command: Option<Vec<String>>,
    #[schema(schema_with = words::directory_or_null, required = false)]
    working_dir: Option<String>,
    #[serde(default)]
    #[schema(schema_with = words::additions_to_environment, required = false)]
    env: BTreeMap<String, String>,
    #[schema(schema_with = words::session_name_or_null, required = false)]
    name: Option<String>,
    #[schema(schema_with = words::side_or_null, required = false)]
    cols: Option<u64>,
    #[schema(schema_with = words::side_or_null, required = false)]
    rows: Option<u64>,
    #[serde(default)]
    spawn: Spawn,
    pace: Option<AskedPace>,
    sizes: Option<AskedSizes>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum AskedPace {
    Free,
    Fastest,
    Lossless,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum AskedSizes {
    Latest,
    Owner,
    Smallest,
    Fixed,
}

#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Spawn {
    #[default]
    Now,
    OnAttach,
}

/// What a request comes to.
pub(super) struct Plan {
    /// What it was chosen by.
    pub(super) profile: Option<Profile>,
    /// What to start.
    pub(super) launch: Launch,
    /// What people call it.
    pub(super) name: String,
    /// The terminal's size.
    pub(super) size: Size,
    /// When to start it.
    pub(super) start_on: StartOn,
    /// For whom its output is held back, if it says.
    pub(super) pace: Option<Pace>,
    /// Whose window gives it its size, if it says.
    pub(super) sizes: Option<Sizes>,
}

/// A field that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    /// As the wire spells it.
    pub(super) field: String,
    /// What it must be.
    pub(super) rule: String,
}

impl From<SizeError> for Invalid {
    fn from(error: SizeError) -> Self {
        let rule = format!("must be between {} and {}, got {}", Size::MIN, Size::MAX, error.got);
        Self { field: error.field.to_owned(), rule }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotAllowed => Self::CommandNotAllowed,
            Refused::Field(field, rule) => Invalid { field: field.into(), rule: rule.into() }.into(),
        }
    }
}

impl From<LaunchError> for Invalid {
    fn from(error: LaunchError) -> Self {
        Self { field: error.field.to_owned(), rule: error.rule.to_owned() }
    }
}

impl OpenRequest {
    /// Checks the request of a caller of this role, and fills in what it leaves open.
    ///
    /// # Errors
    /// When the caller may not start what it names; otherwise the first field at fault.
    pub(super) fn plan(self, profiles: &Profiles, role: Role) -> Result<Plan, ApiError> {
        let asked = Asked { profile: self.profile, args: self.args, command: self.command };
        let chosen = profiles.choose(role, asked)?;
        let dir = working_dir(self.working_dir.as_deref(), chosen.surroundings)?;
        let name = match self.name {
            Some(name) => checked_name(name)?,
            None => default_name(&chosen.command),
        };
        let size = Size::new(
            self.cols.unwrap_or(Size::DEFAULT.cols().into()),
            self.rows.unwrap_or(Size::DEFAULT.rows().into()),
        )
        .map_err(Invalid::from)?;
        let environment = environment(&chosen, self.env)?;
        let start_on = match self.spawn {
            Spawn::Now => StartOn::Open,
            Spawn::OnAttach => StartOn::Attach,
        };
        let pace = self.pace.map(|asked| match asked {
            AskedPace::Free => Pace::Free,
            AskedPace::Fastest => Pace::Fastest,
            AskedPace::Lossless => Pace::Lossless,
        });
        let sizes = self.sizes.map(|asked| match asked {
            AskedSizes::Latest => Sizes::Latest,
            AskedSizes::Owner => Sizes::Owner,
            AskedSizes::Smallest => Sizes::Smallest,
            AskedSizes::Fixed => Sizes::Fixed,
        });
        let (launch, profile) = launched(chosen, dir, &environment)?;
        Ok(Plan { profile, launch, name, size, start_on, pace, sizes })
    }
}

impl Plan {
    /// What opening `session` again comes to for a caller of this role: the same choice, made now. What a profile starts
    /// and what surrounds it may have changed since.
    ///
    /// # Errors
    /// As of a request.
    pub(super) fn again(session: &Session, profiles: &Profiles, role: Role) -> Result<Self, ApiError> {
        let status = session.status();
        let asked = match session.profile().cloned() {
            Some(Profile { name, args }) => Asked { profile: Some(name), args, command: None },
            None => Asked { command: Some(session.command().to_vec()), ..Asked::default() },
        };
        let chosen = profiles.choose(role, asked)?;
        let environment = environment(&chosen, BTreeMap::new())?;
        let (launch, profile) = launched(chosen, session.dir().to_path_buf(), &environment)?;
        let (start_on, pace, sizes) = (session.start_on(), Some(session.pace()), Some(session.sizes()));
        Ok(Self { profile, launch, name: status.name.clone(), size: status.size, start_on, pace, sizes })
    }
}

/// `name`, if it can be shown in one line of a list.
///
/// # Errors
/// When it is empty, too long, or has control characters.
pub(super) fn checked_name(name: String) -> Result<String, Invalid> {
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARS_MAX || name.chars().any(char::is_control) || name.trim().is_empty() {
        let rule = format!("must be 1 to {NAME_CHARS_MAX} characters, not all blank, without control characters");
        return Err(Invalid { field: "name".into(), rule });
    }
    Ok(name)
}

/// The program's file name, without what a list cannot show.
fn default_name(command: &[String]) -> String {
    let program = command.first().map_or("", String::as_str);
    let name = Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "session".to_owned() } else { name }
}

/// What is to be started, within what its profile says.
fn launched(
    chosen: Chosen<'_>,
    dir: PathBuf,
    environment: &[(OsString, OsString)],
) -> Result<(Launch, Option<Profile>), Invalid> {
    let Chosen { profile, args, command, surroundings, .. } = chosen;
    // What was appended is at fault where both are too long together: what a profile says was found to be right.
    let field = |error| match (Invalid::from(error), &profile) {
        (invalid, Some(_)) if invalid.field == "command" => Invalid { field: "args".into(), ..invalid },
        (invalid, _) => invalid,
    };
    let launch = Launch::new(&command, dir, environment).map_err(field)?;
    let profile = profile.map(|name| Profile { name, args });
    Ok((launch.confined(surroundings.confinement.clone()), profile))
}

/// Where it starts: at home unless it is told, or below the first of its roots where home is outside of them.
fn working_dir(asked: Option<&str>, surroundings: &Surroundings) -> Result<PathBuf, Invalid> {
    let Surroundings { home, confinement, .. } = surroundings;
    let is_inside = || home.canonicalize().is_ok_and(|home| confinement.allows(&home));
    let dir = match asked {
        None => confinement.roots.first().filter(|_| !is_inside()).unwrap_or(home).clone(),
        Some("~") => home.clone(),
        Some(asked) => match asked.strip_prefix("~/") {
            Some(below) => home.join(below),
            None => PathBuf::from(asked),
        },
    };
    if dir.is_absolute() {
        return Ok(dir);
    }
    Err(Invalid { field: "workingDir".into(), rule: "must be an absolute path, or begin with ~/".into() })
}

/// The inherited environment with the terminal's own variables, changed by the client's additions.
fn environment(chosen: &Chosen<'_>, additions: BTreeMap<String, String>) -> Result<Vec<(OsString, OsString)>, Invalid> {
    let mut environment: BTreeMap<OsString, OsString> = chosen.surroundings.environment.iter().cloned().collect();
    environment.insert("TERM".into(), "xterm-256color".into());
    environment.insert("COLORTERM".into(), "truecolor".into());
    for (name, value) in additions {
        if name.starts_with(RESERVED) {
            return Err(Invalid {
                field: format!("env.{name}"),
                rule: format!("names with {RESERVED} are the server's"),
            });
        }
        if !chosen.may_set(&name) {
            let rule = "only who may start any command sets more than TERM, COLORTERM, LANG, LC_… and TZ".into();
            return Err(Invalid { field: format!("env.{name}"), rule });
        }
        environment.insert(name.into(), value.into());
    }
    Ok(environment.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::profiles;
    use crate::session::Confinement;

    fn plan(body: &str) -> Result<Plan, ApiError> {
        let surroundings = || Surroundings {
            environment: vec![("PATH".into(), "/bin".into()), ("TERM".into(), "dumb".into())],
            home: "/home/ann".into(),
            confinement: Confinement { roots: vec!["/srv".into()], ..Confinement::default() },
        };
        let profile = |command: &[&str], args, confined| profiles::Profile {
            description: None,
            command: command.iter().map(ToString::to_string).collect(),
            args,
            roles: [Role::Admin].into(),
            surroundings: if confined {
                surroundings()
            } else {
                Surroundings { confinement: Confinement::default(), ..surroundings() }
            },
        };
        let all = [("shell", profile(&["/bin/zsh", "-l"], false, false)), ("build", profile(&["make"], true, true))];
        let all = all.into_iter().map(|(name, profile)| (name.to_owned(), profile)).collect();
        let profiles =
            Profiles { all, any_command: Some(Role::Admin), surroundings: profile(&[], false, false).surroundings };
        serde_json::from_str::<OpenRequest>(body).expect("well-formed").plan(&profiles, Role::Admin)
    }

    fn refused(body: &str) -> String {
        match plan(body).err().expect("refused") {
            ApiError::InvalidField { field, .. } => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_profile_starts_its_command_below_its_roots_with_the_words_that_are_appended() {
        let plan = plan(r#"{"profile":"build","args":["all"]}"#).expect("valid");
        assert_eq!(plan.launch.command(), [c"make".to_owned(), c"all".to_owned()]);
        assert_eq!((plan.launch.dir(), plan.name.as_str()), (Path::new("/srv"), "make"));
        assert_eq!(plan.profile, Some(Profile { name: "build".into(), args: vec!["all".into()] }));
        assert_eq!(plan.launch.confinement().roots, [PathBuf::from("/srv")]);
        let long = format!(r#"{{"profile":"build","args":["{}"]}}"#, "x".repeat(600 * 1024));
        assert_eq!(refused(&long), "args");
    }

    #[test]
    fn an_empty_request_opens_the_login_shell_at_home() {
        let plan = plan("{}").expect("valid");
        assert_eq!(plan.launch.command(), [c"/bin/zsh".to_owned(), c"-l".to_owned()]);
        assert_eq!((plan.launch.dir(), plan.name.as_str()), (Path::new("/home/ann"), "zsh"));
        assert!(plan.launch.environment().contains(&c"TERM=xterm-256color".to_owned()));
    }

    #[test]
    fn what_the_client_gives_is_kept() {
        let plan =
            plan(r#"{"command":["a"],"workingDir":"~/src","env":{"TERM":"vt100"},"name":"é","cols":1000,"rows":1}"#);
        let plan = plan.expect("valid");
        assert_eq!((plan.launch.dir(), plan.name.as_str()), (Path::new("/home/ann/src"), "é"));
        assert!(plan.launch.environment().contains(&c"TERM=vt100".to_owned()));
        assert_eq!((plan.size.cols(), plan.size.rows()), (1000, 1));
    }

    #[test]
    fn a_field_that_breaks_a_rule_is_named() {
        assert_eq!(refused(r#"{"cols":0}"#), "cols");
        assert_eq!(refused(r#"{"rows":1001}"#), "rows");
        assert_eq!(refused(r#"{"command":[]}"#), "command");
        assert_eq!(refused(r#"{"command":["a\u0000"]}"#), "command");
        assert_eq!(refused(r#"{"workingDir":"src"}"#), "workingDir");
        assert_eq!(refused(r#"{"name":""}"#), "name");
        assert_eq!(refused(r#"{"name":"a\nb"}"#), "name");
        assert_eq!(refused(r#"{"env":{"FANTAIL_SESSION_ID":"x"}}"#), "env.FANTAIL_SESSION_ID");
        assert_eq!(refused(r#"{"env":{"A":"\u0000"}}"#), "env");
    }
}
